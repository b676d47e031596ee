import { z } from 'zod';
import type { DeliveryAttempt } from '../store/delivery-attempts.ts';
import { isoOrNull } from './views.ts';

/** How an attempt to deliver looks in answers. */

const instantOrNull = z.union([z.string().meta({ format: 'date-time' }), z.null()]);
const textOrNull = z.union([z.string(), z.null()]);

export const AttemptView = z.object({
  attempt: z.number(),
  message_id: z.string(),
  via: z.string(),
  began_at: instantOrNull,
  data_at: instantOrNull.describe('When the first byte went out; null: none did.'),
  ended_at: instantOrNull,
  outcome: z.union([z.enum(['sent', 'temporary', 'permanent', 'ambiguous', 'lost']), z.null()]),
  stage: textOrNull,
  code: textOrNull,
  reply: textOrNull,
});

export function viewAttempt(attempt: DeliveryAttempt): z.infer<typeof AttemptView> {
  return {
    attempt: attempt.attempt,
    message_id: attempt.messageId,
    via: attempt.via,
    began_at: isoOrNull(attempt.beganAt),
    data_at: isoOrNull(attempt.dataAt),
    ended_at: isoOrNull(attempt.endedAt),
    outcome: attempt.outcome,
    stage: attempt.stage,
    code: attempt.code,
    reply: attempt.reply,
  };
}
