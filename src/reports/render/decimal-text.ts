const POINT = 0x2e;
const ZERO = 0x30;

/**
 * Writes a decimal, kept as ASCII text such as `-12.50`, with at least `minScale` digits after the
 * mark; digits beyond are all kept. A plus sign and needless zeros in front are left out.
 */
export function writeDecimal(
  out: Uint8Array,
  position: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  minScale: number,
  mark: number,
): number {
  let from = start;
  let at = position;
  const sign = bytes[from];
  if (sign === 0x2d || sign === 0x2b) {
    from++;
    if (sign === 0x2d) out[at++] = sign;
  }
  while (from + 1 < end && bytes[from] === ZERO && bytes[from + 1] !== POINT) from++;
  if (bytes[from] === POINT) out[at++] = ZERO;
  let scale = -1;
  for (let i = from; i < end; i++) {
    const byte = bytes[i];
    if (byte === POINT) {
      out[at++] = mark;
      scale = 0;
    } else {
      out[at++] = byte;
      if (scale >= 0) scale++;
    }
  }
  if (scale < minScale) {
    if (scale < 0) {
      if (minScale > 0) out[at++] = mark;
      scale = 0;
    }
    for (; scale < minScale; scale++) out[at++] = ZERO;
  }
  return at;
}

/** Digits of a decimal from its first one that is not zero, to its last: what a double must hold. */
export function significantDigits(bytes: Uint8Array, start: number, end: number): number {
  let digits = 0;
  let zerosAtEnd = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte < ZERO || byte > 0x39 || (digits === 0 && byte === ZERO)) continue;
    digits++;
    zerosAtEnd = byte === ZERO ? zerosAtEnd + 1 : 0;
  }
  return digits - zerosAtEnd;
}

/** The longest of a bytes column's cells, in bytes. */
export function longestCell(offsets: Uint32Array): number {
  let longest = 0;
  for (let i = 1; i < offsets.length; i++) {
    const length = offsets[i] - offsets[i - 1];
    if (length > longest) longest = length;
  }
  return longest;
}
