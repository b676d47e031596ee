/**
 * One row of a file as spans of bytes (UTF-8). Readers fill the same object again and again:
 * it is valid only until the visit returns.
 */
export class Row {
  bytes: Buffer = Buffer.alloc(0);
  /** Field `i` is `bytes[starts[i], ends[i])`; an end of -1: the row has no such field at all. */
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  count = 0;
  /** Counted from 1, the header not counted. */
  number = 0;
  /** The row as it came, quotes and all, without its line break. */
  raw: Buffer = Buffer.alloc(0);
  /** It was no UTF-8 and is read as Windows-1252. */
  notUtf8 = false;
  /** Some field may hold a NUL byte. */
  mayHoldNul = false;
  /** Why the reader itself could not make fields of the row; null: it could. */
  problem: { readonly code: 'row_shape' | 'text'; readonly reason: string } | null = null;
  /** Of a workbook: 1 where the cell is a date, whose text is ISO 8601 whatever the map says. */
  dateCells: Uint8Array | null = null;
  /** Texts by names that are no columns: what else an NDJSON object holds. */
  rest: Readonly<Record<string, string>> | null = null;
  /** For rows that a person sends once more: the reject that they come from. */
  rejectId: string | null = null;

  room(count: number): void {
    if (count <= this.starts.length) return;
    const starts = new Int32Array(count * 2);
    const ends = new Int32Array(count * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  text(index: number): string {
    return this.bytes.toString('utf8', this.starts[index], this.ends[index]);
  }

  /** Fills the row with texts; null stands for a field that is not there. */
  setTexts(texts: readonly (string | null)[]): void {
    this.room(texts.length);
    let length = 0;
    for (const text of texts) if (text !== null) length += Buffer.byteLength(text);
    if (this.bytes.length < length) this.bytes = Buffer.allocUnsafeSlow(length * 2);
    let at = 0;
    let nul = false;
    texts.forEach((text, i) => {
      this.starts[i] = at;
      if (text === null) {
        this.ends[i] = -1;
        return;
      }
      at += this.bytes.write(text, at, 'utf8');
      this.ends[i] = at;
      nul ||= text.includes('\0');
    });
    this.count = texts.length;
    this.mayHoldNul = nul;
  }
}

export type RowVisitor = (row: Row) => void;

/** Rows of an opened file. Must be closed. */
export interface RowReader {
  /** The names of the columns, or null where rows name their own (NDJSON). */
  readonly columns: readonly string[] | null;
  /**
   * Reads the next piece and visits its rows, synchronously; false: there was none. One piece is
   * bounded, so that whoever awaits between two pieces keeps memory flat.
   */
  next(visit: RowVisitor): Promise<boolean>;
  close(): Promise<void>;
}
