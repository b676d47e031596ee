import { addDecimal, type Decimal, formatDecimal, parseDecimal, ZERO } from '../money/decimal.ts';
import { POWERS_OF_TEN } from './decimal-vector.ts';

/** Decimals that fit a safe integer, without a BigInt; totals have hundreds of thousands of them. */

const SHORT_TEXT = 15;

/** The text of a safe integer ÷ 10^scale: no zeros at the end of a fraction, no minus on a zero. */
export function shortText(unscaled: number, scale: number): string {
  let rest = Math.abs(unscaled);
  let fraction = scale;
  while (fraction > 0 && rest % 10 === 0) {
    rest /= 10;
    fraction--;
  }
  const digits = String(rest).padStart(fraction + 1, '0');
  const sign = unscaled < 0 ? '-' : '';
  if (fraction === 0) return sign + digits;
  return `${sign}${digits.slice(0, -fraction)}.${digits.slice(-fraction)}`;
}

/** The exact sum of decimals that stand as text in totals, as text. */
export class TextSum {
  #sum = 0;
  #scale = 0;
  #rest: Decimal = ZERO;

  /** @throws RangeError when the text is no number: totals were damaged. */
  add(text: string): void {
    if (text.length > SHORT_TEXT || !this.#addShort(text)) this.#addLong(text);
  }

  text(): string {
    if (this.#rest === ZERO) return shortText(this.#sum, this.#scale);
    const short = { unscaled: BigInt(this.#sum), scale: this.#scale };
    return formatDecimal(addDecimal(short, this.#rest), 0);
  }

  /** False, and nothing added, when the sum would not stay exact. */
  #addShort(text: string): boolean {
    const point = text.indexOf('.');
    const scale = point < 0 ? 0 : text.length - point - 1;
    const unscaled = Number(point < 0 ? text : text.slice(0, point) + text.slice(point + 1));
    const common = Math.max(scale, this.#scale);
    const before = this.#sum * POWERS_OF_TEN[common - this.#scale];
    const added = unscaled * POWERS_OF_TEN[common - scale];
    const sum = before + added;
    if (![unscaled, before, added, sum].every(Number.isSafeInteger)) return false;
    this.#sum = sum;
    this.#scale = common;
    return true;
  }

  #addLong(text: string): void {
    const parsed = parseDecimal(text);
    if (parsed === null) throw new RangeError(`${JSON.stringify(text)} stands where a number must`);
    this.#rest = addDecimal(this.#rest, parsed);
  }
}
