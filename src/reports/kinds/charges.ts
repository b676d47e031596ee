import { CHARGE_DIMENSIONS, CHARGE_FIGURES, CHARGE_MEASURES } from '../charge-fields.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';

/**
 * A line per plan, prefix and currency. Calls that could not be rated have neither prefix nor
 * currency: they are the line without them, per plan.
 */
export const charges = defineReport({
  name: 'charges',
  dataset: 'charges',
  shape: 'groups',
  labels: labels('Charges', 'Cobranças', 'Cargos'),
  description: labels(
    'Per plan and prefix: calls, actual and billed seconds, amount',
    'Por plano e prefixo: chamadas, segundos reais e faturados, valor',
    'Por plan y prefijo: llamadas, segundos reales y facturados, importe',
  ),
  grains: ['day', 'period'],
  defaultGrain: 'period',
  groupBy: { day: ['plan', 'prefix', 'currency'], period: ['plan', 'prefix', 'currency'] },
  dimensions: CHARGE_DIMENSIONS,
  measures: CHARGE_MEASURES,
  columns: [
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('plan'),
    plainColumn('prefix'),
    plainColumn('currency', 'text', { width: 10 }),
    ...CHARGE_FIGURES.map((figure) => ({ ...figure, shown: true })),
  ],
  figures: CHARGE_FIGURES,
});
