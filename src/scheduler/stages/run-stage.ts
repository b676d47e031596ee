import { withLease } from '../../store/leases.ts';
import type { StageDeps, StageName, StagePass } from './stage.ts';

/** Who dies without a word holds nobody up for longer. */
const LEASE_SECONDS = 20;
/** A pass that takes longer is broken off; the next one goes on where it was. */
const LONGEST_MS = 10 * 60_000;

/**
 * One pass of a stage under its lease, so that passes of a stage never overlap, whatever processes
 * there are. Null: another process is at it.
 * @throws what the pass throws; what `signal` was aborted with
 */
export function runStage(
  stage: { readonly name: StageName; readonly pass: StagePass },
  now: number,
  { database, holder }: Pick<StageDeps, 'database' | 'holder'>,
  signal: AbortSignal,
): Promise<object | null> {
  const of = { name: `stage ${stage.name}`, holder, seconds: LEASE_SECONDS };
  return withLease(database, of, (held) =>
    stage.pass(now, AbortSignal.any([signal, held.signal, AbortSignal.timeout(LONGEST_MS)])),
  );
}
