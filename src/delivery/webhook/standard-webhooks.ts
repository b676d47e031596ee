import { createHmac } from 'node:crypto';

/**
 * Signatures of Standard Webhooks 1.0 (standardwebhooks.com), symmetric: HMAC-SHA256 over
 * `id.timestamp.body`, a signature per key, so that a receiver may know the old or the new one.
 */
export function signedHeaders(of: {
  readonly id: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly body: Buffer;
  readonly keys: readonly Buffer[];
}): Record<string, string> {
  const timestamp = String(Math.floor(of.at / 1000));
  const signatures = of.keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${of.id}.${timestamp}.`).update(of.body);
    return `v1,${hmac.digest('base64')}`;
  });
  return {
    'content-type': 'application/json',
    'webhook-id': of.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** A key as receivers enter it. */
export function webhookSecretText(key: Buffer): string {
  return `whsec_${key.toString('base64')}`;
}
