/**
 * The datasets that reports are made of: their fields, in canonical order, and each one's anchor
 * instant, sort key and natural key. The table of a dataset has the same names.
 */

/**
 * - `text`: Unicode text; an empty text is no value.
 * - `instant`: UTC epoch milliseconds.
 * - `integer`: a whole number within ±2^53 (seconds, counts, line numbers).
 * - `decimal`: an exact decimal, kept as its ASCII text such as `-12.50`.
 */
export type FieldType = 'text' | 'instant' | 'integer' | 'decimal';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** The only values that a text field takes. */
  readonly values?: readonly string[];
}

export interface Dataset {
  readonly name: DatasetName;
  readonly fields: readonly Field[];
  /** The instant that decides a row's day. */
  readonly anchor: string;
  /** Fields that name a row; loading is idempotent by them. */
  readonly naturalKey: readonly string[];
  /** Canonical order of rows: by anchor, then by these (text in code-point order). */
  readonly tieBreak: readonly string[];
}

/** What rows of a file become: a dataset, or something else that is read from files. */
export type RowShape = Omit<Dataset, 'name'>;

const required = (name: string, type: FieldType, values?: readonly string[]): Field => ({
  name,
  type,
  required: true,
  ...(values ? { values } : {}),
});
const optional = (name: string, type: FieldType, values?: readonly string[]): Field => ({
  ...required(name, type, values),
  required: false,
});

export const DIRECTIONS = ['inbound', 'outbound', 'internal'] as const;
export const DISPOSITIONS = [
  'answered',
  'abandoned',
  'no_answer',
  'busy',
  'failed',
  'voicemail',
  'ignored',
] as const;
export const ORDER_KINDS = ['sale', 'credit', 'adjustment'] as const;
/** As `sales/proposal-moves.ts` has them. */
export const PROPOSAL_STATUSES = ['draft', 'sent', 'approved', 'rejected', 'expired'] as const;
export const CHARGE_STATES = ['rated', 'unrated'] as const;
export const ENTRY_KINDS = ['charge', 'credit', 'adjustment', 'refund', 'reversal'] as const;

