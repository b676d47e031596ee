import { MappedColumns } from '../../mapping/mapped-columns.ts';
import { Row } from '../../mapping/row.ts';
import { CHUNK_ROWS, type Chunk, type ChunkColumn, numbersOf } from '../../reports/chunk.ts';
import { type Dataset, datasetOf } from '../../reports/dataset.ts';
import { badRow } from '../bad-row.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import type { TextRow } from './postgrest.ts';
import { isOnly, type PagePlace } from './queries.ts';

/** Pages of texts in, chunks of rows out, by the map; in the order in which they came. */
export class PageRows {
  readonly #place: ForeignPlace;
  readonly #dataset: Dataset;
  readonly #window: { readonly start: number; readonly end: number };
  readonly #mapped: MappedColumns;
  readonly #row = new Row();
  readonly #names: readonly string[];
  readonly #keyName: string;
  readonly #anchorName: string;
  readonly #onlyName: string | null;
  /** Of the rows that no chunk has yet, for messages. */
  #keys: string[] = [];
  readonly chunks: Chunk[] = [];
  rows = 0;
  last: PagePlace | null = null;

  /**
   * @param columns those of {@link selectTexts}, in its order
   * @throws DaybookError `E_MAP`, `E_INPUT`
   */
  constructor(
    place: ForeignPlace,
    columns: readonly string[],
    window: { readonly start: number; readonly end: number },
  ) {
    const dataset = datasetOf(place.dataset);
    const nameOf = (column: string) => `c${columns.indexOf(column)}`;
    this.#place = place;
    this.#dataset = dataset;
    this.#window = window;
    this.#names = columns.map((_, index) => `c${index}`);
    this.#keyName = nameOf(place.keyColumn);
    this.#anchorName = nameOf(place.anchorColumn);
    this.#onlyName = place.only === null ? null : nameOf(place.only.column);
    const { map } = place;
    this.#mapped = new MappedColumns({
      ...{ shape: dataset, fields: dataset.fields, map, columns, mostRows: CHUNK_ROWS },
    });
  }

  /** @throws DaybookError `E_SOURCE_ROW` */
  add(page: readonly TextRow[]): void {
    const { from, keyColumn, only } = this.#place;
    for (const texts of page) {
      const key = texts[this.#keyName];
      const anchor = texts[this.#anchorName];
      if (key === null || anchor === null) {
        const reason = 'there is no value, and rows are told apart by it';
        throw badRow({ from, key: '', field: keyColumn, reason });
      }
      if (only !== null && this.#onlyName !== null && !isOnly(only, texts[this.#onlyName])) {
        const reason = 'the column thinks texts equal that are not; take one that tells them apart';
        throw badRow({ from, key, field: only.column, reason });
      }
      this.#row.setTexts(this.#names.map((name) => texts[name]));
      const refusal = this.#mapped.add(this.#row);
      if (refusal) throw badRow({ from, key, field: refusal.field, reason: refusal.reason });
      this.#keys.push(key);
      this.last = { anchor, key };
      this.rows += 1;
      if (this.#keys.length === CHUNK_ROWS) this.end();
    }
  }

  /** Makes a chunk of what is left. @throws DaybookError `E_SOURCE_ROW` */
  end(): void {
    const rows = this.#keys.length;
    if (rows === 0) return;
    const made = this.#mapped.take();
    const columns = new Map(
      this.#dataset.fields.map(({ name }) => [name, made.get(name) as ChunkColumn]),
    );
    const chunk = { rows, columns };
    this.#demandWithin(chunk);
    this.chunks.push(chunk);
    this.#keys = [];
  }

  /** A row that the server found in the window and the map puts elsewhere would stand in no day. */
  #demandWithin(chunk: Chunk): void {
    const { start, end } = this.#window;
    const { anchor } = this.#dataset;
    const { values } = numbersOf(chunk, anchor);
    const row = values.findIndex((value) => !(value >= start && value < end));
    if (row < 0) return;
    const reason = 'the map puts it into another day than the database does';
    throw badRow({ from: this.#place.from, key: this.#keys[row], field: anchor, reason });
  }
}
