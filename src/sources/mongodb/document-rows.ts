import { isAscii } from 'node:buffer';
import { namesakes } from '../../mapping/bind-columns.ts';
import { GrowingBytes, GrowingNumbers } from '../../mapping/growing-column.ts';
import { columnsUsed, type FieldSource } from '../../mapping/load-map.ts';
import { MappedColumns } from '../../mapping/mapped-columns.ts';
import { Row } from '../../mapping/row.ts';
import { Span } from '../../mapping/span.ts';
import {
  integerOf,
  refuseInstant,
  refuseInteger,
  refuseNone,
  refuseText,
  type ValueRefusal,
  type ValueRule,
  valueRule,
} from '../../mapping/value-rule.ts';
import {
  type CellValue,
  CHUNK_ROWS,
  type Chunk,
  type ChunkColumn,
  cellAt,
  columnFromCells,
} from '../../reports/chunk.ts';
import { type Dataset, datasetOf, type Field } from '../../reports/dataset.ts';
import { badRow } from '../bad-row.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import { BSON, BsonWalk } from './bson-walk.ts';
import { scalarText } from './scalar-text.ts';

/** A field that is a value of the document as it is. */
interface PlainField {
  readonly rule: ValueRule;
  /** Among the paths. */
  readonly path: number;
  readonly bytes: GrowingBytes;
  readonly numbers: GrowingNumbers;
  /** Reads what is no date; null: it is no instant. */
  readonly asText: MappedColumns | null;
}

/** A value that rows of one instant are ordered by. */
export type TieValue = Buffer | number;

/**
 * Documents in, chunks of rows out. What the map takes as it is goes from the document's bytes into
 * the column; all else becomes text and goes through the map. Both ways hold values to the same
 * rules.
 */
export class DocumentRows {
  /** Paths of the documents that are read. */
  readonly paths: readonly string[];
  readonly #place: ForeignPlace;
  readonly #dataset: Dataset;
  readonly #walk: BsonWalk;
  readonly #plain: readonly PlainField[];
  readonly #mapped: MappedColumns | null;
  readonly #ties: MappedColumns;
  readonly #absent: readonly Field[];
  readonly #row = new Row();
  readonly #dates: Uint8Array;
  readonly #span = new Span();
  rows = 0;

