/** Cells of a workbook as text: what a person sees where that is text, else what it means. */

const DAY_MS = 86_400_000;
/** Built-in number formats that show a date or a time. */
const DATE_FORMATS = new Set([
  14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 45, 47, 50, 51, 52,
  53, 54, 55, 56, 57, 58,
]);

/** The built-in `[h]:mm:ss`. */
const ELAPSED_HOURS = 46;

/** How the number of a cell is meant. `zeros`: padded to so many digits, as codes often are. */
export type CellStyle = { readonly kind: 'number' | 'date' | 'duration' } | ZeroPadded;
interface ZeroPadded {
  readonly kind: 'zeros';
  readonly digits: number;
}

export const PLAIN: CellStyle = { kind: 'number' };

/** @param code of a custom format; null: a built-in one */
export function styleOf(formatId: number, code: string | null): CellStyle {
  if (code === null && formatId === ELAPSED_HOURS) return { kind: 'duration' };
  if (code === null) return { kind: DATE_FORMATS.has(formatId) ? 'date' : 'number' };
  const first = code.split(';')[0];
  if (/^0{2,}$/.test(first)) return { kind: 'zeros', digits: first.length };
  if (/\[(h+|m+|s+)\]/i.test(first)) return { kind: 'duration' };
  const bare = first.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '');
  return { kind: /[ymdhs]/i.test(bare) ? 'date' : 'number' };
}

/** A number as text: 15 significant digits, as Excel shows them, and never an exponent. */
export function numberText(value: number): string {
  const shown = Number(value.toPrecision(15));
  const text = String(shown === 0 ? 0 : shown);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!parts) return text;
  const [, sign, whole, fraction = '', exponent] = parts;
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

/**
 * A serial date as wall time, `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS[.mmm]`, or `HH:MM:SS` below one
 * day. Null: it is before 1900 or after 9999. The 29th of February 1900, which never was, is not
 * told apart.
 */
export function dateText(serial: number, date1904: boolean): string | null {
  const days = serial + (date1904 ? 1462 : 0);
  if (!(serial >= 0 && days < 2_958_466)) return null;
  const ms = Math.round(days * DAY_MS);
  if (ms < DAY_MS && !date1904) return clockText(ms);
  // Before March 1900 Excel's count is one ahead, for the 29th of February that never was.
  const epoch = days < 61 ? Date.UTC(1899, 11, 31) : Date.UTC(1899, 11, 30);
  const iso = new Date(epoch + ms).toISOString();
  if (ms % DAY_MS === 0) return iso.slice(0, 10);
  return `${iso.slice(0, 10)} ${clockText(ms % DAY_MS)}`;
}

/** A length of time, `H:MM:SS`, hours going on past 24. */
export function durationText(serial: number): string {
  const seconds = Math.round(Math.abs(serial) * 86_400);
  const two = (value: number) => String(value).padStart(2, '0');
  const text = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return serial < 0 ? `-${text}` : text;
}

/** Text of shared and inline strings: `_x000D_` stands for the character of that code. */
export function unescapeText(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** `BC` of `BC7` as 54; -1: it is no reference. */
export function columnIndexOf(reference: string): number {
  let index = 0;
  for (let i = 0; i < reference.length; i++) {
    const letter = reference.charCodeAt(i) - 64;
    if (letter < 1 || letter > 26) break;
    index = index * 26 + letter;
  }
  return index - 1;
}

function clockText(ms: number): string {
  const text = new Date(ms).toISOString().slice(11, 23);
  return text.endsWith('.000') ? text.slice(0, 8) : text;
}
