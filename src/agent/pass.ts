import type { Logger } from '../log.ts';
import type { Limits } from './agent-config.ts';
import type { Pace } from './pace.ts';
import type { Spool } from './spool.ts';

/** What one pass over a source works with. */
export interface PassDeps {
  readonly spool: Spool;
  readonly limits: Limits;
  /** Of rows read, shared by all sources. */
  readonly pace: Pace;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface PassResult {
  readonly read: number;
  readonly taken: number;
  readonly refused: number;
}

/** Waits until the disk bound leaves room: what waits there is sent meanwhile. */
export async function roomIn(spool: Spool, signal: AbortSignal): Promise<void> {
  while (spool.isFull) await spool.change(signal);
}
