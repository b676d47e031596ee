import type { LoadMap } from '../mapping/load-map.ts';
import type { DatasetName } from '../reports/dataset.ts';
import type { RowSource } from '../reports/ports.ts';

/**
 * Rows of others' databases, which we only read. An adapter is opened for one binding: one tenant's
 * rows of one dataset in one place. Every adapter passes the contract suite of sources.
 */

/** Where a tenant's rows of a dataset stand in a foreign database, and how they become ours. */
export interface ForeignPlace {
  readonly dataset: DatasetName;
  /** Table, view or collection, perhaps with its schema before a dot. */
  readonly from: string;
  /** Over the columns (paths of sub-documents with dots) of `from`. */
  readonly map: LoadMap;
  /** The column behind the dataset's anchor: compared and sorted by, so an index should have it. */
  readonly anchorColumn: string;
  /** The column that no two rows share, for keyset pages and resuming. */
  readonly keyColumn: string;
  /**
   * Every query bears it: which rows are the tenant's. Null only where the credential itself shows
   * this tenant's rows and no others.
   */
  readonly only: Only | null;
  /** The column that grows whenever a row changes; null: rows are known by count and newest key. */
  readonly updatedColumn: string | null;
}

/** Rows whose column is exactly this text, or begins with it. Neither text is empty. */
export type Only =
  | { readonly column: string; readonly equals: string }
  | { readonly column: string; readonly startsWith: string };

/** How a foreign database is reached. */
export interface ForeignConnection {
  /** Names and numbers of the kind's own, such as `host`; nothing secret. */
  readonly settings: Readonly<Record<string, string>>;
  /** Such as `password`. Never in logs, errors or answers. */
  readonly credentials: Readonly<Record<string, string>>;
  /**
   * The address to connect to instead of the name, checked: an address inside is refused where the
   * source is a tenant's own. Asked anew for each connection.
   * @throws DaybookError `E_INVALID`; `E_UNAVAILABLE` when the name cannot be resolved now
   */
  readonly reach: (host: string) => Promise<string>;
}

/** Opens an adapter; nothing is connected before the first reading. */
export type OpenForeign = (connection: ForeignConnection, place: ForeignPlace) => ForeignSource;

/** Must be closed. */
export interface ForeignSource extends RowSource {
  /**
   * Connects and reads one row.
   * @throws DaybookError that says what is wrong: host, credential, table, column, or type
   */
  check(signal: AbortSignal): Promise<{ readonly server: string; readonly sample: number }>;
  close(): Promise<void>;
}
