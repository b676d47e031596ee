const ZERO = 0x30;
const MINUS = 0x2d;

/** Most bytes that {@link writeInteger} takes. */
export const INTEGER_BYTES = 24;

/** Two digits, 00 to 99. */
export function writeTwoDigits(out: Uint8Array, position: number, value: number): number {
  const tens = (value / 10) | 0;
  out[position] = ZERO + tens;
  out[position + 1] = ZERO + value - tens * 10;
  return position + 2;
}

/** A whole number in decimal digits, without a plus sign; -0 is 0. The number must be finite. */
export function writeInteger(out: Uint8Array, position: number, value: number): number {
  let rest = value | 0;
  if (rest !== value || rest === -2_147_483_648) return writeAsText(out, position, value);
  let at = position;
  if (rest < 0) {
    out[at++] = MINUS;
    rest = -rest;
  }
  let end = at + 1;
  for (let over = 10; over <= rest && end - at < 10; over *= 10) end++;
  for (let i = end - 1; i >= at; i--) {
    const tens = (rest / 10) | 0;
    out[i] = ZERO + rest - tens * 10;
    rest = tens;
  }
  return end;
}

/** The instant second-of-day as `HH:MM:SS`. */
export function writeClock(out: Uint8Array, position: number, secondOfDay: number): number {
  const hours = (secondOfDay / 3600) | 0;
  const afterHours = secondOfDay - hours * 3600;
  const minutes = (afterHours / 60) | 0;
  let at = writeTwoDigits(out, position, hours);
  out[at++] = 0x3a;
  at = writeTwoDigits(out, at, minutes);
  out[at++] = 0x3a;
  return writeTwoDigits(out, at, afterHours - minutes * 60);
}

function writeAsText(out: Uint8Array, position: number, value: number): number {
  const text = String(value === 0 ? 0 : value);
  for (let i = 0; i < text.length; i++) out[position + i] = text.charCodeAt(i);
  return position + text.length;
}
