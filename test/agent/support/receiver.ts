import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** A receiver that does what the contract says of signed ingest, and fails when it is told to. */

/** `cut_before`: nothing was taken; `cut_after`: it was taken, and the answer never came. */
export type Fault =
  | 'cut_before'
  | 'cut_midway'
  | 'cut_after'
  | 'silent'
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly code?: string;
    };

export interface Taken {
  readonly id: string;
  readonly path: string;
  readonly text: string;
  readonly rows: number;
}

export interface Receiver {
  readonly url: string;
  readonly keyId: string;
  /** As agents are given it. */
  readonly key: string;
  /** What was accepted, once each, in order. */
  readonly taken: readonly Taken[];
  /** Requests whose answer is not an error, repeats too. */
  readonly accepted: () => number;
  readonly requests: () => number;
  readonly faults: () => number;
  /** Repeats of what was accepted before. */
  readonly repeats: () => number;
  /** Waits until so it is, asked at each request that was read. */
  until(isSo: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const TOLERANCE_MS = 300_000;

export async function startReceiver(
  options: {
    /** By the number of the request, from 1. */
    readonly fault?: (request: number, path: string) => Fault | null;
    readonly nowMs?: () => number;
    /** Larger ones are 413. */
    readonly mostBytes?: number;
    readonly onTaken?: (taken: Taken) => Promise<void>;
  } = {},
): Promise<Receiver> {
  const nowMs = options.nowMs ?? Date.now;
  const secret = randomBytes(32);
  const keyId = 'key_test';
  const taken: Taken[] = [];
  const bodies = new Map<string, string>();
  const sockets = new Set<Socket>();
  let requests = 0;
  let faults = 0;
  let accepted = 0;
  let repeats = 0;
  let wake = () => {};
  let snapshots = 0;

  const answer = (response: ServerResponse, status: number, body: object, headers = {}) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      date: new Date(nowMs()).toUTCString(),
      ...headers,
    });
    response.end(JSON.stringify(body));
  };

  function problemOf(request: IncomingMessage, body: Buffer): [number, string] | null {
    const { headers } = request;
    const id = String(headers['webhook-id'] ?? '');
    const timestamp = String(headers['webhook-timestamp'] ?? '');
    if (headers['webhook-key-id'] !== keyId) return [401, 'key'];
    if (!/^\d{10}$/.test(timestamp)) return [400, 'timestamp'];
    if (Math.abs(Number(timestamp) * 1000 - nowMs()) > TOLERANCE_MS) return [401, 'too old'];
    const expected = createHmac('sha256', secret)
      .update(`${id}.${timestamp}.`)
      .update(body)
      .digest();
    const given = String(headers['webhook-signature'] ?? '').replace(/^v1,/, '');
    const bytes = Buffer.from(given, 'base64');
    if (bytes.length !== 32 || !timingSafeEqual(bytes, expected)) return [401, 'signature'];
    return null;
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const number = ++requests;
    const path = request.url ?? '';
    const fault = options.fault?.(number, path) ?? null;
    if (fault !== null) faults++;
    if (fault === 'cut_before') {
      return request.socket.destroy();
    }
    if (fault === 'cut_midway') {
      await Promise.race([once(request, 'data'), once(request, 'close')]);
      return request.socket.destroy();
    }
    const body = await buffer(request);
    wake();
    if (fault === 'silent') return null;
    if (typeof fault === 'object' && fault !== null) {
      const { status, code = 'E_TEST', headers } = fault;
      return answer(response, status, { code, detail: 'told to' }, headers);
    }
    if (body.length > (options.mostBytes ?? Number.POSITIVE_INFINITY)) {
      return answer(response, 413, { code: 'E_TOO_LARGE' });
    }
    const problem = problemOf(request, body);
    if (problem)
      return answer(response, problem[0], { code: 'E_UNAUTHENTICATED', detail: problem[1] });
    const id = String(request.headers['webhook-id']);
    const digest = createHash('sha256').update(body).digest('hex');
    const known = bodies.get(id);
    if (known !== undefined && known !== digest)
      return answer(response, 409, { code: 'E_CONFLICT' });
    accepted++;
    if (known === undefined) {
      const gzip = request.headers['content-encoding'] === 'gzip';
      const text = (gzip ? gunzipSync(body) : body).toString('utf8');
      const one = { id, path, text, rows: text.split('\n').length - 1 };
      await options.onTaken?.(one);
      bodies.set(id, digest);
      taken.push(one);
      if (path.endsWith('/mirror')) snapshots++;
      wake();
    } else {
      repeats++;
    }
    if (fault === 'cut_after') {
      return request.socket.destroy();
    }
    return answer(
      response,
      202,
      path.endsWith('/mirror') ? { id: `snap${snapshots}` } : { batch: id },
    );
  }

  // One after the other, as a server loads what it took in order.
  let queue: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    queue = queue.then(() => take(request, response)).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keyId,
    key: `whsec_${secret.toString('base64')}`,
    taken,
    accepted: () => accepted,
    requests: () => requests,
    faults: () => faults,
    repeats: () => repeats,
    async until(isSo) {
      while (!isSo()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
