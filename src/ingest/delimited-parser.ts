import { isUtf8 } from 'node:buffer';
import { DaybookError } from '../errors.ts';
import { Row, type RowVisitor } from '../mapping/row.ts';
import { decodeWindows1252 } from './windows-1252.ts';

/**
 * Bytes of a delimited file in, rows out; RFC 4180 and what is commonly written beside it: LF or
 * CRLF, a quote inside an unquoted field is text, a quote inside a quoted field that no delimiter
 * or line break follows is text too. Empty lines are no rows.
 *
 * A row that is not valid UTF-8 is read as Windows-1252 and says so.
 */
export interface Dialect {
  /** One ASCII character. */
  readonly delimiter: string;
  /** False: a quote is text like any other. */
  readonly quote: boolean;
}

/** Longer than this no row may be; a quote that is never closed would else hold the whole file. */
const LONGEST_ROW_BYTES = 16 * 2 ** 20;

const LF = 10;
const CR = 13;
const QUOTE = 34;

export class DelimitedParser {
  readonly #delimiter: number;
  readonly #quote: boolean;
  readonly #row = new Row();
  #tail: Buffer | null = null;
  #rows = 0;
  /** Fields of the row in hand that hold doubled quotes. */
  readonly #doubled: number[] = [];

  constructor(dialect: Dialect) {
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote;
  }

  /** The next row counts as number 1: called after a header. */
  restartCounting(): void {
    this.#rows = 0;
  }

  /**
   * Takes `chunk` over and may change its bytes.
   * @throws DaybookError `E_INPUT` for a row that does not end
   */
  push(chunk: Buffer, visit: RowVisitor): void {
    const bytes = this.#tail === null ? chunk : Buffer.concat([this.#tail, chunk]);
    const used = this.#parse(bytes, false, visit);
    this.#tail = used === bytes.length ? null : bytes.subarray(used);
    if (this.#tail !== null && this.#tail.length > LONGEST_ROW_BYTES) {
      throw new DaybookError('E_INPUT', {
        where: `row ${this.#rows + 1}`,
        reason: `it does not end within ${LONGEST_ROW_BYTES} bytes; is a quote never closed?`,
      });
    }
  }

  end(visit: RowVisitor): void {
    if (this.#tail === null) return;
    const bytes = this.#tail;
    this.#tail = null;
    this.#parse(bytes, true, visit);
  }

  /** Visits the complete rows; returns where the first incomplete one starts. */
  #parse(bytes: Buffer, atEnd: boolean, visit: RowVisitor): number {
    const row = this.#row;
    const valid = isUtf8(bytes.subarray(0, wholeCharacters(bytes)));
    const nul = bytes.includes(0);
    let at = 0;
    while (at < bytes.length) {
      row.problem = null;
      const next = this.#split(bytes, at, atEnd);
      if (next < 0) break;
      const lineEnd = this.#lineEnd;
      const start = at;
      at = next;
      if (lineEnd === start) continue;
      row.number = ++this.#rows;
      row.bytes = bytes;
      row.raw = bytes.subarray(start, lineEnd);
      row.mayHoldNul = nul;
      row.notUtf8 = false;
      if (!valid && !isUtf8(row.raw)) {
        const decoded = Buffer.from(decodeWindows1252(row.raw));
        this.#split(decoded, 0, true);
        row.bytes = decoded;
        row.raw = decoded;
        row.notUtf8 = true;
      }
      if (this.#doubled.length > 0) this.#undouble();
      visit(row);
    }
    return at;
  }

  /** Where the row that `#split` has read ends, without its line break. */
  #lineEnd = 0;

  /** Splits the row that starts at `from`; returns where the next one starts, -1: incomplete. */
  #split(bytes: Buffer, from: number, atEnd: boolean): number {
    const row = this.#row;
    const delimiter = this.#delimiter;
    const length = bytes.length;
    let { starts, ends } = row;
    let count = 0;
    let at = from;
    this.#doubled.length = 0;
    for (;;) {
      if (count === starts.length) {
        row.room(count + 1);
        ({ starts, ends } = row);
      }
      if (this.#quote && at < length && bytes[at] === QUOTE) {
        const start = ++at;
        let doubled = false;
        for (;;) {
          at = bytes.indexOf(QUOTE, at);
          if (at < 0) {
            if (!atEnd) return -1;
            // Never closed: the rest of the file is this field.
            at = length;
            row.problem = {
              code: 'row_shape',
              reason: 'a quote opens a field and never closes it',
            };
            break;
          }
          const after = at + 1 < length ? bytes[at + 1] : -1;
          if (after === -1 && !atEnd) return -1;
          if (after === QUOTE) {
            doubled = true;
            at += 2;
          } else if (after === delimiter || after === LF || after === -1) {
            break;
          } else if (after === CR && (at + 2 < length ? bytes[at + 2] === LF : atEnd)) {
            break;
          } else if (after === CR && at + 2 === length) {
            return -1;
          } else {
            at++;
          }
        }
        starts[count] = start;
        ends[count] = at;
        if (doubled) this.#doubled.push(count);
        if (at < length) at++;
      } else {
        const start = at;
        let byte = -1;
        while (at < length) {
          byte = bytes[at];
          if (byte === delimiter || byte === LF) break;
          at++;
        }
        if (at === length && !atEnd) return -1;
        starts[count] = start;
        ends[count] =
          at > start && bytes[at - 1] === CR && (at === length || byte === LF) ? at - 1 : at;
      }
      count++;
      if (at < length && bytes[at] === delimiter) {
        at++;
        continue;
      }
      row.count = count;
      if (at < length && bytes[at] === CR) at++;
      this.#lineEnd = at > from && bytes[at - 1] === CR ? at - 1 : at;
      return at < length ? at + 1 : at;
    }
  }

  /** Makes one quote of two; the row as it came is copied before. */
  #undouble(): void {
    const row = this.#row;
    row.raw = Buffer.from(row.raw);
    const { bytes, starts, ends } = row;
    for (const field of this.#doubled) {
      let to = starts[field];
      for (let from = starts[field]; from < ends[field]; from++) {
        bytes[to++] = bytes[from];
        if (bytes[from] === QUOTE && from + 1 < ends[field] && bytes[from + 1] === QUOTE) from++;
      }
      ends[field] = to;
    }
  }
}

/** Length without a UTF-8 character that the end of `bytes` cuts. */
function wholeCharacters(bytes: Buffer): number {
  const length = bytes.length;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back];
    if (byte < 0x80) return length;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? length - back : length;
    }
  }
  return length;
}
