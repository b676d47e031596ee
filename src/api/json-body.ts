import { DaybookError } from '../errors.ts';
import type { ApiServer } from './routes/context.ts';

/** Bodies are JSON in UTF-8, small and shallow; anything else is refused before it is parsed. */

export const BODY_BYTES = 1 << 20;
/** Nesting of any request of ours is far below. */
export const JSON_DEPTH = 32;

const JSON_TYPE = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/** What a browser, or a mail program that unsubscribes with one click (RFC 8058), may post. */
const FORM_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Replaces Fastify's parsers. The header is checked as it came, so that no spelling slips by. */
export function acceptOnlyJson(server: ApiServer): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_: unknown, body: Buffer) => parseJsonBody(body),
  );
  server.addContentTypeParser(FORM_TYPES, { parseAs: 'buffer' }, async () => null);
  server.addHook('preParsing', async (request) => {
    const type = request.headers['content-type'];
    const { takesForms, readsOwnBody } = request.routeOptions.config;
    if (takesForms || readsOwnBody) return;
    if (type === undefined && !hasBody(request.headers)) return;
    if (type === undefined || !JSON_TYPE.test(type)) {
      throw new DaybookError('E_MEDIA_TYPE', {
        where: 'Content-Type',
        got: type === undefined ? 'nothing' : JSON.stringify(type.slice(0, 200)),
        expected: 'application/json',
      });
    }
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') {
      throw new DaybookError('E_MEDIA_TYPE', {
        where: 'Content-Encoding',
        got: JSON.stringify(coding.slice(0, 200)),
        expected: 'none',
      });
    }
  });
}

/** @throws DaybookError `E_USAGE` for what is not JSON or is nested too deep. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) throw notJson('nothing');
  if (depthOf(body) > JSON_DEPTH) {
    throw new DaybookError('E_USAGE', {
      where: 'body',
      got: `JSON nested deeper than ${JSON_DEPTH}`,
      expected: `at most ${JSON_DEPTH} levels`,
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch (error) {
    throw notJson((error as Error).message);
  }
}

/** Deepest nesting of brackets outside strings; does not check anything else. */
export function depthOf(json: Uint8Array): number {
  const [quote, backslash] = [0x22, 0x5c];
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return deepest;
}

/** Whether a request announces a body. */
export function hasBody(headers: {
  readonly 'content-length'?: string;
  readonly 'transfer-encoding'?: string;
}): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function notJson(got: string): DaybookError {
  return new DaybookError('E_USAGE', { where: 'body', got, expected: 'JSON in UTF-8' });
}
