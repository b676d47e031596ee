import { decimalField, field, textIs } from './day-rows.ts';
import type { ColumnSpec, Dimension, Measure } from './define-report.ts';
import { DAY, hourDimensions, manyValued, textDimension } from './dimensions.ts';
import { FIELD_LABELS, labels } from './field-labels.ts';
import { ratio, sum } from './figures.ts';

/** What the reports over charges share: measures, figures, dimensions. */

export const isRated = textIs('status', 'rated');
export const isUnrated = textIs('status', 'unrated');

/** `calls` = `rated` + `unrated`; what is not rated has neither billed seconds nor an amount. */
export const CHARGE_MEASURES: readonly Measure[] = [
  { key: 'calls', of: 'count' },
  { key: 'rated', of: 'count', where: isRated },
  { key: 'unrated', of: 'count', where: isUnrated },
  { key: 'actual_seconds', of: 'numbers', merge: 'sum', values: field('actual_seconds') },
  { key: 'billed_seconds', of: 'numbers', merge: 'sum', values: field('billed_seconds') },
  { key: 'amount', of: 'decimals', values: decimalField('amount') },
];

export const ACTUAL_SECONDS = sum('actual_seconds', 'seconds', FIELD_LABELS.actual_seconds);
export const BILLED_SECONDS = sum('billed_seconds', 'seconds', FIELD_LABELS.billed_seconds);
export const AMOUNT = sum('amount', 'money', FIELD_LABELS.amount, { minScale: 4 });

/** Calls without a rate stand in the line without a currency. */
export const CHARGE_FIGURES: readonly ColumnSpec[] = [
  sum('calls', 'count', labels('Calls', 'Chamadas', 'Llamadas')),
  sum('rated', 'count', labels('Rated', 'Tarifadas', 'Tarificadas')),
  sum('unrated', 'count', labels('Not rated', 'Não tarifadas', 'Sin tarificar')),
  ACTUAL_SECONDS,
  BILLED_SECONDS,
  ratio(
    'billed_minutes',
    'minutes',
    labels('Billed minutes', 'Minutos faturados', 'Minutos facturados'),
    { ratioOf: ['billed_seconds', 60], scale: 2 },
    { shown: false },
  ),
  AMOUNT,
];

export const CHARGE_DIMENSIONS: readonly Dimension[] = [
  DAY,
  ...hourDimensions('started_at'),
  ...(
    ['currency', 'payer', 'plan', 'status', 'reason', 'direction', 'trunk', 'agent'] as const
  ).map(textDimension),
  ...(['prefix', 'caller', 'callee'] as const).map(manyValued),
];
