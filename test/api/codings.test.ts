import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wantedCoding } from '../../src/api/content-coding.ts';
import type { FileRow } from '../../src/store/files.ts';
import { storedText } from '../support/stored-text.ts';
import { answered } from './raw-request.ts';
import { MARCH, startApi, type TestApi } from './support.ts';

const PIECES = [1, 30_000, 2, 60_000].map((lines, piece) =>
  Buffer.from(Array.from({ length: lines }, (_, i) => `${piece},${i * 7919}\r\n`).join('')),
);
const TEXT = Buffer.concat(PIECES);
const { stored: STORED, blocks: BLOCKS } = storedText(PIECES);
const BYTES = { gzip: STORED, identity: TEXT } as const;

let api: TestApi;
let url: string;
let file: FileRow;
beforeAll(async () => {
  api = await startApi();
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  ({ url, file } = await coded());
});
afterAll(() => api.close());

async function coded() {
  const { id } = (
    await api.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: api.asA,
      payload: MARCH,
    })
  ).json();
  const entered = await api.runner.finish(api.a.id, id, STORED, {
    coding: 'gzip',
    bytes: TEXT.length,
    blocks: BLOCKS,
  });
  const { port } = api.server.server.address() as AddressInfo;
  return { file: entered, url: `http://127.0.0.1:${port}/v1/exports/${id}/file` };
}

const ask = (headers: Record<string, string>, method = 'GET', at = url) =>
  answered(at, { ...api.asA, ...headers }, method);
const tagOf = (coding: keyof typeof BYTES) =>
  coding === 'gzip' ? `"${file.id}-gzip"` : `"${file.id}"`;
const CODINGS = ['gzip', 'identity'] as const;

