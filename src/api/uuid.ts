const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Ids that cannot exist are unknown ids: both must get the same answer. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
