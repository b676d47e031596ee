import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkSources } from '../../src/agent/check-sources.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { configFor, onceWith, rowsOf, temporaryFolder } from './support/agents.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

/** The agent beside a real Postgres. */

let legacy: TestDatabase;
let admin: pg.Client;
let folder: ReturnType<typeof temporaryFolder>;
let receiver: Receiver;
beforeAll(async () => {
  legacy = await freshDatabase();
  admin = new pg.Client({ connectionString: legacy.url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await legacy.drop();
});
beforeEach(async () => {
  folder = temporaryFolder();
  receiver = await startReceiver();
});
afterEach(async () => {
  folder.remove();
  await receiver.close();
});

const WATERMARK = { column: 'changed', key: ['id'], zone: 'Europe/London' };

function config(source: object, limits: object = {}) {
  const base = { type: 'postgres', dataset: 'calls', url: { env: 'LEGACY' } };
  return configFor(receiver, folder.path, [{ ...base, ...source }], {
    ...{ limits: { batch_rows: 7, ...limits }, secrets: { LEGACY: legacy.url } },
  });
}

const sent = () => rowsOf(receiver.taken.filter(({ path }) => path === '/v1/ingest/calls'));
const marks = () => receiver.taken.filter(({ path }) => path.endsWith('/complete'));

describe('by watermark', () => {
  it('rows that commit late, or change, within the overlap are taken, and no row a second time', async () => {
    await admin.query(
      `create table ticks (id int primary key, changed timestamp(6) not null, note text)`,
    );
    const clock = '2024-06-01 12:00:00';
    await admin.query(
      `insert into ticks select i, timestamp '${clock}' + i * interval '1 second', 'n' || i from generate_series(1, 40) i`,
    );
    const late = new pg.Client({ connectionString: legacy.url });
    await late.connect();
    await late.query('begin');
    await late.query(`insert into ticks values (100, '${clock}', 'late')`);
    const of = config({ name: 'ticks', table: 'ticks', watermark: { ...WATERMARK, overlap: 60 } });
    expect(await onceWith(of)).toMatchObject([{ error: null, read: 40, taken: 40 }]);
    await late.query('commit');
    await late.end();
    await admin.query(`update ticks set note = 'other' where id = 30`);
    await admin.query(`insert into ticks values (101, '2024-06-01 11:00:00', 'too late')`);
    expect(await onceWith(of)).toMatchObject([{ error: null, read: 41, taken: 2 }]);
    expect(sent().slice(40)).toEqual([
      { id: '100', changed: '2024-06-01 12:00:00', note: 'late' },
      { id: '30', changed: '2024-06-01 12:00:30', note: 'other' },
    ]);
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 0 }]);
    expect(new Set(sent().map(({ id, note }) => `${id} ${note}`)).size).toBe(sent().length);
  });

  it('many rows of one watermark are paged by their key, and keys beyond 2^53 are exact', async () => {
    await admin.query(`create table bulk (id bigint primary key, changed bigint not null)`);
    await admin.query(
      `insert into bulk select 9007199254740992 + i, 5 from generate_series(1, 50) i`,
    );
    const of = config({
      name: 'bulk',
      table: 'bulk',
      watermark: { column: 'changed', key: ['id'] },
    });
    expect(await onceWith(of)).toMatchObject([{ error: null, read: 50, taken: 50 }]);
    expect(new Set(sent().map(({ id }) => id)).size).toBe(50);
    expect(sent().at(-1)?.id).toBe('9007199254741042');
  });

  it('a row from the future is sent, and keeps none that comes after it from being sent', async () => {
    await admin.query(`create table future (id int primary key, changed timestamptz not null)`);
    await admin.query(
      `insert into future values (1, '2099-01-01'), (2, now() - interval '1 minute')`,
    );
    const of = config({ name: 'future', table: 'future', watermark: WATERMARK });
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 2 }]);
    await admin.query(`insert into future values (3, now())`);
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 1 }]);
    expect(sent().map(({ id }) => id)).toEqual(['2', '1', '3']);
  });

  it('a pass that reached its end says complete through, after all rows before it', async () => {
    await admin.query(`create table marks (id int primary key, changed timestamptz not null)`);
    await admin.query(`insert into marks select i, now() from generate_series(1, 20) i`);
    const rule = { ...WATERMARK, settle_seconds: 600 };
    const of = config({ name: 'marks', table: 'marks', watermark: rule });
    const before = Date.now();
    await onceWith(of);
    expect(receiver.taken.at(-1)?.path).toBe('/v1/ingest/calls/complete');
    const told = Date.parse(JSON.parse(marks()[0].text).complete_through);
    expect(Math.abs(told + 600_000 - before)).toBeLessThan(30_000);
    await onceWith(of);
    expect(marks()).toHaveLength(1);
  });

  it('a pass that failed says nothing of completeness, and what it read is not lost', async () => {
    await admin.query(`create table broken (id int, changed timestamptz not null)`);
    await admin.query(
      `insert into broken select nullif(i, 18), now() + i * interval '1 ms' - interval '1 hour' from generate_series(1, 20) i`,
    );
    const of = config({ name: 'broken', table: 'broken', watermark: WATERMARK });
    const [outcome] = await onceWith(of);
    expect(outcome.error).toContain('id: it is null in a row');
    expect(marks()).toEqual([]);
    await admin.query('update broken set id = 18 where id is null');
    expect(await onceWith(of)).toMatchObject([{ error: null, waiting: 0 }]);
    expect(new Set(sent().map(({ id }) => Number(id))).size).toBe(20);
    expect(sent()).toHaveLength(20);
  });

  it('a map makes fields of columns here, in its zone; what it refuses goes out as refused', async () => {
    await admin.query(
      `create table cdr (id int primary key, changed timestamp not null, who text)`,
    );
    await admin.query(
      `insert into cdr values (1, '2024-07-01 12:00:00', '+44 20'), (2, '2024-03-31 01:30:00', null)`,
    );
    const map = {
      zone: 'Europe/London',
      fields: {
        ...{ external_id: 'id', started_at: 'changed', ended_at: 'changed', caller: 'who' },
        disposition: { value: 'answered' },
      },
    };
    const of = config({ name: 'cdr', table: 'cdr', map, watermark: WATERMARK });
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 2, refused: 1 }]);
    const at = '2024-07-01T11:00:00.000Z';
    expect(sent()).toEqual([
      {
        _refused:
          'started_at: "2024-03-31 01:30:00" does not exist in Europe/London: the clocks skipped it',
        _raw: { id: '2', changed: '2024-03-31 01:30:00', who: null },
      },
      {
        ...{ external_id: '1', started_at: at, ended_at: at, caller: '+44 20' },
        disposition: 'answered',
      },
    ]);
  });

  it('columns that are not there, that are no watermark, and keys that do not tell rows apart say so', async () => {
    await admin.query(`create table odd (id int, changed int not null, note text)`);
    await admin.query(`insert into odd select 1, 1, 'n' from generate_series(1, 20)`);
    const errors: (string | null)[] = [];
    for (const watermark of [
      { column: 'nothing', key: ['id'] },
      { column: 'note', key: ['id'] },
      { column: 'changed', key: ['id'] },
    ]) {
      const [outcome] = await onceWith(
        config({ name: `odd${errors.length}`, table: 'odd', watermark }),
      );
      errors.push(outcome.error);
    }
    expect(errors[0]).toContain('there is no column nothing among id, changed, note');
    expect(errors[1]).toContain('note is neither a whole number nor a date and time');
    expect(errors[2]).toContain('watermark and key must be unique together');
  });

  it('nothing can be written, whatever the query says', async () => {
    await admin.query('create table kept (id int)');
    await admin.query(
      `create function sneak() returns int language plpgsql as 'begin insert into kept values (1); return 1; end'`,
    );
    const query = 'select sneak() as id, 1 as changed';
    const [outcome] = await onceWith(config({ name: 'sneak', query, watermark: WATERMARK }));
    expect(outcome.error).toContain('read-only transaction');
    expect((await admin.query('select * from kept')).rows).toEqual([]);
  });
});

