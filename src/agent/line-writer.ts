import type { RowWriter } from '../ingest/row-encoder.ts';
import type { RejectRecord } from '../mapping/reject.ts';
import type { RowShape } from '../reports/dataset.ts';

/**
 * Writes encoded rows as lines of NDJSON under the names of fields: instants in UTC, decimals as
 * text, absent values left out. A row that was refused goes out too, as `_refused` with the reason
 * and `_raw`, so that it is a reject in Daybook and not lost here.
 */
export class LineWriter implements RowWriter {
  readonly #names: readonly string[];
  readonly #fields: ReadonlySet<string>;
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  #column = -1;
  length = 0;

  constructor(dataset: RowShape) {
    const names = dataset.fields.map(({ name }) => name);
    this.#fields = new Set(names);
    // As the encoder writes them: the row's number, the fields, what else there is, the refusal.
    this.#names = ['', ...names.map((name) => `${JSON.stringify(name)}:`), '', ''];
  }

  beginRow(): void {
    this.#column = -1;
    this.#write('{');
  }

  none(): void {
    this.#column++;
  }

  bigint(value: number): void {
    const name = this.#names[++this.#column];
    if (name !== '') this.#member(name, String(value));
  }

  instant(instantMs: number): void {
    this.#member(this.#names[++this.#column], `"${new Date(instantMs).toISOString()}"`);
  }

  text(source: Buffer, start: number, end: number): void {
    const text = source.toString('utf8', start, end);
    this.#member(this.#names[++this.#column], JSON.stringify(text));
  }

  jsonb(value: unknown): void {
    if (++this.#column === this.#names.length - 1) {
      const { field, reason, raw } = value as RejectRecord;
      // A key that stands there already would hide that the line is a refusal.
      this.length = 0;
      this.#write('{');
      this.#member('"_refused":', JSON.stringify(field === null ? reason : `${field}: ${reason}`));
      this.#member('"_raw":', JSON.stringify(raw.line ?? asObject(raw)));
      return;
    }
    for (const [name, each] of Object.entries(value as Record<string, unknown>)) {
      if (!this.#fields.has(name)) this.#member(`${JSON.stringify(name)}:`, JSON.stringify(each));
    }
  }

  /** The line, with its end. */
  take(): Buffer {
    this.#write('}\n');
    const line = Buffer.from(this.#bytes.subarray(0, this.length));
    this.length = 0;
    return line;
  }

  #member(name: string, json: string): void {
    if (this.length > 1) this.#write(',');
    this.#write(name);
    this.#write(json);
  }

  #write(text: string): void {
    const most = this.length + text.length * 3;
    if (most > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(most * 2);
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    this.length += this.#bytes.write(text, this.length, 'utf8');
  }
}

function asObject({ columns, values }: RejectRecord['raw']): Record<string, string | null> {
  return Object.fromEntries(values.map((value, i) => [columns[i] ?? `column_${i + 1}`, value]));
}
