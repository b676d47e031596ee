import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bindSource,
  markBound,
  type RawBinding,
  requireSource,
  resaveSource,
  type SourceActor,
  saveSource,
  unbind,
} from '../../src/bindings/save-source.ts';
import { createTenantSource, type TenantSource } from '../../src/bindings/tenant-source.ts';
import { installationKeys } from '../../src/delivery/installation-secret.ts';
import { findClockAndMark } from '../../src/store/dataset-marks.ts';
import { listBindings } from '../../src/store/source-bindings.ts';
import { connectionTo } from '../sources/support/legacy-orders.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';

/** A tenant's calls stand in a Postgres that is not ours; reports are made of them all the same. */

const keys = installationKeys('a secret of thirty-two characters');
const PASSWORD = 'a password that no one sees';
const signal = () => AbortSignal.timeout(30_000);
const MAP = {
  zone: 'Europe/Lisbon',
  fields: {
    ...{ external_id: 'uniqueid', started_at: 'calldate', agent: 'dst', caller: 'src' },
    ended_at: 'finished',
    disposition: {
      column: 'disposition',
      match: [
        ['^ANSWERED$', 'answered'],
        ['^NO ANSWER$', 'no_answer'],
        ['^BUSY$', 'busy'],
      ],
    },
    talk_seconds: 'billsec',
  },
};

let test: TestDatabase;
let legacy: TestDatabase;
let client: pg.Client;
let tenantId: string;
let neighbourId: string;
let source: TenantSource;
let engine: TestEngine;
const made: { date: string; extracted: boolean }[] = [];

const operator = (): SourceActor => ({ tenantId, name: 'operator:x', isOperator: true });
const member = (): SourceActor => ({ tenantId, name: 'member:x', isOperator: false });
const deps = () => ({ database: test.database, keys, privateTargets: 'refuse' as const });
const rawSource = (name: string, shared: boolean) => {
  const { settings } = connectionTo(legacy.url);
  return {
    ...{ name, kind: 'postgres', shared },
    settings: { ...settings, user: 'legacy_reader' },
    credentials: { password: PASSWORD },
  };
};
const rawBinding = (of: Partial<RawBinding> = {}): RawBinding => ({
  ...{ dataset: 'calls', from: 'cdr', map: MAP, anchorColumn: 'calldate', keyColumn: 'uniqueid' },
  only: { column: 'accountcode', equals: 'acme' },
  ...{ updatedColumn: 'changed', fromDate: null, toDate: null },
  ...of,
});

async function exportCalls(from: string, to: string, report = 'calls'): Promise<string[]> {
  made.length = 0;
  const { bytes } = await engine.export(tenantId, {
    ...{ report, from, to, format: 'csv', columns: ['external_id', 'started_at', 'agent'] },
    headers: 'keys',
  });
  return bytes.toString().trim().split('\r\n').slice(1);
}

beforeAll(async () => {
  test = await freshDatabase();
  legacy = await freshDatabase('template1');
  client = new pg.Client({ connectionString: legacy.url });
  await client.connect();
  await client.query(`create table cdr (calldate timestamp, finished timestamp, src varchar(80),
      dst varchar(80), disposition varchar(45), billsec int, accountcode varchar(20),
      uniqueid varchar(150) primary key, changed timestamptz default clock_timestamp());
    create index on cdr (accountcode, calldate);
    insert into cdr select d + '09:00'::time + i * interval '1 s', d + '09:01'::time, '+35191' || i, 'ana',
      'ANSWERED', 60, a, a || '-' || to_char(d, 'MMDD') || '-' || i
    from generate_series(timestamp '2026-02-01', timestamp '2026-02-05', interval '1 day') d,
      generate_series(1, 3) i, unnest(array['acme', 'other', 'Acme']) a`);
  await client.query(`do $$ begin
      if not exists (select from pg_roles where rolname = 'legacy_reader') then
        create role legacy_reader login password '${PASSWORD}';
      end if;
    end $$`);
  await client.query('grant select on cdr to legacy_reader');
  const lisbon = { name: 'acme', zone: 'Europe/Lisbon' };
  tenantId = (await addTestTenant(test.database, lisbon)).id;
  neighbourId = (await addTestTenant(test.database, { ...lisbon, name: 'other' })).id;
  const { database } = test;
  source = createTenantSource({
    ...{ database, openKeys: async () => keys, privateTargets: 'refuse' },
  });
  engine = startEngine({
    ...{ database, home: freshHome(), source },
    onDay: ({ day }, extracted) => made.push({ date: day.date, extracted }),
  });
});
afterAll(async () => {
  await engine.stop();
  await source.close();
  await client.end();
  await legacy.drop();
  await test.drop();
});

