import type { Logger } from '../../log.ts';
import type { Database } from '../../store/database.ts';

/** The four stages, in the order of a pass. */
export const STAGES = ['plan', 'process', 'send', 'clean'] as const;
export type StageName = (typeof STAGES)[number];

/** What a pass of any stage works with. */
export interface StageDeps {
  readonly database: Database;
  /** Names this process in leases. */
  readonly holder: string;
  readonly log: Logger;
}

/**
 * One pass of a stage as of `now`, UTC epoch ms: due-ness is judged by it, leases by the clock of the
 * database. Safe to run twice, and at the same time. What it answers is counted and logged.
 * @throws what `signal` was aborted with
 */
export type StagePass = (now: number, signal: AbortSignal) => Promise<object>;
