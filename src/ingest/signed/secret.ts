import { randomBytes } from 'node:crypto';
import { DaybookError } from '../../errors.ts';
import {
  openBytes,
  openFormless,
  type SealingKeys,
  sealBytes,
} from '../../secrets/sealed-secret.ts';

/** Secrets that senders sign with: their written form, and how they are kept. */

/** The least that Standard Webhooks allows; an HMAC would take an empty key. */
export const LEAST_SECRET_BYTES = 24;
const MOST_SECRET_BYTES = 512;
const NEW_SECRET_BYTES = 32;
const STANDARD = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

export function newSecret(): Buffer {
  return randomBytes(NEW_SECRET_BYTES);
}

/** As a sender of Standard Webhooks enters it. */
export function standardSecretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}

/**
 * The bytes of a secret that somebody chose: of `whsec_…` for Standard Webhooks, else the text's own.
 * @throws DaybookError `E_INVALID` below 24 or above 512 bytes; it never repeats the secret
 */
export function parseSecret(text: string, isStandard: boolean): Buffer {
  const base64 = STANDARD.exec(text)?.[1] ?? '';
  const bytes = isStandard ? Buffer.from(base64, 'base64') : Buffer.from(text);
  const isWhole = !isStandard || bytes.toString('base64') === base64;
  const isPlain = isStandard || /^[\x20-\x7e]*$/.test(text);
  if (isWhole && isPlain && isLongEnough(bytes) && bytes.length <= MOST_SECRET_BYTES) return bytes;
  throw new DaybookError('E_INVALID', {
    where: 'secret',
    got: `${bytes.length} bytes`,
    expected: `${isStandard ? 'whsec_ and the base64 of ' : 'ASCII text of '}${LEAST_SECRET_BYTES} to ${MOST_SECRET_BYTES} bytes`,
  });
}

export function isLongEnough(secret: Buffer): boolean {
  return secret.length >= LEAST_SECRET_BYTES;
}

/** Whose secret it is, and which. */
export interface KeyPlace {
  readonly tenantId: string;
  readonly keyId: string;
}

const aboutOf = ({ tenantId, keyId }: KeyPlace) => `ingest key ${tenantId} ${keyId}`;

/** A secret as it is kept: it opens at the same place alone. */
export function sealKey(keys: SealingKeys, place: KeyPlace, secret: Buffer): Buffer {
  return sealBytes(keys, aboutOf(place), secret);
}

/** @throws DaybookError `E_UNAVAILABLE` when it was sealed under another secret, or is too short */
export function openKey(keys: SealingKeys, place: KeyPlace, sealed: Buffer): Buffer {
  const { tenantId, keyId } = place;
  const secret =
    openBytes(keys, aboutOf(place), sealed) ??
    openFormless(keys.keyFor('ingest-key', tenantId, keyId), keyId, sealed);
  if (secret !== null && isLongEnough(secret)) return secret;
  throw new DaybookError('E_UNAVAILABLE', {
    what: `ingest key ${keyId}`,
    reason: 'its secret cannot be opened; was DAYBOOK_SECRET changed?',
  });
}
