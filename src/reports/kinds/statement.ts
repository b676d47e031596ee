import { type Condition, decimalField, textIs } from '../day-rows.ts';
import { defineReport, type Measure } from '../define-report.ts';
import { DAY, manyValued, plainColumn, textDimension } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { sum } from '../figures.ts';
import { offsetTexts } from '../local-hours.ts';

const amountOf = (key: string, where: Condition): Measure => ({
  key,
  of: 'decimals',
  values: decimalField('amount'),
  where,
});

/**
 * A row per entry of the ledger, as it moves the account of its payer: negative for a charge.
 * Charges are booked as sums by payer, currency and day; `billing` has the calls that they are of.
 * Opening and closing balances are no sum of days: `daybook ledger statement` shows them.
 */
export const statement = defineReport({
  name: 'statement',
  dataset: 'ledger_entries',
  shape: 'rows',
  labels: labels('Statement', 'Extrato', 'Extracto'),
  description: labels(
    'A row per ledger entry: charges, credits, adjustments, refunds, reversals',
    'Uma linha por lançamento: cobranças, créditos, ajustes, reembolsos, estornos',
    'Una fila por asiento: cargos, abonos, ajustes, reembolsos, anulaciones',
  ),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  dimensions: [
    DAY,
    ...(['currency', 'payer', 'kind'] as const).map(textDimension),
    manyValued('posted_by'),
  ],
  measures: [
    { key: 'entries', of: 'count' },
    amountOf('charges', textIs('kind', 'charge')),
    amountOf('credits', textIs('kind', 'credit')),
    amountOf('adjustments', textIs('kind', 'adjustment')),
    amountOf('refunds', textIs('kind', 'refund')),
    amountOf('reversals', textIs('kind', 'reversal')),
    { key: 'amount', of: 'decimals', values: decimalField('amount') },
  ],
  columns: [
    plainColumn('effective_at', 'instant'),
    plainColumn('payer'),
    plainColumn('kind'),
    sum('amount', 'money', FIELD_LABELS.amount),
    plainColumn('currency', 'text', { width: 10 }),
    plainColumn('note', 'text', { width: 36 }),
    plainColumn('source', 'text', { width: 36 }),
    plainColumn('reverses', 'text', { shown: false }),
    plainColumn('posted_by', 'text', { shown: false }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('effective_at') }),
  ],
  figures: [
    sum('entries', 'count', labels('Entries', 'Lançamentos', 'Asientos')),
    sum('charges', 'money', labels('Charges', 'Cobranças', 'Cargos')),
    sum('credits', 'money', labels('Credits', 'Créditos', 'Abonos')),
    sum('adjustments', 'money', labels('Adjustments', 'Ajustes', 'Ajustes')),
    sum('refunds', 'money', labels('Refunds', 'Reembolsos', 'Reembolsos')),
    sum('reversals', 'money', labels('Reversals', 'Estornos', 'Anulaciones')),
    sum('amount', 'money', FIELD_LABELS.amount),
  ],
});
