import type { WorkClass } from '../reports/day-task.ts';
import type { ReportDocument } from '../reports/document.ts';
import type { PartStore, RowSource } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Database } from '../store/database.ts';
import type { RunProgress } from '../store/run-leases.ts';
import type { Tenant } from '../store/tenants.ts';
import type { WrittenArtifact } from './artifact.ts';
import type { DaysDeps } from './make-days.ts';

/** What producing a report takes and gives. */

export interface ReportJob {
  readonly tenant: Tenant;
  readonly request: ReportRequest;
  readonly runId: string;
  readonly workClass: WorkClass;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
}

export interface FileJob extends ReportJob {
  /** Where the file goes, relative to the home folder. */
  readonly path: string;
}

export interface ReportDeps extends DaysDeps {
  readonly database: Database;
  readonly source: RowSource;
  readonly parts: PartStore;
  readonly home: string;
}

export interface ProducedReport extends WrittenArtifact {
  readonly document: ReportDocument;
  readonly rows: number;
}
