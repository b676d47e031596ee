/** The reflected polynomial of CRC-32 as in zip, gzip and zlib's `crc32`. */
const POLYNOMIAL = 0xedb88320;

/** SHIFTS[k] is x^(8 · 2^k) modulo the polynomial: a shift by 2^k bytes. */
const SHIFTS = shiftsByPowersOfTwo();

/**
 * The CRC-32 of two runs of bytes in a row, from the CRC-32 of each: the first one is shifted by
 * the length of the second, in as many steps as that length has bits.
 * @param lengthOfB bytes, up to 2^53
 * @returns unsigned
 */
export function crc32Combine(a: number, b: number, lengthOfB: number): number {
  let shifted = a >>> 0;
  let rest = lengthOfB;
  for (let k = 0; rest > 0; k++) {
    if (rest % 2 === 1) shifted = multiply(SHIFTS[k], shifted);
    rest = Math.floor(rest / 2);
  }
  return (shifted ^ b) >>> 0;
}

/** The product of two polynomials over GF(2), modulo the CRC's; the highest bit is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

function shiftsByPowersOfTwo(): readonly number[] {
  const shifts = [0x00800000];
  while (shifts.length < 54) {
    const last = shifts[shifts.length - 1];
    shifts.push(multiply(last, last));
  }
  return shifts;
}
