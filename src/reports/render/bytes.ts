/** Copies all of `bytes` to `position`; returns the position after them. For a few bytes. */
export function writeBytes(out: Uint8Array, position: number, bytes: Uint8Array): number {
  let at = position;
  for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i];
  return at;
}

/** A buffer with room for `needed` bytes in all that begins with the first `kept` of `bytes`. */
export function growBytes(bytes: Buffer, kept: number, needed: number): Buffer {
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, bytes.length * 2));
  grown.set(bytes.subarray(0, kept));
  return grown;
}
