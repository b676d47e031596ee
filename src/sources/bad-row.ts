import { DaybookError } from '../errors.ts';

/** A row that is no row of its dataset: its day fails, since a report without it would be wrong. */
export interface BadRow {
  /** As the binding names it, such as `public.cdr`. */
  readonly from: string;
  /** What names the row there. */
  readonly key: string;
  readonly field: string;
  /** What came and what is expected. */
  readonly reason: string;
}

const LONGEST_KEY = 200;

/** `E_SOURCE_ROW` */
export function badRow({ from, key, field, reason }: BadRow): DaybookError {
  return new DaybookError('E_SOURCE_ROW', {
    where: from,
    key: JSON.stringify(key.slice(0, LONGEST_KEY).toWellFormed()),
    field,
    reason,
  });
}
