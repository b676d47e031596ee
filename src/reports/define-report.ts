import type { ChunkColumn } from './chunk.ts';
import type { CellType, Labels, Unit } from './column.ts';
import { type DatasetName, datasetOf } from './dataset.ts';
import type { Condition, DayRows, RowDecimals, RowNumbers } from './day-rows.ts';
import {
  FORMATS,
  type Format,
  type Grain,
  LOCALES,
  type ReportName,
  type ReportRequest,
} from './request.ts';

/** What a report is made of. A new report is one file in `kinds/` that calls {@link defineReport}. */

/**
 * How values of a column become one value over several rows or days. `first` and `last` go by the
 * canonical order of rows, so days must be merged in order; all others merge in any order. `none`
 * does not merge: what names a line or a row. No sketches yet: no report needs one.
 */
export type Merge = 'sum' | 'min' | 'max' | 'first' | 'last' | 'none' | RatioOfSums;

/**
 * A quotient of two summed measures (the second may be a number), worked out of the merged sums and
 * rounded once, to `scale` digits, halves away from zero. No value where the second is zero.
 */
export interface RatioOfSums {
  readonly ratioOf: readonly [string, string | number];
  readonly scale: number;
}

/** What a fold keeps per group. */
export type Measure = { readonly key: string; readonly where?: Condition } & (
  | { readonly of: 'count' }
  | {
      readonly of: 'numbers';
      readonly merge: 'sum' | 'min' | 'max';
      readonly values: RowNumbers;
    }
  | { readonly of: 'decimals'; readonly values: RowDecimals }
  /** How many different values a text field has; counted again on each day. */
  | { readonly of: 'distinct'; readonly field: string }
  /** The first or last value of a text field. */
  | { readonly of: 'text'; readonly merge: 'first' | 'last'; readonly field: string }
);

/** What totals can be asked by. */
export interface Dimension {
  readonly key: string;
  readonly type: CellType;
  readonly labels: Labels;
  /** Where a row's value comes from: its day's date, a text field, or numbers. */
  readonly of: 'day' | { readonly field: string } | { readonly numbers: RowNumbers };
  /** Nearly every row has a value of its own: totals by it are large, and not made ahead. */
  readonly manyValues?: true;
}

export interface ParamSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly type: 'integer';
  readonly unit: Unit | null;
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export interface ColumnSpec {
  readonly key: string;
  readonly type: CellType;
  readonly unit: Unit | null;
  readonly labels: Labels;
  readonly merge: Merge;
  /** Among the columns that a file has when none are asked for. */
  readonly shown: boolean;
  /** Grains that have the column; all of the report's by default. */
  readonly grains?: readonly Grain[];
  /** Fewest digits after the point; by default 2 for money, a ratio's own scale, else 0. */
  readonly minScale?: number;
  /** Characters; by default what the type needs. */
  readonly width?: number;
  /** Row reports: how the column is made. By default it is the dataset's field of that name. */
  readonly project?: (rows: DayRows) => ChunkColumn;
}

export interface ReportKind {
  readonly name: ReportName;
  readonly dataset: DatasetName;
  /** `rows`: a line per row of the dataset; `groups`: a line per group of a fold. */
  readonly shape: 'rows' | 'groups';
  readonly labels: Labels;
  readonly description: Labels;
  readonly grains: readonly Grain[];
  readonly defaultGrain: Grain;
  /** Dimensions of a line at each grain; empty for row reports. */
  readonly groupBy: Readonly<Partial<Record<Grain, readonly string[]>>>;
  readonly params: readonly ParamSpec[];
  /** That it can be had in; the first is what it is where none is asked for. */
  readonly formats: readonly Format[];
  /**
   * What it takes of all that a request may say of any report; null: everything.
   * @throws DaybookError `E_FILTER`, `E_INVALID`
   */
  readonly check: ((request: Pick<ReportRequest, 'where' | 'zone'>) => void) | null;
  readonly dimensions: readonly Dimension[];
  /** The first is always `rows`, the count of rows that were folded. */
  readonly measures: readonly Measure[];
  /** Rows that enter groups at all; null: every one. */
  readonly counts: Condition | null;
  readonly columns: readonly ColumnSpec[];
  /** Columns of totals, by day or by any dimension: all merge. */
  readonly figures: readonly ColumnSpec[];
  /** The figures hold money: totals are one line per `currency`. */
  readonly perCurrency: boolean;
}

type Definition = Omit<
  ReportKind,
  'counts' | 'figures' | 'perCurrency' | 'params' | 'formats' | 'check'
> & {
  readonly counts?: Condition;
  /** By default the columns of a grouped report that merge, texts and instants left out. */
  readonly figures?: readonly ColumnSpec[];
  readonly params?: readonly ParamSpec[];
  /** All by default. */
  readonly formats?: readonly Format[];
  readonly check?: NonNullable<ReportKind['check']>;
};

/** @throws RangeError that names what is wrong with the definition; it is the author's mistake. */
export function defineReport(definition: Definition): ReportKind {
  const figures =
    definition.figures ??
    definition.columns.filter(
      ({ merge, type, grains }) =>
        merge !== 'none' && (type === 'integer' || type === 'decimal') && grains === undefined,
    );
  const kind: ReportKind = {
    ...definition,
    params: definition.params ?? [],
    formats: definition.formats ?? FORMATS,
    check: definition.check ?? null,
    counts: definition.counts ?? null,
    measures: [{ key: 'rows', of: 'count' }, ...definition.measures],
    figures,
    perCurrency: figures.some(({ unit }) => unit === 'money'),
  };
  const problems = problemsOf(kind);
  if (problems.length > 0) throw new RangeError(`report ${kind.name}: ${problems.join('; ')}`);
  return Object.freeze(kind);
}

