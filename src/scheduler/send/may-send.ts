import { isAllowedDomain, parseMailAddress } from '../../delivery/mail/address.ts';
import { DaybookError } from '../../errors.ts';
import { maySendReports } from '../../principals/permissions.ts';
import type { Database } from '../../store/database.ts';
import type { ClaimedDelivery } from '../../store/delivery-leases.ts';
import type { DeliverySettings } from '../../store/delivery-settings.ts';
import type { OwedPart } from '../../store/owed-messages.ts';
import { findOwners, ownerKey } from '../../store/owners.ts';
import { findSuppression } from '../../store/suppressions.ts';

/** Why something is not sent, although it is owed: as the record says it. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/**
 * Asked right before sending, whatever was true when it was planned: may the owner still send, is
 * the recipient's domain allowed, does the recipient still want it. Null: it may go.
 */
export async function refusalOf(
  delivery: ClaimedDelivery,
  part: OwedPart,
  settings: DeliverySettings,
  database: Database,
): Promise<Refusal | null> {
  const { occurrence } = part;
  const { tenantId, purpose, recipientKind, recipient } = delivery;
  // A notice holds no rows, and goes to members of the tenant alone.
  if (purpose === 'notice') return null;
  const { owner } = occurrence;
  const owners = await database.asSystem((tx) => findOwners(tx, [{ tenantId, owner }]), {
    readOnly: true,
  });
  if (!maySendReports(owners.get(ownerKey({ tenantId, owner })))) {
    return { code: 'E_FORBIDDEN', reason: `${owner} may not send reports here any more` };
  }
  if (recipientKind !== 'email') return null;
  const address = addressOf(recipient);
  if (address instanceof DaybookError) return { code: address.code, reason: address.message };
  if (!isAllowedDomain(address.domain, settings.allowedDomains)) {
    return { code: 'E_FORBIDDEN', reason: `mails may not go to ${address.domain}` };
  }
  const suppression = await database.asTenant(
    tenantId,
    (tx) => findSuppression(tx, { recipient: address.key, scheduleId: occurrence.scheduleId }),
    { readOnly: true },
  );
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
