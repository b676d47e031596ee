import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type Address, resolveTarget, type TargetRules } from './target.ts';

/**
 * The one way in which requests go to places that others name. The name is resolved, every address
 * checked, and the connection made to a checked address: a name that changes in between leads
 * nowhere. Redirects are answers and are not followed. Times and bytes are bounded.
 */

export interface PostAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Cut off at {@link MOST_ANSWER_BYTES}. */
  readonly body: string;
}

/** An answer of {@link ask}. */
export interface AskAnswer extends PostAnswer {
  /** False: it was longer than it may be, or was cut off. */
  readonly isWhole: boolean;
}

/** A request that had no answer. */
export class PostFailure extends Error {
  override readonly name = 'PostFailure';
  /** The whole request may have arrived. */
  readonly wasSent: boolean;
  /** Such as `ECONNREFUSED`. */
  readonly code: string;

  constructor(message: string, of: { wasSent: boolean; code: string }, cause?: unknown) {
    super(message, { cause });
    this.wasSent = of.wasSent;
    this.code = of.code;
  }
}

export interface PostOptions extends TargetRules {
  readonly where: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** From begin to end; default 15 s. */
  readonly timeoutMs?: number;
  /** For tests with a certificate of their own. */
  readonly tls?: ConnectionOptions;
}

export interface AskOptions extends PostOptions {
  readonly method: 'GET' | 'POST';
  readonly mostAnswerBytes: number;
}

const TIMEOUT_MS = 15_000;
export const MOST_ANSWER_BYTES = 64 << 10;

/**
 * @throws DaybookError of {@link resolveTarget}: nothing was connected to; PostFailure
 */
export function post(url: string, body: Buffer, options: PostOptions): Promise<PostAnswer> {
  return ask(url, body, { ...options, method: 'POST', mostAnswerBytes: MOST_ANSWER_BYTES });
}

/** {@link post}, for what is fetched: with a method, and with as much of an answer as is wanted. */
export async function ask(url: string, body: Buffer, options: AskOptions): Promise<AskAnswer> {
  const { method, mostAnswerBytes } = options;
  const target = await resolveTarget(url, options.where, options);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  const secure = target.url.protocol === 'https:';
  const allowed = new Set(target.addresses.map(({ address }) => address));
  return new Promise((resolve, reject) => {
    let wasSent = false;
    const fail = (error: Error & { code?: string | number }) => {
      const late = signal.aborted && !options.signal.aborted;
      const code = late ? 'ETIMEDOUT' : String(error.code ?? error.name);
      reject(new PostFailure(late ? 'no answer in time' : error.message, { wasSent, code }, error));
    };
    const request = (secure ? https : http).request(target.url, {
      method,
      // None is kept: each connection is made to an address that was checked for it.
      agent: false,
      lookup: checkedLookup(target.addresses),
      headers: {
        ...options.headers,
        ...(method === 'GET' ? {} : { 'content-length': body.length }),
      },
      signal,
      ...options.tls,
    });
    request.on('socket', (socket) => {
      socket.once('connect', () => {
        if (allowed.has(socket.remoteAddress ?? '')) return;
        socket.destroy(new Error('connected to an address that was not checked'));
      });
    });
    request.on('error', fail);
    request.on('finish', () => {
      wasSent = true;
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const done = (isWhole: boolean) => {
        const { statusCode = 0, headers } = response;
        const text = Buffer.concat(chunks).subarray(0, mostAnswerBytes).toString('utf8');
        resolve({ status: statusCode, headers, body: text, isWhole });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes < mostAnswerBytes) return;
        done(false);
        response.destroy();
      });
      response.on('end', () => done(true));
      // The status has come: what is missing of the body changes nothing.
      response.on('error', () => done(false));
    });
    request.end(body);
  });
}

function checkedLookup(addresses: readonly Address[]): LookupFunction {
  return (_, options, callback) => {
    if (options.all) callback(null, [...addresses]);
    else callback(null, addresses[0].address, addresses[0].family);
  };
}
