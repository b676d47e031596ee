import { describe, expect, it } from 'vitest';
import {
  type MirrorFigures,
  type MirrorLeave,
  type MirrorLimits,
  NO_LEAVE,
  refusalOf,
  USUAL_LIMITS,
} from '../../../src/store/mirror-guard.ts';

interface Case {
  readonly title: string;
  readonly figures: Partial<MirrorFigures>;
  readonly limits?: Partial<MirrorLimits>;
  readonly leave?: Partial<MirrorLeave>;
  /** Null: it is applied. */
  readonly refusal: string | null;
}

const FIGURES: MirrorFigures = {
  inScope: 1000,
  distinct: 1000,
  stated: 1000,
  rejected: 0,
  firstReject: null,
  outside: 0,
  toDelete: 0,
};

const CASES: readonly Case[] = [
  { title: 'all there', figures: {}, refusal: null },
  { title: 'no count stated', figures: { stated: null, distinct: 7 }, refusal: null },
  {
    title: 'one row short',
    figures: { distinct: 999 },
    refusal: 'it holds 999 different rows; 1000 were stated',
  },
  {
    title: 'one row more than stated',
    figures: { distinct: 1001 },
    refusal: 'it holds 1001 different rows; 1000 were stated',
  },
  {
    title: 'short, with leave to delete all: a mistake is no wish',
    figures: { distinct: 999 },
    leave: { deletes: 'all' },
    refusal: 'it holds 999 different rows; 1000 were stated',
  },
  {
    title: 'a row outside its scope',
    figures: { outside: 1 },
    leave: { deletes: 'all' },
    refusal: '1 of its rows are outside its scope',
  },
  {
    title: 'one refused row',
    figures: { rejected: 1, firstReject: 'row 3: sku' },
    refusal: '1 of its rows were refused (the first: row 3: sku); at most 0 are allowed',
  },
  {
    title: 'one refused row of one',
    figures: { rejected: 1 },
    limits: { rejects: 1 },
    refusal: null,
  },
  {
    title: 'refused rows with leave',
    figures: { rejected: 5 },
    leave: { rejects: 5 },
    refusal: null,
  },
  {
    title: 'more refused rows than the leave',
    figures: { rejected: 6 },
    leave: { rejects: 5 },
    refusal: '6 of its rows were refused; at most 5 are allowed',
  },
  {
    title: 'nothing in it',
    figures: { distinct: 0, stated: 0, toDelete: 3, inScope: 3 },
    refusal: 'it is empty; 3 rows stand in its scope',
  },
  {
    title: 'nothing in it, and nothing to delete',
    figures: { distinct: 0, stated: 0, inScope: 0 },
    refusal: null,
  },
  {
    title: 'nothing in it, as somebody means it',
    figures: { distinct: 0, stated: 0, toDelete: 1000 },
    leave: { deletes: 'all' },
    refusal: null,
  },
  { title: 'a tenth is deleted', figures: { toDelete: 100 }, refusal: null },
  {
    title: 'more than a tenth',
    figures: { toDelete: 101 },
    refusal:
      'it would delete 101 of the 1000 rows in its scope (10.1 %); at most 100 are (10 %, or 20 rows)',
  },
  { title: 'twenty of thirty', figures: { inScope: 30, toDelete: 20 }, refusal: null },
  {
    title: 'twenty-one of thirty',
    figures: { inScope: 30, toDelete: 21 },
    refusal:
      'it would delete 21 of the 30 rows in its scope (70 %); at most 20 are (10 %, or 20 rows)',
  },
  {
    title: 'no deletions by setting',
    figures: { toDelete: 1 },
    limits: { deleteShare: 0, deleteRows: 0 },
    refusal:
      'it would delete 1 of the 1000 rows in its scope (0.1 %); at most 0 are (0 %, or 0 rows)',
  },
  {
    title: 'as many as allowed',
    figures: { toDelete: 500 },
    leave: { deletes: 500 },
    refusal: null,
  },
  {
    title: 'one more than allowed',
    figures: { toDelete: 501 },
    leave: { deletes: 500 },
    refusal: 'it would delete 501 of the 1000 rows in its scope (50.1 %); at most 500 were allowed',
  },
  {
    title: 'fewer allowed than usual',
    figures: { toDelete: 2 },
    leave: { deletes: 1 },
    refusal: 'it would delete 2 of the 1000 rows in its scope (0.2 %); at most 1 were allowed',
  },
  {
    title: 'all at once',
    figures: { distinct: 1, stated: 2, outside: 1, rejected: 1, toDelete: 999 },
    refusal:
      'it holds 1 different rows; 2 were stated; 1 of its rows are outside its scope; ' +
      '1 of its rows were refused; at most 0 are allowed; ' +
      'it would delete 999 of the 1000 rows in its scope (99.9 %); at most 100 are (10 %, or 20 rows)',
  },
];

describe('the guard of mirrors', () => {
  it.each(CASES)('$title', ({ figures, limits, leave, refusal }) => {
    expect(
      refusalOf(
        { ...FIGURES, ...figures },
        { ...USUAL_LIMITS, ...limits },
        { ...NO_LEAVE, ...leave },
      ),
    ).toBe(refusal);
  });
});
