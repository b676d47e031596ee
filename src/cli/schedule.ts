import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { checkRawRecipients } from '../delivery/check-recipient.ts';
import { parseSchedule, rawSchedule, withoutNulls } from '../reports/parse-schedule.ts';
import { type PreviewedDue, previewDueTimes } from '../reports/schedule-preview.ts';
import { calendarOfSpec, firstDue } from '../reports/schedule-rule.ts';
import type { Tx } from '../store/database.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { readDeliverySettings } from '../store/delivery-settings.ts';
import { listOccurrences } from '../store/occurrences.ts';
import { LOCAL_OPERATOR } from '../store/owners.ts';
import {
  addSchedule,
  removeNamedSchedule,
  runScheduleNow,
  type Saving,
  setScheduleState,
} from '../store/save-schedule.ts';
import { listSchedules, requireSchedule, type ScheduleRow } from '../store/schedules.ts';
import { requireTenant } from '../store/tenants.ts';
import { dueTimeOf } from '../time/recurrence.ts';
import { printJson, printTable } from './output.ts';
import { rawScheduleOf, type ScheduleFlags, withScheduleFlags } from './schedule-flags.ts';
import { scheduleTestCommand } from './schedule-test.ts';
import { withDatabase } from './session.ts';

const SHOWN_OCCURRENCES = 10;

interface Options extends ScheduleFlags {
  readonly tenant: string;
  readonly json?: boolean;
}

/** `daybook schedule add|list|show|preview|pause|resume|run|test|remove` */
export function scheduleCommand(): Command {
  const command = new Command('schedule').description(
    'reports that are made and sent by themselves',
  );
  const named = (name: string, text: string) =>
    common(name, text).argument('<schedule>', 'name or id');
  return command
    .addCommand(withScheduleFlags(common('add', 'save a schedule')).action(add))
    .addCommand(common('list', 'list schedules, and when each is due next').action(list))
    .addCommand(named('show', 'how it is saved, and what came of it last').action(show))
    .addCommand(
      withScheduleFlags(common('preview', 'the next ten due times, of a saved one or of flags'))
        .argument('[schedule]', 'name or id')
        .action(preview),
    )
    .addCommand(named('pause', 'make nothing until it is resumed').action(stateTo('paused')))
    .addCommand(named('resume', 'go on; the pause is not made up for').action(stateTo('active')))
    .addCommand(named('run', 'make and send it now, out of turn').action(run))
    .addCommand(scheduleTestCommand())
    .addCommand(named('remove', 'remove it; what it sent stays on record').action(remove));
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--json', 'print one JSON document');
}

async function add(options: Options): Promise<void> {
  const raw = rawScheduleOf(options);
  const { allowedDomains } = await asTenant(options, readDeliverySettings);
  const { privateTargets } = configFromProcess();
  await checkRawRecipients(raw.recipients, { allowedDomains, privateTargets });
  const saved = await asTenant(options, (tx, saving) => addSchedule(tx, raw, saving));
  printOne(saved, options);
}

async function list(options: Options): Promise<void> {
  const schedules = await asTenant(options, (tx) => listSchedules(tx));
  if (options.json) printJson(schedules.map(asJson));
  else {
    printTable(
      ['NAME', 'REPORT', 'STATE', 'NEXT', 'ZONE', 'RECIPIENTS', 'ID'],
      schedules.map((schedule) => [
        schedule.name,
        schedule.spec.report,
        schedule.state,
        schedule.nextNominal ?? '-',
        schedule.zone,
        String(schedule.spec.recipients.length),
        schedule.id,
      ]),
    );
  }
}

async function show(name: string, options: Options): Promise<void> {
  const { schedule, occurrences } = await asTenant(options, async (tx) => {
    const found = await requireSchedule(tx, name);
    const page = { limit: SHOWN_OCCURRENCES, after: null };
    return { schedule: found, ...(await listOccurrences(tx, found.id, page)) };
  });
  const past = occurrences.map((each) => ({
    id: each.id,
    nominal: each.nominal,
    zone: each.zone,
    due_at: iso(each.dueAt),
    period: each.period,
    state: each.state,
    late: each.late,
    reason: each.reason,
  }));
  if (options.json) {
    printJson({ ...asJson(schedule), occurrences: past });
    return;
  }
  printJson(asJson(schedule));
  printTable(
    ['DUE', 'PERIOD', 'STATE', 'LATE', 'REASON'],
    past.map(({ nominal, period, state, late, reason }) => [
      nominal,
      period.from === period.to ? period.from : `${period.from} to ${period.to}`,
      state,
      late ? 'late' : '',
      reason ?? '',
    ]),
  );
}

