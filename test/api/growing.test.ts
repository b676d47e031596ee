import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProgressFeed } from '../../src/api/progress-feed.ts';
import { buildServer } from '../../src/api/server.ts';
import { requestCancel } from '../../src/store/runs.ts';
import { storedText } from '../support/stored-text.ts';
import { answered, begun } from './raw-request.ts';
import { MARCH, startApi, type TestApi } from './support.ts';

const PIECES = [30_000, 1, 50_000].map((lines, piece) =>
  Buffer.from(Array.from({ length: lines }, (_, i) => `${piece},${i * 7919}\r\n`).join('')),
);
const TEXT = Buffer.concat(PIECES);
const { stored: STORED, blocks: BLOCKS } = storedText(PIECES);
const HALF = STORED.length >> 1;

const feed = createProgressFeed();
let api: TestApi;
beforeAll(async () => {
  api = await startApi({ progress: feed });
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  await mkdir(join(api.home, 'making'));
});
afterAll(() => api.close());

const portOf = (server = api.server) => (server.server.address() as AddressInfo).port;
const urlOf = (id: string, server = api.server) =>
  `http://127.0.0.1:${portOf(server)}/v1/exports/${id}/file`;
const waiting = (headers: Record<string, string> = {}) => ({
  ...{ ...api.asA, prefer: 'wait=60' },
  ...headers,
});

async function queued(): Promise<string> {
  const request = { method: 'POST', url: '/v1/exports', headers: api.asA, payload: MARCH } as const;
  return (await api.server.inject(request)).json().id;
}

/** A run under way whose file grows as the test says. */
async function making() {
  const id = await queued();
  await api.db.database.asSystem((tx) =>
    tx.run(
      `update daybook.runs set state = 'running', lease_token = 3,
         lease_until = now() + interval '1 h' where id = $1`,
      [id],
    ),
  );
  const fileId = crypto.randomUUID();
  const path = `making/${fileId}.tmp`;
  await writeFile(join(api.home, path), '');
  const days = { total: 31, done: 1, cached: 0 };
  const hint = (
    state: 'running' | 'done' | 'failed',
    storedBytes: number | null,
    isWhole = state === 'done',
  ) =>
    feed.publish({
      ...{ runId: id, state, days, rows: 0 },
      artifact:
        storedBytes === null ? null : { fileId, leaseToken: '3', path, storedBytes, isWhole },
    });
  return {
    ...{ id, fileId, hint },
    /** Written, and told. */
    async grow(bytes: Uint8Array) {
      await appendFile(join(api.home, path), bytes);
      hint('running', (await stat(join(api.home, path))).size);
    },
    async commit(changes: { id?: string } = {}) {
      await rename(join(api.home, path), join(api.home, `${path}.done`));
      const file = { coding: 'gzip', bytes: TEXT.length, blocks: BLOCKS, id: fileId } as const;
      await api.runner.finish(api.a.id, id, STORED, { ...file, ...changes });
      hint('done', STORED.length);
    },
    set: (assignment: string) =>
      api.db.database.asSystem((tx) =>
        tx.run(`update daybook.runs set ${assignment} where id = $1`, [id]),
      ),
  };
}

/** Resolves when so many bytes have come. */
async function received(answer: IncomingMessage, bytes: number): Promise<Buffer> {
  let got = Buffer.alloc(0);
  while (got.length < bytes) {
    const chunk = answer.read() as Buffer | null;
    if (chunk) got = Buffer.concat([got, chunk]);
    else await once(answer, 'readable');
  }
  return got;
}

const ending = (answer: IncomingMessage) =>
  buffer(answer).then(
    () => 'whole',
    () => 'broken off',
  );

