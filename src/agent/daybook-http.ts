import http from 'node:http';
import https from 'node:https';
import { DaybookError } from '../errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Left out: as the configuration says. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Cut off at 64 KiB. */
  readonly body: string;
}

const MOST_ANSWER_BYTES = 1 << 16;

/** Requests to Daybook over connections that are kept. Must be closed. */
export interface DaybookHttp {
  /**
   * @throws DaybookError `E_UNAVAILABLE` when no answer came in time: whether it arrived is not known
   */
  ask(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** @param usualMs a request without a time of its own is given up after so long */
export function openDaybookHttp(url: string, usualMs: number): DaybookHttp {
  const secure = url.startsWith('https:');
  const agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 8 });
  return {
    ask({ method, path, headers, body, timeoutMs = usualMs }, signal) {
      const both = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      return new Promise((resolve, reject) => {
        const fail = (error: Error & { code?: string }) => {
          if (signal.aborted) return reject(signal.reason);
          const reason = both.aborted ? `no answer within ${timeoutMs / 1000} s` : error.message;
          reject(new DaybookError('E_UNAVAILABLE', { what: url, reason }, error));
        };
        const request = (secure ? https : http).request(`${url}${path}`, {
          ...{ method, agent, signal: both },
          headers: { ...headers, 'user-agent': 'daybook-agent', 'content-length': body.length },
        });
        request.on('error', fail);
        request.on('response', (response) => {
          const pieces: Buffer[] = [];
          let length = 0;
          response.on('data', (piece: Buffer) => {
            if (length < MOST_ANSWER_BYTES) pieces.push(piece);
            length += piece.length;
          });
          response.on('error', fail);
          response.on('end', () => {
            const text = Buffer.concat(pieces).subarray(0, MOST_ANSWER_BYTES).toString('utf8');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
          });
        });
        request.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