describe('calls that stand in a foreign Postgres', () => {
  it('are exported, the second time from parts; a change there is seen the next time', async () => {
    const saved = await saveSource(rawSource('pbx', true), operator(), deps());
    const bound = await bindSource(saved, rawBinding(), operator(), deps(), signal());
    expect(bound).toMatchObject({ sample: 1, server: expect.stringContaining('PostgreSQL') });
    const first = await exportCalls('2026-02-01', '2026-02-04');
    expect(first).toHaveLength(12);
    expect(first[0]).toBe('acme-0201-1,2026-02-01 09:00:01,ana');
    expect(made.map(({ date }) => date).sort()).toEqual([
      ...['2026-02-01', '2026-02-02', '2026-02-03', '2026-02-04'],
    ]);
    expect(await exportCalls('2026-02-01', '2026-02-04')).toEqual(first);
    expect(made).toEqual([]);
    await client.query(
      `update cdr set dst = 'rui', changed = clock_timestamp() where uniqueid = 'acme-0203-2'`,
    );
    const third = await exportCalls('2026-02-01', '2026-02-04');
    expect(made).toEqual([{ date: '2026-02-03', extracted: true }]);
    expect(third.filter((line) => !first.includes(line))).toEqual([
      'acme-0203-2,2026-02-03 09:00:02,rui',
    ]);
  });

  it('are those of the tenant alone, letter by letter, and in no summary of a neighbour', async () => {
    const lines = await exportCalls('2026-02-01', '2026-02-05');
    expect(lines.filter((line) => !line.startsWith('acme-'))).toEqual([]);
    const [version] = await source.versions({
      ...{ tenantId: neighbourId, dataset: 'calls', signal: signal() },
      windows: [{ start: Date.UTC(2026, 1, 1), end: Date.UTC(2026, 1, 6) }],
    });
    expect(version.rows).toBe(0);
  });

  it('are complete by the mark of their source or the grace, not by a mark of our own tables', async () => {
    const { database } = test;
    const markNow = async () => {
      const of = await database.asTenant(tenantId, (tx) => findClockAndMark(tx, 'calls'));
      return of.completeThrough;
    };
    await database.asTenant(tenantId, (tx) =>
      tx.run(
        `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
         values ($1, 'calls', '2025-01-01')`,
        [tenantId],
      ),
    );
    expect(await markNow()).toBeNull();
    const pbx = await requireSource('pbx', operator(), deps());
    const completeThrough = Date.UTC(2026, 1, 6);
    const mark = { dataset: 'calls', completeThrough } as const;
    const actor = { ...operator(), tenantId };
    expect(await markBound(pbx, mark, actor, deps())).toBe(completeThrough);
    const back = { ...mark, completeThrough: 0 };
    expect(await markBound(pbx, back, actor, deps())).toBe(completeThrough);
    expect(await markNow()).toBe(completeThrough);
    const lines = { ...mark, dataset: 'order_lines' } as const;
    await expect(markBound(pbx, lines, actor, deps())).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    await database.asTenant(tenantId, (tx) => tx.run('delete from daybook.dataset_marks'));
  });

  it('fail a day with a bad row by its key and field, and nothing else', async () => {
    await client.query(
      `insert into cdr values ('2026-02-10 10:00', null, '1', '2', 'ANSWERED', 1, 'acme', 'no-end'),
         ('2026-02-11 10:00', '2026-02-11 10:01', '1', '2', 'ANSWERED', 1, 'acme', 'good')`,
    );
    await expect(exportCalls('2026-02-10', '2026-02-10')).rejects.toThrow(
      'cdr: the row "no-end" cannot be taken: ended_at: there is no value',
    );
    expect(await exportCalls('2026-02-11', '2026-02-11')).toHaveLength(1);
    await client.query(`update cdr set disposition = 'CONGESTION' where uniqueid = 'good'`);
    await client.query(`update cdr set changed = clock_timestamp() where uniqueid = 'good'`);
    await expect(exportCalls('2026-02-11', '2026-02-11')).rejects.toThrow('disposition');
    await client.query(`delete from cdr where calldate >= '2026-02-10'`);
  });

  it('give way to our own tables from the date on that the binding ends before', async () => {
    const { database } = test;
    const [{ id, sourceId }] = await database.asSystem((tx) =>
      listBindings(tx, { tenantId, sourceId: null }),
    );
    await unbind(id, { ...operator(), tenantId }, deps());
    const pbx = await requireSource(sourceId, operator(), deps());
    const until = rawBinding({ toDate: '2026-02-03' });
    await bindSource(pbx, until, operator(), deps(), signal());
    await database.asTenant(tenantId, (tx) =>
      tx.run(
        `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition) values
           ($1, 'own-0203', '2026-02-03T23:59:59.999Z', '2026-02-04T00:01:00Z', 'answered'),
           ($1, 'own-0204', '2026-02-04T00:00:00Z', '2026-02-04T00:01:00Z', 'answered')`,
        [tenantId],
      ),
    );
    const lines = await exportCalls('2026-02-03', '2026-02-05');
    expect(lines.map((line) => line.split(',')[0])).toEqual([
      ...['acme-0203-1', 'acme-0203-2', 'acme-0203-3', 'own-0204'],
    ]);
    const elsewhere = await engine.export(tenantId, {
      ...{ report: 'calls', from: '2026-02-03', to: '2026-02-03', format: 'csv' },
      ...{ zone: 'America/New_York', columns: ['external_id'], headers: 'keys' },
    });
    // A day of another zone takes its first hours from there and the others from here.
    expect(elsewhere.bytes.toString().trim().split('\r\n')).toEqual([
      ...['external_id', 'acme-0203-1', 'acme-0203-2', 'acme-0203-3', 'own-0204'],
    ]);
    await expect(
      bindSource(pbx, rawBinding({ fromDate: '2026-02-03' }), operator(), deps(), signal()),
    ).rejects.toMatchObject({ code: 'E_CONFLICT' });
  });
});

