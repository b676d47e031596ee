import { TextTable } from './text-table.ts';

/** No party is known. */
export const NO_PARTY = 0;

/** The most digits of an international number (ITU-T E.164, 6.1). */
const MOST_DIGITS = 15;
const ZERO = 0x30;
const PLUS = 0x2b;

/**
 * Telephone numbers as whole numbers that are equal where the numbers are, however they are
 * written: `+44 20 7946 0000`, `0044-20-7946-0000`, `tel:+442079460000` and `442079460000` are one.
 * An international number is its digits; anything else (a national number without a country code
 * to put before it, a SIP name, `anonymous`) is a negative number of its own text.
 *
 * Whether digits without a prefix are international or a subscriber's short number cannot be told;
 * they are taken as they stand.
 */
export class Parties {
  readonly #others = new TextTable();
  readonly #countryCode: string | null;

  /** @param countryCode digits that stand for one leading 0, such as `44`; null: none do */
  constructor(countryCode: string | null = null) {
    this.#countryCode = countryCode;
  }

  /** Of the text `bytes[start .. end)`, UTF-8; {@link NO_PARTY} where it is empty. */
  read(bytes: Uint8Array, start: number, end: number): number {
    const plain = plainDigits(bytes, start, end);
    return plain > 0 ? plain : this.#readText(bytes, start, end);
  }

  /** As people know it: `+442079460000`, or the other text in lower case. */
  textOf(party: number): string {
    if (party === NO_PARTY) return '';
    return party > 0 ? `+${party}` : this.#others.textOf(-party - 1);
  }

  #readText(bytes: Uint8Array, start: number, end: number): number {
    const text = Buffer.from(bytes.subarray(start, end)).toString('utf8').trim().toLowerCase();
    if (text === '') return NO_PARTY;
    const bare = text
      .replace(/^(?:tel|sips?):/, '')
      .replace(/[@;].*$/s, '')
      .replace(/^(\+[\d\s]+)\(0\)/, '$1')
      .replace(/[\s()./\u00a0\u2010-\u2015-]/g, '');
    const national = /^0([1-9]\d*)$/.exec(bare);
    const digits =
      /^(?:\+|00)?([1-9]\d*)$/.exec(bare)?.[1] ??
      (national && this.#countryCode !== null ? this.#countryCode + national[1] : '');
    if (digits !== '' && digits.length <= MOST_DIGITS) return Number(digits);
    const kept = Buffer.from(bare === '' ? text : bare, 'utf8');
    return -this.#others.intern(kept, 0, kept.length) - 1;
  }
}

/** Of `+` or `00` or nothing, then digits alone, the first not 0; else 0. No text is made of it. */
function plainDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (bytes[at] === PLUS) at++;
  else if (bytes[at] === ZERO && bytes[at + 1] === ZERO) at += 2;
  if (at >= end || end - at > MOST_DIGITS || bytes[at] === ZERO) return 0;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return 0;
    value = value * 10 + digit;
  }
  return value;
}
