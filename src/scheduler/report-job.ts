import type { Logger } from '../log.ts';
import type { WorkClass } from '../reports/day-task.ts';
import type { ReportDocument } from '../reports/document.ts';
import type { PartStore, RowSource } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Database, Tx } from '../store/database.ts';
import type { DayKeys } from '../store/report-files.ts';
import type { RunProgress } from '../store/run-leases.ts';
import type { Tenant } from '../store/tenants.ts';
import type { WrittenArtifact } from './artifact.ts';
import type { DaysDeps } from './make-days.ts';

/** What producing one file takes and gives. */

export interface ReportJob {
  readonly tenant: Tenant;
  readonly request: ReportRequest;
  readonly runId: string;
  /** Of the attempt that this is. */
  readonly leaseToken: string;
  readonly workClass: WorkClass;
  /** What is to be sealed; null: a file that somebody waits for. */
  readonly sealing: Sealing | null;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
  /** Hears how far the file is; null: it is given up, and perhaps another is begun. */
  readonly onArtifact: (artifact: ArtifactState | null) => void;
}

export interface Sealing {
  /** Days that the file has to say are not complete. */
  readonly incompleteDays: readonly string[];
  /** The sealed file that it amends. */
  readonly amends: string | null;
}

/** A file in the making. */
export interface ArtifactState {
  readonly fileId: string;
  /** Where it stands now, relative to the home folder. */
  readonly path: string;
  readonly storedBytes: number;
  /** These are all; it has yet to be made to last, and entered. */
  readonly isWhole: boolean;
}

export interface ReportDeps extends DaysDeps {
  readonly database: Database;
  readonly source: RowSource;
  readonly parts: PartStore;
  readonly home: string;
  readonly log: Logger;
}

export interface ProducedReport extends WrittenArtifact {
  readonly fileId: string;
  /** Relative to the home folder. */
  readonly path: string;
  readonly document: ReportDocument;
  readonly rows: number;
  /** Of what is to be sealed: the rows part of each day; null: of anything else. */
  readonly dayKeys: DayKeys | null;
  /** What besides the file is entered, in the transaction that ends the run. */
  readonly enter?: (tx: Tx) => Promise<void>;
}
