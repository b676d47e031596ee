import { GIVE_UP_MS, pauseMs } from '../../delivery/mail/back-off.ts';
import type { SendOutcome } from '../../delivery/mail/send-outcome.ts';
import type { DeliveryEnd } from '../../store/delivery-attempts.ts';
import type { ClaimedDelivery } from '../../store/delivery-leases.ts';

/** Where a delivery goes from how its attempt ended. Pure. */

/**
 * - taken: `sent`;
 * - refused for good: `failed`, but a message that was too large is tried once more as a link;
 * - not taken: `pending` again after a pause, until three days have gone by;
 * - may have been taken: `in_doubt`, tried once more with the same Message-ID; `held` for a person
 *   where the tenant wants that, and at the second doubt, so that there are never three copies.
 * @param now UTC epoch ms
 */
export function endOf(
  outcome: SendOutcome & { readonly retryAfterMs?: number | null },
  delivery: ClaimedDelivery,
  of: { readonly holdAmbiguous: boolean; readonly now: number; readonly chance: number },
): DeliveryEnd {
  const { kind, stage, code, reply } = outcome;
  const end = { outcome: kind, stage, code, reply, byLink: false, notBefore: null } as const;
  // Where nobody was asked no attempt is on record, and claims are counted.
  const tries = outcome.concerns === 'ourselves' ? delivery.attempts : delivery.tries;
  const pause = pauseMs(outcome.concerns, tries, of.chance);
  const notBefore = of.now + Math.max(outcome.retryAfterMs ?? 0, pause);
  switch (kind) {
    case 'sent':
      return { ...end, state: 'sent' };
    case 'permanent':
      if (outcome.tooLarge && !delivery.byLink) {
        return { ...end, state: 'pending', byLink: true, notBefore: of.now };
      }
      return { ...end, state: 'failed' };
    case 'temporary':
      if (notBefore - delivery.owedSince > GIVE_UP_MS) return { ...end, state: 'failed' };
      // What was in doubt stays so, whatever came of trying again.
      return { ...end, state: delivery.doubts > 0 ? 'in_doubt' : 'pending', notBefore };
    case 'ambiguous': {
      const isHeld = of.holdAmbiguous || delivery.doubts > 0;
      return { ...end, state: isHeld ? 'held' : 'in_doubt', notBefore };
    }
  }
}
