import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { DaybookError } from '../errors.ts';

/**
 * Secrets of others that we have to keep: passwords of their databases, tokens of their APIs, the
 * keys that senders sign with. AES-256-GCM under a key of the installation's secret. What is sealed
 * for one thing opens for no other.
 *
 * Form 1: a byte that says so, 12 of nonce, 16 of tag, the secret.
 */

/** Derives keys of the installation; `InstallationKeys` fits. */
export interface SealingKeys {
  /** 32 bytes. */
  keyFor(purpose: string, ...parts: readonly string[]): Buffer;
}

export interface SealedSecret {
  readonly bytes: Buffer;
  /** Names the installation's secret that sealed it, and tells nothing of it. */
  readonly keyId: string;
}

const CIPHER = 'aes-256-gcm';
const FORM = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'sealed-secrets';

/** @param about what it is for, such as a source's id: it opens with the same alone */
export function sealBytes(keys: SealingKeys, about: string, secret: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keys.keyFor(PURPOSE), nonce).setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Buffer.from([FORM]), nonce, cipher.getAuthTag(), sealed]);
}

/** Null: another secret of the installation sealed it, it is for something else, or was changed. */
export function openBytes(keys: SealingKeys, about: string, sealed: Buffer): Buffer | null {
  const tagAt = 1 + NONCE_BYTES;
  const textAt = tagAt + TAG_BYTES;
  if (sealed.length < textAt || sealed[0] !== FORM) return null;
  return opened(keys.keyFor(PURPOSE), about, {
    nonce: sealed.subarray(1, tagAt),
    tag: sealed.subarray(tagAt, textAt),
    text: sealed.subarray(textAt),
  });
}

/**
 * As keys of senders were sealed before form 1: nonce, secret, tag, under a key of their own.
 * @returns null as {@link openBytes}
 */
export function openFormless(key: Buffer, about: string, sealed: Buffer): Buffer | null {
  const tagAt = sealed.length - TAG_BYTES;
  if (tagAt < NONCE_BYTES) return null;
  return opened(key, about, {
    nonce: sealed.subarray(0, NONCE_BYTES),
    tag: sealed.subarray(tagAt),
    text: sealed.subarray(NONCE_BYTES, tagAt),
  });
}

/** {@link sealBytes} of a text, with the name of what sealed it. */
export function sealSecret(keys: SealingKeys, about: string, text: string): SealedSecret {
  return { bytes: sealBytes(keys, about, Buffer.from(text)), keyId: sealingKeyId(keys) };
}

/** @throws DaybookError `E_SOURCE` when another secret sealed it, or it is not as it was */
export function openSecret(keys: SealingKeys, about: string, sealed: SealedSecret): string {
  const { bytes, keyId } = sealed;
  if (keyId !== sealingKeyId(keys)) {
    throw unreadable(`another DAYBOOK_SECRET sealed it (key ${keyId}); give it again`);
  }
  const secret = openBytes(keys, about, bytes);
  if (secret === null) throw unreadable('it is not as it was sealed; give it again');
  return secret.toString('utf8');
}

/** Of the secret that seals now. */
export function sealingKeyId(keys: SealingKeys): string {
  const key = keys.keyFor('sealed-secrets-id');
  return createHmac('sha256', key).update('').digest().subarray(0, 6).toString('hex');
}

function opened(
  key: Buffer,
  about: string,
  { nonce, tag, text }: { readonly nonce: Buffer; readonly tag: Buffer; readonly text: Buffer },
): Buffer | null {
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(about)).setAuthTag(tag);
    return Buffer.concat([decipher.update(text), decipher.final()]);
  } catch {
    return null;
  }
}

function unreadable(reason: string): DaybookError {
  return new DaybookError('E_SOURCE', { where: 'credential', reason });
}
