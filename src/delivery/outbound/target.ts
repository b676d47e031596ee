import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { DaybookError } from '../../errors.ts';
import { isPublicAddress } from './public-address.ts';

/**
 * Where requests of ours may go, when somebody else names the place. One rule, asked when a
 * recipient is saved, when it is tested and each time that something is sent.
 */

/** `allow`: for tests and on premises; any address, any port, without TLS too. */
export type PrivateTargets = 'refuse' | 'allow';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name, as the system finds them. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

export interface Target {
  readonly url: URL;
  /** All of them checked; connect to these and to no others. */
  readonly addresses: readonly Address[];
}

export interface TargetRules {
  readonly privateTargets: PrivateTargets;
  readonly resolve?: Resolve;
}

/** Where TLS servers of others listen; a hook on another port would be a way to scan. */
const PORTS: readonly string[] = ['', '443', '8443'];
const LONGEST_URL = 2_048;
const RESOLVE_MS = 5_000;

/**
 * Checks a URL as text, then every address that its name has now.
 * @param where the field that errors name
 * @throws DaybookError `E_INVALID`, which never repeats more of the URL than its host: the rest may
 *   be a secret; `E_UNAVAILABLE` when the name cannot be resolved now
 */
export async function resolveTarget(
  text: string,
  where: string,
  rules: TargetRules,
): Promise<Target> {
  const url = parseTargetUrl(text, where, rules.privateTargets);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { url, addresses: await resolveHost(host, where, rules) };
}

/**
 * Checks every address that a name has now, for whatever is spoken there.
 * @param host a name or an address, without brackets
 * @throws DaybookError `E_INVALID`; `E_UNAVAILABLE` when the name cannot be resolved now
 */
export async function resolveHost(
  host: string,
  where: string,
  rules: TargetRules,
): Promise<readonly Address[]> {
  const family = isIP(host);
  const addresses =
    family === 0
      ? await resolved(host, rules.resolve ?? systemResolve)
      : [{ address: host, family }];
  if (rules.privateTargets === 'refuse') {
    // One that is not public is enough: a name with both kinds is a trap.
    const inside = addresses.find(({ address }) => !isPublicAddress(address));
    if (inside) throw refused(where, host, 'a host with public addresses only');
  }
  return addresses as readonly Address[];
}

/** @throws DaybookError `E_INVALID` */
export function parseTargetUrl(text: string, where: string, privateTargets: PrivateTargets): URL {
  if (text.length > LONGEST_URL)
    throw refused(where, 'a long text', `at most ${LONGEST_URL} characters`);
  // What a parser would silently drop or turn is a sign of somebody who tries.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text) || !URL.canParse(text)) {
    throw refused(where, 'another text', 'a URL such as https://example.com/hook');
  }
  const url = new URL(text);
  const host = url.host;
  const open = privateTargets === 'allow';
  if (url.protocol !== 'https:' && !(open && url.protocol === 'http:')) {
    throw refused(where, `${url.protocol}//${host}`, 'https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(where, `a user at ${host}`, 'a URL without user and password');
  }
  if (!open && !PORTS.includes(url.port)) throw refused(where, host, 'port 443 or 8443');
  return url;
}

async function resolved(host: string, resolve: Resolve): Promise<readonly Address[]> {
  const unavailable = (reason: string) => new DaybookError('E_UNAVAILABLE', { what: host, reason });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable('its name was not resolved in time')), RESOLVE_MS);
  });
  try {
    const found = await Promise.race([resolve(host), late]);
    if (found.length === 0) throw unavailable('its name has no address');
    return found;
  } catch (error) {
    if (error instanceof DaybookError) throw error;
    throw unavailable(`its name cannot be resolved (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    clearTimeout(timer);
  }
}

async function systemResolve(host: string): Promise<Address[]> {
  return (await lookup(host, { all: true, verbatim: true })) as Address[];
}

function refused(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', { where, got: got.slice(0, 300), expected });
}
