/** Which calls somebody has to pay, and for how long. */

export interface CallOutcome {
  readonly disposition: string;
  /** UTC epoch ms; NaN: not known. */
  readonly answeredAt: number;
  readonly endedAt: number;
  /** NaN: not known. */
  readonly talkSeconds: number;
}

/**
 * Whole seconds from the answer to the end: what the call says itself, else the span between the
 * two instants, a part of a second counted whole. A call that was not answered is not chargeable,
 * whatever its end; neither is one that is to be ignored.
 */
export function chargeableSeconds(call: CallOutcome): number | 'not_chargeable' | 'no_duration' {
  const { disposition, answeredAt, endedAt, talkSeconds } = call;
  if (disposition === 'ignored') return 'not_chargeable';
  if (talkSeconds > 0) return talkSeconds;
  const isAnswered = disposition === 'answered' || !Number.isNaN(answeredAt);
  if (!isAnswered) return 'not_chargeable';
  if (talkSeconds === 0) return 0;
  if (Number.isNaN(answeredAt) || endedAt < answeredAt) return 'no_duration';
  return Math.ceil((endedAt - answeredAt) / 1000);
}
