import { DaybookError } from '../../errors.ts';
import { checkColumn } from '../../mapping/check-column.ts';
import { LocalClock } from '../../mapping/local-clock.ts';
import { MappedColumns } from '../../mapping/mapped-columns.ts';
import { Row } from '../../mapping/row.ts';
import { type ValueRule, valueRule } from '../../mapping/value-rule.ts';
import {
  bytesOf,
  CHUNK_ROWS,
  type Chunk,
  type ChunkColumn,
  columnFromCells,
  columnOf,
  type NumberColumn,
  numbersOf,
} from '../../reports/chunk.ts';
import { type Dataset, datasetOf, type Field } from '../../reports/dataset.ts';
import { badRow } from '../bad-row.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import { type ReadingPlan, rawName } from './plan-reading.ts';

/** What the COPY of a place gives, made into rows of its dataset, each held to the dataset's rules. */
export class RowFinisher {
  readonly #place: ForeignPlace;
  readonly #plan: ReadingPlan;
  readonly #dataset: Dataset;
  readonly #rules: ReadonlyMap<string, ValueRule>;
  readonly #clock: LocalClock | null;
  readonly #mapped: MappedColumns | null;
  readonly #row = new Row();

  constructor(place: ForeignPlace, plan: ReadingPlan) {
    const dataset = datasetOf(place.dataset);
    this.#place = place;
    this.#plan = plan;
    this.#dataset = dataset;
    this.#rules = new Map(dataset.fields.map((each) => [each.name, valueRule(each, dataset)]));
    this.#clock = place.map.zone === null ? null : new LocalClock(place.map.zone);
    const { mapped: fields, raw: columns } = plan;
    this.#mapped =
      fields.length === 0
        ? null
        : new MappedColumns({
            ...{ shape: dataset, fields, columns, mostRows: CHUNK_ROWS },
            map: place.map,
          });
  }

  /** @throws DaybookError `E_SOURCE_ROW` */
  finish(chunk: Chunk, window: { readonly start: number; readonly end: number }): Chunk {
    const { direct, walls, absent } = this.#plan;
    const made = new Map<string, ChunkColumn>();
    for (const { name } of direct)
      made.set(name, this.#checked(name, columnOf(chunk, name), chunk));
    for (const { name } of walls) {
      made.set(name, this.#checked(name, this.#instantsOf(name, chunk), chunk));
    }
    for (const [name, column] of this.#mapRows(chunk)) made.set(name, column);
    for (const field of absent) made.set(field.name, emptyColumn(field, chunk.rows));
    this.#demandWithin(window, made, chunk);
    const columns = new Map(this.#dataset.fields.map(({ name }) => [name, columnIn(made, name)]));
    return { rows: chunk.rows, columns };
  }

  #checked(name: string, column: ChunkColumn, chunk: Chunk): ChunkColumn {
    const wrong = checkColumn(this.#rules.get(name) as ValueRule, column);
    if (wrong) throw this.#badRow(chunk, wrong.row, name, wrong.refusal.reason);
    return column;
  }

  /** Wall times to instants; in an overlap the first. */
  #instantsOf(name: string, chunk: Chunk): NumberColumn {
    const { values } = numbersOf(chunk, name);
    const clock = this.#clock;
    if (clock === null) throw new DaybookError('E_INTERNAL', { reason: 'wall times without zone' });
    for (let row = 0; row < values.length; row++) {
      const wallMs = values[row];
      if (Number.isNaN(wallMs)) continue;
      values[row] = clock.instantOf(wallMs);
      if (clock.kind !== 'gap') continue;
      const text = new Date(wallMs).toISOString().slice(0, -1);
      const reason = `${text} does not exist in ${clock.zone}: the clocks skipped it`;
      throw this.#badRow(chunk, row, name, reason);
    }
    return { type: 'instant', values };
  }

  #mapRows(chunk: Chunk): Map<string, ChunkColumn> {
    const mapped = this.#mapped;
    if (mapped === null) return new Map();
    const texts = this.#plan.raw.map((column) => bytesOf(chunk, rawName(column)));
    const row = this.#row;
    row.room(texts.length);
    row.count = texts.length;
    row.bytes = Buffer.concat(texts.map(({ bytes }) => bytes));
    const bases: number[] = [];
    let base = 0;
    for (const { bytes } of texts) {
      bases.push(base);
      base += bytes.length;
    }
    for (let at = 0; at < chunk.rows; at++) {
      for (let i = 0; i < texts.length; i++) {
        row.starts[i] = bases[i] + texts[i].offsets[at];
        row.ends[i] = bases[i] + texts[i].offsets[at + 1];
      }
      const refusal = mapped.add(row);
      if (refusal) throw this.#badRow(chunk, at, refusal.field, refusal.reason);
    }
    return mapped.take();
  }

  /** A row that the server found in the window and the map puts elsewhere would stand in no day. */
  #demandWithin(
    { start, end }: { readonly start: number; readonly end: number },
    made: ReadonlyMap<string, ChunkColumn>,
    chunk: Chunk,
  ): void {
    const { anchor } = this.#dataset;
    const { values } = columnIn(made, anchor) as NumberColumn;
    for (let row = 0; row < values.length; row++) {
      if (values[row] >= start && values[row] < end) continue;
      const reason = 'the map puts it into another day than the database does';
      throw this.#badRow(chunk, row, anchor, reason);
    }
  }

  #badRow(chunk: Chunk, row: number, field: string, reason: string): DaybookError {
    const { from, keyColumn } = this.#place;
    const { offsets, bytes } = bytesOf(chunk, rawName(keyColumn));
    const key = Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('utf8');
    return badRow({ from, key, field, reason });
  }
}

function columnIn(made: ReadonlyMap<string, ChunkColumn>, name: string): ChunkColumn {
  const column = made.get(name);
  if (!column) throw new RangeError(`no way was planned for ${name}`);
  return column;
}

function emptyColumn({ type }: Field, rows: number): ChunkColumn {
  return columnFromCells(type, Array(rows).fill(null));
}
