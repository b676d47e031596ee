import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_ROWS, type Chunk, cellAt, columnOf } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import { openCopyDecoder } from '../../src/sources/postgres/copy-binary.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { openDatabase } from '../../src/store/database.ts';
import { freezeAfter } from '../support/cut-proxy.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let tenantId: string;
const window = { start: Date.UTC(2026, 0, 1), end: Date.UTC(2026, 0, 2) };
const signal = () => AbortSignal.timeout(60_000);

beforeAll(async () => {
  test = await freshDatabase();
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'UTC' }));
});
afterAll(() => test.drop());

async function readAll(): Promise<{ chunks: Chunk[]; fingerprint: string; rows: number }> {
  const source = createPostgresSource(test.database);
  const request = { tenantId, dataset: 'calls' as const, window, signal: signal() };
  return source.read(request, async ({ version, chunks }) => {
    const all: Chunk[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return { chunks: all, fingerprint: version.fingerprint, rows: version.rows };
  });
}

function cells(chunk: Chunk, name: string) {
  return Array.from({ length: chunk.rows }, (_, row) => cellAt(columnOf(chunk, name), row));
}

describe('the Postgres source', () => {
  it('reads a window in canonical order, exact to the millisecond, none as none', async () => {
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(
        `insert into daybook.calls (tenant_id, external_id, started_at, answered_at, ended_at,
           disposition, queue, wait_seconds) values
         ($1, 'ä', '2026-01-01T00:00:00.001Z', null, '2026-01-03T00:00:00Z', 'busy', null, null),
         ($1, 'b', '2026-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '2026-01-01T00:01:00Z', 'answered', 'q', -1),
         ($1, 'B', '2026-01-01T00:00:00Z', null, '2026-01-01T00:01:00Z', 'answered', '', 9007199254740991),
         ($1, 'before', '2025-12-31T23:59:59.999Z', null, '2026-01-01T00:01:00Z', 'failed', 'q', 1),
         ($1, 'after', '2026-01-02T00:00:00Z', null, '2026-01-02T00:01:00Z', 'failed', 'q', 1)`,
        [tenantId],
      ),
    );
    const { chunks, rows } = await readAll();
    expect(rows).toBe(3);
    expect(chunks).toHaveLength(1);
    expect(cells(chunks[0], 'external_id')).toEqual(['B', 'b', 'ä']);
    expect(cells(chunks[0], 'started_at')).toEqual([window.start, window.start, window.start + 1]);
    expect(cells(chunks[0], 'answered_at')).toEqual([null, -1, null]);
    expect(cells(chunks[0], 'wait_seconds')).toEqual([Number.MAX_SAFE_INTEGER, -1, null]);
    expect(cells(chunks[0], 'queue')).toEqual([null, 'q', null]);
  });

  it('gives a window another version when a row of it changes, and only then', async () => {
    const before = (await readAll()).fingerprint;
    expect((await readAll()).fingerprint).toBe(before);
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(`update daybook.calls set queue = 'r' where external_id = 'after'`),
    );
    expect((await readAll()).fingerprint).toBe(before);
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(`update daybook.calls set queue = 'r' where external_id = 'b'`),
    );
    expect((await readAll()).fingerprint).not.toBe(before);
  });

  it('splits a window into full chunks and a rest, and loses no row', async () => {
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(
        `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
         select $1, 'bulk' || i, timestamptz '2026-01-01T06:00:00Z' + i * interval '1 ms',
           '2026-01-01T08:00:00Z', 'answered' from generate_series(1, 70000) i`,
        [tenantId],
      ),
    );
    const { chunks, rows } = await readAll();
    const full = Math.floor(70_003 / CHUNK_ROWS);
    expect(chunks.map((chunk) => chunk.rows)).toEqual([
      ...Array(full).fill(CHUNK_ROWS),
      70_003 - full * CHUNK_ROWS,
    ]);
    expect(rows).toBe(70_003);
    const ids = chunks.flatMap((chunk) => cells(chunk, 'external_id'));
    expect(new Set(ids).size).toBe(70_003);
  });

  it('gives up a server that falls silent in the middle of the rows', async () => {
    const proxy = await freezeAfter(test.url, 'copy (select');
    const database = openDatabase({
      url: proxy.url,
      maxConnections: 1,
      applicationName: 'daybook test',
      log: pino({ level: 'silent' }),
    });
    const source = createPostgresSource(database, { silenceMs: 100 });
    const request = { tenantId, dataset: 'calls' as const, window, signal: signal() };
    const reading = source.read(request, async ({ chunks }) => {
      for await (const _ of chunks);
    });
    await expect(reading).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await database.close();
    await proxy.close();
  });

  it('stops with the reason of its signal', async () => {
    const stop = new AbortController();
    const source = createPostgresSource(test.database);
    const reading = source.read(
      { tenantId, dataset: 'calls', window, signal: stop.signal },
      async ({ chunks }) => {
        for await (const _ of chunks) stop.abort(new Error('enough'));
      },
    );
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('the decoder of binary COPY', () => {
  const { fields } = datasetOf('calls');
  const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
  const trailer = Buffer.from([255, 255]);
  const done = Buffer.from([0x63, 0, 0, 0, 4, 0x43]);
  const sized = (value: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value.length);
    return Buffer.concat([length, value]);
  };
  const message = (data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(data.length + 4);
    return Buffer.concat([Buffer.from('d'), length, data]);
  };
  const row = (text: string) =>
    Buffer.concat([
      Buffer.from([0, fields.length]),
      ...fields.map(({ type }) => sized(type === 'text' ? Buffer.from(text) : Buffer.alloc(8, 1))),
    ]);
  const decoded = (stream: Buffer, size: number) => {
    const decoder = openCopyDecoder(fields);
    const chunks: Chunk[] = [];
    let others: Buffer | null = null;
    for (let at = 0; at < stream.length && others === null; at += size) {
      const { chunks: full, other } = decoder.push(stream.subarray(at, at + size));
      chunks.push(...full);
      if (other) others = Buffer.concat([other, stream.subarray(at + size)]);
    }
    const last = decoder.end();
    decoder.release();
    return { chunks: last ? [...chunks, last] : chunks, others };
  };

  it('gives the same rows however the stream is cut, the header alone or before its row', () => {
    const rows = Array.from({ length: 5 }, (_, index) => row(`täxt ${index}`));
    const texts = rows.map((_, index) => `täxt ${index}`);
    for (const begin of [
      [message(header), message(rows[0])],
      [message(Buffer.concat([header, rows[0]]))],
    ]) {
      const all = Buffer.concat([...begin, ...rows.slice(1).map(message), message(trailer), done]);
      for (let size = 1; size < all.length + 37; size += size < 40 ? 1 : 37) {
        const { chunks, others } = decoded(all, size);
        expect(cells(chunks[0], 'caller')).toEqual(texts);
        expect(cells(chunks[0], 'wait_seconds')).toEqual(
          texts.map(() => Number(0x0101010101010101n)),
        );
        expect(others).toEqual(done);
      }
    }
  });

  it('takes texts of any length, and rows of more bytes than it has read before', () => {
    const texts = [10, 3_000_000, 70_000, 0, 9_000_000].map((length) => 'x'.repeat(length));
    const all = Buffer.concat([message(header), ...texts.map((text) => message(row(text)))]);
    const { chunks } = decoded(Buffer.concat([all, message(trailer), done]), 65_536);
    const same = cells(chunks[0], 'agent').map((cell, index) => cell === (texts[index] || null));
    expect(same).toEqual(texts.map(() => true));
  });

  it('refuses a stream that ends before its trailer, or begins otherwise', () => {
    const short = openCopyDecoder(fields);
    short.push(message(header));
    expect(() => short.end()).toThrow('trailer');
    expect(() => openCopyDecoder(fields).push(message(Buffer.alloc(40)))).toThrow('do not begin');
  });

  it('refuses a message that is no row of its fields', () => {
    const few = Buffer.concat([Buffer.from([0, 1]), sized(Buffer.from('a'))]);
    const cut = row('text').subarray(0, -1);
    const long = Buffer.concat([row('text'), Buffer.from([0])]);
    for (const bad of [few, cut, long, Buffer.alloc(1)]) {
      const decoder = openCopyDecoder(fields);
      decoder.push(message(header));
      expect(() => decoder.push(message(bad)), bad.toString('hex')).toThrow('not a row');
    }
  });
});