describe('what is saved', () => {
  it('refuses a source of all tenants without a condition, and to a tenant altogether', async () => {
    const pbx = await requireSource('pbx', operator(), deps());
    const all = rawBinding({ only: null, dataset: 'order_lines' });
    await expect(bindSource(pbx, all, operator(), deps(), signal())).rejects.toMatchObject({
      code: 'E_SOURCE',
      details: { where: 'only' },
    });
    await expect(bindSource(pbx, rawBinding(), member(), deps(), signal())).rejects.toMatchObject({
      code: 'E_FORBIDDEN',
    });
    await expect(requireSource('pbx', member(), deps())).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    await expect(saveSource(rawSource('x', true), member(), deps())).rejects.toMatchObject({
      code: 'E_FORBIDDEN',
    });
  });

  it('refuses a host inside to a tenant, and not to an operator', async () => {
    await expect(saveSource(rawSource('own', false), member(), deps())).rejects.toMatchObject({
      code: 'E_INVALID',
      details: { expected: 'a host with public addresses only' },
    });
    const own = await saveSource(rawSource('own', false), operator(), deps());
    expect(own).toMatchObject({ tenantId, reach: 'any' });
    await expect(
      resaveSource(own, rawSource('own', false), member(), deps()),
    ).rejects.toMatchObject({ code: 'E_FORBIDDEN' });
  });

  it('keeps a password sealed: in no column, and of no use under another secret or for another source', async () => {
    const rows = await test.database.asSystem((tx) =>
      tx.query<{ row: string; bytes: Buffer }>(
        `select s::text as row, credentials as bytes from daybook.sources s`,
      ),
    );
    for (const { row, bytes } of rows) {
      expect(row).not.toContain(PASSWORD);
      expect(bytes.includes(PASSWORD)).toBe(false);
    }
    const other = installationKeys('another secret of thirty-two chars');
    const pbx = await requireSource('pbx', operator(), deps());
    const rules = { ...deps(), keys: other };
    await expect(
      bindSource(pbx, rawBinding({ dataset: 'calls' }), operator(), rules, signal()),
    ).rejects.toMatchObject({ code: 'E_SOURCE', details: { where: 'credential' } });
    await test.database.asSystem((tx) =>
      tx.run(
        `update daybook.sources s set credentials = o.credentials from daybook.sources o
         where s.name = 'own' and o.name = 'pbx'`,
      ),
    );
    const own = await requireSource('own', operator(), deps());
    const swapped = bindSource(own, rawBinding(), operator(), deps(), signal());
    await expect(swapped).rejects.toMatchObject({ details: { where: 'credential' } });
  });

  it.each([
    ['a table', { from: 'nothing' }, 'there is no table or view nothing'],
    ['a column', { updatedColumn: 'nothing' }, 'there is no column nothing'],
    ['an anchor of no time', { anchorColumn: 'billsec' }, 'billsec'],
  ])('says what is wrong with %s before it is saved', async (_, wrong, words) => {
    const pbx = await requireSource('pbx', operator(), deps());
    const binding = rawBinding({ fromDate: '2030-01-01', ...wrong });
    await expect(bindSource(pbx, binding, operator(), deps(), signal())).rejects.toThrow(words);
  });

  it('says that a password is wrong, and not which', async () => {
    const raw = rawSource('wrong', true);
    const wrong = { ...raw, settings: { ...raw.settings, database: 'nothing' } };
    const saved = await saveSource(wrong, operator(), deps());
    const error = await bindSource(saved, rawBinding(), operator(), deps(), signal()).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'E_SOURCE', details: { where: 'database' } });
    expect(String(error)).not.toContain(PASSWORD);
  });
});
