import {
  CALL_COUNTS,
  CALL_DIMENSIONS,
  callDuration,
  plainColumn,
  TALK_OF_ANSWERED,
} from '../call-fields.ts';
import { field } from '../day-rows.ts';
import { type ColumnSpec, defineReport } from '../define-report.ts';
import { FIELD_LABELS, labels } from '../field-labels.ts';
import { CALL_FIGURES, LONGEST_CALL } from '../figures.ts';
import { dateTexts, offsetTexts } from '../local-hours.ts';

const seconds = (key: 'wait_seconds' | 'talk_seconds'): ColumnSpec => ({
  key,
  type: 'integer',
  unit: 'seconds',
  labels: FIELD_LABELS[key],
  merge: 'sum',
  shown: true,
});

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
    seconds('wait_seconds'),
    seconds('talk_seconds'),
    {
      key: 'duration_seconds',
      type: 'integer',
      unit: 'seconds',
      labels: labels('Duration (s)', 'Duração (s)', 'Duración (s)'),
      merge: 'sum',
      shown: false,
      project: (rows) => ({ type: 'integer', values: rows.derive(callDuration) }),
    },
    plainColumn('date', 'date', { shown: false, project: dateTexts, key: 'local_date' }),
    plainColumn('utc_offset', 'text', { shown: false, project: offsetTexts('started_at') }),
  ],
  figures: [
    ...CALL_FIGURES,
    {
      key: 'wait_seconds',
      type: 'integer',
      unit: 'seconds',
      labels: FIELD_LABELS.wait_seconds,
      merge: 'sum',
      shown: true,
    },
    seconds('talk_seconds'),
    {
      key: 'answered_talk_seconds',
      type: 'integer',
      unit: 'seconds',
      labels: labels(
        'Talk, answered calls (s)',
        'Conversação, atendidas (s)',
        'Conversación, atendidas (s)',
      ),
      merge: 'sum',
      shown: true,
    },
    {
      key: 'duration_seconds',
      type: 'integer',
      unit: 'seconds',
      labels: labels('Duration (s)', 'Duração (s)', 'Duración (s)'),
      merge: 'sum',
      shown: true,
    },
    LONGEST_CALL,
  ],
});
