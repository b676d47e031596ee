import { DaybookError } from '../errors.ts';
import { filterInWords } from './filter-words.ts';
import type { Filter, ParamValue } from './request.ts';

/** What of two sides a reconciliation of loaded rows compares, and how closely. */

export interface ReconciliationScope {
  /** Of both sides; null: all. */
  readonly trunk: string | null;
  /** What a leading 0 of a national number stands for; null: nothing. */
  readonly countryCode: string | null;
  readonly toleranceSeconds: number;
}

/**
 * Both sides must be narrowed alike, or what is left of one would miss the other: the one filter
 * there is, is `trunk` = one name, which rows of both sides have.
 * @throws DaybookError `E_FILTER` for any other
 */
function trunkOf(where: readonly Filter[]): string | null {
  const [only, ...others] = where;
  if (only === undefined) return null;
  const isTrunk = only.field === 'trunk' && only.op === '=' && only.values.length === 1;
  if (isTrunk && others.length === 0) return only.values[0];
  throw new DaybookError('E_FILTER', {
    where: 'where',
    got: where.map(filterInWords).join('; '),
    expected: 'no filter, or trunk = one name: it narrows both sides of a reconciliation',
  });
}

/**
 * Charges are billed by the tenant's own dates, so the carrier's rows are taken by them too.
 * @throws DaybookError `E_FILTER`; `E_INVALID` for days of another zone
 */
export function demandBothSides({
  where,
  zone,
}: {
  readonly where: readonly Filter[];
  readonly zone: string | null;
}): void {
  trunkOf(where);
  if (zone === null) return;
  const expected = "none: charges are billed by the dates of the tenant's own zone";
  throw new DaybookError('E_INVALID', { where: 'zone', got: zone, expected });
}

/** @throws DaybookError `E_FILTER` */
export function reconciliationScope(request: {
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
}): ReconciliationScope {
  const { tolerance_seconds: seconds, country_code: code } = request.params;
  return {
    trunk: trunkOf(request.where),
    countryCode: Number(code) > 0 ? String(code) : null,
    toleranceSeconds: Number(seconds),
  };
}
