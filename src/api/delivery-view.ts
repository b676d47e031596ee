import { z } from 'zod';
import { shownRecipient } from '../delivery/check-recipient.ts';
import type { DeliveryAttempt } from '../store/delivery-attempts.ts';
import type { ListedDelivery } from '../store/delivery-list.ts';
import { isoOrNull } from './views.ts';

/** How deliveries look in answers. */

export const DELIVERY_STATES = [
  ...(['pending', 'sending', 'sent', 'failed', 'in_doubt', 'held'] as const),
  ...(['suppressed', 'cancelled'] as const),
] as const;

const instantOrNull = z.union([z.string().meta({ format: 'date-time' }), z.null()]);
const textOrNull = z.union([z.string(), z.null()]);

export const DeliveryView = z.object({
  id: z.string(),
  schedule: z.object({ id: z.string(), name: z.string() }),
  occurrence_id: z.string(),
  recipient_kind: z.enum(['email', 'webhook', 'discord', 'slack']),
  recipient: z.string().describe('An address; of a hook its host alone.'),
  purpose: z.enum(['report', 'amendment', 'notice', 'test', 'digest']),
  topic: z.string(),
  state: z
    .enum(DELIVERY_STATES)
    .describe(
      '`sent`: the server took it, which is not yet that it arrived. `in_doubt`: it may have been ' +
        'taken, and is tried once more with the same Message-ID. `held`: it may have been taken, ' +
        'and a person decides.',
    ),
  attempts: z.number(),
  message_id: textOrNull,
  not_before: instantOrNull,
  code: textOrNull,
  reply: textOrNull.describe('What the server said last, or why it was not asked.'),
  sent_at: instantOrNull,
  created_at: instantOrNull,
  file: z.union([
    z.object({ name: z.string(), bytes: z.number(), sha256: z.string(), revision: z.number() }),
    z.null(),
  ]),
});

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

export function viewDelivery(row: ListedDelivery): z.infer<typeof DeliveryView> {
  const waits = row.state === 'pending' || row.state === 'in_doubt';
  return {
    id: row.id,
    schedule: { id: row.scheduleId, name: row.scheduleName },
    occurrence_id: row.occurrenceId,
    recipient_kind: row.recipientKind,
    recipient: shownRecipient(row.recipientKind, row.recipient),
    purpose: row.purpose,
    topic: row.topic,
    state: row.state,
    attempts: row.attempts,
    message_id: row.messageId,
    not_before: waits ? isoOrNull(row.notBefore) : null,
    code: row.lastCode,
    reply: row.lastReply,
    sent_at: isoOrNull(row.sentAt),
    created_at: isoOrNull(row.createdAt),
    file: row.file,
  };
}

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
