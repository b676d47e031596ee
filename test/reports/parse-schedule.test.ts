import { describe, expect, it } from 'vitest';
import { parseSchedule, rawSchedule } from '../../src/reports/parse-schedule.ts';
import { relativePeriod } from '../../src/reports/relative-period.ts';
import { previewDueTimes } from '../../src/reports/schedule-preview.ts';
import { variantsOf } from '../../src/reports/schedule-request.ts';
import { firstDue, ruleOf } from '../../src/reports/schedule-rule.ts';
import { calendarOf } from '../../src/time/calendar.ts';
import { dateOf } from '../../src/time/day-number.ts';
import { nextDueOf } from '../../src/time/recurrence.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { wrongDates } from './support/daily-dates.ts';

const GOOD = {
  report: 'calls',
  period: 'yesterday',
  every: 'day',
  at: '08:00',
  recipients: [{ email: 'ana@example.com' }],
};
const parse = (raw: Record<string, unknown>) => parseSchedule(raw, { locale: 'en' });

describe('a schedule', () => {
  it('comes back as it was saved, and means the same when it is read again', () => {
    const spec = parse({
      ...GOOD,
      ...{ every: 'month', on: 'last', period: 'last-7-days', format: 'xlsx', zone: 'Asia/Tokyo' },
      where: ['queue=support'],
      recipients: [
        { email: 'ana@Example.com', where: [{ field: 'queue', op: '=', values: ['a'] }] },
        { webhook: 'https://example.org/hook?x=1' },
      ],
    });
    expect(parse(rawSchedule(spec))).toEqual(spec);
    expect(spec.recipients[0].recipient).toBe('ana@example.com');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['an unknown zone', { zone: 'Mars/Base' }, 'zone'],
    ['30 February', { every: undefined, at: undefined, cron: '0 8 30 2 *' }, 'cron'],
    ['every second', { every: undefined, at: undefined, cron: '* * * * * *' }, 'cron'],
    ['no recipient', { recipients: [] }, 'recipients'],
    ['no recipients at all', { recipients: undefined }, 'recipients'],
    [
      'a recipient twice',
      { recipients: [{ email: 'a@b.co' }, { email: 'a@B.co' }] },
      'recipients[1]',
    ],
    ['two in one', { recipients: [{ email: 'a@b.co', slack: 'x' }] }, 'recipients[0]'],
    ['no period', { period: undefined }, 'period'],
    ['last 0 days', { period: 'last-0-days' }, 'period'],
    ['last 367 days', { period: 'last-367-days' }, 'period'],
    ['25 o’clock', { at: '25:00' }, 'at'],
    ['no time', { at: undefined }, 'at'],
    ['a week without a day', { every: 'week' }, 'on'],
    ['a month without a day', { every: 'month', on: '32' }, 'on'],
    ['a day with a day', { on: 'mon' }, 'on'],
    ['two rules', { cron: '0 8 * * *' }, 'cron'],
    ['no rule', { every: undefined }, 'every'],
    ['an unknown report', { report: 'call' }, 'report'],
    ['an unknown column', { columns: ['nope'] }, 'columns[0]'],
    ['a filter of another dataset', { where: ['sku=1'] }, 'where[0]'],
    ['a hold of a year', { hold_hours: 9000 }, 'hold_hours'],
    ['a key that is not known', { subject: 'x' }, 'schedule'],
    [
      'a Discord URL elsewhere',
      { recipients: [{ discord: 'https://example.org/x' }] },
      'recipients[0].discord',
    ],
    [
      'a file as a webhook',
      { recipients: [{ webhook: 'file:///etc/passwd' }] },
      'recipients[0].webhook',
    ],
    [
      'a password in a URL',
      { recipients: [{ webhook: 'https://a:b@c.de/' }] },
      'recipients[0].webhook',
    ],
  ])('with %s is refused, and the error names the field', (_, change, where) => {
    let thrown: unknown;
    try {
      parse({ ...GOOD, ...change });
    } catch (error) {
      thrown = error;
    }
    const found = thrown as { status: number; details: { where?: string }; message: string };
    expect(found?.status).toBe(422);
    expect(found.details.where ?? found.message.split(':')[0]).toContain(where);
  });

  it('makes one file for recipients whose filters mean the same', () => {
    const sales = [{ field: 'queue', op: '=', values: ['sales'] }];
    const spec = parse({
      ...GOOD,
      recipients: [
        { email: 'a@b.co' },
        { email: 'b@b.co', where: sales },
        { email: 'c@b.co', where: sales },
      ],
    });
    const variants = variantsOf(spec, { from: '2026-01-01', to: '2026-01-01' });
    expect(variants.map(({ recipients }) => recipients.length)).toEqual([1, 2]);
  });
});