describe.each(CODINGS)('a text file asked for as %s', (coding) => {
  const accept = { 'accept-encoding': coding };
  const bytes = BYTES[coding];

  it('is whole, with the length, the tag and the coding of what is sent', async () => {
    const answer = await ask(accept);
    expect(answer.bytes.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-length': String(bytes.length),
      'content-type': 'text/csv; charset=utf-8',
      etag: tagOf(coding),
      vary: 'Accept-Encoding',
    });
    expect(answer.headers['content-encoding']).toBe(coding === 'gzip' ? 'gzip' : undefined);
    const head = await ask(accept, 'HEAD');
    for (const name of ['content-length', 'content-encoding', 'content-type', 'etag', 'vary']) {
      expect(head.headers[name], name).toBe(answer.headers[name]);
    }
    expect(head.bytes.length).toBe(0);
  });

  it('gives any range of the bytes that are sent, with every condition that may go with it', async () => {
    const bounds = fc.tuple(fc.nat(bytes.length + 20), fc.nat(bytes.length + 20));
    const range = fc.oneof(
      bounds.map(([a, b]) => `bytes=${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.nat(bytes.length + 20).map((first) => `bytes=${first}-`),
      fc.nat(bytes.length + 20).map((last) => `bytes=-${last}`),
    );
    const tags = [tagOf('gzip'), tagOf('identity'), '"x"', `W/${tagOf(coding)}`];
    const tag = fc.option(fc.constantFrom(...tags), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(range, tag, tag, async (wanted, ifRange, ifNoneMatch) => {
        const answer = await ask({
          ...{ ...accept, range: wanted },
          ...(ifRange ? { 'if-range': ifRange } : {}),
          ...(ifNoneMatch ? { 'if-none-match': ifNoneMatch } : {}),
        });
        const expected = expectedOf(bytes, tagOf(coding), wanted, ifRange, ifNoneMatch);
        expect(answer.status).toBe(expected.status);
        if (expected.status === 416) {
          expect(answer.headers['content-range']).toBe(`bytes */${bytes.length}`);
          return;
        }
        expect(answer.headers.etag).toBe(tagOf(coding));
        expect(answer.headers['content-range']).toBe(expected.contentRange);
        expect(answer.bytes.equals(expected.bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

/** RFC 9110 by the letter, over bytes that are known. */
function expectedOf(
  bytes: Buffer,
  etag: string,
  range: string,
  ifRange: string | undefined,
  ifNoneMatch: string | undefined,
) {
  const none = Buffer.alloc(0);
  if (ifNoneMatch === etag || ifNoneMatch === `W/${etag}`) return { status: 304, bytes: none };
  if (ifRange !== undefined && ifRange !== etag) return { status: 200, bytes };
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range) as RegExpExecArray;
  const first = from === '' ? Math.max(0, bytes.length - Number(to)) : Number(from);
  const last = from === '' || to === '' ? bytes.length - 1 : Number(to);
  if (first >= bytes.length || (from === '' && Number(to) === 0))
    return { status: 416, bytes: none };
  const end = Math.min(last, bytes.length - 1);
  return {
    status: 206,
    bytes: bytes.subarray(first, end + 1),
    contentRange: `bytes ${first}-${end}/${bytes.length}`,
  };
}

it('a range of one coding is not continued with the bytes of the other', async () => {
  const answer = await ask({
    'accept-encoding': 'gzip',
    range: 'bytes=10-19',
    'if-range': tagOf('identity'),
  });
  expect([answer.status, answer.bytes.equals(STORED)]).toEqual([200, true]);
});

describe('Accept-Encoding', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['br;q=1, gzip;q=0.1', 'gzip'],
    ['*', 'gzip'],
    ['gzip;q=0', 'identity'],
    ['gzip; q=0.000', 'identity'],
    ['*;q=0', 'identity'],
    ['gzip;q=0, *', 'identity'],
    ['identity', 'identity'],
    ['identity, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip', 'gzip'],
    ['gzip;q=0.2, *;q=0.5', 'identity'],
    ['identity;q=0, gzip;q=0', 'identity'],
    ['deflate, br', 'identity'],
    ['gzip;q=2', 'identity'],
  ] as const)('%j wants %s', (header, coding) => {
    expect(wantedCoding(header)).toBe(coding);
  });
});

it('what is stored as it is goes out as it is, and varies by nothing', async () => {
  const { id } = (
    await api.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: api.asA,
      payload: MARCH,
    })
  ).json();
  await api.runner.finish(api.a.id, id, 'PK', { format: 'xlsx' });
  const answer = await ask(
    { 'accept-encoding': 'gzip' },
    'GET',
    url.replace(/[^/]+\/file$/, `${id}/file`),
  );
  expect(answer.bytes.toString()).toBe('PK');
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(answer.headers.vary).toBeUndefined();
});

describe('bytes that have changed on the disk', () => {
  it.each(CODINGS)('are never served as a whole file (%s)', async (coding) => {
    const { file: entered, url: at } = await coded();
    const path = join(api.home, entered.path);
    const good = await readFile(path);
    for (const place of [3, 20, 1000, good.length >> 1, good.length - 3]) {
      const damaged = Buffer.from(good);
      damaged[place] ^= 0x40;
      await writeFile(path, damaged);
      const answer = await ask({ 'accept-encoding': coding }, 'GET', at).catch(() => null);
      // The member's head and tail are not part of the text.
      if (answer?.status === 200 && coding === 'identity') {
        expect(answer.bytes.equals(TEXT)).toBe(true);
      } else expect(answer?.status ?? 'broken off').toBeOneOf([500, 'broken off']);
    }
  });

  it('that are no gzip any more are told in the first answer', async () => {
    const { file: entered, url: at } = await coded();
    await writeFile(join(api.home, entered.path), Buffer.alloc(STORED.length));
    const answer = await ask({ 'accept-encoding': 'gzip' }, 'GET', at);
    expect([answer.status, JSON.parse(answer.bytes.toString()).code]).toEqual([500, 'E_IO']);
    expect(gunzipSync(STORED).equals(TEXT)).toBe(true);
  });
});
