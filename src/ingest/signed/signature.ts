import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { DaybookError } from '../../errors.ts';
import { isLongEnough } from './secret.ts';

/**
 * Whether a body comes from whom it says. Standard Webhooks 1.0 (standardwebhooks.com):
 * HMAC-SHA256 over `id.timestamp.body`, the bytes as they were sent. Two more schemes for senders
 * that cannot do that: a hex HMAC-SHA256 of the body in a header, and a token that never changes.
 */

export const SCHEMES = ['standard', 'hmac', 'token'] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface SignatureRules {
  readonly scheme: Scheme;
  /** In lower case; null for `standard`. */
  readonly header: string | null;
  /** Stands before the signature or token, such as `sha256=` or `Bearer `. */
  readonly prefix: string;
  /** Names the message where the scheme does not; null: the body's hash does. */
  readonly idHeader: string | null;
}

/** Headers by name in lower case, each time that one came. */
export type HeaderLists = Readonly<Record<string, readonly string[] | undefined>>;

export interface BodyCheck {
  update(piece: Buffer): void;
  /**
   * Once, after the last piece.
   * @throws DaybookError `E_UNAUTHENTICATED` when no signature fits
   */
  finish(): { readonly messageId: string | null; readonly bodySha256: Buffer };
}

/** Either way. */
export const TOLERANCE_SECONDS = 300;
const TIMESTAMP = /^\d{10}$/;
/** No full stop, which parts an id from the timestamp. */
const MESSAGE_ID = /^[\x21-\x2d\x2f-\x7e]{1,200}$/;
const MOST_SIGNATURES = 16;
/** `v1,` and the base64 of 32 bytes. */
const SIGNATURE_CHARACTERS = 47;
const HEX = /^[0-9a-f]{64}$/i;
const LONGEST_TOKEN = 600;

/**
 * Checks what headers alone tell, and opens the check of the body. Every signature that a header
 * holds is compared, each in constant time, as the text that was given out.
 * @param now UTC epoch ms, of the database's clock
 * @throws DaybookError `E_UNAUTHENTICATED`
 */
export function openBodyCheck(
  rules: SignatureRules,
  secret: Buffer,
  headers: HeaderLists,
  now: number,
): BodyCheck {
  if (!isLongEnough(secret)) throw refused();
  switch (rules.scheme) {
    case 'standard':
      return standardCheck(secret, headers, now);
    case 'hmac':
      return hmacCheck(rules, secret, headers);
    case 'token':
      return tokenCheck(rules, secret, headers);
  }
}

/** What is said to everybody whose signature does not fit, whatever the reason. */
export function refused(): DaybookError {
  return new DaybookError('E_UNAUTHENTICATED', {
    reason: 'no signature fits, or the key is unknown, expired or revoked',
  });
}

function standardCheck(secret: Buffer, headers: HeaderLists, now: number): BodyCheck {
  const messageId = one(headers, 'webhook-id', MESSAGE_ID);
  const timestamp = one(headers, 'webhook-timestamp', TIMESTAMP);
  const offSeconds = Math.floor(now / 1000) - Number(timestamp);
  if (!(Math.abs(offSeconds) <= TOLERANCE_SECONDS)) {
    throw new DaybookError('E_UNAUTHENTICATED', {
      reason: `webhook-timestamp: ${timestamp} is ${Math.abs(offSeconds)} s ${offSeconds > 0 ? 'ago' : 'ahead'}; expected at most ${TOLERANCE_SECONDS} s`,
    });
  }
  const given = one(headers, 'webhook-signature', /^[\x20-\x7e]+$/).split(' ');
  if (given.length > MOST_SIGNATURES) throw refused();
  const hmac = createHmac('sha256', secret).update(`${messageId}.${timestamp}.`);
  return checkOf(messageId, hmac, () => {
    const expected = Buffer.from(`v1,${hmac.digest('base64')}`);
    return given.map((each) => sameText(each, expected, SIGNATURE_CHARACTERS));
  });
}

function hmacCheck(rules: SignatureRules, secret: Buffer, headers: HeaderLists): BodyCheck {
  const given = afterPrefix(rules, headers);
  if (!HEX.test(given)) throw refused();
  const hmac = createHmac('sha256', secret);
  return checkOf(idOf(rules, headers), hmac, () => {
    const expected = Buffer.from(hmac.digest('hex'));
    return [sameText(given.toLowerCase(), expected, expected.length)];
  });
}

function tokenCheck(rules: SignatureRules, secret: Buffer, headers: HeaderLists): BodyCheck {
  const given = afterPrefix(rules, headers);
  if (given.length > LONGEST_TOKEN) throw refused();
  // Compared by their hashes, so that the time does not tell how long the right one is.
  const [left, right] = [Buffer.from(given), secret].map((each) =>
    createHash('sha256').update(each).digest(),
  );
  return checkOf(idOf(rules, headers), null, () => [timingSafeEqual(left, right)]);
}

function checkOf(
  messageId: string | null,
  hmac: ReturnType<typeof createHmac> | null,
  compare: () => readonly boolean[],
): BodyCheck {
  const body = createHash('sha256');
  return {
    update(piece) {
      hmac?.update(piece);
      body.update(piece);
    },
    finish() {
      if (!compare().includes(true)) throw refused();
      return { messageId, bodySha256: body.digest() };
    },
  };
}

function sameText(given: string, expected: Buffer, length: number): boolean {
  const bytes = Buffer.alloc(length);
  const isSameLength = given.length === length;
  bytes.write(isSameLength ? given : '', 'latin1');
  return timingSafeEqual(bytes, expected) && isSameLength;
}

function afterPrefix({ header, prefix }: SignatureRules, headers: HeaderLists): string {
  const value = one(headers, header ?? '', /^[\x20-\x7e]+$/);
  if (!value.startsWith(prefix)) throw refused();
  return value.slice(prefix.length);
}

function idOf({ idHeader }: SignatureRules, headers: HeaderLists): string | null {
  return idHeader === null ? null : one(headers, idHeader, /^[\x21-\x7e]{1,200}$/);
}

/** A header that must be there once, in this form. */
function one(headers: HeaderLists, name: string, form: RegExp): string {
  const values = headers[name] ?? [];
  if (values.length === 1 && form.test(values[0])) return values[0];
  throw new DaybookError('E_UNAUTHENTICATED', {
    reason: `${name}: ${values.length === 1 ? 'it has not the form that is expected' : `got it ${values.length} times, expected once`}`,
  });
}
