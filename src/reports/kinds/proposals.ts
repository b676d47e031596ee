import { all, type Condition, decimalField, not, textIs } from '../day-rows.ts';
import { defineReport, type Measure } from '../define-report.ts';
import { DAY, hourDimensions, manyValued, plainColumn, textDimension } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { ratio, sum } from '../figures.ts';
import { dateTexts, offsetTexts } from '../local-hours.ts';

const isDraft = textIs('status', 'draft');
const isSent = textIs('status', 'sent');
const isApproved = textIs('status', 'approved');
/** Approved, rejected or expired. */
const isDecided = all(not(isDraft), not(isSent));

const proposalsThat = (key: string, where?: Condition): Measure => ({
  ...{ key, of: 'distinct', field: 'proposal_id' },
  ...(where ? { where } : {}),
});
const netOf = (key: string, where?: Condition): Measure => ({
  ...{ key, of: 'decimals', values: decimalField('net') },
  ...(where ? { where } : {}),
});

const LIST_AMOUNT = sum('list_amount', 'money', FIELD_LABELS.list_amount);
const ALLOWED = sum('allowed_discount', 'money', FIELD_LABELS.allowed_discount);
const DISCOUNT = sum('discount', 'money', FIELD_LABELS.discount);
const NET = sum('net', 'money', FIELD_LABELS.net);

/**
 * A row per line of a proposal, on the day on which the proposal was made. `pipeline` is the net
 * amount of what is sent and not decided, `win_rate` the share of approved proposals among those
 * that were approved, rejected or expired. `discount_rate` is what was given of the list amount,
 * `policy_use` what was given of what the policies allow.
 */
export const proposals = defineReport({
  name: 'proposals',
  dataset: 'proposal_lines',
  shape: 'rows',
  labels: labels('Proposals', 'Propostas', 'Propuestas'),
  description: labels(
    'A row per line of a proposal; pipeline, win rate, discount against policy',
    'Uma linha por item de proposta; funil, taxa de ganho, desconto em relação à política',
    'Una fila por línea de propuesta; cartera, tasa de éxito, descuento frente a la política',
  ),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  dimensions: [
    DAY,
    ...hourDimensions('proposed_at'),
    ...(['currency', 'status', 'policy', 'salesperson'] as const).map(textDimension),
    ...(['sku', 'customer'] as const).map(manyValued),
  ],
  measures: [
    proposalsThat('proposals'),
    proposalsThat('open', isSent),
    proposalsThat('won', isApproved),
    proposalsThat('decided', isDecided),
    { key: 'list_amount', of: 'decimals', values: decimalField('list_amount') },
    { key: 'allowed_discount', of: 'decimals', values: decimalField('allowed_discount') },
    { key: 'discount', of: 'decimals', values: decimalField('discount') },
    netOf('net'),
    netOf('pipeline', isSent),
    netOf('won_net', isApproved),
  ],
  columns: [
    plainColumn('proposal_id', 'text', { width: 38 }),
    plainColumn('line_no', 'integer', { width: 8 }),
    plainColumn('proposed_at', 'instant'),
    plainColumn('status'),
    plainColumn('customer'),
    plainColumn('salesperson'),
    plainColumn('sku'),
    plainColumn('description', 'text', { width: 36 }),
    plainColumn('quantity', 'decimal', { unit: 'quantity' }),
    plainColumn('list_price', 'decimal', { unit: 'money', minScale: 2 }),
    LIST_AMOUNT,
    plainColumn('policy', 'text', { width: 20 }),
    ALLOWED,
    DISCOUNT,
    NET,
    plainColumn('currency', 'text', { width: 10 }),
    plainColumn('decided_at', 'instant'),
    plainColumn('date', 'date', { shown: false, project: dateTexts, key: 'local_date' }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('proposed_at') }),
  ],
  figures: [
    sum('proposals', 'count', labels('Proposals', 'Propostas', 'Propuestas')),
    sum('open', 'count', labels('Open', 'Em aberto', 'Abiertas')),
    sum('won', 'count', labels('Won', 'Ganhas', 'Ganadas')),
    sum('decided', 'count', labels('Decided', 'Decididas', 'Decididas')),
    ratio('win_rate', 'ratio', labels('Win rate', 'Taxa de ganho', 'Tasa de éxito'), {
      ratioOf: ['won', 'decided'],
      scale: 4,
    }),
    sum('pipeline', 'money', labels('Pipeline', 'Funil', 'Cartera')),
    sum('won_net', 'money', labels('Won, net', 'Ganho líquido', 'Ganado neto')),
    LIST_AMOUNT,
    ALLOWED,
    DISCOUNT,
    ratio(
      'discount_rate',
      'ratio',
      labels('Discount rate', 'Taxa de desconto', 'Tasa de descuento'),
      {
        ratioOf: ['discount', 'list_amount'],
        scale: 4,
      },
    ),
    ratio('policy_use', 'ratio', labels('Of the policy', 'Da política', 'De la política'), {
      ratioOf: ['discount', 'allowed_discount'],
      scale: 4,
    }),
    NET,
  ],
});
