import { all, type Condition, type DayRows, decimalField, not, textIs } from './day-rows.ts';
import { type DecimalVector, multiplyVectors, subtractVectors } from './decimal-vector.ts';
import type { ColumnSpec, Dimension, Measure } from './define-report.ts';
import { DAY, hourDimensions, manyValued, textDimension } from './dimensions.ts';
import { FIELD_LABELS, labels } from './field-labels.ts';
import { sum } from './figures.ts';

/** What the reports over order lines share: conditions, measures, dimensions. */

export const isCredit = textIs('kind', 'credit');
export const isAdjustment = textIs('kind', 'adjustment');
/** A line without a kind is a sale. */
export const isSale = all(not(isCredit), not(isAdjustment));

/** quantity × unit price. */
export function grossOf(rows: DayRows): DecimalVector {
  return multiplyVectors(rows.decimals('quantity'), rows.decimals('unit_price'));
}

/** quantity × unit price − discount, exact, not rounded. Tax is not in it. */
export function netOf(rows: DayRows): DecimalVector {
  return subtractVectors(rows.derive(grossOf), rows.decimals('discount'));
}

/** Of the lines that meet a condition. */
export function netSum(key: string, where?: Condition): Measure {
  return { key, of: 'decimals', values: netOf, ...(where ? { where } : {}) };
}

/** `net` is the sum of sales, credits and adjustments. */
export const MONEY_MEASURES: readonly Measure[] = [
  { key: 'lines', of: 'count' },
  { key: 'orders', of: 'distinct', field: 'order_id' },
  { key: 'quantity', of: 'decimals', values: decimalField('quantity') },
  netSum('sales', isSale),
  netSum('credits', isCredit),
  netSum('adjustments', isAdjustment),
  netSum('net'),
  { key: 'discount', of: 'decimals', values: decimalField('discount') },
  { key: 'tax', of: 'decimals', values: decimalField('tax') },
];

/**
 * `orders` counts an order once in each group on each day: one whose lines bear several days
 * counts on each of them.
 */
export const MONEY_FIGURES: readonly ColumnSpec[] = [
  sum('orders', 'count', labels('Orders', 'Pedidos', 'Pedidos')),
  sum('lines', 'count', labels('Lines', 'Itens', 'Líneas')),
  sum('quantity', 'quantity', FIELD_LABELS.quantity),
  sum('sales', 'money', labels('Sales', 'Vendas', 'Ventas')),
  sum('credits', 'money', labels('Credits', 'Créditos', 'Abonos')),
  sum('adjustments', 'money', labels('Adjustments', 'Ajustes', 'Ajustes')),
  sum('net', 'money', labels('Net', 'Líquido', 'Neto')),
  sum('discount', 'money', FIELD_LABELS.discount),
  sum('tax', 'money', FIELD_LABELS.tax),
];

export const ORDER_DIMENSIONS: readonly Dimension[] = [
  DAY,
  ...hourDimensions('ordered_at'),
  ...(['currency', 'kind', 'status'] as const).map(textDimension),
  ...(['sku', 'customer'] as const).map(manyValued),
  ...(['region', 'salesperson'] as const).map(textDimension),
];
