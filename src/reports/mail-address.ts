import { domainToASCII } from 'node:url';
import { DaybookError } from '../errors.ts';
import { isLookAlike } from './look-alike.ts';

/**
 * One recipient's address, and nothing else: no display name, comma list, group, quoted local part,
 * source route or address literal, which mail libraries and servers would each read in their own
 * way. What passes is put into the envelope as it stands here. Takes time linear in the text's
 * length, and none for a text that is too long.
 */

export interface MailAddress {
  /** `local@domain`, ASCII; the domain in lower case, an international one in its `xn--` form. */
  readonly address: string;
  readonly local: string;
  readonly domain: string;
  /** The same for two spellings of one mailbox: all in lower case. */
  readonly key: string;
}

/** RFC 5321 4.5.3.1, less the angle brackets of a path. */
const LONGEST = 254;
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 253;

/** Atoms of RFC 5322 without `%`, `!` and `|`, with which old servers route mail on. */
const LOCAL = /^[A-Za-z0-9#$&'*+/=?^_`{}~-]+(?:\.[A-Za-z0-9#$&'*+/=?^_`{}~-]+)*$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * @param where the field that the error names
 * @throws DaybookError `E_INVALID`
 */
export function parseMailAddress(text: string, where: string): MailAddress {
  const refuse = (expected: string): never => {
    throw new DaybookError('E_INVALID', { where, got: shown(text), expected });
  };
  if (text.length > LONGEST) return refuse(`at most ${LONGEST} characters`);
  if (/[\p{Cc}\p{Cf}\p{Z}]/u.test(text)) return refuse('an address without spaces or controls');
  if (/[,;:<>()[\]"\\]/.test(text)) {
    return refuse('one bare address such as ana@example.com: no name, list, group or quotes');
  }
  const at = text.indexOf('@');
  if (at < 1 || at !== text.lastIndexOf('@')) return refuse('one address with one @');
  const local = text.slice(0, at);
  if (local.length > LONGEST_LOCAL || !LOCAL.test(local)) {
    return refuse(`before the @ up to ${LONGEST_LOCAL} of A-Z a-z 0-9 . _ + - and the like`);
  }
  const domain = parseMailDomain(text.slice(at + 1), where);
  if (local.length + 1 + domain.length > LONGEST) return refuse(`at most ${LONGEST} characters`);
  const address = `${local}@${domain}`;
  return { address, local, domain, key: address.toLowerCase() };
}

/**
 * A domain that mail can go to, as ASCII in lower case.
 * @throws DaybookError `E_INVALID` also for one that is written to look like another
 */
export function parseMailDomain(text: string, where: string): string {
  const refuse = (expected: string): never => {
    throw new DaybookError('E_INVALID', { where, got: shown(text), expected });
  };
  if (text.length > LONGEST_DOMAIN)
    return refuse(`a domain of at most ${LONGEST_DOMAIN} characters`);
  const lower = text.toLowerCase();
  const ascii = /^[\x21-\x7e]*$/.test(lower) ? lower : domainToASCII(lower);
  const labels = ascii.split('.');
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) {
    return refuse('a domain such as example.com');
  }
  // An address of digits alone is no name, whatever it is written in.
  if (!/^(?:[a-z]|xn--)/.test(labels.at(-1) as string)) return refuse('a domain, not an address');
  if (ascii.length > LONGEST_DOMAIN)
    return refuse(`a domain of at most ${LONGEST_DOMAIN} characters`);
  if (isLookAlike(lower, ascii)) return refuse('a domain that cannot be taken for another');
  return ascii;
}

/**
 * Whether a recipient's domain is among those that are allowed: the same, or below one that is
 * written `*.example.com`. No list allows all.
 */
export function isAllowedDomain(domain: string, allowed: readonly string[] | null): boolean {
  if (allowed === null) return true;
  return allowed.some((each) =>
    each.startsWith('*.') ? domain.endsWith(each.slice(1)) : domain === each,
  );
}

/** @throws DaybookError `E_INVALID` for an entry that is neither `example.com` nor `*.example.com` */
export function parseAllowedDomains(entries: readonly string[], where: string): string[] {
  const parsed = entries.map((entry) => {
    const below = entry.startsWith('*.');
    return `${below ? '*.' : ''}${parseMailDomain(below ? entry.slice(2) : entry, where)}`;
  });
  return [...new Set(parsed)].sort();
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
