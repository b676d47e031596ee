import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filteredFolds, foldsAhead, formsAhead, requestsAhead } from '../../src/reports/ahead.ts';
import {
  type Ask,
  type AskedForm,
  countDemand,
  type Demand,
  type FileForm,
  reachOf,
} from '../../src/reports/demand.ts';
import { parseReportRequest, type RawRequest } from '../../src/reports/parse-request.ts';
import { calendarOf } from '../../src/time/calendar.ts';

const APIA = calendarOf('Pacific/Apia');
const at = (text: string) => Date.parse(text);

function fileForm(raw: RawRequest = {}): FileForm {
  const of = { report: 'calls', from: '2026-03-01', to: '2026-03-01', ...raw };
  const { period: _, cache: __, ...form } = parseReportRequest(of, { locale: 'en' });
  return { kind: 'file', ...form };
}

function ask(form: AskedForm, from: string, to: string, askedAt: string, times = 1): Ask {
  return { form, period: { from, to }, askedAt: at(askedAt), times };
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
  ])('%s to %s on 10 March is %s', (from, to, reach) => {
    expect(reachOf({ from, to }, calendarOf('UTC'), at('2026-03-10T12:00Z'))).toBe(reach);
  });

  it('goes by the clocks of the tenant, and by the day before where a date does not exist', () => {
    const day = { from: '2026-03-09', to: '2026-03-09' };
    expect(reachOf(day, calendarOf('Asia/Tokyo'), at('2026-03-09T14:59Z'))).toBe('today');
    expect(reachOf(day, calendarOf('Asia/Tokyo'), at('2026-03-09T15:00Z'))).toBe('yesterday');
    // Samoa had no 30 December 2011: on the 31st the 29th was yesterday.
    const last = { from: '2011-12-29', to: '2011-12-29' };
    expect(reachOf(last, APIA, at('2011-12-30T12:00Z'))).toBe('yesterday');
  });
});

describe('demand', () => {
  it('counts uses, and the dates on which fresh days were asked for, per form', () => {
    const csv = fileForm();
    const xlsx = fileForm({ format: 'xlsx' });
    const demand = countDemand(
      [
        ask(csv, '2026-03-01', '2026-03-08', '2026-03-09T08:00Z', 3),
        ask(csv, '2026-03-01', '2026-03-08', '2026-03-09T18:00Z', 2),
        ask(csv, '2026-01-01', '2026-01-31', '2026-03-11T08:00Z'),
        ask(xlsx, '2026-03-08', '2026-03-08', '2026-03-09T08:00Z'),
        ask(xlsx, '2026-03-09', '2026-03-09', '2026-03-10T08:00Z'),
        ask({ ...csv, report: 'gone' as 'calls' }, '2026-03-09', '2026-03-09', '2026-03-10T08:00Z'),
      ],
      calendarOf('UTC'),
    );
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
    const form = fc.constantFrom(
      fileForm(),
      fileForm({ format: 'zip' }),
      fileForm({ locale: 'es' }),
    );
    const date = fc.integer({ min: 1, max: 9 }).map((day) => `2026-03-0${day}`);
    const asks = fc.array(
      fc
        .tuple(form, date, date, fc.integer({ min: 1, max: 5 }))
        .map(([of, a, b, times]) =>
          ask(of, a < b ? a : b, a < b ? b : a, `2026-03-10T0${times}:00Z`, times),
        ),
    );
    fc.assert(
      fc.property(asks, fc.gen(), (some, gen) => {
        const counted = countDemand(some, calendarOf('UTC'));
        const shuffled = gen(fc.shuffledSubarray, some, { minLength: some.length });
        expect(countDemand(shuffled, calendarOf('UTC'))).toEqual(counted);
        const times = (of: readonly { times: number }[]) => of.reduce((sum, a) => sum + a.times, 0);
        expect(times(counted)).toBe(times(some));
        for (const { reaches, times: all } of counted) {
          expect(Object.values(reaches).reduce((a, b) => a + b, 0)).toBe(all);
        }
      }),
    );
  });
});

const demandOf = (form: AskedForm, over: Partial<Demand> = {}): Demand => ({
  ...{ form, times: 9, reaches: {} as Demand['reaches'], freshDates: 5, lastAskedAt: 0 },
  ...{ oneDay: false, longestDays: 0, ...over },
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
