import {
  abandoned,
  answered,
  CALL_COUNTS,
  CALL_DIMENSIONS,
  offered,
  TALK_OF_ANSWERED,
} from '../call-fields.ts';
import { type Condition, field } from '../day-rows.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';
import {
  ABANDONED,
  ANSWERED,
  CALLS,
  IGNORED,
  largest,
  OTHER,
  ratio,
  sum,
  TALK,
} from '../figures.ts';

const answeredInTime: Condition = (rows) => {
  const waits = rows.numbers('wait_seconds');
  const limit = Number(rows.params.service_level_seconds);
  return rows.derive(answered).map((met, row) => (met === 1 && waits[row] <= limit ? 1 : 0));
};

const waits = { of: 'numbers', values: field('wait_seconds') } as const;

/**
 * A line per queue; calls without a queue are the line with an empty one.
 *
 * Calls with disposition `ignored` (phantoms) are counted apart and enter nothing else but
 * `calls` and `wait_seconds`, so that
 * calls = offered + ignored and offered = answered + abandoned + other.
 *
 * - `service_level`: answered with a wait of at most `service_level_seconds` ÷ offered. So a call
 *   that was abandoned counts against it, however soon (formula 3 of ICMI's "Service Level
 *   Calculations", 2002; Cisco ICM's "abandoned calls negatively impact service level"). An
 *   answered call without `wait_seconds` is not known to be in time, and is not counted so.
 * - `average_wait`, `longest_wait`: over the offered calls that have a wait.
 *   `average_speed_of_answer`: over the answered ones.
 * - `abandoned_rate`: abandoned ÷ offered.
 * - `talk_seconds`: of answered calls. `average_handle_time`: talk ÷ answered; hold and
 *   after-call work would belong to it (ICMI), but a call record does not bear them.
 */
export const queues = defineReport({
  name: 'queues',
  dataset: 'calls',
  shape: 'groups',
  labels: labels('Queues', 'Filas', 'Colas'),
  description: labels(
    'Per queue: calls offered, answered and abandoned, service level, waits and handle time',
    'Por fila: chamadas oferecidas, atendidas e abandonadas, nível de serviço, esperas e tempo de atendimento',
    'Por cola: llamadas ofrecidas, atendidas y abandonadas, nivel de servicio, esperas y tiempo de atención',
  ),
  grains: ['day', 'period'],
  defaultGrain: 'period',
  groupBy: { day: ['queue'], period: ['queue'] },
  params: [
    {
      name: 'service_level_seconds',
      labels: labels(
        'Service level threshold (s)',
        'Limite do nível de serviço (s)',
        'Umbral del nivel de servicio (s)',
      ),
      type: 'integer',
      unit: 'seconds',
      min: 0,
      max: 86_400,
      default: 20,
    },
  ],
  dimensions: CALL_DIMENSIONS,
  measures: [
    ...CALL_COUNTS,
    { key: 'offered', of: 'count', where: offered },
    { key: 'in_time', of: 'count', where: answeredInTime },
    { key: 'wait_seconds', ...waits, merge: 'sum' },
    { key: 'offered_wait_seconds', ...waits, merge: 'sum', where: offered },
    { key: 'offered_waits', of: 'count', where: withWait(offered) },
    { key: 'answered_wait_seconds', ...waits, merge: 'sum', where: answered },
    { key: 'answered_waits', of: 'count', where: withWait(answered) },
    { key: 'abandoned_wait_seconds', ...waits, merge: 'sum', where: abandoned },
    { key: 'longest_wait', ...waits, merge: 'max', where: offered },
    TALK_OF_ANSWERED,
  ],
  columns: [
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('queue', 'text', { width: 20 }),
    { ...CALLS, shown: false },
    sum('offered', 'count', labels('Offered', 'Oferecidas', 'Ofrecidas')),
    ANSWERED,
    sum(
      'in_time',
      'count',
      labels('Answered in time', 'Atendidas no prazo', 'Atendidas a tiempo'),
      {
        shown: false,
      },
    ),
    ABANDONED,
    OTHER,
    IGNORED,
    ratio(
      'service_level',
      'ratio',
      labels('Service level', 'Nível de serviço', 'Nivel de servicio'),
      { ratioOf: ['in_time', 'offered'], scale: 4 },
    ),
    ratio(
      'abandoned_rate',
      'ratio',
      labels('Abandoned rate', 'Taxa de abandono', 'Tasa de abandono'),
      { ratioOf: ['abandoned', 'offered'], scale: 4 },
    ),
    ratio(
      'average_wait',
      'seconds',
      labels('Average wait (s)', 'Espera média (s)', 'Espera media (s)'),
      { ratioOf: ['offered_wait_seconds', 'offered_waits'], scale: 2 },
    ),
    ratio(
      'average_speed_of_answer',
      'seconds',
      labels(
        'Average speed of answer (s)',
        'Tempo médio para atender (s)',
        'Tiempo medio de respuesta (s)',
      ),
      { ratioOf: ['answered_wait_seconds', 'answered_waits'], scale: 2 },
      { shown: false },
    ),
    largest(
      'longest_wait',
      labels('Longest wait (s)', 'Espera mais longa (s)', 'Espera más larga (s)'),
    ),
    sum(
      'wait_seconds',
      'seconds',
      labels('Wait, all calls (s)', 'Espera, todas (s)', 'Espera, todas (s)'),
    ),
    sum(
      'abandoned_wait_seconds',
      'seconds',
      labels('Wait, abandoned (s)', 'Espera, abandonadas (s)', 'Espera, abandonadas (s)'),
      { shown: false },
    ),
    TALK,
    ratio(
      'average_handle_time',
      'seconds',
      labels(
        'Average handle time (s)',
        'Tempo médio de atendimento (s)',
        'Tiempo medio de atención (s)',
      ),
      { ratioOf: ['talk_seconds', 'answered'], scale: 2 },
    ),
  ],
});

function withWait(condition: Condition): Condition {
  return (rows) => {
    const values = rows.numbers('wait_seconds');
    return rows
      .derive(condition)
      .map((met, row) => (met === 1 && !Number.isNaN(values[row]) ? 1 : 0));
  };
}