export function mergeOf(measure: Measure): 'sum' | 'min' | 'max' | 'first' | 'last' {
  return measure.of === 'numbers' || measure.of === 'text' ? measure.merge : 'sum';
}

/** @throws RangeError for a name that the report does not have. */
export function dimensionOf(kind: ReportKind, key: string): Dimension {
  const found = kind.dimensions.find((dimension) => dimension.key === key);
  if (found === undefined) throw new RangeError(`${kind.name} has no dimension ${key}`);
  return found;
}

/** Columns that a line of the report has at a grain, in order. */
export function columnsAt(kind: ReportKind, grain: Grain): readonly ColumnSpec[] {
  return kind.columns.filter(({ grains }) => grains === undefined || grains.includes(grain));
}

function problemsOf(kind: ReportKind): string[] {
  return [
    ...['columns', 'figures', 'measures', 'dimensions'].flatMap((part) =>
      repeated(kind[part as 'columns'].map(({ key }) => key)).map(
        (key) => `${part} has ${key} twice`,
      ),
    ),
    ...repeated(kind.params.map(({ name }) => name)).map((name) => `params has ${name} twice`),
    ...labelProblems(kind),
    ...grainProblems(kind),
    ...kind.columns.flatMap((column) => columnProblems(kind, column)),
    ...kind.figures.flatMap((figure) => figureProblems(kind, figure)),
    ...kind.params
      .filter((param) => param.default < param.min || param.default > param.max)
      .map(({ name }) => `the default of ${name} is out of its range`),
    ...(kind.perCurrency && !kind.dimensions.some(({ key }) => key === 'currency')
      ? ['money without a dimension currency']
      : []),
  ];
}

function repeated(keys: readonly string[]): string[] {
  return keys.filter((key, index) => keys.indexOf(key) !== index);
}

function labelProblems(kind: ReportKind): string[] {
  const labelled: [string, Labels][] = [
    ['title', kind.labels],
    ['description', kind.description],
    ...[...kind.columns, ...kind.figures, ...kind.dimensions].map(
      ({ key, labels }): [string, Labels] => [key, labels],
    ),
    ...kind.params.map(({ name, labels }): [string, Labels] => [name, labels]),
  ];
  return labelled.flatMap(([what, labels]) =>
    LOCALES.filter((locale) => !labels[locale]?.trim()).map(
      (locale) => `${what} has no label in ${locale}`,
    ),
  );
}

function grainProblems(kind: ReportKind): string[] {
  const problems: string[] = [];
  const ofDays = kind.grains.filter((grain) => grain !== 'period');
  if (new Set(ofDays.map((grain) => kind.groupBy[grain]?.length)).size < ofDays.length) {
    problems.push('two grains of a day have lines by as many dimensions');
  }
  if (!kind.grains.includes(kind.defaultGrain)) problems.push('the default grain is not a grain');
  for (const grain of kind.grains) {
    const shown = columnsAt(kind, grain).filter((column) => column.shown);
    if (shown.length === 0) problems.push(`no column is shown at grain ${grain}`);
    if (kind.shape === 'groups' && kind.groupBy[grain] === undefined) {
      problems.push(`grain ${grain} has no groups`);
    }
    for (const key of kind.groupBy[grain] ?? []) {
      if (!kind.dimensions.some((dimension) => dimension.key === key)) {
        problems.push(`grain ${grain} groups by ${key}, which is no dimension`);
      }
    }
  }
  return problems;
}

function columnProblems(kind: ReportKind, column: ColumnSpec): string[] {
  if (kind.shape === 'groups') {
    if (column.merge !== 'none') return mergeProblems(kind, column);
    const named =
      column.key === 'date' || kind.dimensions.some((dimension) => dimension.key === column.key);
    return named ? [] : [`${column.key} is neither a dimension nor merges`];
  }
  const problems: string[] = [];
  const fields = datasetOf(kind.dataset).fields;
  if (column.project === undefined && !fields.some(({ name }) => name === column.key)) {
    problems.push(`${column.key} is no field and is not projected`);
  }
  if (column.merge !== 'none') problems.push(...mergeProblems(kind, column));
  return problems;
}

function figureProblems(kind: ReportKind, figure: ColumnSpec): string[] {
  if (figure.merge === 'none') return [`the figure ${figure.key} does not merge`];
  return mergeProblems(kind, figure);
}

function mergeProblems(kind: ReportKind, { key, merge }: ColumnSpec): string[] {
  if (typeof merge === 'string') {
    const measure = kind.measures.find((candidate) => candidate.key === key);
    if (measure === undefined) return [`${key} merges but no measure bears its name`];
    return mergeOf(measure) === merge ? [] : [`${key} merges otherwise than its measure`];
  }
  return merge.ratioOf.flatMap((part) => {
    if (typeof part === 'number') return part > 0 ? [] : [`${key} is divided by ${part}`];
    const measure = kind.measures.find((candidate) => candidate.key === part);
    return measure !== undefined && mergeOf(measure) === 'sum'
      ? []
      : [`${key} is a ratio with ${part}, which is no sum`];
  });
}