  /** @throws DaybookError `E_MAP` */
  constructor(place: ForeignPlace) {
    const dataset = datasetOf(place.dataset);
    const { map, anchorColumn, keyColumn } = place;
    const used = columnsUsed(map, dataset);
    this.paths = [...new Set([...used, anchorColumn, keyColumn])];
    const { paths } = this;
    const sources = map.fields ?? namesakes(dataset, paths);
    const isPlain = ({ name }: Field) => {
      const source = sources.get(name);
      return source !== undefined && isAsItIs(source);
    };
    const columns = { shape: dataset, map, columns: paths };
    this.#place = place;
    this.#dataset = dataset;
    this.#walk = new BsonWalk(paths);
    this.#dates = new Uint8Array(paths.length);
    this.#plain = dataset.fields.filter(isPlain).map((field) => ({
      rule: valueRule(field, dataset),
      path: paths.indexOf((sources.get(field.name) as PlainSource).text.column),
      bytes: new GrowingBytes(field.type === 'decimal' ? 'decimal' : 'text', CHUNK_ROWS),
      numbers: new GrowingNumbers(field.type === 'instant' ? 'instant' : 'integer', CHUNK_ROWS),
      asText:
        field.type === 'instant'
          ? new MappedColumns({ ...columns, fields: [field], mostRows: 1 })
          : null,
    }));
    const mapped = dataset.fields.filter((field) => sources.has(field.name) && !isPlain(field));
    // An instant that is after another needs that too; what is plain is then read twice.
    const needed = dataset.fields.filter(
      (field) => field.type === 'instant' && sources.has(field.name),
    );
    const wanted = mapped.some(({ name }) => sources.get(name)?.after)
      ? dataset.fields.filter((field) => mapped.includes(field) || needed.includes(field))
      : mapped;
    this.#mapped =
      wanted.length === 0
        ? null
        : new MappedColumns({ ...columns, fields: wanted, mostRows: CHUNK_ROWS });
    const ties = dataset.fields.filter(({ name }) => dataset.tieBreak.includes(name));
    this.#ties = new MappedColumns({ ...columns, fields: ties, mostRows: 1 });
    this.#absent = dataset.fields.filter(({ name }) => !sources.has(name));
  }

  /** UTC epoch ms. @throws DaybookError `E_SOURCE_ROW` when it is no date */
  anchorOf(document: Buffer): number {
    const walk = this.#walk;
    walk.walk(document);
    const index = this.paths.indexOf(this.#place.anchorColumn);
    if (walk.types[index] !== BSON.date) {
      const reason = `${this.#place.anchorColumn} is no date`;
      throw this.#badRow(this.#dataset.anchor, reason);
    }
    return Number(walk.bytes.readBigInt64LE(walk.starts[index]));
  }

  /** What orders the document among those of its instant. */
  tiesOf(document: Buffer): readonly TieValue[] {
    this.#walk.walk(document);
    this.#fillRow();
    const refusal = this.#ties.add(this.#row);
    if (refusal) throw this.#badRow(refusal.field, refusal.reason);
    const columns = this.#ties.take();
    return this.#dataset.tieBreak.map((name) => {
      const value: CellValue = cellAt(columns.get(name) as ChunkColumn, 0);
      return typeof value === 'number' ? value : Buffer.from(value ?? '');
    });
  }

  /** @throws DaybookError `E_SOURCE_ROW` */
  add(document: Buffer): void {
    this.#walk.walk(document);
    for (const field of this.#plain) {
      const refusal = this.#addPlain(field);
      if (refusal) throw this.#badRow(field.rule.field.name, refusal.reason);
    }
    if (this.#mapped) {
      this.#fillRow();
      const refusal = this.#mapped.add(this.#row);
      if (refusal) throw this.#badRow(refusal.field, refusal.reason);
    }
    this.rows += 1;
  }

  /** The rows that were added, and begins anew. */
  take(): Chunk {
    const { rows } = this;
    this.rows = 0;
    const made = this.#mapped?.take() ?? new Map<string, ChunkColumn>();
    for (const { rule, bytes, numbers } of this.#plain) {
      const { name, type } = rule.field;
      made.set(name, type === 'instant' || type === 'integer' ? numbers.take() : bytes.take());
    }
    for (const { name, type } of this.#absent) {
      made.set(name, columnFromCells(type, Array(rows).fill(null)));
    }
    const columns = new Map(
      this.#dataset.fields.map(({ name }) => [name, made.get(name) as ChunkColumn]),
    );
    return { rows, columns };
  }

  #addPlain({ rule, path, bytes, numbers, asText }: PlainField): ValueRefusal | null {
    const { type } = rule.field;
    if (type === 'integer') return this.#addInteger(rule, path, numbers);
    if (asText === null) return this.#addBytes(rule, path, bytes);
    const walk = this.#walk;
    const given = walk.types[path];
    if (given === BSON.date) {
      const instant = Number(walk.bytes.readBigInt64LE(walk.starts[path]));
      numbers.add(instant);
      return refuseInstant(rule, instant);
    }
    if (given === 0 || given === BSON.null || given === BSON.undefined) {
      numbers.add(Number.NaN);
      return refuseNone(rule);
    }
    this.#fillRow();
    const refusal = asText.add(this.#row);
    const column = asText.take().get(rule.field.name) as ChunkColumn;
    numbers.add((cellAt(column, 0) as number | null) ?? Number.NaN);
    return refusal;
  }

  #addInteger(rule: ValueRule, path: number, numbers: GrowingNumbers): ValueRefusal | null {
    const walk = this.#walk;
    const start = walk.starts[path];
    let value = Number.NaN;
    switch (walk.types[path]) {
      case BSON.int32:
        value = walk.bytes.readInt32LE(start);
        break;
      case BSON.int64:
        value = Number(walk.bytes.readBigInt64LE(start));
        break;
      case BSON.double: {
        const double = walk.bytes.readDoubleLE(start);
        if (Number.isFinite(double) && !Number.isInteger(double)) {
          return { code: 'number', reason: `got ${double}; expected a whole number` };
        }
        value = Number.isFinite(double) ? double : Number.NaN;
        break;
      }
      default: {
        const text = scalarText(walk, path);
        if (text !== null && text !== '') {
          const bytes = Buffer.from(text);
          this.#span.set(bytes, 0, bytes.length);
          const read = integerOf(rule, this.#span);
          numbers.add(read.value);
          return read.refusal;
        }
      }
    }
    numbers.add(value);
    return refuseInteger(rule, value);
  }

  #addBytes(rule: ValueRule, path: number, bytes: GrowingBytes): ValueRefusal | null {
    const walk = this.#walk;
    const span = this.#span;
    const start = walk.starts[path];
    const end = walk.ends[path];
    const isAscii = walk.types[path] === BSON.string && isPlainText(walk.bytes, start, end);
    if (isAscii) {
      span.set(walk.bytes, start, end);
    } else {
      const text = scalarText(walk, path) ?? '';
      // What is no UTF-8 has become U+FFFD; NUL stays and is refused.
      const made = Buffer.from(text);
      if (text.includes('\0')) {
        return { code: 'text', reason: 'expected text without a NUL byte' };
      }
      span.set(made, 0, made.length);
    }
    const refusal = span.start === span.end ? refuseNone(rule) : refuseText(rule, span);
    bytes.add(span.bytes, span.start, span.end);
    return refusal;
  }

  /** The document that was walked, as a row of texts. */
  #fillRow(): void {
    const walk = this.#walk;
    this.#row.setTexts(this.paths.map((_, index) => scalarText(walk, index)));
    this.#row.dateCells = this.#dates;
    for (let index = 0; index < this.#dates.length; index++) {
      this.#dates[index] = walk.types[index] === BSON.date ? 1 : 0;
    }
  }

  #badRow(field: string, reason: string): Error {
    const { from, keyColumn } = this.#place;
    const key = scalarText(this.#walk, this.paths.indexOf(keyColumn)) ?? '';
    return badRow({ from, key, field, reason });
  }
}

type PlainSource = FieldSource & { readonly text: { readonly kind: 'column' } };

function isAsItIs(source: FieldSource): source is PlainSource {
  return (
    source.text.kind === 'column' &&
    !source.trim &&
    source.fallback === null &&
    source.empty.length === 0 &&
    source.when === null &&
    source.match === null &&
    source.format === null &&
    source.after === null
  );
}

/** ASCII without NUL is text as it stands, whoever wrote it. */
function isPlainText(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > LONG_TEXT) {
    const text = bytes.subarray(start, end);
    return isAscii(text) && !text.includes(0);
  }
  for (let at = start; at < end; at++) if (bytes[at] === 0 || bytes[at] > 127) return false;
  return true;
}

const LONG_TEXT = 64;
