import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DaybookError } from '../../errors.ts';

/** Secrets that senders sign with: their written form, and how they are kept. */

/** The least that Standard Webhooks allows; an HMAC would take an empty key. */
export const LEAST_SECRET_BYTES = 24;
const MOST_SECRET_BYTES = 512;
const NEW_SECRET_BYTES = 32;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
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

/**
 * A secret as it is kept: nonce, ciphertext, tag of AES-256-GCM.
 * @param key 32 bytes, for this one secret
 * @param keyId bound to it, so that sealed secrets cannot be exchanged
 */
export function sealSecret(key: Buffer, secret: Buffer, keyId: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(keyId));
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** @throws DaybookError `E_UNAVAILABLE` when it was sealed under another secret, or is too short */
export function openSecret(key: Buffer, sealed: Buffer, keyId: string): Buffer {
  try {
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(keyId)).setAuthTag(sealed.subarray(end));
    const secret = Buffer.concat([
      decipher.update(sealed.subarray(NONCE_BYTES, end)),
      decipher.final(),
    ]);
    if (isLongEnough(secret)) return secret;
  } catch {
    // Told apart from nothing: what follows is true of all.
  }
  throw new DaybookError('E_UNAVAILABLE', {
    what: `ingest key ${keyId}`,
    reason: 'its secret cannot be opened; was DAYBOOK_SECRET changed?',
  });
}
