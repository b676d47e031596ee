import { DaybookError } from '../errors.ts';
import { dateOf, dayNumberOf } from './day-number.ts';

/** Inclusive local dates, `YYYY-MM-DD`, `from` ≤ `to`. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** Ten years, the leap days of the fullest ten included. */
export const LONGEST_PERIOD_DAYS = 3653;

/**
 * @param where the field or argument that the error names
 * @throws DaybookError `E_DATE` for anything but a real date, `YYYY-MM-DD`, from 0001 to 9999
 */
export function parseDate(text: string, where: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !text.startsWith('0000')) {
    const day = dayNumberOf(text);
    // Some engines roll 30 February over into March.
    if (Number.isFinite(day) && dateOf(day) === text) return text;
  }
  throw new DaybookError('E_DATE', { where, got: JSON.stringify(text.slice(0, 64)) });
}

/**
 * @throws DaybookError `E_DATE` when an end is no date; `E_PERIOD` when the period ends before it
 * starts or is longer than {@link LONGEST_PERIOD_DAYS} days
 */
export function parsePeriod(from: string, to: string): Period {
  const period = { from: parseDate(from, 'from'), to: parseDate(to, 'to') };
  if (period.to < period.from) {
    throw new DaybookError('E_PERIOD', { where: 'to', got: to, expected: `${from} or later` });
  }
  const days = dayNumberOf(to) - dayNumberOf(from) + 1;
  if (days > LONGEST_PERIOD_DAYS) {
    throw new DaybookError('E_PERIOD', {
      where: 'from, to',
      got: `${days} days`,
      expected: `at most 10 years (${LONGEST_PERIOD_DAYS} days)`,
    });
  }
  return period;
}
