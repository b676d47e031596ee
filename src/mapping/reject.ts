import { createHash } from 'node:crypto';
import type { Row } from './row.ts';

/** Why rows are refused; one word per reason, kept with each reject. */
export const REJECT_CODES = {
  row_shape: 'the row has another number of fields than the header, or cannot be read at all',
  missing: 'a required field has no value',
  instant: 'not an instant of the declared form, or outside the years 1900 to 2200',
  gap: 'a local wall time that the clocks skipped',
  number: 'not a number of the declared kind',
  choice: 'not one of the values that the field takes',
  match: 'no rule of the map fits',
  unknown_sku: 'no product of the tenant, which takes no other',
  text: 'text that cannot be kept: a NUL byte, half a surrogate pair, or too long a key',
} as const;

export type RejectCode = keyof typeof REJECT_CODES;

/** What goes to the table of rejects, beside the row's number. */
export interface RejectRecord {
  readonly field: string | null;
  readonly code: RejectCode;
  readonly reason: string;
  readonly raw: RawRow;
  /** What was probably meant instead of the field's text; null: nobody can say. */
  readonly suggestion: string | null;
  /** Hex SHA-256: the same row of the same place, refused for the same reason, is kept once. */
  readonly fingerprint: string;
}

/** Why a row is refused. */
export interface RowRefusal {
  readonly field: string | null;
  readonly code: RejectCode;
  readonly reason: string;
  readonly suggestion?: string | null;
}

/** The row as it came, by column where the columns are known. */
export interface RawRow {
  readonly columns: readonly string[];
  readonly values: readonly (string | null)[];
  /** The line itself, where it does not fit the columns. */
  readonly line?: string;
}

const LONGEST_RAW = 65_536;
const LONGEST_SHOWN = 80;

export function rejectRecord(
  row: Row,
  columns: readonly string[],
  refusal: RowRefusal,
  withLine: boolean,
): RejectRecord {
  const { field, code, reason } = refusal;
  const raw = rawOf(row, columns, withLine);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([row.number, code, field, raw.values, raw.line ?? null]))
    .digest('hex');
  const suggestion = refusal.suggestion ?? null;
  return { field, code, reason: keepable(reason), raw, suggestion, fingerprint };
}

function rawOf(row: Row, columns: readonly string[], withLine: boolean): RawRow {
  const values: (string | null)[] = [];
  for (let i = 0; i < row.count; i++) {
    values.push(row.ends[i] < 0 ? null : keepable(row.text(i)));
  }
  if (!withLine) return { columns, values };
  return { columns, values, line: keepable(row.raw.toString('utf8')) };
}

/** Postgres keeps no NUL: it is shown by its symbol. */
function keepable(text: string): string {
  return text.slice(0, LONGEST_RAW).replaceAll('\0', '\u2400').toWellFormed();
}

/** A value for a message, cut and in quotes. */
export function shown(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return JSON.stringify(cut);
}
