import { maySendReports } from '../../principals/permissions.ts';
import { reportKind } from '../../reports/registry.ts';
import { variantsOf } from '../../reports/schedule-request.ts';
import { calendarOfSpec } from '../../reports/schedule-rule.ts';
import type { Tx } from '../../store/database.ts';
import { type Notice, oweNotices } from '../../store/notices.ts';
import { findOwners, ownerKey } from '../../store/owners.ts';
import {
  type ClaimedOccurrence,
  claimOccurrences,
  countOpenRuns,
  findMarks,
  moveOccurrences,
  type NewScheduledRun,
  type OccurrenceMove,
  queueScheduledRuns,
} from '../../store/process-occurrences.ts';
import { daysOf } from '../../time/calendar.ts';
import { passGate } from './gate.ts';
import type { StageDeps } from './stage.ts';

/** The first half of the stage `process`: runs for what is due and complete, reasons for the rest. */

const BATCH = 500;
/** Scheduled runs that wait or are made at once, of all tenants; the others wait as occurrences. */
const MOST_OPEN_RUNS = 2_000;
/** What is held is looked at again after this. */
const LOOK_AGAIN_MS = 30_000;

export interface Begun {
  /** Runs. */
  readonly queued: number;
  readonly held: number;
  readonly failed: number;
}

export async function beginOccurrences(
  now: number,
  { database }: Pick<StageDeps, 'database'>,
  signal: AbortSignal,
): Promise<Begun> {
  const counts = { queued: 0, held: 0, failed: 0 };
  for (;;) {
    signal.throwIfAborted();
    const claimed = await database.asSystem(async (tx) => {
      const limit = Math.min(BATCH, MOST_OPEN_RUNS - (await countOpenRuns(tx)));
      if (limit <= 0) return [];
      return claimOccurrences(tx, { now, lookAgainAt: now + LOOK_AGAIN_MS, limit });
    });
    if (claimed.length === 0) return counts;
    const inOrder = [...claimed].sort((a, b) => a.dueAt - b.dueAt);
    const begun = await database.asSystem((tx) => decide(tx, inOrder, now), { repeatable: true });
    for (const name of ['queued', 'held', 'failed'] as const) counts[name] += begun[name];
  }
}

async function decide(tx: Tx, claimed: readonly ClaimedOccurrence[], now: number): Promise<Begun> {
  const owners = await findOwners(tx, namesOf(claimed));
  const markOf = await findMarks(
    tx,
    claimed.map(({ tenantId }) => tenantId),
  );
  const moves: OccurrenceMove[] = [];
  const runs: NewScheduledRun[] = [];
  const notices: Notice[] = [];
  for (const occurrence of claimed) {
    const { id, tenantId, spec, period } = occurrence;
    // The rights of this moment count, not those of when it was saved.
    if (!maySendReports(owners.get(ownerKey(occurrence)), spec.report)) {
      const reason = `${occurrence.owner} may not run schedules here any more`;
      moves.push({ id, to: 'failed', reason, errorCode: 'E_FORBIDDEN' });
      notices.push({ occurrenceId: id, topic: 'failed', detail: {} });
      continue;
    }
    const { dataset } = reportKind(spec.report);
    const calendar = calendarOfSpec(spec, occurrence.calendar);
    const completeThrough = markOf(tenantId, dataset);
    const at = { ...occurrence, calendar, dataset, completeThrough };
    const verdict = passGate(at, now);
    if (verdict.kind === 'make') {
      const { incompleteDays } = verdict;
      moves.push({ id, to: 'processing', incompleteDays });
      runs.push(...runsOf(occurrence, daysOf(calendar, period).length, incompleteDays));
      continue;
    }
    const { reason } = verdict;
    const givenUp = verdict.kind === 'give-up';
    moves.push({
      ...{ id, reason, errorCode: 'E_INCOMPLETE' },
      ...(givenUp ? { to: 'failed' } : { to: 'held', holdUntil: verdict.until }),
    });
    const topic = givenUp ? 'failed' : verdict.tell;
    if (topic) notices.push({ occurrenceId: id, topic, detail: {} });
  }
  const moved = new Set(await moveOccurrences(tx, ['planned', 'held'], moves));
  const own = runs.filter(({ occurrenceId }) => moved.has(occurrenceId));
  await oweNotices(tx, notices);
  return {
    queued: await queueScheduledRuns(tx, own),
    held: moves.filter(({ id, to }) => to === 'held' && moved.has(id)).length,
    failed: moves.filter(({ id, to }) => to === 'failed' && moved.has(id)).length,
  };
}

function namesOf(claimed: readonly ClaimedOccurrence[]) {
  const names = new Map(
    claimed.map(({ tenantId, owner }) => [`${tenantId}/${owner}`, { tenantId, owner }]),
  );
  return [...names.values()];
}

function runsOf(
  { id, tenantId, owner, spec, period }: ClaimedOccurrence,
  daysTotal: number,
  incompleteDays: readonly string[],
): NewScheduledRun[] {
  return variantsOf(spec, period).map(({ variant, request }) => ({
    ...{ tenantId, occurrenceId: id, variant, report: request.report, request, owner },
    ...{ daysTotal, incompleteDays },
  }));
}
