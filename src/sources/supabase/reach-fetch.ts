import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const gunzipped = promisify(gunzip);

/** No byte for so long: the server is gone without a word. */
const SILENCE_MS = 60_000;
/** A page of rows, unpacked. */
const MOST_BYTES = 256 * 1024 * 1024;

export interface ReachFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Of the last answer; null: none came. */
  server(): string | null;
  close(): void;
}

/**
 * A `fetch` for GET and HEAD whose connections go only to addresses that `reach` gave. It follows no
 * redirect: one could lead inside. An answer that ended before its length is an error. Must be
 * closed.
 */
export function openReachFetch(reach: (host: string) => Promise<string>): ReachFetch {
  const lookup: LookupFunction = (host, options, done) => {
    reach(host).then(
      (address) => {
        const family = isIP(address);
        if (options.all) done(null, [{ address, family }]);
        else done(null, address, family);
      },
      (error: Error) => done(error as NodeJS.ErrnoException, '', 0),
    );
  };
  const pooled = { keepAlive: true, maxSockets: 8, timeout: SILENCE_MS };
  const agents = { http: new HttpAgent(pooled), https: new HttpsAgent(pooled) };
  let server: string | null = null;

  return {
    async fetch(input, init = {}) {
      const url = new URL(String(input instanceof Request ? input.url : input));
      const headers = new Headers(init.headers);
      headers.set('accept-encoding', 'gzip');
      const signal = init.signal ?? undefined;
      const tls = url.protocol === 'https:';
      const request = (tls ? requestHttps : requestHttp)(url, {
        method: init.method ?? 'GET',
        headers: Object.fromEntries(headers),
        ...{ agent: tls ? agents.https : agents.http, lookup, signal },
        timeout: SILENCE_MS,
      });
      // Once an answer came, its own reading tells of failures.
      request.on('error', () => {});
      request.on('timeout', () => request.destroy(new Error(`silent for ${SILENCE_MS / 1000} s`)));
      request.end();
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      server = answer.headersDistinct['server']?.[0] ?? server;
      const body = await bodyOf(answer);
      return new Response(body.length === 0 ? null : new Uint8Array(body), {
        status: answer.statusCode,
        statusText: answer.statusMessage,
        headers: headersOf(answer),
      });
    },
    server: () => server,
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_BYTES) throw new Error(`an answer of more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  if (!answer.complete) throw new Error('the answer ended early');
  const body = Buffer.concat(parts);
  if (answer.headers['content-encoding'] !== 'gzip' || body.length === 0) return body;
  return gunzipped(body, { maxOutputLength: MOST_BYTES });
}

function headersOf(answer: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headersDistinct)) {
    if (name === 'content-encoding' || name === 'content-length') continue;
    for (const each of value ?? []) headers.append(name, each);
  }
  return headers;
}
