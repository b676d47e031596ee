import { oweNotices } from '../../store/notices.ts';
import {
  advanceSchedules,
  type ClaimedSchedule,
  claimDueSchedules,
  insertOccurrences,
  type NewOccurrence,
} from '../../store/plan-occurrences.ts';
import { type DuePlan, planDue } from './plan-due.ts';
import type { StageDeps } from './stage.ts';

/**
 * The stage `plan`: a row for each due time that has come. The schedule advances from the due time,
 * not from now, in the transaction that makes the row: whatever dies, none is lost or doubled.
 */

const BATCH_SCHEDULES = 1_000;
/** Rows of one transaction, about: who has many to make up for goes on in the next one. */
const BATCH_ROWS = 5_000;

export interface PlanSummary {
  readonly planned: number;
  readonly skipped: number;
  readonly missed: number;
}

/** One pass as of `now`, UTC epoch ms. Several at once share the work. */
export async function planStage(
  now: number,
  { database }: Pick<StageDeps, 'database'>,
  signal: AbortSignal,
): Promise<PlanSummary> {
  const counts = { planned: 0, skipped: 0, missed: 0 };
  for (;;) {
    signal.throwIfAborted();
    const batch = await database.asSystem(
      async (tx) => {
        const claimed = await claimDueSchedules(tx, now, BATCH_SCHEDULES);
        if (claimed.length === 0) return null;
        const most = Math.max(1, Math.floor(BATCH_ROWS / claimed.length));
        const plans = claimed.map((schedule) => ({ schedule, plan: planOne(schedule, now, most) }));
        const made = await insertOccurrences(tx, plans.flatMap(rowsOf));
        await advanceSchedules(tx, plans.map(advancedOf));
        await oweNotices(tx, missedOf(made));
        return made;
      },
      // Nothing stands without its commit, and a row that stands is not made again.
      { repeatable: true },
    );
    if (batch === null) return counts;
    for (const { state } of batch) counts[state as keyof PlanSummary] += 1;
  }
}

interface Planned {
  readonly schedule: ClaimedSchedule;
  readonly plan: DuePlan;
}

function planOne({ spec, ...schedule }: ClaimedSchedule, now: number, most: number): DuePlan {
  const { period, catchUp } = spec;
  return planDue({ ...schedule, timing: spec, period, catchUp }, now, most);
}

function rowsOf({ schedule, plan }: Planned): NewOccurrence[] {
  return plan.due.map(({ instant, period, ...due }) => ({
    ...due,
    scheduleId: schedule.id,
    dueAt: instant,
    periodFrom: period.from,
    periodTo: period.to,
  }));
}

function advancedOf({ schedule, plan: { next, catchingUp } }: Planned) {
  return {
    id: schedule.id,
    nominal: next?.nominal ?? null,
    zone: next?.zone ?? null,
    instant: next?.instant ?? null,
    catchingUp,
  };
}

/** One notice for all that a schedule missed. */
function missedOf(made: Awaited<ReturnType<typeof insertOccurrences>>) {
  const missed = new Map<string, { occurrenceId: string; count: number }>();
  for (const { id, scheduleId, state } of made) {
    if (state !== 'missed') continue;
    const { count } = missed.get(scheduleId) ?? { count: 0 };
    missed.set(scheduleId, { occurrenceId: id, count: count + 1 });
  }
  return [...missed.values()].map(({ occurrenceId, count }) => ({
    occurrenceId,
    topic: 'missed' as const,
    detail: { count },
  }));
}
