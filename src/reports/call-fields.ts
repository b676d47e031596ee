import { all, field, not, secondsBetween, textIs } from './day-rows.ts';
import type { Dimension, Measure } from './define-report.ts';
import { DAY, hourDimensions, manyValued, textDimension } from './dimensions.ts';

/** What the reports over calls share: conditions, measures, dimensions. */

export const answered = textIs('disposition', 'answered');
export const abandoned = textIs('disposition', 'abandoned');
export const ignored = textIs('disposition', 'ignored');
/** Every call but the ignored ones: those that somebody could have answered. */
export const offered = not(ignored);
/** Offered, neither answered nor abandoned: no answer, busy, failed, voicemail. */
export const otherwise = all(offered, not(answered), not(abandoned));

export const callDuration = secondsBetween('started_at', 'ended_at');

/** Counts of calls by what became of them; the four last add up to the first. */
export const CALL_COUNTS: readonly Measure[] = [
  { key: 'calls', of: 'count' },
  { key: 'answered', of: 'count', where: answered },
  { key: 'abandoned', of: 'count', where: abandoned },
  { key: 'other', of: 'count', where: otherwise },
  { key: 'ignored', of: 'count', where: ignored },
];

export const TALK_OF_ANSWERED: Measure = {
  key: 'talk_seconds',
  of: 'numbers',
  merge: 'sum',
  values: field('talk_seconds'),
  where: answered,
};

export const CALL_DIMENSIONS: readonly Dimension[] = [
  DAY,
  ...hourDimensions('started_at'),
  ...(['queue', 'agent', 'direction', 'disposition', 'trunk'] as const).map(textDimension),
  ...(['caller', 'callee'] as const).map(manyValued),
];
