/** How large things are on their way. Pure. */

/** Room for bodies, headers and charts. */
const AROUND_BYTES = 100_000;
const BASE64_LINE = 76;

/** Bytes that a file takes in a message: four for three, and a line end for each 76 of them. */
export function encodedBytes(bytes: number): number {
  const base64 = Math.ceil(bytes / 3) * 4;
  return base64 + Math.ceil(base64 / BASE64_LINE) * 2;
}

/**
 * How much of a file fits beside what a message has already.
 * @param limit of the whole message as it is sent
 */
export function fits(bytes: number, alreadyEncoded: number, limit: number): boolean {
  return AROUND_BYTES + alreadyEncoded + encodedBytes(bytes) <= limit;
}

/** The largest file that could be attached at all. */
export function mostAttachedBytes(limit: number): number {
  return Math.max(
    0,
    Math.floor(((limit - AROUND_BYTES) * 3 * BASE64_LINE) / (4 * (BASE64_LINE + 2))),
  );
}
