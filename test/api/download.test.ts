import { randomBytes } from 'node:crypto';
import { rm, symlink, truncate, unlink } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewFile } from '../../src/store/files.ts';
import { moveRun } from '../../src/store/runs.ts';
import { MARCH, startApi, type TestApi } from './support.ts';

const CONTENT = randomBytes(3_000_000);

let api: TestApi;
let base: string;
let url: string;
let id: string;
beforeAll(async () => {
  api = await startApi();
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(api.server.server.address() as AddressInfo).port}`;
  const whole = await finished(CONTENT);
  url = whole.url;
  id = whole.file.id;
});
afterAll(() => api.close());

async function queued(): Promise<string> {
  const answer = await api.server.inject({
    method: 'POST',
    url: '/v1/exports',
    headers: api.asA,
    payload: MARCH,
  });
  return answer.json().id;
}

async function finished(content: Uint8Array | string, changes: Partial<NewFile> = {}) {
  const id = await queued();
  const file = await api.runner.finish(api.a.id, id, content, changes);
  return { id, file, url: `${base}/v1/exports/${id}/file` };
}

const fetched = (headers: Record<string, string> = {}, at = url, method = 'GET') =>
  fetch(at, { method, headers: { ...api.asA, ...headers } });

const problemOf = async (answer: Response) =>
  (await answer.json()) as { code: string; detail: string };
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

describe('a download', () => {
  it('is the whole file with its id as a strong tag, its type, length and name', async () => {
    const answer = await fetched();
    expect(answer.status).toBe(200);
    expect((await bytesOf(answer)).equals(CONTENT)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: `"${id}"`,
      'content-type': 'text/csv; charset=utf-8',
      'content-length': '3000000',
      'accept-ranges': 'bytes',
      'content-disposition':
        'attachment; filename="acme queues _ M_rz 2026.csv"; ' +
        "filename*=UTF-8''acme%20queues%20%E2%80%93%20M%C3%A4rz%202026.csv",
      'x-content-type-options': 'nosniff',
    });
  });

  it('answers HEAD as GET, without the bytes', async () => {
    const [head, whole] = [await fetched({}, url, 'HEAD'), await fetched()];
    await bytesOf(whole);
    for (const name of ['etag', 'content-length', 'content-type', 'content-disposition']) {
      expect(head.headers.get(name), name).toBe(whole.headers.get(name));
    }
    expect([head.status, (await bytesOf(head)).length]).toEqual([200, 0]);
  });

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=2999990-', 2_999_990, 2_999_999],
    ['bytes=-5', 2_999_995, 2_999_999],
    ['bytes=-9999999', 0, 2_999_999],
    ['bytes=2999999-99999999', 2_999_999, 2_999_999],
  ])('gives the part that %s names', async (range, first, last) => {
    const answer = await fetched({ range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/3000000`);
    expect((await bytesOf(answer)).equals(CONTENT.subarray(first, last + 1))).toBe(true);
  });

  it.each(['bytes=3000000-', 'bytes=-0', 'bytes=9999999-9999999999', 'bytes=3000000-,4000000-'])(
    'refuses %s with 416 and the length',
    async (range) => {
      const answer = await fetched({ range });
      expect(answer.status).toBe(416);
      expect(answer.headers.get('content-range')).toBe('bytes */3000000');
      expect(await answer.json()).toMatchObject({ code: 'E_RANGE', where: 'Range' });
      expect(answer.headers.get('etag')).toBeNull();
    },
  );

  it.each(['bytes=0-1,5-6', 'bytes=5-1', 'bytes=a-b', 'lines=1-2', 'bytes=-', 'bytes'])(
    'passes over %s and gives the whole',
    async (range) => {
      const answer = await fetched({ range });
      expect([answer.status, (await bytesOf(answer)).length]).toEqual([200, CONTENT.length]);
    },
  );

  it('gives a part only while If-Range still names the file', async () => {
    const etag = (await fetched({}, url, 'HEAD')).headers.get('etag') ?? '';
    const same = await fetched({ range: 'bytes=0-9', 'if-range': etag });
    const other = await fetched({ range: 'bytes=0-9', 'if-range': '"other"' });
    const weak = await fetched({ range: 'bytes=0-9', 'if-range': `W/${etag}` });
    expect([same.status, other.status, weak.status]).toEqual([206, 200, 200]);
    await Promise.all([same, other, weak].map(bytesOf));
  });

  it('answers 304 to who has it already', async () => {
    const etag = (await fetched({}, url, 'HEAD')).headers.get('etag') ?? '';
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await fetched({ 'if-none-match': tag });
      expect([answer.status, (await bytesOf(answer)).length], tag).toEqual([304, 0]);
    }
    const stale = await fetched({ 'if-none-match': '"x"' });
    expect(stale.status).toBe(200);
    await bytesOf(stale);
  });

  it('of an empty file is an empty answer, and any range is unsatisfiable', async () => {
    const empty = await finished('');
    const answer = await fetched({}, empty.url);
    expect([answer.status, (await bytesOf(answer)).length]).toEqual([200, 0]);
    expect((await fetched({ range: 'bytes=0-' }, empty.url)).status).toBe(416);
  });
});

describe('there is no file', () => {
  it('of an export that is queued, running, failed or cancelled: 409 says which', async () => {
    const id = await queued();
    const problem = async () => {
      const answer = await fetched({}, `${base}/v1/exports/${id}/file`);
      return [answer.status, (await problemOf(answer)).detail];
    };
    expect(await problem()).toEqual([409, 'status: the export is queued: 0 of 31 days are done']);
    await api.runner.start(api.a.id, id);
    expect((await problem())[0]).toBe(409);
    await api.db.database.asTenant(api.a.id, (tx) =>
      moveRun(tx, { id, to: 'failed', error: { code: 'E_DAY_FAILED', message: 'm' } }),
    );
    expect(await problem()).toEqual([
      409,
      'status: the export failed (E_DAY_FAILED); it has no file',
    ]);
    const other = await queued();
    await api.server.inject({ method: 'DELETE', url: `/v1/exports/${other}`, headers: api.asA });
    const cancelled = await fetched({}, `${base}/v1/exports/${other}/file`);
    expect([cancelled.status, (await problemOf(cancelled)).code]).toEqual([409, 'E_CANCELLED']);
  });

  it('that expired, was removed, or is missing on disk: 410', async () => {
    const expired = await finished('x', { expiresAt: 1 });
    const removed = await finished('x');
    await api.db.database.asTenant(api.a.id, (tx) =>
      tx.run('update daybook.files set removed_at = now() where id = $1', [removed.file.id]),
    );
    const missing = await finished('x');
    await unlink(join(api.home, missing.file.path));
    for (const { url: at } of [expired, removed, missing]) {
      const answer = await fetched({}, at);
      expect([answer.status, (await problemOf(answer)).code]).toEqual([410, 'E_GONE']);
    }
  });

  it('that is shorter on disk than the ledger says: never served as if it were whole', async () => {
    const short = await finished('0123456789');
    await truncate(join(api.home, short.file.path), 5);
    const answer = await fetched({}, short.url);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain(short.file.path);
  });

  it('outside the home folder, by whatever path or link the ledger names', async () => {
    const link = `link-${randomBytes(4).toString('hex')}`;
    await symlink('/etc/hostname', join(api.home, link));
    for (const path of ['../../etc/hostname', '/etc/hostname', link]) {
      const { url: at } = await finished('x', { path });
      const answer = await fetched({}, at);
      expect([410, 500], path).toContain(answer.status);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      await answer.text();
    }
    await rm(join(api.home, link));
  });
});
