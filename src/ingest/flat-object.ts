import type { Row } from '../mapping/row.ts';

/**
 * Most lines of NDJSON are flat objects with the same names in the same order, whose values stand
 * there as they are meant. Such a line becomes spans of its own bytes, without a text being made of
 * anything. Whatever else a line holds (escapes, exponents, values within values, names that come
 * twice or in another order) is left to a reader that knows all of JSON, and so are all its errors.
 */

interface KnownName {
  readonly bytes: Buffer;
  /** Where its value goes; -1: nobody asks for it. */
  readonly column: number;
}

const MOST_NAMES = 512;
/** Such a name stands in JSON with escapes. */
const NOT_AS_WRITTEN = /["\\\x00-\x1f]/;
const [SPACE, TAB, CR, QUOTE, BACKSLASH] = [0x20, 0x09, 0x0d, 0x22, 0x5c];
const [COMMA, COLON, OPEN, CLOSE] = [0x2c, 0x3a, 0x7b, 0x7d];
const [MINUS, POINT, ZERO, NINE] = [0x2d, 0x2e, 0x30, 0x39];
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

export class FlatObjects {
  readonly #columns: ReadonlyMap<string, number>;
  readonly #count: number;
  /** In the order in which they come; a line may leave some out. */
  readonly #names: KnownName[] = [];
  readonly #known = new Set<string>();

  constructor(columns: readonly string[]) {
    this.#columns = new Map(columns.map((name, index) => [name, index]));
    this.#count = columns.length;
  }

  /** Tells of the names of a line that {@link read} left alone, in their order. */
  learn(names: readonly string[]): void {
    for (const name of names) {
      if (NOT_AS_WRITTEN.test(name) || this.#known.has(name)) continue;
      if (this.#names.length >= MOST_NAMES) return;
      this.#known.add(name);
      this.#names.push({ bytes: Buffer.from(name), column: this.#columns.get(name) ?? -1 });
    }
  }

  /**
   * Fills the row's spans from a line of UTF-8.
   * @returns false when the line is not of the simple kind; the spans are then of no use
   */
  read(line: Buffer, row: Row): boolean {
    row.room(this.#count);
    const { starts, ends } = row;
    ends.fill(-1, 0, this.#count);
    let at = afterBlanks(line, 0);
    if (line[at++] !== OPEN) return false;
    let next = 0;
    for (;;) {
      at = afterBlanks(line, at);
      if (line[at++] !== QUOTE) return false;
      // Names only move on in their order, so that none can come twice.
      next = this.#find(line, at, next);
      if (next < 0) return false;
      const { bytes, column } = this.#names[next++];
      at = afterBlanks(line, at + bytes.length + 1);
      if (line[at++] !== COLON) return false;
      at = afterBlanks(line, at);
      const isText = line[at] === QUOTE;
      const start = isText ? at + 1 : at;
      const end = isText ? endOfText(line, start) : endOfWord(line, at);
      if (end < 0) return false;
      if (column >= 0 && (isText || line[start] !== NULL[0])) {
        starts[column] = start;
        ends[column] = end;
      }
      at = afterBlanks(line, isText ? end + 1 : end);
      const sign = line[at++];
      if (sign === CLOSE) break;
      if (sign !== COMMA) return false;
    }
    if (afterBlanks(line, at) !== line.length) return false;
    row.bytes = line;
    row.count = this.#count;
    row.mayHoldNul = false;
    return true;
  }

  /** Which of the names from `from` on stands at `at`, its closing quote included; -1: none. */
  #find(line: Buffer, at: number, from: number): number {
    for (let index = from; index < this.#names.length; index++) {
      const { bytes } = this.#names[index];
      if (line[at + bytes.length] === QUOTE && isAt(line, at, bytes)) return index;
    }
    return -1;
  }
}

function isAt(line: Buffer, at: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (line[at + i] !== bytes[i]) return false;
  return true;
}

function afterBlanks(line: Buffer, from: number): number {
  let at = from;
  while (line[at] === SPACE || line[at] === TAB || line[at] === CR) at++;
  return at;
}

/** The closing quote of a text without escapes; -1: there is none, or the text is not that simple. */
function endOfText(line: Buffer, from: number): number {
  for (let at = from; at < line.length; at++) {
    const byte = line[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte < SPACE) return -1;
  }
  return -1;
}

/** The end of a plain number, `true`, `false` or `null`; -1: it is something else. */
function endOfWord(line: Buffer, from: number): number {
  for (const word of [NULL, TRUE, FALSE]) {
    if (isAt(line, from, word)) return from + word.length;
  }
  let at = line[from] === MINUS ? from + 1 : from;
  const whole = at;
  while (line[at] >= ZERO && line[at] <= NINE) at++;
  if (at === whole || (line[whole] === ZERO && at > whole + 1)) return -1;
  if (line[at] !== POINT) return at;
  const fraction = ++at;
  while (line[at] >= ZERO && line[at] <= NINE) at++;
  return at === fraction ? -1 : at;
}
