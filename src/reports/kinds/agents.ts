import { answered, CALL_DIMENSIONS, callDuration, TALK_OF_ANSWERED } from '../call-fields.ts';
import { field } from '../day-rows.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';
import { ANSWERED, largest, ratio, sum, TALK } from '../figures.ts';

/**
 * A line per agent over the calls that were answered. Answered calls that name no agent are the
 * line with an empty one, so that the lines add up to the answered calls of the other reports.
 * Calls that were not answered do not count here, also when they bear an agent whose phone rang.
 * First and last call are the least and the greatest start, which merge in any order.
 */
export const agents = defineReport({
  name: 'agents',
  dataset: 'calls',
  shape: 'groups',
  labels: labels('Agents', 'Agentes', 'Agentes'),
  description: labels(
    'Per agent: calls answered, talk time, first and last call',
    'Por agente: chamadas atendidas, tempo de conversação, primeira e última chamada',
    'Por agente: llamadas atendidas, tiempo de conversación, primera y última llamada',
  ),
  grains: ['day', 'period'],
  defaultGrain: 'period',
  groupBy: { day: ['agent'], period: ['agent'] },
  counts: answered,
  dimensions: CALL_DIMENSIONS,
  measures: [
    { key: 'answered', of: 'count' },
    TALK_OF_ANSWERED,
    { key: 'longest_talk', of: 'numbers', merge: 'max', values: field('talk_seconds') },
    { key: 'wait_seconds', of: 'numbers', merge: 'sum', values: field('wait_seconds') },
    { key: 'duration_seconds', of: 'numbers', merge: 'sum', values: callDuration },
    { key: 'first_call', of: 'numbers', merge: 'min', values: field('started_at') },
    { key: 'last_call', of: 'numbers', merge: 'max', values: field('started_at') },
  ],
  columns: [
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('agent', 'text', { width: 20 }),
    ANSWERED,
    TALK,
    ratio(
      'average_talk',
      'seconds',
      labels('Average talk (s)', 'Conversação média (s)', 'Conversación media (s)'),
      { ratioOf: ['talk_seconds', 'answered'], scale: 2 },
    ),
    largest(
      'longest_talk',
      labels('Longest talk (s)', 'Conversação mais longa (s)', 'Conversación más larga (s)'),
    ),
    sum(
      'wait_seconds',
      'seconds',
      labels('Wait of answered (s)', 'Espera das atendidas (s)', 'Espera de las atendidas (s)'),
      { shown: false },
    ),
    sum('duration_seconds', 'seconds', labels('Duration (s)', 'Duração (s)', 'Duración (s)'), {
      shown: false,
    }),
    {
      key: 'first_call',
      type: 'instant',
      unit: null,
      labels: labels('First call', 'Primeira chamada', 'Primera llamada'),
      merge: 'min',
      shown: true,
    },
    {
      key: 'last_call',
      type: 'instant',
      unit: null,
      labels: labels('Last call', 'Última chamada', 'Última llamada'),
      merge: 'max',
      shown: true,
    },
  ],
});
