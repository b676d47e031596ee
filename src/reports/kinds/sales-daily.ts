import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';
import { MONEY_FIGURES, MONEY_MEASURES, ORDER_DIMENSIONS } from '../order-fields.ts';

/**
 * A line per day and currency; at grain `period`, per currency. `sales` is the net amount of the
 * lines that are neither credits nor adjustments, so net = sales + credits + adjustments; credits
 * are usually negative. An order counts on each day that has lines of it.
 */
export const salesDaily = defineReport({
  name: 'sales-daily',
  dataset: 'order_lines',
  shape: 'groups',
  labels: labels('Daily sales', 'Vendas diárias', 'Ventas diarias'),
  description: labels(
    'Per day and currency: orders, quantity, sales, credits, adjustments, net, discount, tax',
    'Por dia e moeda: pedidos, quantidade, vendas, créditos, ajustes, líquido, desconto, imposto',
    'Por día y moneda: pedidos, cantidad, ventas, abonos, ajustes, neto, descuento, impuesto',
  ),
  grains: ['day', 'period'],
  defaultGrain: 'day',
  groupBy: { day: ['currency'], period: ['currency'] },
  dimensions: ORDER_DIMENSIONS,
  measures: MONEY_MEASURES,
  columns: [
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('currency', 'text', { width: 10 }),
    ...MONEY_FIGURES,
  ],
});
