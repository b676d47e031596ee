import type { RowShape } from '../reports/dataset.ts';
import type { TimeFormat } from './time-format.ts';

/** A map, checked: how the columns of a file become the fields of a dataset. */
export interface LoadMap {
  /** Of wall times that say no offset. Null: every instant must say its own. */
  readonly zone: string | null;
  /** Null: by the format, or by the first line. */
  readonly delimiter: string | null;
  /** False: a quote in a delimited file is text like any other. */
  readonly quote: boolean;
  /** Names of the columns of a file that has no header line. */
  readonly header: readonly string[] | null;
  /** Which columns that no field uses are kept in `extra`. */
  readonly extra: 'all' | readonly string[];
  /** Of a workbook; null: its first sheet. */
  readonly sheet: string | null;
  /** Rows are legs of calls, which are folded: fields are those of `CALL_LEGS`. */
  readonly legs: boolean;
  /** Null: columns bear the names of fields. */
  readonly fields: ReadonlyMap<string, FieldSource> | null;
}

export type SourceText =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'join'; readonly parts: readonly SourceText[]; readonly separator: string }
  /** The first that is not empty. */
  | { readonly kind: 'first'; readonly of: readonly SourceText[] }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'row_number' }
  | { readonly kind: 'latest'; readonly of: readonly FieldSource[] };

export interface FieldSource {
  /** Such as `fields.started_at`, for messages. */
  readonly where: string;
  readonly text: SourceText;
  /** Without the blanks around it, before anything else is done with it. */
  readonly trim: boolean;
  /** Texts that mean none; the empty text always does. */
  readonly empty: readonly string[];
  readonly when: { readonly column: string; readonly is: readonly string[] } | null;
  readonly match: readonly { readonly pattern: RegExp; readonly value: string | null }[] | null;
  /** Null: ISO 8601. */
  readonly format: TimeFormat | null;
  readonly formatText: string | null;
  readonly after: string | null;
  readonly skewMs: number;
  /** What stands in for no value; null: nothing. */
  readonly fallback: string | null;
}

export const NO_MAP: LoadMap = {
  zone: null,
  delimiter: null,
  quote: true,
  header: null,
  extra: [],
  sheet: null,
  legs: false,
  fields: null,
};

/** The names of all columns that a map reads, in no order. */
export function columnsUsed(map: LoadMap, dataset: RowShape): Set<string> {
  if (map.fields === null) return new Set(dataset.fields.map((field) => field.name));
  const used = new Set<string>();
  const visitText = (text: SourceText) => {
    if (text.kind === 'column') used.add(text.column);
    if (text.kind === 'join') text.parts.forEach(visitText);
    if (text.kind === 'first') text.of.forEach(visitText);
    if (text.kind === 'latest') text.of.forEach(visit);
  };
  const visit = (source: FieldSource) => {
    visitText(source.text);
    if (source.when) used.add(source.when.column);
  };
  for (const source of map.fields.values()) visit(source);
  return used;
}
