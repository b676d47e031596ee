import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { InstallationKeys } from './installation-secret.ts';

/**
 * Secrets of others that we have to keep, such as passwords of their databases: AES-256-GCM under a
 * key of the installation's secret. What is sealed for one thing opens for no other.
 */

export interface SealedSecret {
  /** Form 1: a byte that says so, 12 of nonce, 16 of tag, the text. */
  readonly bytes: Buffer;
  /** Names the secret that sealed it, and tells nothing of it. */
  readonly keyId: string;
}

const FORM = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'sealed-secrets';

/** @param about what it is for, such as a source's id: it opens with the same alone */
export function sealSecret(keys: InstallationKeys, about: string, text: string): SealedSecret {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.keyFor(PURPOSE), nonce);
  cipher.setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const bytes = Buffer.concat([Buffer.from([FORM]), nonce, cipher.getAuthTag(), sealed]);
  return { bytes, keyId: sealingKeyId(keys) };
}

/** @throws DaybookError `E_SOURCE` when another secret sealed it, or it is not as it was */
export function openSecret(keys: InstallationKeys, about: string, sealed: SealedSecret): string {
  const { bytes, keyId } = sealed;
  if (keyId !== sealingKeyId(keys)) {
    throw unreadable(`another DAYBOOK_SECRET sealed it (key ${keyId}); give it again`);
  }
  const nonceEnd = 1 + NONCE_BYTES;
  const tagEnd = nonceEnd + TAG_BYTES;
  if (bytes.length < tagEnd || bytes[0] !== FORM) throw unreadable('it is of no known form');
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      keys.keyFor(PURPOSE),
      bytes.subarray(1, nonceEnd),
      { authTagLength: TAG_BYTES },
    );
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(nonceEnd, tagEnd));
    return `${decipher.update(bytes.subarray(tagEnd), undefined, 'utf8')}${decipher.final('utf8')}`;
  } catch {
    throw unreadable('it is not as it was sealed; give it again');
  }
}

/** Of the secret that seals now. */
export function sealingKeyId(keys: InstallationKeys): string {
  return keys.sign('sealed-secrets-id', '').subarray(0, 6).toString('hex');
}

function unreadable(reason: string): DaybookError {
  return new DaybookError('E_SOURCE', { where: 'credential', reason });
}