describe('the file of a run under way, to who waits', () => {
  it('comes while it is made, and ends when the run is done, with the tag that it has then', async () => {
    const file = await making();
    const answering = begun(urlOf(file.id), waiting({ 'accept-encoding': 'gzip' }));
    await file.grow(STORED.subarray(0, HALF));
    const answer = await answering;
    expect(answer.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/csv; charset=utf-8; header=present',
      'transfer-encoding': 'chunked',
      'preference-applied': 'wait=60',
      etag: `"${file.fileId}-gzip"`,
      vary: 'Accept-Encoding',
    });
    const first = await received(answer, HALF);
    await file.grow(STORED.subarray(HALF));
    const second = await received(answer, STORED.length - HALF);
    // All of it is there, and still it is not whole: nothing is committed.
    expect(answer.readableEnded).toBe(false);
    await file.commit();
    expect(await ending(answer)).toBe('whole');
    expect(Buffer.concat([first, second]).equals(STORED)).toBe(true);
    const after = await answered(urlOf(file.id), { ...api.asA, 'accept-encoding': 'gzip' });
    expect(after.headers.etag).toBe(answer.headers.etag);
    expect(after.headers['content-disposition']?.length).toBeGreaterThan(10);
  });

  it('ends when its runner says that it is all, though it is not entered yet', async () => {
    const file = await making();
    await file.grow(STORED.subarray(0, HALF));
    const answer = await begun(urlOf(file.id), waiting({ 'accept-encoding': 'gzip' }));
    await file.grow(STORED.subarray(HALF));
    file.hint('running', STORED.length, true);
    expect((await buffer(answer)).equals(STORED)).toBe(true);
    // Who comes now does not wait for the end of the run either.
    const late = await answered(urlOf(file.id), waiting());
    expect(late.bytes.equals(TEXT)).toBe(true);
  });

  it('comes inflated to who does not accept gzip, each piece when it is there', async () => {
    const file = await making();
    await file.grow(STORED.subarray(0, BLOCKS[0].bytes + BLOCKS[1].bytes));
    const answer = await begun(urlOf(file.id), waiting());
    expect(answer.headers.etag).toBe(`"${file.fileId}"`);
    expect(answer.headers['content-encoding']).toBeUndefined();
    const first = await received(answer, PIECES[0].length);
    expect(first.equals(PIECES[0])).toBe(true);
    await file.grow(STORED.subarray(BLOCKS[0].bytes + BLOCKS[1].bytes));
    await file.commit();
    expect(Buffer.concat([first, await buffer(answer)]).equals(TEXT)).toBe(true);
  });

  it('is waited for from the queue on', async () => {
    const id = await queued();
    const answering = answered(urlOf(id), waiting());
    await api.runner.finish(api.a.id, id, 'a\r\n');
    feed.publish({
      ...{ runId: id, state: 'done', days: { total: 1, done: 1, cached: 0 }, rows: 0 },
      artifact: null,
    });
    expect((await answering).bytes.toString()).toBe('a\r\n');
  });

  it('comes though every hint was lost but the one that named it', async () => {
    const file = await making();
    await file.grow(STORED.subarray(0, 1000));
    const answer = await begun(urlOf(file.id), waiting({ 'accept-encoding': 'gzip' }));
    await appendFile(join(api.home, `making/${file.fileId}.tmp`), STORED.subarray(1000, HALF));
    const first = await received(answer, HALF);
    await appendFile(join(api.home, `making/${file.fileId}.tmp`), STORED.subarray(HALF));
    const entered = {
      coding: 'gzip',
      bytes: TEXT.length,
      blocks: BLOCKS,
      id: file.fileId,
    } as const;
    await api.runner.finish(api.a.id, file.id, STORED, entered);
    expect(Buffer.concat([first, await buffer(answer)]).equals(STORED)).toBe(true);
  });

  it('is the same from two API processes, one of which learned of it late', async () => {
    const lateFeed = createProgressFeed();
    const other = await buildServer({ ...api.deps, progress: lateFeed });
    await other.listen({ host: '127.0.0.1', port: 0 });
    try {
      const file = await making();
      await file.grow(STORED.subarray(0, HALF));
      const early = await begun(urlOf(file.id), waiting({ 'accept-encoding': 'gzip' }));
      const late = answered(urlOf(file.id, other), waiting({ 'accept-encoding': 'gzip' }));
      await file.grow(STORED.subarray(HALF));
      await file.commit();
      expect((await buffer(early)).equals(STORED)).toBe(true);
      expect((await late).bytes.equals(STORED)).toBe(true);
      expect((await late).headers.etag).toBe(early.headers.etag);
    } finally {
      await other.close();
    }
  });

  it('is told of by HEAD without its bytes, and answers 304 to who has it', async () => {
    const file = await making();
    await file.grow(STORED.subarray(0, HALF));
    const head = await answered(urlOf(file.id), waiting(), 'HEAD');
    expect([head.status, head.headers.etag, head.bytes.length]).toEqual([
      200,
      `"${file.fileId}"`,
      0,
    ]);
    const known = waiting({ 'if-none-match': `"${file.fileId}"` });
    expect((await answered(urlOf(file.id), known)).status).toBe(304);
  });

  it('is not told apart by what came so far: a range is passed over', async () => {
    const file = await making();
    await file.grow(STORED);
    const answer = await begun(urlOf(file.id), waiting({ range: 'bytes=0-9' }));
    await file.commit();
    expect([answer.statusCode, (await buffer(answer)).equals(TEXT)]).toEqual([200, true]);
  });

  it('comes whole and with its length to HTTP/1.0, which knows no chunks', async () => {
    const file = await making();
    await file.grow(STORED.subarray(0, HALF));
    const socket = connect(portOf(), '127.0.0.1');
    socket.write(
      `GET /v1/exports/${file.id}/file HTTP/1.0\r\nprefer: wait=60\r\n` +
        `authorization: ${api.asA.authorization}\r\naccept-encoding: gzip\r\n\r\n`,
    );
    await file.commit();
    const answer = await buffer(socket);
    expect(answer.toString('latin1')).toContain(`content-length: ${STORED.length}\r\n`);
    expect(gunzipSync(answer.subarray(-STORED.length)).equals(TEXT)).toBe(true);
  });
});

