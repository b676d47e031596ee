import type { BytesColumn } from '../../reports/chunk.ts';

const FIRST_BYTES_PER_ROW = 24;
const POINT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;
/** Room that a number takes at most: 20 digits, sign, point, a zero before it and those behind. */
const NUMBER_BYTES = 48;

/** The cells of a text or decimal column, written one after the other without making texts. */
export class CellBytes {
  readonly #offsets: Uint32Array;
  #bytes: Buffer;
  #used = 0;
  #cell = 0;

  constructor(rows: number) {
    this.#offsets = new Uint32Array(rows + 1);
    this.#bytes = Buffer.allocUnsafe(rows * FIRST_BYTES_PER_ROW + NUMBER_BYTES);
  }

  /** Ends a cell; what was written since the last one is in it. */
  endCell(): void {
    this.#offsets[++this.#cell] = this.#used;
  }

  text(text: string): void {
    if (text === '') return;
    // A character takes three bytes at most.
    this.#room(text.length * 3);
    this.#used += this.#bytes.write(text, this.#used, 'utf8');
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    this.#room(end - start);
    const bytes = this.#bytes;
    let at = this.#used;
    for (let i = start; i < end; i++) bytes[at++] = source[i];
    this.#used = at;
  }

  /** A whole number below 2^53 with a plus before it, as international numbers are written. */
  international(number: number): void {
    this.#room(NUMBER_BYTES);
    this.#bytes[this.#used++] = PLUS;
    let digits = 1;
    for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    let rest = number;
    for (let at = this.#used + digits - 1; at >= this.#used; at--) {
      const tenth = Math.floor(rest / 10);
      this.#bytes[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.#used += digits;
  }

  /** `units` ÷ 10^`scale`, exact, without zeros at the end of its fraction. */
  decimal(units: bigint, scale: number): void {
    this.#room(NUMBER_BYTES + scale);
    const digits = (units < 0n ? -units : units).toString();
    const bytes = this.#bytes;
    let at = this.#used;
    if (units < 0n) bytes[at++] = MINUS;
    const whole = digits.length - scale;
    if (whole <= 0) bytes[at++] = ZERO;
    for (let i = 0; i < whole; i++) bytes[at++] = digits.charCodeAt(i);
    let last = digits.length - 1;
    while (last >= Math.max(0, whole) && digits.charCodeAt(last) === ZERO) last--;
    if (last >= Math.max(0, whole)) {
      bytes[at++] = POINT;
      for (let i = whole; i < 0; i++) bytes[at++] = ZERO;
      for (let i = Math.max(0, whole); i <= last; i++) bytes[at++] = digits.charCodeAt(i);
    }
    this.#used = at;
  }

  column(type: BytesColumn['type']): BytesColumn {
    return { type, offsets: this.#offsets, bytes: this.#bytes.subarray(0, this.#used) };
  }

  #room(size: number): void {
    if (this.#used + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#used + size) * 2);
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}
