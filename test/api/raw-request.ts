import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** HTTP as it goes over the wire: nothing is decoded, nothing is added. */

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Resolves with the head; the body is the caller's to read. */
export function begun(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, resolve).on('error', reject).end();
  });
}

/** Rejects when the body breaks off. */
export async function answered(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<RawAnswer> {
  const answer = await begun(url, headers, method);
  const bytes = await buffer(answer);
  return { status: answer.statusCode as number, headers: answer.headers, bytes };
}
