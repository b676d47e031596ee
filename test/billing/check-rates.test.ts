import { describe, expect, it } from 'vitest';
import { checkRates } from '../../src/billing/check-rates.ts';
import { parseTimeWindow } from '../../src/billing/time-window.ts';
import { row, terms } from './support/plans.ts';

const problems = (...rows: ReturnType<typeof row>[]) =>
  checkRates(terms({ windows: { peak: 'mon-fri 08:00-20:00' } }), rows).map(
    (problem) => [problem.row, problem.field] as const,
  );

describe('a price list', () => {
  it('passes with groups, windows, names of windows, and one list for every number', () => {
    expect(
      problems(
        row({ rate: '1' }),
        row({ prefix: '44', rate: '0', window: 'peak' }),
        row({ prefix: '44', rate: '1', window: 'peak', fromSecond: 60 }),
        row({ prefix: '44', rate: '1', window: 'Mon-Thu 20:00-08:00; sat, sun' }),
        row({ prefix: '44', rate: '1', window: '12-25' }),
        row({ prefix: '44', rate: '1' }),
      ),
    ).toEqual([]);
  });

  it.each([
    ['prefix', { prefix: '+44', rate: '1' }],
    ['prefix', { prefix: '', rate: '1' }],
    ['prefix', { prefix: '44x', rate: '1' }],
    ['rate', { rate: '-0.1' }],
    ['rate', { rate: '0.0000000000001' }],
    ['connect_fee', { rate: '1', connectFee: '-1' }],
    ['increment_seconds', { rate: '1', incrementSeconds: -6 }],
    ['increment_seconds', { rate: '1', incrementSeconds: 0 }],
    ['rate_unit_seconds', { rate: '1', rateUnitSeconds: 0 }],
    ['minimum_seconds', { rate: '1', minimumSeconds: -1 }],
    ['from_second', { rate: '1', fromSecond: -1 }],
    ['from_second', { rate: '1', fromSecond: 60 }],
    ['window', { rate: '1', window: 'weekends' }],
    ['window', { rate: '1', window: '25:00-26:00' }],
  ] as const)('is refused for %s of %j', (field, of) => {
    expect(problems(row({ prefix: '1', rate: '1' }), row({ prefix: '2', ...of }))).toEqual([
      [1, field],
    ]);
  });

  it('is refused where two rows hold for the same second, named by the later one', () => {
    expect(problems(row({ rate: '1' }), row({ rate: '1' }))).toEqual([[1, 'prefix']]);
    expect(
      problems(row({ rate: '1', window: 'peak' }), row({ rate: '2', window: 'fri 19:59-21:00' })),
    ).toEqual([[1, 'window']]);
    expect(
      problems(row({ rate: '1', window: 'sun 22:00-06:00' }), row({ rate: '2', window: 'mon' })),
    ).toEqual([[1, 'window']]);
    expect(
      problems(
        row({ rate: '1', window: '12-24 12:00-12:00' }),
        row({ rate: '2', window: '12-25' }),
      ),
    ).toEqual([[1, 'window']]);
  });
});

it.each([
  '',
  'noon',
  'mon-',
  'mon-fri 8:00-20:00',
  '24:00-25:00',
  '02-30',
  '2026-02-29',
  'mon;;tue',
])('%j is no window', (text) => {
  expect(parseTimeWindow(text)).toBeNull();
});
