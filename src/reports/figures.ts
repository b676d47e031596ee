import type { Labels, Unit } from './column.ts';
import type { ColumnSpec, RatioOfSums } from './define-report.ts';
import { labels } from './field-labels.ts';

/** Makers of the columns that merge, and those that several reports over calls share. */

export function sum(
  key: string,
  unit: Unit,
  columnLabels: Labels,
  more: Partial<ColumnSpec> = {},
): ColumnSpec {
  const type = unit === 'money' || unit === 'quantity' ? 'decimal' : 'integer';
  return { key, type, unit, labels: columnLabels, merge: 'sum', shown: true, ...more };
}

export function ratio(
  key: string,
  unit: Unit,
  columnLabels: Labels,
  merge: RatioOfSums,
  more: Partial<ColumnSpec> = {},
): ColumnSpec {
  return { key, type: 'decimal', unit, labels: columnLabels, merge, shown: true, ...more };
}

export function largest(key: string, columnLabels: Labels): ColumnSpec {
  return {
    key,
    type: 'integer',
    unit: 'seconds',
    labels: columnLabels,
    merge: 'max',
    shown: true,
  };
}

export const CALLS = sum('calls', 'count', labels('Calls', 'Chamadas', 'Llamadas'));
export const ANSWERED = sum('answered', 'count', labels('Answered', 'Atendidas', 'Atendidas'));
export const ABANDONED = sum(
  'abandoned',
  'count',
  labels('Abandoned', 'Abandonadas', 'Abandonadas'),
);
export const OTHER = sum(
  'other',
  'count',
  labels('Other unanswered', 'Outras não atendidas', 'Otras no atendidas'),
);
export const IGNORED = sum('ignored', 'count', labels('Ignored', 'Ignoradas', 'Ignoradas'));

/** `calls` is the sum of the four others. */
export const CALL_FIGURES: readonly ColumnSpec[] = [CALLS, ANSWERED, ABANDONED, OTHER, IGNORED];

export const LONGEST_CALL = largest(
  'longest_call',
  labels('Longest call (s)', 'Chamada mais longa (s)', 'Llamada más larga (s)'),
);
export const TALK = sum(
  'talk_seconds',
  'seconds',
  labels('Talk time (s)', 'Tempo de conversação (s)', 'Tiempo de conversación (s)'),
);
