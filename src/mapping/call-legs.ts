import { DATASETS, type Field, type RowShape } from '../reports/dataset.ts';

/**
 * Legs of calls, as switches write them: one row for each channel that was tried. A leg has the
 * fields of a call, besides what tells which call it belongs to; the store folds legs into calls.
 */
const OF_LEGS: readonly Field[] = [
  { name: 'call_id', type: 'text', required: true },
  { name: 'leg_id', type: 'text', required: true },
  // Between legs that began at the same time.
  { name: 'leg_order', type: 'integer', required: true },
  // The `call_id` of other legs that belong to the same call.
  { name: 'joins', type: 'text', required: false },
  // Whom it reached; none: the exchange itself.
  { name: 'reached', type: 'text', required: false },
];

export const CALL_LEGS: RowShape = {
  anchor: 'started_at',
  naturalKey: ['call_id', 'leg_id'],
  tieBreak: ['call_id', 'leg_id'],
  fields: [...OF_LEGS, ...DATASETS.calls.fields.filter(({ name }) => name !== 'external_id')],
};
