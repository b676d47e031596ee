import { datasetOf, type RowShape } from '../reports/dataset.ts';

/**
 * A carrier's row as its file or a map names it: what `daybook load carrier_calls` takes, but here
 * rows need no name of their own, since they are compared and not kept.
 */
export const CARRIER_CALLS: RowShape = {
  ...datasetOf('carrier_calls'),
  naturalKey: ['external_id'],
  tieBreak: ['external_id'],
};
