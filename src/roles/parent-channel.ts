/** Sends to the primary; a primary that is gone is noticed by `disconnect`, not here. */
export function sendToPrimary(message: object): void {
  if (process.connected) process.send?.(message);
}