describe('a relative period', () => {
  const lisbon = calendarOf('Europe/Lisbon');
  it.each([
    ['yesterday', '2026-03-01', '2026-02-28', '2026-02-28'],
    ['previous-week', '2026-03-02', '2026-02-23', '2026-03-01'],
    ['previous-week', '2026-03-01', '2026-02-16', '2026-02-22'],
    ['previous-month', '2026-03-31', '2026-02-01', '2026-02-28'],
    ['month-to-date', '2026-03-15', '2026-03-01', '2026-03-14'],
    ['month-to-date', '2026-03-01', '2026-02-01', '2026-02-28'],
    ['last-7-days', '2026-03-08', '2026-03-01', '2026-03-07'],
  ] as const)('%s on %s is %s to %s', (period, date, from, to) => {
    expect(relativePeriod(period, date, lisbon)).toEqual({ from, to });
  });

  it('skips a yesterday that never was', () => {
    const yesterday = relativePeriod('yesterday', '2011-12-31', calendarOf('Pacific/Apia'));
    expect(yesterday).toEqual({ from: '2011-12-29', to: '2011-12-29' });
  });
});

describe('a rule', () => {
  it('of the last day of a month, or of one that it does not have, ends each month once', () => {
    for (const [on, dates] of [
      ['last', ['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30']],
      ['30', ['2026-01-30', '2026-02-28', '2026-03-30', '2026-04-30']],
    ] as const) {
      const spec = parse({ ...GOOD, every: 'month', on });
      const found = [];
      let due = firstDue(spec, calendarOf('UTC'), Date.parse('2026-01-01T00:00Z'));
      for (
        ;
        due !== null && found.length < 4;
        due = nextDueOf(ruleOf(spec), calendarOf('UTC'), due.nominal)
      ) {
        found.push(due.nominal.slice(0, 10));
      }
      expect(found).toEqual(dates);
    }
  });

  it('of each day has each existing date once, in every zone, around each change of its clocks from 2010 to 2030', () => {
    const wrong: string[] = [];
    let dates = 0;
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const changes = offsetStretches(zone, Date.UTC(2010, 0), Date.UTC(2031, 0)).slice(1);
      for (const { start } of changes) {
        const day = Math.floor(start / 86_400_000);
        const period = { from: dateOf(day - 4), to: dateOf(day + 4) };
        dates += 2 * wrongDates(zone, period, ['00:00', '02:30'], wrong);
      }
    }
    expect(wrong).toEqual([]);
    expect(dates).toBeGreaterThan(50_000);
  });

  it('is previewed with local time, UTC and a mark where clocks change', () => {
    const spec = parse({ ...GOOD, at: '02:30', zone: 'Europe/Lisbon', every: 'day' });
    const calendar = calendarOf('UTC');
    const preview = previewDueTimes(
      spec,
      calendar,
      firstDue(spec, calendar, Date.parse('2026-03-27T12:00Z')),
    );
    expect(preview).toHaveLength(10);
    expect(
      preview.slice(0, 3).map((due) => [due.nominal, due.local, due.utcOffset, due.clockChange]),
    ).toEqual([
      ['2026-03-28 02:30', '2026-03-28 02:30', '+00:00', null],
      ['2026-03-29 02:30', '2026-03-29 02:30', '+01:00', 'changed'],
      ['2026-03-30 02:30', '2026-03-30 02:30', '+01:00', null],
    ]);
    const gap = parse({ ...GOOD, at: '01:30', zone: 'Europe/Lisbon' });
    const [, changed] = previewDueTimes(
      gap,
      calendar,
      firstDue(gap, calendar, Date.parse('2026-03-27T12:00Z')),
    );
    expect([changed.local, changed.clockChange]).toEqual(['2026-03-29 02:00', 'gap']);
  });
});
