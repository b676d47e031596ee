import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTenantSource, type TenantSource } from '../../src/bindings/tenant-source.ts';
import { sheetRows, wallOfSerial } from '../render/support/read-xlsx.ts';
import {
  type ForeignCall,
  type ForeignCalls,
  ONLY,
  openMongoCalls,
  openSupabaseCalls,
} from '../sources/support/foreign-calls.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { keyFor, startApi, type TestApi } from './support.ts';

/** Calls that stay in a MongoDB or behind a Supabase project, exported as anybody would. */

const COLUMNS = ['external_id', 'started_at', 'caller', 'queue', 'talk_seconds'];
const PLACES = [
  { name: 'a MongoDB', tenant: 'acme', open: openMongoCalls, offsetMs: 0 },
  { name: 'a Supabase project', tenant: 'bolt', open: openSupabaseCalls, offsetMs: -3 * 3_600_000 },
] as const;

let api: TestApi;
let engine: TestEngine;
let source: TenantSource;
let asOperator: { authorization: string };
const waiting = new Map<string, () => void>();

beforeAll(async () => {
  api = await startApi();
  asOperator = await keyFor(api.db, null, ['admin']);
  const { database, keys } = api.deps;
  source = createTenantSource({
    ...{ database, openKeys: async () => keys, privateTargets: 'refuse' },
  });
  engine = startEngine({
    ...{ database, home: api.home, source },
    onHint: ({ runId, state }) => {
      if (state === 'queued') waiting.get(runId)?.();
    },
  });
});
afterAll(async () => {
  await engine?.stop();
  await source?.close();
  await api?.close();
});

