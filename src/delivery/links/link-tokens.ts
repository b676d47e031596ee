import { createHash, timingSafeEqual } from 'node:crypto';
import type { InstallationKeys } from '../installation-secret.ts';

/**
 * The ways of a recipient who has no account: a landing page for days, a download for minutes, an
 * end to the mails. Each is signed under a key of its own; nothing in them can be guessed or turned
 * into another.
 */

/** What a download URL may be used for: 15 minutes, enough to begin and to resume. */
export const DOWNLOAD_MS = 15 * 60_000;

/** The token of a landing page: always the same for one sending of one file to one recipient. */
export function landingToken(
  keys: InstallationKeys,
  of: { readonly deliveryId: string; readonly reportFileId: string; readonly resends: number },
): string {
  const text = JSON.stringify([of.deliveryId, of.reportFileId, of.resends]);
  return keys.sign('landing', text).toString('base64url');
}

/** As a link is looked up. Null: no token of ours, whatever it says. */
export function tokenSha256(token: string): Buffer | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return null;
  return createHash('sha256').update(token).digest();
}

/** `/d/<link>/file?expires=…&signature=…`. @param now UTC epoch ms */
export function downloadPath(keys: InstallationKeys, linkId: string, now: number): string {
  const expires = String(Math.ceil((now + DOWNLOAD_MS) / 1000));
  const signature = keys.sign('download', `${linkId}\n${expires}`).toString('base64url');
  return `/d/${linkId}/file?expires=${expires}&signature=${signature}`;
}

/** Whether a download URL is ours and still good. */
export function isGoodDownload(
  keys: InstallationKeys,
  of: { readonly linkId: string; readonly expires: string; readonly signature: string },
  now: number,
): boolean {
  if (!/^\d{10}$/.test(of.expires) || Number(of.expires) * 1000 < now) return false;
  return isSame(keys.sign('download', `${of.linkId}\n${of.expires}`), of.signature);
}

/** Whose mails end: those of one schedule to one address. */
export interface Unsubscribing {
  readonly tenantId: string;
  readonly scheduleId: string;
  /** The address in lower case. */
  readonly recipient: string;
}

/** A token that ends the mails of one schedule to one address; it never expires. */
export function unsubscribeToken(keys: InstallationKeys, of: Unsubscribing): string {
  const text = JSON.stringify([of.tenantId, of.scheduleId, of.recipient]);
  const payload = Buffer.from(text).toString('base64url');
  return `${payload}.${keys.sign('unsubscribe', payload).toString('base64url')}`;
}

/** Null: not one of ours. */
export function readUnsubscribeToken(keys: InstallationKeys, token: string): Unsubscribing | null {
  const [payload, signature, ...more] = token.slice(0, 1_000).split('.');
  if (signature === undefined || more.length > 0) return null;
  if (!isSame(keys.sign('unsubscribe', payload), signature)) return null;
  const [tenantId, scheduleId, recipient] = JSON.parse(
    Buffer.from(payload, 'base64url').toString('utf8'),
  );
  return { tenantId, scheduleId, recipient };
}

/** As text: several texts decode to the same bytes, and only one of them was given out. */
function isSame(expected: Buffer, given: string): boolean {
  const text = Buffer.from(expected.toString('base64url'));
  const bytes = Buffer.from(given);
  return bytes.length === text.length && timingSafeEqual(bytes, text);
}
