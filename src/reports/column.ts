import type { Locale } from './request.ts';

/** A text in every language that files speak. */
export type Labels = Readonly<Record<Locale, string>>;

/**
 * What a renderer shows of a column.
 * - `text`: as text, always (phones, ids).
 * - `instant`: UTC epoch ms in the chunk; local wall time in files.
 * - `date`: `YYYY-MM-DD` as bytes in the chunk.
 * - `integer`, `decimal`: numbers; decimals are exact ASCII text in the chunk.
 */
export type CellType = 'text' | 'instant' | 'date' | 'integer' | 'decimal';

export type Unit = 'seconds' | 'minutes' | 'count' | 'money' | 'quantity' | 'ratio';

/** A column as it stands in one file: chosen, labelled, in order. Plain data. */
export interface OutColumn {
  readonly key: string;
  /** The header cell: the label in the request's locale, or the key. */
  readonly header: string;
  readonly type: CellType;
  readonly unit: Unit | null;
  /** Decimal columns: the fewest digits shown after the point; more are shown where they are. */
  readonly minScale: number;
  /** Width in characters, for sheets. */
  readonly width: number;
}
