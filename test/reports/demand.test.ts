import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filteredFolds, foldsAhead, formsAhead, requestsAhead } from '../../src/reports/ahead.ts';
import {
  type Ask,
  type AskedForm,
  countDemand,
  type Demand,
  type FileForm,
  REACHES,
} from '../../src/reports/demand.ts';
import { demandOfSchedules, joinDemand } from '../../src/reports/demand-of-schedules.ts';
import { parseReportRequest, type RawRequest } from '../../src/reports/parse-request.ts';
import { parseSchedule } from '../../src/reports/parse-schedule.ts';
import type { ScheduleSpec } from '../../src/reports/schedule-spec.ts';
import { type Calendar, calendarOf } from '../../src/time/calendar.ts';
import type { Period } from '../../src/time/period.ts';

const APIA = calendarOf('Pacific/Apia');
const at = (text: string) => Date.parse(text);

function fileForm(raw: RawRequest = {}): FileForm {
  const of = { report: 'calls', from: '2026-03-01', to: '2026-03-01', ...raw };
  const { period: _, cache: __, ...form } = parseReportRequest(of, { locale: 'en' });
  return { kind: 'file', ...form };
}

function ask(from: string, to: string, askedAt: string, times = 1): Ask {
  return { period: { from, to }, askedAt: at(askedAt), times };
}

/** How the period is seen that is asked for alone. */
function reach(period: Period, calendar: Calendar, askedAt: string): string | undefined {
  const asks = [ask(period.from, period.to, askedAt)];
  const [{ reaches }] = countDemand([{ form: fileForm(), asks }], calendar);
  return REACHES.find((name) => reaches[name] === 1);
}

describe('how a period lay when it was asked for', () => {
  it.each([
    ['2026-03-09', '2026-03-09', 'yesterday'],
    ['2026-03-01', '2026-03-09', 'month_so_far'],
    ['2026-03-01', '2026-03-10', 'month_so_far'],
    ['2026-03-01', '2026-03-31', 'month_so_far'],
    ['2026-02-01', '2026-03-10', 'to_yesterday'],
    ['2026-03-03', '2026-03-09', 'to_yesterday'],
    ['2026-03-02', '2026-03-08', 'last_week'],
    ['2026-03-03', '2026-03-03', 'last_week'],
    ['2026-03-02', '2026-03-02', 'older'],
    ['2026-03-10', '2026-03-10', 'today'],
    ['2026-03-11', '2026-03-12', 'today'],
  ])('%s to %s on 10 March is %s', (from, to, expected) => {
    expect(reach({ from, to }, calendarOf('UTC'), '2026-03-10T12:00Z')).toBe(expected);
  });

  it('goes by the clocks of the tenant, and by the day before where a date does not exist', () => {
    const day = { from: '2026-03-09', to: '2026-03-09' };
    expect(reach(day, calendarOf('Asia/Tokyo'), '2026-03-09T14:59Z')).toBe('today');
    expect(reach(day, calendarOf('Asia/Tokyo'), '2026-03-09T15:00Z')).toBe('yesterday');
    // Samoa had no 30 December 2011: on the 31st the 29th was yesterday.
    const last = { from: '2011-12-29', to: '2011-12-29' };
    expect(reach(last, APIA, '2011-12-30T12:00Z')).toBe('yesterday');
  });
});

