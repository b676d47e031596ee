import { namesakes } from '../../mapping/bind-columns.ts';
import { GrowingBytes, GrowingNumbers } from '../../mapping/growing-column.ts';
import { columnsUsed, type FieldSource } from '../../mapping/load-map.ts';
import { MappedColumns } from '../../mapping/mapped-columns.ts';
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
import { BSON, BsonWalk, int32At, int64At, isPlainText } from './bson-walk.ts';
import { scalarText } from './scalar-text.ts';
import { WalkedRow } from './walked-row.ts';

/** A field that is a value of the document as it is. */
interface PlainField {
  readonly rule: ValueRule;
  /** Among the paths. */
  readonly path: number;
  readonly bytes: GrowingBytes;
  readonly numbers: GrowingNumbers;
  /** Reads what is no date; null: it is no instant. */
  readonly asText: MappedText | null;
}

/** What goes through the map, and the row that it reads. */
interface MappedText {
  readonly columns: MappedColumns;
  readonly row: WalkedRow;
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
  /** Of the document that is added next, and of the one that was looked at behind it. */
  #walk: BsonWalk;
  #ahead: BsonWalk;
  readonly #anchorPath: number;
  readonly #plain: readonly PlainField[];
  readonly #mapped: MappedText | null;
  readonly #ties: MappedText;
  /** Where what orders rows of one instant stands as it is; null: the map makes it. */
  readonly #tiePaths: readonly number[] | null;
  readonly #absent: readonly Field[];
  readonly #span = new Span();
  #rows = 0;
  #full: Chunk[] = [];

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
    const mappedText = (fields: readonly Field[], mostRows: number): MappedText => {
      const of = new Map([...sources].filter(([name]) => fields.some((f) => f.name === name)));
      return {
        columns: new MappedColumns({ shape: dataset, map, columns: paths, fields, mostRows }),
        row: new WalkedRow(paths, columnsUsed({ ...map, fields: of }, dataset)),
      };
    };
    const pathOf = (name: string) => paths.indexOf((sources.get(name) as PlainSource).text.column);
    this.#place = place;
    this.#dataset = dataset;
    this.#walk = new BsonWalk(paths);
    this.#ahead = new BsonWalk(paths);
    this.#anchorPath = paths.indexOf(anchorColumn);
    this.#plain = dataset.fields.filter(isPlain).map((field) => ({
      rule: valueRule(field, dataset),
      path: pathOf(field.name),
      bytes: new GrowingBytes(field.type === 'decimal' ? 'decimal' : 'text', CHUNK_ROWS),
      numbers: new GrowingNumbers(field.type === 'instant' ? 'instant' : 'integer', CHUNK_ROWS),
      asText: field.type === 'instant' ? mappedText([field], 1) : null,
    }));
    const mapped = dataset.fields.filter((field) => sources.has(field.name) && !isPlain(field));
    // An instant that is after another needs that too; what is plain is then read twice.
    const needed = dataset.fields.filter(
      (field) => field.type === 'instant' && sources.has(field.name),
    );
    const wanted = mapped.some(({ name }) => sources.get(name)?.after)
      ? dataset.fields.filter((field) => mapped.includes(field) || needed.includes(field))
      : mapped;
    this.#mapped = wanted.length === 0 ? null : mappedText(wanted, CHUNK_ROWS);
    const ties = dataset.fields.filter(({ name }) => dataset.tieBreak.includes(name));
    this.#ties = mappedText(ties, 1);
    this.#tiePaths = ties.every(isPlain) ? dataset.tieBreak.map(pathOf) : null;
    this.#absent = dataset.fields.filter(({ name }) => !sources.has(name));
  }

  /**
   * The document's anchor, in UTC epoch ms. Then `advance` makes it the one that is added next.
   * @throws DaybookError `E_SOURCE_ROW` when it is no date
   */
  look(document: Buffer): number {
    const walk = this.#ahead;
    walk.walk(document);
    if (walk.types[this.#anchorPath] !== BSON.date) {
      const { anchorColumn } = this.#place;
      throw this.#badRow(this.#dataset.anchor, `${anchorColumn} is no date`, walk);
    }
    return int64At(walk.bytes, walk.starts[this.#anchorPath]);
  }

  advance(): void {
    [this.#walk, this.#ahead] = [this.#ahead, this.#walk];
  }

  /**
   * Whether the document that was looked at comes behind the one before it, both of one instant;
   * false: it does not, or their bytes alone do not tell.
   */
  isBehind(): boolean {
    for (const path of this.#tiePaths ?? []) {
      const order = compareValues(this.#walk, this.#ahead, path);
      if (order !== 0) return order < 0;
    }
    return this.#tiePaths !== null;
  }

  /** What orders the document among those of its instant. */
  tiesOf(document: Buffer): readonly TieValue[] {
    this.#walk.walk(document);
    const { columns: read, row } = this.#ties;
    const refusal = read.add(row.of(this.#walk));
    if (refusal) throw this.#badRow(refusal.field, refusal.reason);
    const columns = read.take();
    return this.#dataset.tieBreak.map((name) => {
      const value: CellValue = cellAt(columns.get(name) as ChunkColumn, 0);
      return typeof value === 'number' ? value : Buffer.from(value ?? '');
    });
  }

  /** @throws DaybookError `E_SOURCE_ROW` */
  add(document: Buffer): void {
    this.#walk.walk(document);
    this.addWalked();
  }

  /** The one that was looked at before `advance`. @throws DaybookError `E_SOURCE_ROW` */
  addWalked(): void {
    for (const field of this.#plain) {
      const refusal = this.#addPlain(field);
      if (refusal) throw this.#badRow(field.rule.field.name, refusal.reason);
    }
    if (this.#mapped) {
      const refusal = this.#mapped.columns.add(this.#mapped.row.of(this.#walk));
      if (refusal) throw this.#badRow(refusal.field, refusal.reason);
    }
    this.#rows += 1;
    if (this.#rows === CHUNK_ROWS) this.#full.push(this.#take());
  }

  /** Chunks that no row goes into any more. */
  takeFull(): readonly Chunk[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  /** All rows that are left. */
  takeAll(): readonly Chunk[] {
    return this.#rows === 0 ? this.takeFull() : [...this.takeFull(), this.#take()];
  }

  #take(): Chunk {
    const rows = this.#rows;
    this.#rows = 0;
    const made = this.#mapped?.columns.take() ?? new Map<string, ChunkColumn>();
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
      const instant = int64At(walk.bytes, walk.starts[path]);
      numbers.add(instant);
      return refuseInstant(rule, instant);
    }
    if (given === 0 || given === BSON.null || given === BSON.undefined) {
      numbers.add(Number.NaN);
      return refuseNone(rule);
    }
    const refusal = asText.columns.add(asText.row.of(walk));
    const column = asText.columns.take().get(rule.field.name) as ChunkColumn;
    numbers.add((cellAt(column, 0) as number | null) ?? Number.NaN);
    return refusal;
  }

  #addInteger(rule: ValueRule, path: number, numbers: GrowingNumbers): ValueRefusal | null {
    const walk = this.#walk;
    const start = walk.starts[path];
    let value = Number.NaN;
    switch (walk.types[path]) {
      case BSON.int32:
        value = int32At(walk.bytes, start);
        break;
      case BSON.int64:
        value = int64At(walk.bytes, start);
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

  #badRow(field: string, reason: string, walk = this.#walk): Error {
    const { from, keyColumn } = this.#place;
    const key = scalarText(walk, this.paths.indexOf(keyColumn)) ?? '';
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

/** By text in code-point order or by number; NaN: their bytes do not tell. */
function compareValues(a: BsonWalk, b: BsonWalk, path: number): number {
  const type = a.types[path];
  if (type !== b.types[path]) return Number.NaN;
  const [startA, endA, startB, endB] = [a.starts[path], a.ends[path], b.starts[path], b.ends[path]];
  if (type === BSON.int32) return int32At(a.bytes, startA) - int32At(b.bytes, startB);
  if (type !== BSON.string) return Number.NaN;
  if (!isPlainText(a.bytes, startA, endA) || !isPlainText(b.bytes, startB, endB)) return Number.NaN;
  return a.bytes.compare(b.bytes, startB, endB, startA, endA);
}
