import type { Condition, DayRows, RowDecimals } from '../day-rows.ts';
import { type DecimalVector, decimalAt } from '../decimal-vector.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { sum } from '../figures.ts';
import { isCredit, isSale, MONEY_MEASURES, ORDER_DIMENSIONS } from '../order-fields.ts';

const isSold: Condition = (rows) => {
  const quantity = rows.decimals('quantity');
  return rows.derive(isSale).map((met, row) => (met === 1 && isPositive(quantity, row) ? 1 : 0));
};

function isPositive(vector: DecimalVector, row: number): boolean {
  const unscaled = vector.unscaled[row];
  // A long number says Infinity whatever its sign.
  if (unscaled === Number.POSITIVE_INFINITY) return (decimalAt(vector, row)?.unscaled ?? 0n) > 0n;
  return unscaled > 0;
}

const isElse: Condition = (rows) => {
  const sold = rows.derive(isSold);
  return rows.derive(isCredit).map((credit, row) => (credit === 0 && sold[row] === 0 ? 1 : 0));
};

const quantity: RowDecimals = (rows: DayRows) => rows.decimals('quantity');

/**
 * A line per product (`sku`) and currency. `sold`: the quantity of sale lines above zero;
 * `returned`: the quantity of credits, usually negative; `corrected`: everything else, such as
 * adjustments and write-offs outside credits. quantity = sold + returned + corrected. The
 * description is the last one that the product bore.
 */
export const products = defineReport({
  name: 'products',
  dataset: 'order_lines',
  shape: 'groups',
  labels: labels('Products', 'Produtos', 'Productos'),
  description: labels(
    'Per product and currency: quantities sold and returned, net amount',
    'Por produto e moeda: quantidades vendidas e devolvidas, valor líquido',
    'Por producto y moneda: cantidades vendidas y devueltas, importe neto',
  ),
  grains: ['day', 'period'],
  defaultGrain: 'period',
  groupBy: { day: ['sku', 'currency'], period: ['sku', 'currency'] },
  dimensions: ORDER_DIMENSIONS,
  measures: [
    ...MONEY_MEASURES,
    { key: 'description', of: 'text', merge: 'last', field: 'description' },
    { key: 'sold', of: 'decimals', values: quantity, where: isSold },
    { key: 'returned', of: 'decimals', values: quantity, where: isCredit },
    { key: 'corrected', of: 'decimals', values: quantity, where: isElse },
  ],
  columns: [
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('sku'),
    plainColumn('description', 'text', { merge: 'last', width: 36 }),
    plainColumn('currency', 'text', { width: 10 }),
    sum('orders', 'count', labels('Orders', 'Pedidos', 'Pedidos')),
    sum('lines', 'count', labels('Lines', 'Itens', 'Líneas')),
    sum('sold', 'quantity', labels('Sold', 'Vendidos', 'Vendidos')),
    sum('returned', 'quantity', labels('Returned', 'Devolvidos', 'Devueltos')),
    sum('corrected', 'quantity', labels('Corrected', 'Corrigidos', 'Corregidos')),
    sum('quantity', 'quantity', FIELD_LABELS.quantity),
    sum('net', 'money', labels('Net', 'Líquido', 'Neto')),
    sum('discount', 'money', FIELD_LABELS.discount, { shown: false }),
    sum('tax', 'money', FIELD_LABELS.tax, { shown: false }),
  ],
});