describe('as a mirror', () => {
  it('a snapshot goes whole in batches, and again only when a row is another', async () => {
    await admin.query(`create table prices (sku text, price numeric)`);
    await admin.query(
      `insert into prices select 's' || i, i / 100.0 from generate_series(1, 20) i`,
    );
    const of = config({ name: 'prices', table: 'prices', mirror: { prefix: 'shop' } });
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 20, waiting: 0 }]);
    const paths = receiver.taken.map(({ path }) => path.replace('/v1/ingest/calls/mirror', ''));
    expect(paths).toEqual([
      '',
      '/snap1/rows?part=7',
      '/snap1/rows?part=14',
      '/snap1/rows?part=21',
      '/snap1/commit',
    ]);
    expect(JSON.parse(receiver.taken[0].text)).toEqual({ source: 'prices', prefix: 'shop' });
    expect(JSON.parse(receiver.taken[4].text)).toEqual({ rows: 20 });
    expect(await onceWith(of)).toMatchObject([{ error: null, read: 20, taken: 0 }]);
    await admin.query(`delete from prices where sku = 's7'`);
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 19 }]);
    expect(JSON.parse(receiver.taken.at(-1)?.text ?? '')).toMatchObject({ rows: 19 });
  });

  it('that cannot be read whole sends nothing', async () => {
    await admin.query(
      `create view halfway as select i, 1 / (15 - i) as x from generate_series(1, 5000) i`,
    );
    const of = config({ name: 'halfway', table: 'halfway', mirror: {} });
    const [outcome] = await onceWith(of);
    expect(outcome.error).toContain('division by zero');
    expect(receiver.requests()).toBe(0);
    expect(outcome.waiting).toBe(0);
  });

  it('that Daybook no longer knows is read anew; one that it holds back is not sent again', async () => {
    await receiver.close();
    let commits = 0;
    receiver = await startReceiver({
      fault: (_, path) => {
        if (!path.endsWith('/commit')) return null;
        commits++;
        if (commits === 1) return { status: 410 };
        return commits === 2 ? { status: 409, code: 'E_MIRROR_REFUSED' } : null;
      },
    });
    await admin.query(`create table few as select 1 as a`);
    const of = config({ name: 'few', table: 'few', mirror: {} });
    const held = { error: expect.stringContaining('told to'), waiting: 0 };
    expect(await onceWith(of)).toMatchObject([held]);
    expect(await onceWith(of)).toMatchObject([held]);
    expect(commits).toBe(2);
  });
});

it('a check shows columns and the first row as it would go, and sends nothing', async () => {
  await admin.query(`create table looked as select 1 as id, now() as changed`);
  const signal = AbortSignal.timeout(30_000);
  const [good] = await checkSources(
    config({ name: 'x', table: 'looked', watermark: WATERMARK }),
    signal,
  );
  expect(good).toMatchObject({ found: ['id', 'changed'], error: null });
  expect(good.sample).toContain('"id":"1"');
  const [bad] = await checkSources(config({ name: 'y', table: 'nowhere', mirror: {} }), signal);
  expect(bad.error).toContain('relation "nowhere" does not exist');
  expect(receiver.requests()).toBe(0);
});