export const DATASETS = {
  calls: {
    name: 'calls',
    anchor: 'started_at',
    naturalKey: ['external_id'],
    tieBreak: ['external_id'],
    fields: [
      required('external_id', 'text'),
      required('started_at', 'instant'),
      optional('queued_at', 'instant'),
      optional('answered_at', 'instant'),
      required('ended_at', 'instant'),
      optional('direction', 'text', DIRECTIONS),
      optional('caller', 'text'),
      optional('callee', 'text'),
      optional('queue', 'text'),
      optional('agent', 'text'),
      optional('trunk', 'text'),
      required('disposition', 'text', DISPOSITIONS),
      optional('wait_seconds', 'integer'),
      optional('talk_seconds', 'integer'),
    ],
  },
  order_lines: {
    name: 'order_lines',
    anchor: 'ordered_at',
    naturalKey: ['order_id', 'line_no'],
    tieBreak: ['order_id', 'line_no'],
    fields: [
      required('order_id', 'text'),
      required('line_no', 'integer'),
      required('ordered_at', 'instant'),
      optional('status', 'text'),
      optional('kind', 'text', ORDER_KINDS),
      optional('customer', 'text'),
      required('sku', 'text'),
      optional('description', 'text'),
      required('quantity', 'decimal'),
      required('unit_price', 'decimal'),
      optional('discount', 'decimal'),
      optional('tax', 'decimal'),
      optional('currency', 'text'),
      optional('region', 'text'),
      optional('salesperson', 'text'),
    ],
  },
  proposal_lines: {
    name: 'proposal_lines',
    anchor: 'proposed_at',
    naturalKey: ['proposal_id', 'line_no'],
    tieBreak: ['proposal_id', 'line_no'],
    fields: [
      required('proposal_id', 'text'),
      required('line_no', 'integer'),
      required('proposed_at', 'instant'),
      required('status', 'text', PROPOSAL_STATUSES),
      required('customer', 'text'),
      required('sku', 'text'),
      optional('description', 'text'),
      required('quantity', 'decimal'),
      required('list_price', 'decimal'),
      required('list_amount', 'decimal'),
      optional('policy', 'text'),
      required('allowed_discount', 'decimal'),
      required('discount', 'decimal'),
      required('net', 'decimal'),
      required('currency', 'text'),
      optional('salesperson', 'text'),
      optional('decided_at', 'instant'),
    ],
  },
  charges: {
    name: 'charges',
    anchor: 'started_at',
    naturalKey: ['external_id'],
    tieBreak: ['external_id'],
    fields: [
      required('external_id', 'text'),
      required('started_at', 'instant'),
      required('status', 'text', CHARGE_STATES),
      optional('reason', 'text'),
      required('payer', 'text'),
      optional('direction', 'text', DIRECTIONS),
      optional('caller', 'text'),
      optional('callee', 'text'),
      optional('agent', 'text'),
      optional('trunk', 'text'),
      optional('actual_seconds', 'integer'),
      optional('billed_seconds', 'integer'),
      optional('plan', 'text'),
      optional('plan_from', 'instant'),
      optional('prefix', 'text'),
      optional('rate', 'decimal'),
      optional('rate_unit_seconds', 'integer'),
      optional('increment_seconds', 'integer'),
      optional('minimum_seconds', 'integer'),
      optional('connect_fee', 'decimal'),
      optional('rounding', 'text'),
      optional('rounding_step', 'decimal'),
      optional('amount', 'decimal'),
      optional('currency', 'text'),
    ],
  },
  ledger_entries: {
    name: 'ledger_entries',
    anchor: 'effective_at',
    naturalKey: ['source'],
    tieBreak: ['source'],
    fields: [
      required('source', 'text'),
      required('effective_at', 'instant'),
      required('kind', 'text', ENTRY_KINDS),
      required('payer', 'text'),
      required('amount', 'decimal'),
      required('currency', 'text'),
      optional('reverses', 'text'),
      optional('note', 'text'),
      required('posted_by', 'text'),
    ],
  },
  carrier_calls: {
    name: 'carrier_calls',
    anchor: 'started_at',
    // Made while loading, of `external_id` or of the row itself: a carrier may bill one id twice.
    naturalKey: ['row_key'],
    tieBreak: ['row_key'],
    fields: [
      optional('external_id', 'text'),
      required('started_at', 'instant'),
      optional('caller', 'text'),
      required('callee', 'text'),
      required('billed_seconds', 'integer'),
      required('amount', 'decimal'),
      optional('currency', 'text'),
      optional('trunk', 'text'),
      optional('row_key', 'text'),
    ],
  },
  rates: {
    name: 'rates',
    anchor: 'valid_from',
    naturalKey: ['plan', 'valid_from', 'prefix', 'window', 'from_second'],
    tieBreak: ['plan', 'prefix', 'window', 'from_second'],
    fields: [
      required('plan', 'text'),
      required('prefix', 'text'),
      required('valid_from', 'instant'),
      optional('description', 'text'),
      optional('connect_fee', 'decimal'),
      required('rate', 'decimal'),
      optional('rate_unit_seconds', 'integer'),
      optional('increment_seconds', 'integer'),
      optional('minimum_seconds', 'integer'),
      optional('from_second', 'integer'),
      optional('window', 'text'),
      optional('currency', 'text'),
      optional('direction', 'text'),
    ],
  },
} as const satisfies Record<string, Omit<Dataset, 'name'> & { name: string }>;

export type DatasetName =
  | ('calls' | 'order_lines' | 'carrier_calls' | 'rates')
  | ('charges' | 'ledger_entries' | 'proposal_lines');

/** Datasets of files: what `daybook load` takes. The others Daybook itself makes. */
export const LOADED_DATASETS = ['calls', 'order_lines', 'carrier_calls', 'rates'] as const;

export function datasetOf(name: DatasetName): Dataset {
  return DATASETS[name];
}
