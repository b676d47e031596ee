import { DaybookError } from '../errors.ts';
import {
  parseSchedule,
  type RawSchedule,
  rawSchedule,
  withoutNulls,
} from '../reports/parse-schedule.ts';
import { relativePeriod } from '../reports/relative-period.ts';
import { calendarOfSpec, firstDue } from '../reports/schedule-rule.ts';
import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import { zoneOn } from '../time/calendar.ts';
import { localDateOf } from '../time/day.ts';
import { localTextOf } from '../time/local-time.ts';
import { dueTimeOf } from '../time/recurrence.ts';
import type { Tx } from './database.ts';
import { insertManualOccurrence } from './occurrences.ts';
import {
  changeSchedule,
  findLastNominal,
  insertSchedule,
  lockSchedule,
  lockSchedulesOfTenantZone,
  moveNextDue,
  removeSchedule,
  type ScheduleRow,
  type ScheduleState,
} from './schedules.ts';
import type { Tenant } from './tenants.ts';

/** Schedules as people save them. `now` is UTC epoch ms. Tenant transactions. */

const LONGEST_NAME = 100;

/** Who saves, and for whom. */
export interface Saving {
  readonly tenant: Tenant;
  /** Name of the principal: whoever saved it last answers for it, and its runs act as that. */
  readonly owner: string;
  readonly now: number;
}

/** `name` besides the keys of a schedule; without one it is called by report and rule. */
export type RawNamedSchedule = RawSchedule & { readonly name?: unknown };

/**
 * @throws DaybookError those of `parseSchedule`; `E_INVALID` for a rule that never comes;
 *   `E_CONFLICT` when the name is taken
 */
export async function addSchedule(
  tx: Tx,
  { name, ...raw }: RawNamedSchedule,
  { tenant, owner, now }: Saving,
): Promise<ScheduleRow> {
  const spec = parseSchedule(withoutNulls(raw), { locale: tenant.locale });
  const next = demandDue(spec, tenant, now);
  return insertSchedule(tx, {
    tenantId: tenant.id,
    name: name == null ? usualName(spec) : parseName(name),
    owner,
    spec,
    zone: next.zone,
    next,
  });
}

/**
 * Changes the keys that are given; null takes one back to its default. What is planned already is
 * made as it was planned; the change is for the next occurrence.
 * @throws DaybookError as {@link addSchedule}; `E_NOT_FOUND`
 */
export async function editSchedule(
  tx: Tx,
  nameOrId: string,
  { name, ...raw }: RawNamedSchedule,
  { tenant, owner, now }: Saving,
): Promise<ScheduleRow> {
  const before = await lockSchedule(tx, nameOrId);
  const merged = withoutNulls({ ...overlaid(rawSchedule(before.spec), raw), ...raw });
  const spec = parseSchedule(merged, { locale: tenant.locale });
  demandDue(spec, tenant, now);
  const { nextNominal, state } = before;
  const lastNominal = await findLastNominal(tx, before.id);
  return changeSchedule(tx, before.id, {
    name: name == null ? before.name : parseName(name),
    owner,
    spec,
    version: before.version + 1,
    state,
    zone: zoneNow(spec, tenant, now),
    next:
      state === 'paused'
        ? null
        : firstDue(spec, tenant.calendar, now, { lastNominal, nextNominal }),
  });
}

/** A pause is no debt: what would have been due in it is not made up for. @throws `E_NOT_FOUND` */
export async function setScheduleState(
  tx: Tx,
  nameOrId: string,
  state: ScheduleState,
  { tenant, now }: Omit<Saving, 'owner'>,
): Promise<ScheduleRow> {
  const before = await lockSchedule(tx, nameOrId);
  if (before.state === state) return before;
  const lastNominal = await findLastNominal(tx, before.id);
  const { name, owner, spec, version } = before;
  return changeSchedule(tx, before.id, {
    ...{ name, owner, spec, version, state },
    zone: zoneNow(spec, tenant, now),
    next:
      state === 'paused'
        ? null
        : firstDue(spec, tenant.calendar, now, { lastNominal, nextNominal: null }),
  });
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function removeNamedSchedule(tx: Tx, nameOrId: string): Promise<ScheduleRow> {
  const schedule = await lockSchedule(tx, nameOrId);
  await removeSchedule(tx, schedule.id);
  return schedule;
}

/**
 * An occurrence out of turn, due now, of the period that a due time of today would have. Its rule
 * goes on as if it had not been.
 * @returns its id
 * @throws DaybookError `E_NOT_FOUND`
 */
export async function runScheduleNow(
  tx: Tx,
  nameOrId: string,
  { tenant, owner, now }: Saving,
): Promise<{ readonly schedule: ScheduleRow; readonly occurrenceId: string }> {
  const schedule = await lockSchedule(tx, nameOrId);
  const zone = zoneNow(schedule.spec, tenant, now);
  const calendar = calendarOfSpec(schedule.spec, tenant.calendar);
  const local = localTextOf(zone, now);
  const occurrenceId = await insertManualOccurrence(tx, {
    schedule,
    owner,
    zone,
    nominal: `${local}.${String(now % 1000).padStart(3, '0')}`,
    dueAt: now,
    period: relativePeriod(schedule.spec.period, local.slice(0, 10), calendar),
  });
  return { schedule, occurrenceId };
}

/** After a change of the tenant's zone: due times keep what they are called and move. */
export async function moveDueTimes(tx: Tx, tenant: Tenant): Promise<void> {
  for (const { id, nextNominal } of await lockSchedulesOfTenantZone(tx, tenant.id)) {
    if (nextNominal !== null) await moveNextDue(tx, id, dueTimeOf(tenant.calendar, nextNominal));
  }
}

/** Of a rule that is changed, what belonged to the old one does not stay. */
function overlaid(before: RawSchedule, change: RawSchedule): RawSchedule {
  const every = change.every ?? (change.cron == null ? undefined : 'cron');
  const kept = Object.entries(before).filter(
    ([key]) =>
      !(every !== undefined && ['every', 'on', 'cron'].includes(key)) &&
      !(every === 'cron' && key === 'at') &&
      !(key === 'columns' && (change.report !== undefined || change.grain !== undefined)) &&
      !(['grain', 'params'].includes(key) && change.report !== undefined),
  );
  return Object.fromEntries(kept);
}

function demandDue(spec: ScheduleSpec, tenant: Tenant, now: number) {
  const next = firstDue(spec, tenant.calendar, now);
  if (next !== null) return next;
  throw new DaybookError('E_INVALID', {
    where: 'cron',
    got: JSON.stringify(spec.cron),
    expected: 'a rule that comes within nine years',
  });
}

function zoneNow(spec: ScheduleSpec, tenant: Tenant, now: number): string {
  const calendar = calendarOfSpec(spec, tenant.calendar);
  return zoneOn(calendar, localDateOf(calendar[calendar.length - 1].zone, now));
}

function usualName({ report, every, on, at, cron }: ScheduleSpec): string {
  return [report, every, on, at, cron].filter((part) => part !== null).join(' ');
}

function parseName(name: unknown): string {
  const text = typeof name === 'string' ? name.trim() : '';
  // An id stands for a schedule too.
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  if (text !== '' && text.length <= LONGEST_NAME && !/\p{C}|\p{Zl}|\p{Zp}/u.test(text) && !isId) {
    return text;
  }
  throw new DaybookError('E_INVALID', {
    where: 'name',
    got: (JSON.stringify(name) ?? 'nothing').slice(0, 80),
    expected: `1 to ${LONGEST_NAME} visible characters, and no id`,
  });
}
