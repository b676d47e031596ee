import {
  ACTUAL_SECONDS,
  AMOUNT,
  BILLED_SECONDS,
  CHARGE_DIMENSIONS,
  CHARGE_FIGURES,
  CHARGE_MEASURES,
} from '../charge-fields.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';
import { dateTexts, offsetTexts } from '../local-hours.ts';

const PRICE = { unit: 'money', minScale: 2 } as const;

/**
 * A row per call that somebody has to pay, with all that its amount comes from. `rate`, its unit,
 * the increment, the minimum and the connect fee are those of the group that the call began with.
 * A call that could not be rated has a `reason` and no amount; it is never a zero.
 */
export const billing = defineReport({
  name: 'billing',
  dataset: 'charges',
  shape: 'rows',
  labels: labels('Billing', 'Faturamento', 'Facturación'),
  description: labels(
    'A row per charged call: actual and billed seconds, prefix, rate, increment, connect fee, amount',
    'Uma linha por chamada cobrada: segundos reais e faturados, prefixo, tarifa, incremento, taxa de conexão, valor',
    'Una fila por llamada cobrada: segundos reales y facturados, prefijo, tarifa, incremento, cargo de conexión, importe',
  ),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  dimensions: CHARGE_DIMENSIONS,
  measures: CHARGE_MEASURES,
  columns: [
    plainColumn('external_id', 'text', { width: 24 }),
    plainColumn('started_at', 'instant'),
    plainColumn('payer'),
    plainColumn('direction'),
    plainColumn('caller'),
    plainColumn('callee'),
    plainColumn('agent', 'text', { shown: false }),
    plainColumn('trunk', 'text', { shown: false }),
    ACTUAL_SECONDS,
    BILLED_SECONDS,
    plainColumn('plan'),
    plainColumn('plan_from', 'instant', { shown: false }),
    plainColumn('prefix'),
    plainColumn('rate', 'decimal', PRICE),
    plainColumn('rate_unit_seconds', 'integer', { unit: 'seconds' }),
    plainColumn('increment_seconds', 'integer', { unit: 'seconds' }),
    plainColumn('minimum_seconds', 'integer', { unit: 'seconds' }),
    plainColumn('connect_fee', 'decimal', PRICE),
    plainColumn('rounding', 'text', { shown: false }),
    plainColumn('rounding_step', 'decimal', { unit: 'money' }),
    AMOUNT,
    plainColumn('currency', 'text', { width: 10 }),
    plainColumn('status'),
    plainColumn('reason'),
    plainColumn('date', 'date', { shown: false, project: dateTexts, key: 'local_date' }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('started_at') }),
  ],
  figures: CHARGE_FIGURES,
});
