import { LINE_CLASSES, type LineClass } from '../../billing/reconcile/classify.ts';
import { formatDecimal } from '../../money/decimal.ts';
import type { Database, Tx } from '../../store/database.ts';
import { insertLines, type KeptClass, type NewLine } from '../../store/reconciliation-lines.ts';
import {
  type ClassSum,
  insertReconciliation,
  type NewReconciliation,
} from '../../store/reconciliations.ts';
import type { RanReconciliation } from './run-reconciliation.ts';

const BATCH_LINES = 5_000;
const LONGEST_SAVE_MS = 15 * 60_000;

/** What is said of a reconciliation besides what it found. */
export type SaidOfReconciliation = Pick<
  NewReconciliation,
  'id' | 'tenantId' | 'period' | 'carrier' | 'carrierSha256' | 'request' | 'requestedBy'
>;

/**
 * Keeps what a reconciliation found: its sums, and every line that is not simply matched.
 * @returns its id
 */
export function saveReconciliation(
  database: Database,
  ran: RanReconciliation,
  said: SaidOfReconciliation,
  signal: AbortSignal,
): Promise<string> {
  return database.asTenant(said.tenantId, (tx) => enterReconciliation(tx, ran, said, signal), {
    statementTimeoutMs: LONGEST_SAVE_MS,
  });
}

/** {@link saveReconciliation} within a tenant's transaction. */
export async function enterReconciliation(
  tx: Tx,
  ran: RanReconciliation,
  said: SaidOfReconciliation,
  signal: AbortSignal,
): Promise<string> {
  const { found } = ran;
  const money = (unscaled: bigint) => formatDecimal({ unscaled, scale: found.scale });
  const classes = Object.fromEntries(
    LINE_CLASSES.map((name): [LineClass, ClassSum] => {
      const { ours, ourTotal, theirTotal, explains } = found.classes[name];
      const rows = ours.length;
      return [
        name,
        { rows, ours: money(ourTotal), theirs: money(theirTotal), explains: money(explains) },
      ];
    }),
  ) as Record<LineClass, ClassSum>;
  const id = await insertReconciliation(tx, {
    ...said,
    zone: ran.zone,
    currency: ran.currency,
    ourRows: found.ours.rows,
    theirRows: found.theirs.rows,
    ourTotal: money(found.ourTotal),
    theirTotal: money(found.theirTotal),
    classes,
    unrated: ran.unrated,
  });
  let batch: NewLine[] = [];
  const flush = async () => {
    signal.throwIfAborted();
    if (batch.length > 0) await insertLines(tx, said.tenantId, id, batch);
    batch = [];
  };
  for (const line of keptLines(ran)) {
    batch.push(line);
    if (batch.length === BATCH_LINES) await flush();
  }
  await flush();
  return id;
}

/** Every line but the matched ones, class by class in canonical order, numbered from 1. */
export function* keptLines({ found, parties }: RanReconciliation): Generator<NewLine> {
  const { ours, theirs, ids, scale } = found;
  const money = (unscaled: bigint) => formatDecimal({ unscaled, scale });
  const idOf = (id: number) => (id < 0 ? null : ids.textOf(id));
  let lineNo = 0;
  for (const name of LINE_CLASSES) {
    if (name === 'matched') continue;
    const lines = found.classes[name];
    for (let i = 0; i < lines.ours.length; i++) {
      const [a, b] = [lines.ours[i], lines.theirs[i]];
      const [has, have] = [a >= 0, b >= 0];
      const caller = (has && ours.callers[a]) || (have && theirs.callers[b]) || 0;
      const callee = (has && ours.callees[a]) || (have && theirs.callees[b]) || 0;
      lineNo++;
      yield {
        lineNo,
        class: name as KeptClass,
        caller: parties.textOf(caller) || null,
        callee: parties.textOf(callee) || null,
        callId: has ? idOf(ours.ids[a]) : null,
        startedAt: has ? ours.startedAtMs[a] : null,
        billedSeconds: has ? ours.billedSeconds[a] : null,
        amount: has ? money(ours.amounts[a]) : null,
        theirRow: have ? theirs.rowNumbers[b] : null,
        theirId: have ? idOf(theirs.ids[b]) : null,
        theirStartedAt: have ? theirs.startedAtMs[b] : null,
        theirBilledSeconds: have ? theirs.billedSeconds[b] : null,
        theirAmount: have ? money(theirs.amounts[b]) : null,
        explains: money((have ? theirs.amounts[b] : 0n) - (has ? ours.amounts[a] : 0n)),
      };
    }
  }
}
