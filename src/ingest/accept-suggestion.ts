import type { LoadMap } from '../mapping/load-map.ts';
import type { MendedRow } from './mended-rows.ts';

/** What a reject says of the field that was refused. */
export interface Suggested {
  readonly field: string | null;
  readonly suggestion: string | null;
  readonly raw: {
    readonly columns: readonly string[];
    readonly values: readonly (string | null)[];
  };
}

/**
 * The row with its suggestion in the refused field's column, where that still says what it said: what
 * a person has written counts. A field that is made of several columns stays.
 */
export function acceptSuggestion(
  row: MendedRow,
  reject: Suggested | undefined,
  map: LoadMap,
): MendedRow {
  if (!reject?.suggestion || reject.field === null) return row;
  const index = reject.raw.columns.indexOf(columnOf(reject.field, map) ?? '');
  if (index < 0 || (row.texts[index] ?? '') !== (reject.raw.values[index] ?? '')) return row;
  const { suggestion } = reject;
  return { ...row, texts: row.texts.map((text, i) => (i === index ? suggestion : text)) };
}

function columnOf(field: string, map: LoadMap): string | null {
  if (map.fields === null) return field;
  const text = map.fields.get(field)?.text;
  return text?.kind === 'column' ? text.column : null;
}
