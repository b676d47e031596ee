import { CALL_COUNTS, CALL_DIMENSIONS, offered, TALK_OF_ANSWERED } from '../call-fields.ts';
import { defineReport } from '../define-report.ts';
import { plainColumn } from '../dimensions.ts';
import { labels } from '../field-labels.ts';
import { ANSWERED, IGNORED, ratio, sum, TALK } from '../figures.ts';

/**
 * Attempts and answers over time. Grain `row`: a line per local hour that had a call; the hour is
 * an instant, so an hour that the clocks show twice is two lines. `day`: a line per day that had a
 * call. `period`: a line per hour of the day, 0 to 23, over all days: the profile of a usual day.
 *
 * - `attempts`: all calls but the ignored ones, what ITU-T E.425 calls seizures.
 * - `asr`: answer seizure ratio, answered ÷ attempts (ITU-T E.425), as a fraction of 1.
 * - `acd`: average call duration, talk of answered calls ÷ answered, in seconds.
 * - `minutes`: talk of answered calls in minutes, each line rounded by itself.
 */
export const traffic = defineReport({
  name: 'traffic',
  dataset: 'calls',
  shape: 'groups',
  labels: labels('Traffic', 'Tráfego', 'Tráfico'),
  description: labels(
    'Per hour: attempts, answered, ASR, ACD, minutes',
    'Por hora: tentativas, atendidas, ASR, ACD, minutos',
    'Por hora: intentos, atendidas, ASR, ACD, minutos',
  ),
  grains: ['row', 'day', 'period'],
  defaultGrain: 'row',
  groupBy: { row: ['hour_start'], day: [], period: ['hour'] },
  dimensions: CALL_DIMENSIONS,
  measures: [...CALL_COUNTS, { key: 'attempts', of: 'count', where: offered }, TALK_OF_ANSWERED],
  columns: [
    plainColumn('hour_start', 'instant', { grains: ['row'] }),
    plainColumn('date', 'date', { grains: ['day'] }),
    plainColumn('hour', 'integer', { grains: ['period'] }),
    sum('attempts', 'count', labels('Attempts', 'Tentativas', 'Intentos')),
    ANSWERED,
    { ...IGNORED, shown: false },
    ratio('asr', 'ratio', labels('ASR', 'ASR', 'ASR'), {
      ratioOf: ['answered', 'attempts'],
      scale: 4,
    }),
    ratio('acd', 'seconds', labels('ACD (s)', 'ACD (s)', 'ACD (s)'), {
      ratioOf: ['talk_seconds', 'answered'],
      scale: 2,
    }),
    ratio('minutes', 'minutes', labels('Minutes', 'Minutos', 'Minutos'), {
      ratioOf: ['talk_seconds', 60],
      scale: 2,
    }),
    TALK,
  ],
});