describe('demand', () => {
  it('counts uses, and the dates on which fresh days were asked for, per form', () => {
    const csv = fileForm();
    const xlsx = fileForm({ format: 'xlsx' });
    const used = [
      {
        form: csv,
        asks: [
          ask('2026-03-01', '2026-03-08', '2026-03-09T08:00Z', 3),
          ask('2026-03-01', '2026-03-08', '2026-03-09T18:00Z', 2),
          ask('2026-01-01', '2026-01-31', '2026-03-11T08:00Z'),
        ],
      },
      {
        form: xlsx,
        asks: [
          ask('2026-03-08', '2026-03-08', '2026-03-09T08:00Z'),
          ask('2026-03-09', '2026-03-09', '2026-03-10T08:00Z'),
        ],
      },
      {
        form: { ...csv, report: 'gone' as 'calls' },
        asks: [ask('2026-03-09', '2026-03-09', '2026-03-10T08:00Z')],
      },
    ];
    const demand = countDemand(used, calendarOf('UTC'));
    expect(demand).toMatchObject([
      { form: xlsx, times: 2, freshDates: 2, oneDay: true, longestDays: 0 },
      {
        form: csv,
        times: 6,
        freshDates: 1,
        oneDay: false,
        longestDays: 8,
        reaches: { month_so_far: 5, older: 1, yesterday: 0 },
        lastAskedAt: at('2026-03-11T08:00Z'),
      },
    ]);
  });

  it('is the same in whatever order the asks come, and loses none', () => {
    const form = fc.constantFrom(...(['csv', 'zip', 'xlsx'] as const));
    const date = fc.integer({ min: 1, max: 9 }).map((day) => `2026-03-0${day}`);
    const asks = fc.array(
      fc
        .tuple(date, date, fc.integer({ min: 1, max: 5 }))
        .map(([a, b, n]) => ask(a < b ? a : b, a < b ? b : a, `2026-03-10T0${n}:00Z`, n)),
      { minLength: 1 },
    );
    const used = fc.uniqueArray(fc.tuple(form, asks), { selector: ([format]) => format });
    fc.assert(
      fc.property(used, (some) => {
        const forms = some.map(([format, of]) => ({ form: fileForm({ format }), asks: of }));
        const counted = countDemand(forms, calendarOf('UTC'));
        const turned = forms.map(({ form: of, asks: own }) => ({
          form: of,
          asks: own.toReversed(),
        }));
        expect(countDemand(turned.toReversed(), calendarOf('UTC'))).toEqual(counted);
        const times = (of: readonly { times: number }[]) => of.reduce((sum, a) => sum + a.times, 0);
        expect(times(counted)).toBe(times(forms.flatMap((of) => of.asks)));
        for (const { reaches, times: all } of counted) {
          expect(Object.values(reaches).reduce((a, b) => a + b, 0)).toBe(all);
        }
      }),
    );
  });
});

const demandOf = (form: AskedForm, over: Partial<Demand> = {}): Demand => ({
  ...{ form, times: 9, reaches: {} as Demand['reaches'], freshDates: 5, lastAskedAt: 0 },
  ...{ scheduled: false, oneDay: false, longestDays: 0, ...over },
});

