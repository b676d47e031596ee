import { DaybookError } from '../errors.ts';
import { parseHook } from '../reports/recipient.ts';
import type { RecipientKind } from '../reports/schedule-spec.ts';
import { isAllowedDomain, parseMailAddress } from './mail/address.ts';
import { resolveTarget, type TargetRules } from './outbound/target.ts';

/**
 * Whether something may go to a recipient: asked when it is saved and when it is tested, by the same
 * rules that sending asks again.
 * @param where the field that errors name
 * @returns the recipient as it is kept
 * @throws DaybookError `E_INVALID`; `E_UNAVAILABLE` when a host cannot be resolved now
 */
export async function checkRecipient(
  of: { readonly kind: RecipientKind; readonly recipient: string },
  where: string,
  rules: TargetRules & { readonly allowedDomains: readonly string[] | null },
): Promise<string> {
  if (of.kind === 'email') {
    const { address, domain } = parseMailAddress(of.recipient, where);
    if (isAllowedDomain(domain, rules.allowedDomains)) return address;
    throw new DaybookError('E_INVALID', {
      where,
      got: domain,
      expected: `one of the allowed domains: ${rules.allowedDomains?.join(', ') || 'none is'}`,
    });
  }
  const url = parseHook(of.kind, of.recipient, where);
  await resolveTarget(url, where, rules);
  return url;
}

/** A recipient as records and answers show it: of a hook the host alone, the rest is a secret. */
export function shownRecipient(kind: RecipientKind, recipient: string): string {
  if (kind === 'email') return recipient;
  return URL.canParse(recipient) ? `${new URL(recipient).origin}/…` : '…';
}
