import type { InstallationKeys } from '../../delivery/installation-secret.ts';
import type { DeliverySettings } from '../../store/delivery-settings.ts';
import { DAY_MS } from '../../time/day-number.ts';

/**
 * The keys that a tenant's webhooks are signed with: the one that is set, and for a day after it was
 * changed the one before. They are derived, and stand nowhere.
 */
export function webhookKeys(
  keys: InstallationKeys,
  tenantId: string,
  { webhookKey, webhookKeySince }: DeliverySettings,
  now: number,
): Buffer[] {
  const isFresh = webhookKey > 1 && now - webhookKeySince < DAY_MS;
  const numbers = isFresh ? [webhookKey, webhookKey - 1] : [webhookKey];
  return numbers.map((number) => keys.keyFor('webhook', tenantId, String(number)));
}
