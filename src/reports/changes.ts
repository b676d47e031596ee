import type { DocumentChanges, ReportDocument } from './document.ts';

/** What changed since a file was sealed, looked at now. */
export interface ChangesSince {
  /** Its days whose rows are others now, and how; none: the file says what is so today. */
  readonly changes: DocumentChanges;
  /** Of the file, as it says itself what it is. */
  readonly document: Pick<
    ReportDocument,
    'report' | 'title' | 'tenant' | 'locale' | 'headers' | 'period' | 'zones' | 'window'
  >;
  /** Newest change in the data of its days, UTC epoch ms; null: nothing was ever written. */
  readonly dataAsOf: number | null;
}

/**
 * Compares a sealed file of a tenant with the data of today. Null: there is no such file.
 * @throws DaybookError those of making days
 */
export type ChangesProducer = (
  of: {
    readonly tenantId: string;
    readonly fileId: string;
    /** Rows that are listed; all are counted. */
    readonly mostListed: number;
  },
  signal: AbortSignal,
) => Promise<ChangesSince | null>;