describe('what is made ahead', () => {
  it('is of the lane, asked for on two dates, and of the eight most used forms', () => {
    const lane = { dataset: 'calls', zone: null } as const;
    const forms = Array.from({ length: 12 }, (_, i) =>
      demandOf(fileForm({ where: [`queue=${i}`] }), { freshDates: i === 1 ? 1 : 9 }),
    );
    const others = [
      demandOf(fileForm({ zone: 'Asia/Tokyo' })),
      demandOf(fileForm({ report: 'sales' })),
    ];
    const made = formsAhead([...others, ...forms], lane);
    expect(made).toEqual([forms[0], ...forms.slice(2, 9)]);
  });

  it('is also what a schedule needs that nobody asked for, before what is only likely', () => {
    const lane = { dataset: 'calls', zone: null } as const;
    const asked = demandOf(fileForm({ where: ['queue=q1'] }));
    const due = demandOf(fileForm({ format: 'csv' }), { scheduled: true, times: 0, freshDates: 0 });
    const both = demandOf(fileForm({ where: ['queue=q2'] }), { longestDays: 7 });
    const alsoDue = { ...both, scheduled: true, oneDay: true, times: 0, longestDays: 0 };
    const joined = joinDemand([due, alsoDue], [asked, both]);
    expect(joined).toEqual([{ ...both, scheduled: true, oneDay: true }, due, asked]);
    expect(formsAhead(joined, lane)).toEqual(joined);
  });

  it.each<[string, RawRequest, Partial<Demand>, number, (string | null)[]]>([
    [
      'text, of one day or several',
      { format: 'zip' },
      { oneDay: true, longestDays: 9 },
      10,
      ['auto'],
    ],
    ['a workbook of one day', { format: 'xlsx' }, { oneDay: true }, 10, ['auto']],
    ['a workbook of several days with references', { format: 'xlsx' }, { longestDays: 9 }, 10, []],
    ['one of many rows', { format: 'xlsx' }, { longestDays: 10 }, 10_001, ['never']],
    [
      'one that never has them',
      { format: 'xlsx', cell_refs: 'never' },
      { longestDays: 9 },
      1,
      ['never'],
    ],
    [
      'one that always has them',
      { format: 'xlsx', cell_refs: 'always' },
      { longestDays: 9 },
      1e6,
      [],
    ],
    ['both', { format: 'xlsx' }, { oneDay: true, longestDays: 10 }, 20_000, ['auto', 'never']],
    ['lines of a period', { report: 'queues', format: 'csv' }, { oneDay: true }, 10, []],
    ['lines by day', { report: 'queues', grain: 'day' }, { longestDays: 3 }, 10, ['auto']],
  ])('of %s is a file of that day with such references', (_, raw, over, rows, refs) => {
    const made = requestsAhead(demandOf(fileForm(raw), over), '2026-03-10', rows);
    expect(made.map(({ cellRefs }) => cellRefs)).toEqual(refs);
    for (const { period, cache } of made) {
      expect([period, cache]).toEqual([{ from: '2026-03-10', to: '2026-03-10' }, true]);
    }
  });

  it('holds totals by each dimension of few values, and what summaries asked by', () => {
    const summary: AskedForm = {
      kind: 'summary',
      report: 'calls',
      zone: null,
      where: [],
      params: {},
      by: ['queue', 'caller'],
    };
    const by = foldsAhead([demandOf(summary), demandOf(fileForm())]).map((fold) => fold.by.join());
    expect(by).toEqual(
      ['', 'hour', 'hour_start', 'queue', 'agent', 'direction', 'disposition', 'trunk'].concat(
        'queue,caller',
      ),
    );
    const filtered = fileForm({ report: 'products', where: ['region=PT'] });
    expect(filteredFolds(demandOf(filtered)).map((fold) => [fold.by, fold.where])).toEqual([
      [['currency'], filtered.where],
      [['sku', 'currency'], filtered.where],
    ]);
  });
});

describe('what schedules need', () => {
  const spec = (raw: Record<string, unknown>): ScheduleSpec =>
    parseSchedule(
      {
        ...{ report: 'calls', format: 'csv', period: 'yesterday', every: 'day', at: '08:00' },
        ...{ recipients: [{ email: 'ana@example.com' }], ...raw },
      },
      { locale: 'en' },
    );
  const needed = (raw: Record<string, unknown>, nominal: string, now: string) =>
    demandOfSchedules([{ spec: spec(raw), nominal }], calendarOf('America/New_York'), at(now));

  it('is a yesterday from its midnight on, until its file was made', () => {
    const { length } = needed({}, '2026-03-10 08:00', '2026-03-10T03:59Z');
    expect(length).toBe(0);
    const [first, ...others] = needed({}, '2026-03-10 08:00', '2026-03-10T04:00Z');
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      form: { kind: 'file', report: 'calls', format: 'csv', cellRefs: 'always' },
      ...{ scheduled: true, times: 0, oneDay: true, longestDays: 0 },
    });
    // Done for today: the next one is of the day that is under way.
    expect(needed({}, '2026-03-11 08:00', '2026-03-10T13:00Z')).toEqual([]);
  });

  it('is each day of a week, and a form for each filter of its recipients', () => {
    const weekly = {
      ...{ every: 'week', on: 'mon', period: 'previous-week' },
      recipients: [
        { email: 'ana@example.com', where: ['queue=q1'] },
        { email: 'bo@example.com', where: ['queue=q2'] },
        { email: 'cy@example.com', where: ['queue=q2'] },
      ],
    };
    for (const day of ['03', '08']) {
      const demand = needed(weekly, '2026-03-09 08:00', `2026-03-${day}T15:00Z`);
      expect(demand.map(({ longestDays, oneDay }) => ({ longestDays, oneDay }))).toEqual([
        { longestDays: 7, oneDay: false },
        { longestDays: 7, oneDay: false },
      ]);
    }
    expect(needed(weekly, '2026-03-09 08:00', '2026-03-02T15:00Z')).toEqual([]);
  });
});
