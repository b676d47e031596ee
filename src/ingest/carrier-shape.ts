import type { RowShape } from '../reports/dataset.ts';

/** A carrier's row of a call, as its file or a map names it. */
export const CARRIER_CALLS: RowShape = {
  anchor: 'started_at',
  naturalKey: ['external_id'],
  tieBreak: ['external_id'],
  fields: [
    { name: 'external_id', type: 'text', required: false },
    { name: 'started_at', type: 'instant', required: true },
    { name: 'caller', type: 'text', required: false },
    { name: 'callee', type: 'text', required: true },
    { name: 'billed_seconds', type: 'integer', required: true },
    { name: 'amount', type: 'decimal', required: true },
    { name: 'currency', type: 'text', required: false },
  ],
};
