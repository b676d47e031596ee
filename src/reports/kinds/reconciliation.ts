import { decimalField, field } from '../day-rows.ts';
import { defineReport } from '../define-report.ts';
import { DAY, hourDimensions, manyValued, plainColumn, textDimension } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { sum } from '../figures.ts';
import { demandBothSides } from '../reconciliation-scope.ts';

/**
 * The rows that a carrier billed, held against our charges of the period. Its file is the workbook
 * that `scheduler/reconcile` writes; its figures are of the carrier's side alone.
 */
export const reconciliation = defineReport({
  name: 'reconciliation',
  dataset: 'carrier_calls',
  shape: 'rows',
  labels: labels('Reconciliation', 'Conciliação', 'Conciliación'),
  description: labels(
    "A carrier's calls of a period against our charges, row by row; a workbook",
    'As chamadas de uma operadora no período contra as nossas cobranças, linha por linha; uma planilha',
    'Las llamadas de un operador en el período contra nuestros cargos, fila por fila; un libro',
  ),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  formats: ['xlsx'],
  check: demandBothSides,
  params: [
    {
      name: 'tolerance_seconds',
      labels: labels(
        'Starts apart by at most (s)',
        'Inícios distantes até (s)',
        'Inicios a lo sumo (s)',
      ),
      type: 'integer',
      unit: 'seconds',
      min: 0,
      max: 86_400,
      default: 5,
    },
    {
      // 0: none; what a leading 0 of a national number stands for.
      name: 'country_code',
      labels: labels('Country code', 'Código do país', 'Código de país'),
      type: 'integer',
      unit: null,
      min: 0,
      max: 999,
      default: 0,
    },
  ],
  dimensions: [
    DAY,
    ...hourDimensions('started_at'),
    ...(['currency', 'trunk'] as const).map(textDimension),
    ...(['caller', 'callee'] as const).map(manyValued),
  ],
  measures: [
    { key: 'calls', of: 'count' },
    { key: 'billed_seconds', of: 'numbers', merge: 'sum', values: field('billed_seconds') },
    { key: 'amount', of: 'decimals', values: decimalField('amount') },
  ],
  columns: [
    plainColumn('external_id', 'text', { width: 24 }),
    plainColumn('started_at', 'instant'),
    plainColumn('caller'),
    plainColumn('callee'),
    sum('billed_seconds', 'seconds', FIELD_LABELS.billed_seconds),
    sum('amount', 'money', FIELD_LABELS.amount, { minScale: 4 }),
    plainColumn('currency', 'text', { width: 10 }),
    plainColumn('trunk', 'text', { shown: false }),
    plainColumn('row_key', 'text', { shown: false, width: 24 }),
  ],
  figures: [
    sum('calls', 'count', labels('Calls', 'Chamadas', 'Llamadas')),
    sum('billed_seconds', 'seconds', FIELD_LABELS.billed_seconds),
    sum('amount', 'money', FIELD_LABELS.amount, { minScale: 4 }),
  ],
});