async function preview(name: string | undefined, options: Options): Promise<void> {
  const due = await asTenant(options, async (tx, { tenant, now }) => {
    if (name === undefined) {
      const spec = parseSchedule(withoutName(rawScheduleOf(options)), { locale: tenant.locale });
      return previewDueTimes(spec, tenant.calendar, firstDue(spec, tenant.calendar, now));
    }
    const { spec, nextNominal } = await requireSchedule(tx, name);
    const calendar = calendarOfSpec(spec, tenant.calendar);
    const next = nextNominal === null ? null : dueTimeOf(calendar, nextNominal);
    return previewDueTimes(spec, tenant.calendar, next);
  });
  if (options.json) printJson(due.map(dueAsJson));
  else {
    printTable(
      ['LOCAL', 'UTC', 'OFFSET', 'PERIOD', 'CLOCKS'],
      due.map((each) => [
        `${each.local} ${each.zone}`,
        iso(each.instant) ?? '',
        each.utcOffset,
        each.period.from === each.period.to
          ? each.period.from
          : `${each.period.from} to ${each.period.to}`,
        clockWords(each),
      ]),
    );
  }
}

function withoutName({ name: _, ...raw }: ReturnType<typeof rawScheduleOf>) {
  return withoutNulls(raw);
}

function stateTo(state: 'active' | 'paused') {
  return async (name: string, options: Options): Promise<void> => {
    printOne(
      await asTenant(options, (tx, saving) => setScheduleState(tx, name, state, saving)),
      options,
    );
  };
}

async function run(name: string, options: Options): Promise<void> {
  const { schedule, occurrenceId } = await asTenant(options, (tx, saving) =>
    runScheduleNow(tx, name, saving),
  );
  if (options.json) printJson({ schedule: schedule.id, occurrence: occurrenceId });
  else process.stdout.write(`${schedule.name}: due now; \`daybook up\` or \`tick\` makes it\n`);
}

async function remove(name: string, options: Options): Promise<void> {
  const removed = await asTenant(options, (tx) => removeNamedSchedule(tx, name));
  if (options.json) printJson({ id: removed.id, removed: true });
  else process.stdout.write(`${removed.name} is removed\n`);
}

function asTenant<T>(options: Options, work: (tx: Tx, saving: Saving) => Promise<T>): Promise<T> {
  return withDatabase(configFromProcess(), async ({ database }) => {
    const { tenant, now } = await database.asSystem(async (tx) => ({
      tenant: await requireTenant(tx, options.tenant),
      now: await databaseNow(tx),
    }));
    return database.asTenant(tenant.id, (tx) => work(tx, { tenant, owner: LOCAL_OPERATOR, now }));
  });
}

function printOne(schedule: ScheduleRow, { json }: Options): void {
  if (json) {
    printJson(asJson(schedule));
    return;
  }
  const { name, state, nextNominal, nextDue, zone } = schedule;
  const next = nextNominal === null ? 'never' : `${nextNominal} ${zone} (${iso(nextDue)})`;
  process.stdout.write(`${name}: ${state}, due next ${next}\n`);
}

function asJson(schedule: ScheduleRow) {
  return {
    id: schedule.id,
    name: schedule.name,
    state: schedule.state,
    version: schedule.version,
    owner: schedule.owner,
    spec: rawSchedule(schedule.spec),
    zone: schedule.zone,
    next: schedule.nextNominal && { nominal: schedule.nextNominal, due_at: iso(schedule.nextDue) },
    created_at: iso(schedule.createdAt),
    updated_at: iso(schedule.updatedAt),
  };
}

function dueAsJson(due: PreviewedDue) {
  return {
    nominal: due.nominal,
    local: due.local,
    zone: due.zone,
    utc: iso(due.instant),
    utc_offset: due.utcOffset,
    clock_change: due.clockChange,
    period: due.period,
  };
}

function clockWords({ clockChange, nominal }: PreviewedDue): string {
  switch (clockChange) {
    case 'gap':
      return `the clocks skip ${nominal.slice(11)}: at the first instant after`;
    case 'overlap':
      return 'the clocks show this time twice: the first time';
    case 'changed':
      return 'the clocks were changed';
    default:
      return '';
  }
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
