import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { STUDIED_DAYS, studyDemand, type TenantDemand } from '../scheduler/ahead/study-demand.ts';
import type { Database } from '../store/database.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { type DayAhead, listDaysAhead } from '../store/days-ahead.ts';
import { requireTenant } from '../store/tenants.ts';
import { addDays, DAY_MS, dateOf } from '../time/day-number.ts';
import { formInWords, madeInWords, periodsInWords, stateOf } from './demand-words.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';

/** Days made ahead are shown so far back. */
const SHOWN_DAYS = 7;

interface Study {
  readonly now: number;
  readonly tenants: readonly TenantDemand[];
  readonly days: readonly DayAhead[];
}

/** `daybook demand`: which tenants use which days, and what is made ahead because of it. */
export function demandCommand(): Command {
  return new Command('demand')
    .description('which tenants use which days, and what is pre-cached because of it')
    .option('--tenant <tenant>', 'this tenant alone; its name or id')
    .option('--json', 'print one JSON document')
    .action(async (options: { tenant?: string; json?: boolean }) => {
      const study = await withDatabase(configFromProcess(), ({ database }) =>
        readStudy(database, options.tenant),
      );
      if (options.json) printJson(asJson(study));
      else print(study);
    });
}

async function readStudy(database: Database, name: string | undefined): Promise<Study> {
  const { now, tenantId } = await database.asSystem(async (tx) => ({
    now: await databaseNow(tx),
    tenantId: name === undefined ? undefined : (await requireTenant(tx, name)).id,
  }));
  const tenants = await studyDemand(database, now, tenantId);
  const fromDate = addDays(dateOf(Math.floor(now / DAY_MS)), -SHOWN_DAYS);
  const days = await database.asSystem((tx) => listDaysAhead(tx, { fromDate, tenantId }));
  return { now, tenants, days };
}

function print({ tenants, days }: Study): void {
  const asked = tenants.flatMap(({ tenant, demand, lanes }) =>
    demand.map((each) => [
      tenant.name,
      formInWords(each.form),
      String(each.times),
      String(each.freshDates),
      each.times === 0 ? 'never' : isoMinute(each.lastAskedAt),
      periodsInWords(each),
      madeInWords(each, lanes),
    ]),
  );
  if (asked.length === 0) {
    process.stdout.write(`Nobody asked for anything in the last ${STUDIED_DAYS} days.\n`);
  } else {
    process.stdout.write(`Asked for in the last ${STUDIED_DAYS} days:\n\n`);
    const headings = ['TENANT', 'FORM', 'TIMES', 'DATES', 'LAST (UTC)', 'PERIODS', 'MADE AHEAD'];
    printTable(headings, asked);
  }
  if (days.length === 0) return;
  process.stdout.write(`\nDays made ahead, of the last ${SHOWN_DAYS}:\n\n`);
  printTable(
    ['TENANT', 'DATASET', 'ZONE', 'DATE', 'STATE', 'FORMS', 'PLANNED (UTC)', 'LOOKED AT (UTC)'],
    days.map((day) => [
      nameOf(tenants, day),
      day.dataset,
      day.zone ?? 'its own',
      day.date,
      stateOf(day),
      String(day.forms.length),
      isoMinute(day.plannedAt),
      isoMinute(day.lookedAt),
    ]),
  );
}

function asJson({ now, tenants, days }: Study) {
  return {
    as_of: new Date(now).toISOString(),
    studied_days: STUDIED_DAYS,
    tenants: tenants.map(({ tenant, demand, lanes }) => ({
      tenant: tenant.name,
      asks: demand.map((each) => ({
        form: each.form,
        times: each.times,
        scheduled: each.scheduled,
        dates: each.freshDates,
        last_asked_at: each.times === 0 ? null : new Date(each.lastAskedAt).toISOString(),
        periods: each.reaches,
        longest_days: Math.max(each.longestDays, each.oneDay ? 1 : 0),
        made_ahead: lanes.some(({ forms }) => forms.includes(each)),
      })),
      days: days
        .filter(({ tenantId }) => tenantId === tenant.id)
        .map((day) => ({
          dataset: day.dataset,
          zone: day.zone,
          date: day.date,
          state: stateOf(day),
          run: day.runId,
          forms: day.forms.map(({ form }) => form),
          planned_at: new Date(day.plannedAt).toISOString(),
          looked_at: new Date(day.lookedAt).toISOString(),
        })),
    })),
  };
}

function nameOf(tenants: readonly TenantDemand[], { tenantId }: DayAhead): string {
  return tenants.find(({ tenant }) => tenant.id === tenantId)?.tenant.name ?? tenantId;
}

function isoMinute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
