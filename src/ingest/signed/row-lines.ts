import { isUtf8 } from 'node:buffer';
import { DaybookError } from '../../errors.ts';

/** How a body holds its rows: `lines` is NDJSON, `array` one JSON array or object. */
export type RowLayout = 'lines' | 'array';

export interface RowLimits {
  readonly rows: number;
  readonly rowBytes: number;
  readonly depth: number;
}

const [LF, CR, SPACE, QUOTE, COMMA, BACKSLASH] = [0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Walks over a body once, as its pieces come, and gives it on as NDJSON: rows are counted, and what
 * is nested too deep, too long or no UTF-8 is refused before anything parses it. Whether a row is
 * good JSON is found when it is loaded; of an array only its commas and brackets must be sound.
 */
export class RowLines {
  readonly #layout: RowLayout;
  readonly #limits: RowLimits;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #rowBytes = 0;
  #hasContent = false;
  /** Of an array: not begun, within, over; of one object: within `single`. */
  #stage: 'before' | 'within' | 'single' | 'over' = 'before';
  #isFirstPiece = true;
  /** The first bytes of a character that the next piece continues. */
  #cut: Buffer = Buffer.alloc(0);
  rows = 0;

  constructor(layout: RowLayout, limits: RowLimits) {
    this.#layout = layout;
    this.#limits = limits;
  }

  /**
   * The same rows as NDJSON; of `lines` the very bytes, with a byte order mark if there is one.
   * @throws DaybookError `E_USAGE`, `E_TOO_LARGE`
   */
  push(piece: Buffer): Buffer {
    const bytes = this.#wholeCharacters(piece);
    const lines =
      this.#layout === 'lines' ? this.#walkLines(bytes) : this.#walkArray(this.#unmarked(bytes));
    this.#demandShortRow();
    return lines;
  }

  /** @throws DaybookError `E_USAGE` when it ends in the middle, or held no row */
  end(): void {
    if (this.#cut.length > 0) throw notUtf8();
    if (this.#layout === 'lines') this.#endRow();
    else if (this.#stage !== 'over') throw usage('JSON that is cut off', 'a whole JSON array');
    if (this.rows === 0) throw usage('no row', 'at least one');
  }

  #unmarked(bytes: Buffer): Buffer {
    if (!this.#isFirstPiece || bytes.length === 0) return bytes;
    this.#isFirstPiece = false;
    const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return isMarked ? bytes.subarray(3) : bytes;
  }

  #walkLines(bytes: Buffer): Buffer {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === LF) {
        this.#endRow();
        this.#depth = 0;
        this.#inString = false;
        this.#escaped = false;
        continue;
      }
      this.#step(byte);
    }
    return bytes;
  }

  #walkArray(bytes: Buffer): Buffer {
    const out = Buffer.allocUnsafe(bytes.length + 1);
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      const isBlank = byte === SPACE || byte === LF || byte === CR || byte === 0x09;
      if (this.#stage === 'before' || this.#stage === 'over') {
        if (isBlank) continue;
        if (this.#stage === 'over') throw usage('more behind the JSON', 'nothing');
        if (byte === OPEN_LIST) {
          this.#stage = 'within';
          continue;
        }
        if (byte !== OPEN_OBJECT) throw usage('no JSON array', 'a JSON array of objects');
        this.#stage = 'single';
      } else if (this.#inString) {
        if (byte < SPACE) throw usage('a control character within a text', 'it escaped');
      } else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) {
        // A comma, or the end of an array that has begun a row.
        if (!this.#hasContent && (byte === COMMA || this.rows > 0)) {
          throw usage('a comma without a row', 'a row before and after each comma');
        }
        this.#endRow();
        out[length++] = LF;
        if (byte === CLOSE_LIST) this.#stage = 'over';
        continue;
      }
      this.#step(byte);
      if (this.#depth < 0) throw usage('a bracket that was not opened', 'well-formed JSON');
      out[length++] = isBlank && !this.#inString ? SPACE : byte;
      if (this.#stage === 'single' && this.#depth === 0) {
        this.#endRow();
        out[length++] = LF;
        this.#stage = 'over';
      }
    }
    return out.subarray(0, length);
  }

  #step(byte: number): void {
    this.#rowBytes++;
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return;
    }
    if (byte > SPACE) this.#hasContent = true;
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++this.#depth > this.#limits.depth) {
        throw usage(
          `row ${this.rows + 1} nested deeper than ${this.#limits.depth}`,
          `at most ${this.#limits.depth} levels`,
        );
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#depth--;
  }

  #demandShortRow(): void {
    const { rowBytes } = this.#limits;
    if (this.#rowBytes <= rowBytes) return;
    throw new DaybookError('E_TOO_LARGE', {
      where: `row ${this.rows + 1}`,
      got: `more than ${rowBytes} bytes`,
      expected: `${rowBytes} bytes`,
    });
  }

  #endRow(): void {
    this.#demandShortRow();
    const { rows } = this.#limits;
    if (this.#hasContent && ++this.rows > rows) {
      throw new DaybookError('E_TOO_LARGE', {
        where: 'body',
        got: `more than ${rows} rows`,
        expected: `${rows} rows`,
      });
    }
    this.#rowBytes = 0;
    this.#hasContent = false;
  }

  /** All but a character that is cut off at the end, which comes with the next piece. */
  #wholeCharacters(piece: Buffer): Buffer {
    const all = this.#cut.length === 0 ? piece : Buffer.concat([this.#cut, piece]);
    const end = all.length - unfinished(all);
    const whole = all.subarray(0, end);
    this.#cut = Buffer.from(all.subarray(end));
    if (!isUtf8(whole)) throw notUtf8();
    return whole;
  }
}

/** How many bytes at the end begin a character of UTF-8 without ending it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function notUtf8(): DaybookError {
  return usage('bytes that are no UTF-8', 'UTF-8');
}

function usage(got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where: 'body', got, expected });
}