describe.each(PLACES)('calls in $name', ({ tenant, open, offsetMs }) => {
  const tenantId = () => (tenant === 'acme' ? api.a.id : api.b.id);
  const headers = () => (tenant === 'acme' ? api.asA : api.asB);
  const calls: ForeignCall[] = [];
  let place: ForeignCalls;

  /** At 15:00 UTC, two at each instant, and not in the order of their ids. */
  const callsOn = (date: string, count: number): ForeignCall[] =>
    Array.from({ length: count }, (_, index) => ({
      id: `${date}/${String(count - index).padStart(5, '0')}`,
      at: Date.parse(`${date}T15:00Z`) + (index >> 1) * 1000,
      caller: index % 7 === 0 ? '=1+1' : `+3519${index}`,
      queue: index % 3 === 0 ? null : 'Grüße "a", b',
      talk: index % 100,
    }));
  const expected = (from: string, to: string) =>
    calls
      .filter(({ id }) => id.slice(0, 10) >= from && id.slice(0, 10) <= to)
      .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      .map(({ id, at, caller, queue, talk }) => {
        const wall = new Date(at + offsetMs).toISOString().slice(0, 19).replace('T', ' ');
        return [id, wall, caller, queue, talk];
      });

  const post = (from: string, to: string, format: string) =>
    api.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: headers(),
      payload: { report: 'calls', from, to, format, columns: COLUMNS, headers: 'keys' },
    });
  const get = (url: string) => api.server.inject({ url, headers: headers() });
  async function exported(from: string, to: string, format: string): Promise<Buffer> {
    const asked = await post(from, to, format);
    expect(asked.statusCode, asked.body).toBe(202);
    const { id } = asked.json() as { id: string };
    const run = await engine.finished(tenantId(), id);
    expect(run.errorMessage).toBeNull();
    const file = await get(`/v1/exports/${id}/file`);
    expect(file.statusCode).toBe(200);
    return file.rawPayload;
  }
  const csv = async (from: string, to: string) => String(await exported(from, to, 'csv'));
  /** As the CSV has them: text that a spreadsheet would run is neutralised. */
  const csvOf = (rows: readonly (string | number | null)[][]) =>
    [COLUMNS, ...rows]
      .map((row) =>
        row
          .map((cell) => String(cell ?? '').replace(/^=/, "'="))
          .map((text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
          .join(','),
      )
      .map((line) => `${line}\r\n`)
      .join('');
  const countOf = async (table: 'files' | 'parts') => {
    const [{ n }] = await api.db.database.asTenant(tenantId(), (tx) =>
      tx.query<{ n: number }>(`select count(*)::int as n from daybook.${table}`),
    );
    return n;
  };

  beforeAll(async () => {
    place = await open();
    for (const date of ['2026-03-02', '2026-03-03']) calls.push(...callsOn(date, 60));
    calls.push(...callsOn('2026-03-10', 5_000));
    await place.insert(calls);
    const by = { ...asOperator, 'x-daybook-tenant': tenant };
    const added = await api.server.inject({
      ...{ method: 'POST', url: '/v1/sources', headers: by },
      payload: { name: `pbx-${tenant}`, shared: true, ...place.source },
    });
    expect(added.statusCode, added.body).toBe(201);
    const bound = await api.server.inject({
      ...{ method: 'POST', url: `/v1/sources/pbx-${tenant}/bindings`, headers: by },
      payload: {
        ...{ dataset: 'calls', ...place.place, anchor_column: 'at', key_column: 'id' },
        ...{ only: ONLY, updated_column: 'changed' },
      },
    });
    expect(bound.statusCode, bound.body).toBe(201);
  });
  afterAll(() => place?.close());

  it('are in the CSV and in the workbook what they are there, and the second time nothing is read', async () => {
    const rows = expected('2026-03-01', '2026-03-04');
    expect(rows).toHaveLength(120);
    expect(await csv('2026-03-01', '2026-03-04')).toBe(csvOf(rows));
    const readings = place.readings();
    expect(readings).toBeGreaterThan(0);
    expect(await csv('2026-03-01', '2026-03-04')).toBe(csvOf(rows));
    const book = await exported('2026-03-01', '2026-03-04', 'xlsx');
    expect(place.readings()).toBe(readings);
    const [names, ...lines] = sheetRows(book, 'Detail');
    expect(names).toEqual(COLUMNS);
    const asShown = lines.map(([id, at, ...rest]) => {
      // To the second: a serial number has less than a millisecond of error.
      const wall = wallOfSerial(Number(at) + 0.5 / 86_400).slice(0, 19);
      return [id, wall, ...rest];
    });
    expect(asShown).toEqual(rows);
  });

  it('that change there are other calls in the next export, which reads that day alone', async () => {
    const before = await csv('2026-03-02', '2026-03-03');
    const readings = place.readings();
    const changed = calls.findIndex(({ id }) => id === '2026-03-03/00007');
    calls[changed] = { ...calls[changed], caller: '+44999' };
    await place.changeCaller(calls[changed].id, calls[changed].caller);
    const after = await csv('2026-03-02', '2026-03-03');
    expect(after).not.toBe(before);
    expect(after).toBe(csvOf(expected('2026-03-02', '2026-03-03')));
    expect(place.readings()).toBe(readings + 1);
  });

  it('that cannot be read to their end make no file and no part; the export waits, says why, and fails after an hour', async () => {
    const before = { files: await countOf('files'), parts: await countOf('parts') };
    place.breakOff(true);
    const asked = await post('2026-03-10', '2026-03-10', 'csv');
    const { id } = asked.json() as { id: string };
    await new Promise<void>((resolve) => {
      waiting.set(id, resolve);
      engine.wake();
    });
    expect((await get(`/v1/exports/${id}`)).json()).toMatchObject({ status: 'queued', file: null });
    await api.db.database.asSystem((tx) =>
      tx.run(
        `update daybook.runs set setback_at = now() - interval '2 hours', not_before = null
         where id = $1`,
        [id],
      ),
    );
    await engine.finished(tenantId(), id);
    expect((await get(`/v1/exports/${id}`)).json()).toMatchObject({
      ...{ status: 'failed', file: null, error: { code: 'E_UNAVAILABLE' } },
    });
    expect((await get(`/v1/exports/${id}/file`)).statusCode).toBeGreaterThanOrEqual(400);
    expect({ files: await countOf('files'), parts: await countOf('parts') }).toEqual(before);
    place.breakOff(false);
    expect(await csv('2026-03-10', '2026-03-10')).toBe(csvOf(expected('2026-03-10', '2026-03-10')));
  });
});
