import { DaybookError } from '../errors.ts';
import { isAllowedDomain, parseMailAddress } from '../reports/mail-address.ts';
import { parseHook } from '../reports/recipient.ts';
import { RECIPIENT_KINDS, type RecipientKind } from '../reports/schedule-spec.ts';
import { resolveTarget, type TargetRules } from './outbound/target.ts';

/** More are refused by who parses them. */
const MOST_CHECKED = 200;

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

/**
 * {@link checkRecipient} for the recipients of a schedule that is about to be saved, as they came:
 * what is no recipient at all is left to who parses them. A host whose name is not found just now is
 * taken; it is asked for again each time that something is sent.
 * @throws DaybookError `E_INVALID`
 */
export async function checkRawRecipients(
  raw: unknown,
  rules: Parameters<typeof checkRecipient>[2],
): Promise<void> {
  if (!Array.isArray(raw)) return;
  const checks = raw.slice(0, MOST_CHECKED).flatMap((item: unknown, index) =>
    RECIPIENT_KINDS.flatMap((kind) => {
      const recipient = (item as Record<string, unknown> | null)?.[kind];
      if (typeof recipient !== 'string') return [];
      return [{ of: { kind, recipient }, where: `recipients[${index}].${kind}` }];
    }),
  );
  // One after another: names of one host are not asked for at once.
  for (const { of, where } of checks) {
    try {
      await checkRecipient(of, where, rules);
    } catch (error) {
      if (!(error instanceof DaybookError) || error.code !== 'E_UNAVAILABLE') throw error;
    }
  }
}

/** A recipient as records and answers show it: of a hook the host alone, the rest is a secret. */
export function shownRecipient(kind: RecipientKind, recipient: string): string {
  if (kind === 'email') return recipient;
  return URL.canParse(recipient) ? `${new URL(recipient).origin}/…` : '…';
}
