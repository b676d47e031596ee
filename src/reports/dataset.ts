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
} as const satisfies Record<string, Omit<Dataset, 'name'> & { name: string }>;

export type DatasetName = 'calls' | 'order_lines' | 'proposal_lines';

/** Those that files are loaded into; the others Daybook writes itself. */
export const LOADED_DATASETS: readonly DatasetName[] = ['calls', 'order_lines'];

export function datasetOf(name: DatasetName): Dataset {
  return DATASETS[name];
}
