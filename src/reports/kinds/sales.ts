import { decimalColumn } from '../decimal-vector.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { sum } from '../figures.ts';
import { dateTexts, offsetTexts } from '../local-hours.ts';
import {
  grossOf,
  MONEY_FIGURES,
  MONEY_MEASURES,
  netOf,
  ORDER_DIMENSIONS,
} from '../order-fields.ts';

/**
 * A row per order line. `net` is quantity × unit price − discount, exact to the last digit; tax
 * stands beside it and is not in it. Credits and adjustments are rows like any other, told apart
 * by `kind`. Money adds up per currency only.
 */
export const sales = defineReport({
  name: 'sales',
  dataset: 'order_lines',
  shape: 'rows',
  labels: labels('Sales', 'Vendas', 'Ventas'),
  description: labels(
    'A row per order line, with net amount, discount and tax',
    'Uma linha por item de pedido, com valor líquido, desconto e imposto',
    'Una fila por línea de pedido, con importe neto, descuento e impuesto',
  ),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  dimensions: ORDER_DIMENSIONS,
  measures: [...MONEY_MEASURES, { key: 'gross', of: 'decimals', values: grossOf }],
  columns: [
    plainColumn('order_id', 'text', { width: 16 }),
    plainColumn('line_no', 'integer', { width: 8 }),
    plainColumn('ordered_at', 'instant'),
    plainColumn('kind'),
    plainColumn('status'),
    plainColumn('customer'),
    plainColumn('sku'),
    plainColumn('description', 'text', { width: 36 }),
    sum('quantity', 'quantity', FIELD_LABELS.quantity),
    plainColumn('unit_price', 'decimal', { unit: 'money', minScale: 2 }),
    sum('gross', 'money', labels('Gross', 'Bruto', 'Bruto'), {
      shown: false,
      project: (rows) => decimalColumn(rows.derive(grossOf)),
    }),
    sum('discount', 'money', FIELD_LABELS.discount),
    sum('net', 'money', labels('Net', 'Líquido', 'Neto'), {
      project: (rows) => decimalColumn(rows.derive(netOf)),
    }),
    sum('tax', 'money', FIELD_LABELS.tax),
    plainColumn('currency', 'text', { width: 10 }),
    plainColumn('region'),
    plainColumn('salesperson'),
    plainColumn('date', 'date', { shown: false, project: dateTexts, key: 'local_date' }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('ordered_at') }),
  ],
  figures: MONEY_FIGURES,
});
