import { CALL_COUNTS, CALL_DIMENSIONS, callDuration, TALK_OF_ANSWERED } from '../call-fields.ts';
import { field, hasNumber } from '../day-rows.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { CALL_FIGURES, LONGEST_CALL, sum } from '../figures.ts';
import { dateTexts, offsetTexts } from '../local-hours.ts';

const WAIT = sum('wait_seconds', 'seconds', FIELD_LABELS.wait_seconds);
const TALK_OF_ALL = sum('talk_seconds', 'seconds', FIELD_LABELS.talk_seconds);
const DURATION = sum(
  'duration_seconds',
  'seconds',
  labels('Duration (s)', 'Duração (s)', 'Duración (s)'),
);

/**
 * A row per call. Its columns are the fields of the call as they were loaded; the talk time of a
 * call that was not answered stands in its row, and in the total of the column.
 */
export const calls = defineReport({
  name: 'calls',
  dataset: 'calls',
  shape: 'rows',
  labels: labels('Calls', 'Chamadas', 'Llamadas'),
  description: labels('A row per call', 'Uma linha por chamada', 'Una fila por llamada'),
  grains: ['row'],
  defaultGrain: 'row',
  groupBy: {},
  dimensions: CALL_DIMENSIONS,
  measures: [
    ...CALL_COUNTS,
    { key: 'wait_seconds', of: 'numbers', merge: 'sum', values: field('wait_seconds') },
    { key: 'talk_seconds', of: 'numbers', merge: 'sum', values: field('talk_seconds') },
    { ...TALK_OF_ANSWERED, key: 'answered_talk_seconds' },
    { key: 'with_answered_at', of: 'count', where: hasNumber('answered_at') },
    { key: 'duration_seconds', of: 'numbers', merge: 'sum', values: callDuration },
    { key: 'longest_call', of: 'numbers', merge: 'max', values: callDuration },
  ],
  columns: [
    plainColumn('external_id', 'text', { width: 24 }),
    plainColumn('started_at', 'instant'),
    plainColumn('queued_at', 'instant'),
    plainColumn('answered_at', 'instant'),
    plainColumn('ended_at', 'instant'),
    plainColumn('direction'),
    plainColumn('caller'),
    plainColumn('callee'),
    plainColumn('queue'),
    plainColumn('agent'),
    plainColumn('trunk'),
    plainColumn('disposition'),
    WAIT,
    TALK_OF_ALL,
    {
      ...DURATION,
      shown: false,
      project: (rows) => ({ type: 'integer', values: rows.derive(callDuration) }),
    },
    plainColumn('date', 'date', { shown: false, project: dateTexts, key: 'local_date' }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('started_at') }),
  ],
  figures: [
    ...CALL_FIGURES,
    sum(
      'with_answered_at',
      'count',
      labels('With answer time', 'Com hora de atendimento', 'Con hora de respuesta'),
    ),
    WAIT,
    TALK_OF_ALL,
    sum(
      'answered_talk_seconds',
      'seconds',
      labels(
        'Talk, answered calls (s)',
        'Conversação, atendidas (s)',
        'Conversación, atendidas (s)',
      ),
    ),
    DURATION,
    LONGEST_CALL,
  ],
});
