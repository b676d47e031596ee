import type { RateRow } from '../billing/rate-plan.ts';
import { inOrderOfNeed, namesakes, requireColumn } from '../mapping/bind-columns.ts';
import type { LoadMap } from '../mapping/load-map.ts';
import { LocalClock } from '../mapping/local-clock.ts';
import { compileLocate, FOUND, type Locate, MISMATCH } from '../mapping/locate-text.ts';
import { isDecimal, readInteger } from '../mapping/number-text.ts';
import { compileInstant, type InstantValue, type ReadInstant } from '../mapping/read-instant.ts';
import { shown } from '../mapping/reject.ts';
import type { Row } from '../mapping/row.ts';
import { Span } from '../mapping/span.ts';
import { type Decimal, parseDecimal } from '../money/decimal.ts';
import { type Dataset, datasetOf } from '../reports/dataset.ts';

/** A row of a rate sheet, read but not yet compared with the others. */
export interface SheetRow {
  /** Counted from 1, the header not counted. */
  readonly number: number;
  readonly plan: string;
  /** UTC epoch ms. */
  readonly validFrom: number;
  /** Null: the sheet says none. */
  readonly currency: string | null;
  readonly direction: string | null;
  readonly rate: RateRow;
}

export interface SheetProblem {
  readonly row: number;
  readonly field: string | null;
  readonly reason: string;
}

const NONE: Decimal = { unscaled: 0n, scale: 0 };

/** What a row says by default: a rate per minute, billed by the second. */
const USUAL = { rate_unit_seconds: 60, increment_seconds: 1, minimum_seconds: 0, from_second: 0 };

/**
 * Reads rows of the dataset `rates`; each is a {@link SheetRow} or says what is wrong with it.
 * @param zone of dates and times without an offset, where the map names none
 * @throws DaybookError `E_MAP`, `E_INPUT` when the columns do not fit
 */
export function rateReader(
  map: LoadMap,
  columns: readonly string[],
  zone: string,
): (row: Row) => SheetRow | SheetProblem {
  const dataset: Dataset = datasetOf('rates');
  const sources = map.fields ?? namesakes(dataset, columns);
  const indexOf = (column: string, where: string) => requireColumn(columns, column, where);
  const clock = new LocalClock(map.zone ?? zone);
  const instant: InstantValue = { instant: Number.NaN, wallMs: Number.NaN, ambiguous: false };
  const locates = new Map<string, Locate>();
  let readInstant: ReadInstant = () => null;
  for (const [name, source] of inOrderOfNeed(sources)) {
    if (name === 'valid_from') readInstant = compileInstant(source, indexOf, clock, () => -1);
    else locates.set(name, compileLocate(source, indexOf));
  }
  const span = new Span();

  /** Null: there is no value. @throws Refused */
  const find = (row: Row, field: string): string | null => {
    const located = locates.get(field)?.(row, span);
    if (located === MISMATCH) refuse(field, `no rule of match fits ${shown(span.text())}`);
    if (located !== FOUND) return null;
    span.trim();
    return span.start === span.end ? null : span.text();
  };
  const text = (row: Row, field: string): string =>
    find(row, field) ?? refuse(field, 'there is no value; expected a text');
  const decimal = (row: Row, field: string): Decimal | null => {
    const found = find(row, field);
    if (found === null) return null;
    const value = isDecimal(span) ? parseDecimal(found) : null;
    return value ?? refuse(field, `got ${shown(found)}; expected a decimal such as 0.0125`);
  };
  const seconds = (row: Row, field: keyof typeof USUAL): number => {
    const found = find(row, field);
    if (found === null) return USUAL[field];
    const value = readInteger(span);
    return Number.isNaN(value)
      ? refuse(field, `got ${shown(found)}; expected a whole number of seconds`)
      : value;
  };

  return (row) => {
    try {
      if (row.problem !== null) refuse(null, row.problem.reason);
      if (map.fields === null && row.count !== columns.length) {
        refuse(null, `the row has ${row.count} fields; expected ${columns.length}`);
      }
      const refusal = readInstant(row, instant, []);
      if (refusal) refuse('valid_from', refusal.reason);
      if (Number.isNaN(instant.instant)) refuse('valid_from', 'there is no value; expected a date');
      return {
        number: row.number,
        plan: text(row, 'plan'),
        validFrom: instant.instant,
        currency: find(row, 'currency'),
        direction: find(row, 'direction'),
        rate: {
          prefix: text(row, 'prefix').replace(/^\+(?=\d)/, ''),
          window: windowName(find(row, 'window')),
          fromSecond: seconds(row, 'from_second'),
          description: find(row, 'description'),
          connectFee: decimal(row, 'connect_fee') ?? NONE,
          rate: decimal(row, 'rate') ?? refuse('rate', 'there is no value; expected a decimal'),
          rateUnitSeconds: seconds(row, 'rate_unit_seconds'),
          incrementSeconds: seconds(row, 'increment_seconds'),
          minimumSeconds: seconds(row, 'minimum_seconds'),
        },
      };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { row: row.number, field: error.field, reason: error.message };
    }
  };
}

export function isProblem(read: SheetRow | SheetProblem): read is SheetProblem {
  return 'reason' in read;
}

/** Spaces and capitals do not make another window. */
function windowName(text: string | null): string {
  return (text ?? '').trim().toLowerCase().replace(/\s+/g, ' ');
}

class Refused extends Error {
  readonly field: string | null;
  constructor(field: string | null, reason: string) {
    super(reason);
    this.field = field;
  }
}

function refuse(field: string | null, reason: string): never {
  throw new Refused(field, reason);
}
