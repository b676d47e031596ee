import { DaybookError } from '../../errors.ts';
import { namesakes } from '../../mapping/bind-columns.ts';
import type { FieldSource, SourceText } from '../../mapping/load-map.ts';
import { type Dataset, datasetOf, type Field, type FieldType } from '../../reports/dataset.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import { type ForeignColumn, type ForeignTable, requireForeignColumn } from './table.ts';

/**
 * Which way each field is read. Plain columns of a fitting type are cast by the server and come
 * typed; wall times come as numbers and become instants here; whatever else the map does, it does
 * over texts.
 */
export interface ReadingPlan {
  /** What the COPY selects, in its order. */
  readonly selected: readonly SelectedColumn[];
  /** Typed by the server. */
  readonly direct: readonly Field[];
  /** Wall times that the map's zone makes instants of. */
  readonly walls: readonly Field[];
  readonly mapped: readonly Field[];
  /** Fields that the map leaves out: no row has a value. */
  readonly absent: readonly Field[];
  /** Columns whose texts the map reads, as {@link rawName} names them in a chunk. */
  readonly raw: readonly string[];
  /** Expressions that put rows into canonical order. */
  readonly order: readonly string[];
  /** The order is canonical but for rows of one instant, which are to be sorted afterwards. */
  readonly sortTies: boolean;
  readonly anchor: AnchorColumn;
}

export interface SelectedColumn extends Field {
  readonly expression: string;
}

export interface AnchorColumn {
  readonly quoted: string;
  /** `timestamp`: wall times of the map's zone. */
  readonly type: 'timestamptz' | 'timestamp';
}

export const TEXT_TYPES: ReadonlySet<string> = new Set([
  'text',
  'varchar',
  'bpchar',
  'name',
  'citext',
]);
const WHOLE_TYPES = new Set(['int2', 'int4', 'int8']);
const EXACT_TYPES = new Set([...WHOLE_TYPES, 'numeric']);
const BLANKS = `E' \\t'`;

/** How a chunk of the COPY names the text of a column. */
export function rawName(column: string): string {
  return `raw:${column}`;
}

/** @throws DaybookError `E_SOURCE`, `E_MAP`, `E_INPUT` */
export function planReading(place: ForeignPlace, table: ForeignTable): ReadingPlan {
  const dataset = datasetOf(place.dataset);
  const sources = place.map.fields ?? namesakes(dataset, [...table.columns.keys()]);
  const anchor = anchorOf(place, table);
  const somethingIsAfter = [...sources.values()].some(isAfter);
  const raw = new Set<string>([place.keyColumn]);
  const plan = {
    direct: [] as Field[],
    walls: [] as Field[],
    mapped: [] as Field[],
    absent: [] as Field[],
  };
  const selected: SelectedColumn[] = [];
  for (const field of dataset.fields) {
    const source = sources.get(field.name);
    if (!source) {
      plan.absent.push(field);
      continue;
    }
    const throughMap = somethingIsAfter && field.type === 'instant';
    const way = throughMap ? null : expressionOf(field, source, place, table);
    if (way === null) {
      plan.mapped.push(field);
      for (const column of columnsOf(source)) raw.add(column);
      continue;
    }
    plan[way.isWall ? 'walls' : 'direct'].push(field);
    selected.push({ ...field, expression: way.expression });
  }
  for (const column of raw) {
    const { quoted } = requireForeignColumn(table, column, 'map');
    selected.push({ ...textField(rawName(column)), expression: `${quoted}::text` });
  }
  return {
    selected,
    ...plan,
    raw: [...raw],
    ...orderOf(dataset, selected, sources, anchor),
    anchor,
  };
}

function anchorOf({ anchorColumn, map }: ForeignPlace, table: ForeignTable): AnchorColumn {
  const { quoted, type } = requireForeignColumn(table, anchorColumn, 'anchor column');
  if (type === 'timestamptz') return { quoted, type };
  if (type !== 'timestamp') {
    const reason = `${anchorColumn} is ${type}; expected timestamptz or timestamp`;
    throw new DaybookError('E_SOURCE', { where: 'anchor column', reason });
  }
  if (map.zone !== null) return { quoted, type };
  throw new DaybookError('E_MAP', {
    where: 'zone',
    got: 'nothing',
    expected: `an IANA name such as Europe/London: ${anchorColumn} says no offset`,
  });
}

/** Null: only the map can read it. */
function expressionOf(
  field: Field,
  source: FieldSource,
  { map }: ForeignPlace,
  table: ForeignTable,
): { readonly expression: string; readonly isWall: boolean } | null {
  const { text, match, when, empty, format, after, trim, fallback } = source;
  const isChanged = match || when || empty.length > 0 || format || trim || fallback !== null;
  if (text.kind !== 'column' || isChanged || after !== null) {
    return null;
  }
  const column = requireForeignColumn(table, text.column, source.where);
  if (field.type === 'instant') {
    if (column.type === 'timestamptz') return { expression: column.quoted, isWall: false };
    if (column.type !== 'timestamp' || map.zone === null) return null;
    return { expression: `${column.quoted} at time zone 'UTC'`, isWall: true };
  }
  const expression = castOf(field, column);
  return expression === null ? null : { expression, isWall: false };
}

function castOf(field: Field, { quoted, type }: ForeignColumn): string | null {
  if (field.type === 'integer') return WHOLE_TYPES.has(type) ? `${quoted}::int8` : null;
  if (field.type === 'decimal') return EXACT_TYPES.has(type) ? `${quoted}::text` : null;
  if (!TEXT_TYPES.has(type)) return `${quoted}::text`;
  return field.values ? `btrim(${quoted}::text, ${BLANKS})` : `${quoted}::text`;
}

/** Text sorts by its bytes, instants as the milliseconds that they are cut to. */
function orderOf(
  dataset: Dataset,
  selected: readonly SelectedColumn[],
  sources: ReadonlyMap<string, FieldSource>,
  anchor: AnchorColumn,
): Pick<ReadingPlan, 'order' | 'sortTies'> {
  const order = [`date_trunc('milliseconds', ${anchor.quoted})`];
  for (const name of dataset.tieBreak) {
    const source = sources.get(name);
    if (source === undefined || isConstant(source)) continue;
    const column = selected.find((each) => each.name === name);
    if (!column) return { order, sortTies: true };
    order.push(column.type === 'text' ? `${column.expression} collate "C"` : column.expression);
  }
  return { order, sortTies: false };
}

function isConstant({ text, when, match }: FieldSource): boolean {
  return text.kind === 'value' && !when && !match;
}

function isAfter({ after, text }: FieldSource): boolean {
  return after !== null || (text.kind === 'latest' && text.of.some(isAfter));
}

function columnsOf(source: FieldSource): string[] {
  const ofText = (text: SourceText): string[] => {
    if (text.kind === 'column') return [text.column];
    if (text.kind === 'join') return text.parts.flatMap(ofText);
    if (text.kind === 'first') return text.of.flatMap(ofText);
    return text.kind === 'latest' ? text.of.flatMap(columnsOf) : [];
  };
  return [...ofText(source.text), ...(source.when ? [source.when.column] : [])];
}

function textField(name: string): Field & { readonly type: FieldType } {
  return { name, type: 'text', required: false };
}
