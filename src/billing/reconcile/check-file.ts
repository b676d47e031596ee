import { DaybookError } from '../../errors.ts';
import { calendarOf, dayAt } from '../../time/calendar.ts';
import type { Period } from '../../time/period.ts';

/** What the rows of a carrier's file are, before they are compared with anything. */
export interface FoundRows {
  readonly rows: number;
  /** Rows that start within the period. */
  readonly within: number;
  /** UTC epoch ms of the earliest and the latest start. */
  readonly first: number;
  readonly last: number;
  /** Rows by what they say their currency is; an empty text: they say none. */
  readonly currencies: readonly CurrencyRows[];
}

export interface CurrencyRows {
  readonly currency: string;
  readonly rows: number;
}

/** What the file is expected to be. */
export interface ExpectedRows {
  /** Of the file, for messages. */
  readonly name: string;
  readonly period: Period;
  /** Of the period's days, for messages. */
  readonly zone: string;
  /** Our charges of the period. */
  readonly charges: readonly CurrencyRows[];
}

/**
 * Refuses a file that is of another period or in another currency, saying what was found and what
 * expected; a file may hold some rows outside the period, but not most.
 * @returns the currency of the reconciliation: that of the file, or where it says none the one that
 *   all our charges have
 * @throws DaybookError `E_INPUT`
 */
export function checkFile(found: FoundRows, expected: ExpectedRows): string {
  const { name, period, zone } = expected;
  const span = (from: string, to: string) => (from === to ? from : `${from} to ${to}`);
  const wanted = `${span(period.from, period.to)} (${zone})`;
  if (found.rows === 0) throw refused(name, 'it has no rows');
  if (found.within * 2 < found.rows) {
    const dateOf = (instantMs: number) => dayAt(calendarOf(zone), instantMs).date;
    throw refused(
      name,
      `${found.rows - found.within} of ${found.rows} rows are outside ${wanted}: ` +
        `they start from ${span(dateOf(found.first), dateOf(found.last))}; is it another period's file?`,
    );
  }
  if (expected.charges.length === 0) {
    throw refused(name, `there is no rated charge of ${wanted} to compare it with`);
  }
  return currencyOf(found, expected);
}

function currencyOf(found: FoundRows, { name, charges }: ExpectedRows): string {
  const ours = charges.map(({ currency }) => currency);
  const said = found.currencies.filter(({ currency }) => currency !== '');
  const expected = `our charges are in ${inWords(charges)}`;
  if (said.length === 0) {
    if (ours.length === 1) return ours[0];
    throw refused(name, `it names no currency, and ${expected}; expected a currency in each row`);
  }
  if (said.length > 1) {
    throw refused(name, `its rows are in ${inWords(said)}; expected one currency, and ${expected}`);
  }
  const [{ currency, rows }] = said;
  if (!ours.includes(currency)) {
    throw refused(name, `${rows} of ${found.rows} rows are in ${currency}, and ${expected}`);
  }
  return currency;
}

function inWords(currencies: readonly CurrencyRows[]): string {
  return currencies.map(({ currency, rows }) => `${currency || 'none'} (${rows} rows)`).join(', ');
}

function refused(name: string, reason: string): DaybookError {
  return new DaybookError('E_INPUT', { where: name, reason });
}
