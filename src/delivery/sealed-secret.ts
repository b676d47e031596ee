import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { InstallationKeys } from './installation-secret.ts';

/** Secrets of others that must be kept and given out again, as they stand in the database. */

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Nonce, ciphertext, tag of AES-256-GCM, under a key of its own.
 * @param purpose and `parts` say whose it is: sealed for one, it opens for no other
 */
export function sealText(
  keys: InstallationKeys,
  text: string,
  purpose: string,
  ...parts: readonly string[]
): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keys.keyFor(purpose, ...parts), nonce);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** @throws DaybookError `E_UNAVAILABLE` when it was sealed under another secret or for another */
export function openText(
  keys: InstallationKeys,
  sealed: Buffer,
  purpose: string,
  ...parts: readonly string[]
): string {
  try {
    const end = sealed.length - TAG_BYTES;
    const key = keys.keyFor(purpose, ...parts);
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(sealed.subarray(end));
    const opened = [decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()];
    return Buffer.concat(opened).toString('utf8');
  } catch {
    throw new DaybookError('E_UNAVAILABLE', {
      what: `the secret of ${purpose} ${parts.at(-1) ?? ''}`,
      reason: 'it cannot be opened; was DAYBOOK_SECRET changed?',
    });
  }
}
