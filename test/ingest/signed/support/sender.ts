import { createHmac, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** A sender of Standard Webhooks, written from its specification and not from what is tested. */

export interface SenderKey {
  readonly id: string;
  /** `whsec_…` */
  readonly secret: string;
}

export interface Signed {
  readonly headers: Record<string, string>;
  readonly payload: Buffer;
}

export interface Sending {
  readonly id?: string;
  readonly timestamp?: string;
  readonly gzip?: boolean;
  readonly type?: string;
}

export function sign(key: SenderKey, body: Buffer | string, sending: Sending = {}): Signed {
  const payload = sending.gzip ? gzipSync(body) : Buffer.from(body);
  const id = sending.id ?? randomUUID();
  const timestamp = sending.timestamp ?? String(Math.floor(Date.now() / 1000));
  const secret = Buffer.from(key.secret.slice('whsec_'.length), 'base64');
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), payload]);
  const signature = createHmac('sha256', secret).update(signed).digest('base64');
  return {
    payload,
    headers: {
      'content-type': sending.type ?? 'application/x-ndjson',
      ...(sending.gzip ? { 'content-encoding': 'gzip' } : {}),
      'webhook-key-id': key.id,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  };
}

/** Calls as a switch would send them: `count` of them, from number `first` on. */
export function callRows(first: number, count: number, changes: object = {}): object[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i;
    const at = Date.UTC(2024, 0, 1) + number * 17_000;
    return {
      external_id: `call-${String(number).padStart(8, '0')}`,
      started_at: new Date(at).toISOString(),
      ended_at: new Date(at + 60_000 + (number % 300) * 1000).toISOString(),
      direction: 'inbound',
      caller: `+4420${70_000_000 + (number % 9999)}`,
      queue: ['sales', 'support', 'billing'][number % 3],
      disposition: 'answered',
      wait_seconds: number % 45,
      talk_seconds: 60 + (number % 300),
      ...changes,
    };
  });
}

export function ndjson(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
