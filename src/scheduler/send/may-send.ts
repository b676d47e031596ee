import { DaybookError } from '../../errors.ts';
import { maySendReports } from '../../principals/permissions.ts';
import type { Principal } from '../../principals/principal.ts';
import { isAllowedDomain, parseMailAddress } from '../../reports/mail-address.ts';
import type { ClaimedDelivery } from '../../store/delivery-leases.ts';
import type { DeliverySettings } from '../../store/delivery-settings.ts';
import type { OwedPart } from '../../store/owed-messages.ts';
import type { Suppression } from '../../store/suppressions.ts';

/** Why something is not sent, although it is owed: as the record says it. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** What the answer depends on, read right before it is asked. */
export interface Rights {
  readonly settings: DeliverySettings;
  /** Who the schedule acts as, with the rights of now; undefined: nobody any more. */
  readonly owner: Principal | undefined;
  readonly suppression: Suppression | null;
}

/**
 * Asked right before sending, whatever was true when it was planned: may the owner still send, is
 * the recipient's domain allowed, does the recipient still want it. Null: it may go. Pure.
 */
export function refusalOf(
  delivery: ClaimedDelivery,
  { occurrence }: OwedPart,
  { settings, owner, suppression }: Rights,
): Refusal | null {
  const { purpose, recipientKind, recipient } = delivery;
  // A notice holds no rows, and goes to members of the tenant alone.
  if (purpose === 'notice') return null;
  if (!maySendReports(owner, occurrence.spec.report)) {
    const reason = `${occurrence.owner} may not send reports here any more`;
    return { code: 'E_FORBIDDEN', reason };
  }
  if (recipientKind !== 'email') return null;
  const address = addressOf(recipient);
  if (address instanceof DaybookError) return { code: address.code, reason: address.message };
  if (!isAllowedDomain(address.domain, settings.allowedDomains)) {
    return { code: 'E_FORBIDDEN', reason: `mails may not go to ${address.domain}` };
  }
  // A person who sends it again has looked at what bounced, but cannot subscribe others.
  if (!suppression || (suppression.reason === 'bounced' && delivery.resends > 0)) return null;
  return {
    code: suppression.reason === 'bounced' ? 'E_BOUNCED' : 'E_UNSUBSCRIBED',
    reason: suppression.detail ?? `the recipient ${suppression.reason}`,
  };
}

function addressOf(recipient: string) {
  try {
    return parseMailAddress(recipient, 'recipient');
  } catch (error) {
    if (error instanceof DaybookError) return error;
    throw error;
  }
}