describe('a file that is given up while it is sent', () => {
  const started = async (headers: Record<string, string>) => {
    const file = await making();
    await file.grow(STORED.subarray(0, HALF));
    return { file, answer: await begun(urlOf(file.id), waiting(headers)) };
  };

  it.each([
    [
      'the run failed',
      async (file) => file.set(`state = 'failed'`).then(() => file.hint('failed', HALF)),
    ],
    ['the file is begun again', async (file) => file.hint('running', null)],
    ['the run went back to the queue, and nobody said so', (file) => file.set(`state = 'queued'`)],
    ['another runner took the run over', (file) => file.set('lease_token = 4')],
    ['the run was done by another file', (file) => file.commit({ id: crypto.randomUUID() })],
    [
      'the run was cancelled',
      async (file) => {
        await api.db.database.asTenant(api.a.id, (tx) => requestCancel(tx, file.id));
        await file.set(`state = 'cancelled'`);
      },
    ],
  ] as [string, (file: Awaited<ReturnType<typeof making>>) => Promise<unknown> | unknown][])(
    'breaks off when %s',
    async (_, giveUp) => {
      for (const coding of ['gzip', 'identity']) {
        const { file, answer } = await started({ 'accept-encoding': coding });
        const end = ending(answer);
        await giveUp(file);
        expect(await end, coding).toBe('broken off');
      }
    },
  );

  it('keeps neither a file open nor a closing server when its client has left', async () => {
    const other = await buildServer(api.deps);
    await other.listen({ host: '127.0.0.1', port: 0 });
    const file = await making();
    await file.grow(STORED.subarray(0, HALF));
    const answer = await begun(urlOf(file.id, other), waiting());
    const openOnes = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).includes(file.fileId);
        } catch {
          return false;
        }
      });
    expect(openOnes().length).toBe(1);
    answer.destroy();
    await other.close();
    await vi.waitFor(() => expect(openOnes()).toEqual([]), 20_000);
  });
});

describe('without a wait, or when it is over', () => {
  it('a run under way answers 409, as it did', async () => {
    const file = await making();
    await file.grow(STORED);
    expect((await answered(urlOf(file.id), api.asA)).status).toBe(409);
  });

  it('one whose first bytes do not come answers 409', async () => {
    const { id } = await making();
    const answer = await answered(urlOf(id), { ...api.asA, prefer: 'wait=1' });
    expect(answer.status).toBe(409);
    expect(answer.headers['preference-applied']).toBe('wait=1');
  });

  it("another tenant's run is unknown, however long one waits", async () => {
    const file = await making();
    await file.grow(STORED);
    const answer = await answered(urlOf(file.id), { ...api.asB, prefer: 'wait=60' });
    expect(answer.status).toBe(404);
  });
});
