import type { WatermarkKind } from '../watermark.ts';

/**
 * A table of a foreign database as the agent reads it: nothing is ever written, values come as the
 * exact text that the database has for them, and every query has a deadline.
 */

export interface TableColumn {
  readonly name: string;
  /** How the column sorts as a watermark; null: it is none. */
  readonly watermark: WatermarkKind | null;
  /** What a parameter is cast to before it is compared, where the dialect must be told; else ''. */
  readonly cast: string;
}

export type TableRow = readonly (string | null)[];

/** A text with its values, `?` for each. */
export interface TableQuery {
  readonly text: string;
  readonly values: readonly QueryValue[];
}

export interface QueryValue {
  readonly text: string;
  readonly column: TableColumn;
}

/** One connection. Must be closed. */
export interface TableSource {
  readonly dialect: Dialect;
  /** @throws DaybookError `E_INPUT` when the database refuses the query */
  columnsOf(query: TableQuery, signal: AbortSignal): Promise<readonly TableColumn[]>;
  /**
   * The rows in pieces, as one state of the database has them.
   * @throws DaybookError `E_INPUT` when the database refuses, `E_UNAVAILABLE` when it went away
   */
  read(query: TableQuery, signal: AbortSignal): AsyncGenerator<readonly TableRow[]>;
  /** The database's clock, UTC epoch ms. */
  nowMs(signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

export interface Dialect {
  /** A name in quotes; what stands between dots is quoted by itself in `table`. */
  quote(name: string): string;
  /** A query that gives at most so many rows. */
  limited(select: string, rows: number): string;
  /** A parameter as it is compared with a column. */
  placeholder(column: TableColumn): string;
}

/** Rows that are handed over at once. */
export const PIECE_ROWS = 1_000;
