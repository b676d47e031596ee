import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseLoadMap } from '../../../src/mapping/parse-load-map.ts';
import { cellAt, columnOf } from '../../../src/reports/chunk.ts';
import { datasetOf } from '../../../src/reports/dataset.ts';
import { openForeignPostgres } from '../../../src/sources/foreign-postgres/foreign-postgres.ts';
import type { ForeignPlace, ForeignSource } from '../../../src/sources/foreign-source.ts';
import { calendarOf, daysOf } from '../../../src/time/calendar.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { connectionTo } from '../support/legacy-orders.ts';

let test: TestDatabase;
let client: pg.Client;
const opened: ForeignSource[] = [];
const CALLS = datasetOf('calls');
const signal = () => AbortSignal.timeout(30_000);

beforeAll(async () => {
  test = await freshDatabase('template1');
  client = new pg.Client({ connectionString: test.url });
  await client.connect();
});
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});
afterAll(async () => {
  await client.end();
  await test.drop();
});

const NAMES = {
  ...{ external_id: 'id', started_at: 'at', ended_at: 'until', disposition: 'state' },
  ...{ caller: 'src', talk_seconds: 'secs', agent: 'who' },
};
/** The same by way of the map: nothing has this text, but only the map can know. */
const THROUGH_MAP = Object.fromEntries(
  Object.entries(NAMES).map(([field, column]) => [
    field,
    field === 'started_at' ? column : { column, empty: 'no value is this' },
  ]),
);

function open(fields: object, of: Partial<ForeignPlace> & { readonly zone?: string } = {}) {
  const { zone, ...place } = of;
  const source = openForeignPostgres(connectionTo(test.url), {
    ...{ dataset: 'calls', from: 'cdr', anchorColumn: 'at', keyColumn: 'id', only: null },
    ...{ updatedColumn: null, map: parseLoadMap({ fields, ...(zone ? { zone } : {}) }, CALLS) },
    ...place,
  });
  opened.push(source);
  return source;
}

async function rowsIn(source: ForeignSource, window: { start: number; end: number }) {
  return source.read(
    { tenantId: '', dataset: 'calls', window, signal: signal() },
    async ({ version, chunks }) => {
      const rows: unknown[][] = [];
      for await (const chunk of chunks) {
        for (let row = 0; row < chunk.rows; row++) {
          rows.push(CALLS.fields.map(({ name }) => cellAt(columnOf(chunk, name), row)));
        }
      }
      expect(version.rows).toBe(rows.length);
      return rows;
    },
  );
}
const dayIn = (zone: string, date: string) => daysOf(calendarOf(zone), { from: date, to: date })[0];
const FEBRUARY = { start: Date.UTC(2026, 1, 1), end: Date.UTC(2026, 2, 1) };

async function table(columns: string, values: string): Promise<void> {
  await client.query(`drop table if exists cdr cascade; create table cdr (${columns});
    insert into cdr ${values}`);
}
const COLUMNS =
  'id text, at timestamptz, until timestamptz, state text, src text, secs int8, who text';

describe('what a foreign Postgres is asked', () => {
  it('gives the same rows whether the server types them or the map reads their texts', async () => {
    await table(
      COLUMNS,
      `select 'c-' || i, timestamptz '2026-02-01' + i * interval '1234.5678 s',
         timestamptz '2026-02-01' + i * interval '1300 s', (array['answered', ' busy ', 'failed'])[1 + i % 3],
         (array['', null, '+351 ä', E'tab\\there'])[1 + i % 4], nullif(i * 7, 14), (array['ana', null])[1 + i % 2]
       from generate_series(1, 500) i`,
    );
    const typed = await rowsIn(open(NAMES), FEBRUARY);
    expect(typed).toHaveLength(500);
    expect(await rowsIn(open(THROUGH_MAP), FEBRUARY)).toEqual(typed);
  });

  it.each(['2024-03-31', '2024-10-27', '2024-10-28'])(
    'puts each wall time of Lisbon into one day around %s, those shown twice into the first',
    async (date) => {
      await table(
        COLUMNS.replaceAll('timestamptz', 'timestamp'),
        `select to_char(t, 'MMDDHH24MI'), t, t + interval '10 min', 'answered', null, 1, null
         from generate_series(timestamp '2024-03-29', '2024-10-30', interval '15 min') t
         where (t::date <= '2024-04-02' or t::date >= '2024-10-25')
           and not (t >= '2024-03-31 00:45' and t < '2024-03-31 02:00')`,
      );
      const zone = 'Europe/Lisbon';
      const window = dayIn(zone, date);
      const typed = await rowsIn(open(NAMES, { zone }), window);
      expect(typed.map(([id]) => String(id).slice(0, 4))).toEqual(
        typed.map(() => date.slice(5).replace('-', '')),
      );
      expect(typed).toHaveLength(date === '2024-03-31' ? 91 : 96);
      expect(await rowsIn(open(THROUGH_MAP, { zone }), window)).toEqual(typed);
    },
  );

  it('refuses a wall time that the clocks skipped by its key, on the day that came after it', async () => {
    await table(
      COLUMNS.replaceAll('timestamptz', 'timestamp'),
      `values ('skipped', '2024-03-31 01:30', '2024-03-31 03:00', 'answered', null, 1, null)`,
    );
    const source = open(NAMES, { zone: 'Europe/Lisbon' });
    const reading = rowsIn(source, dayIn('Europe/Lisbon', '2024-03-31'));
    await expect(reading).rejects.toThrow(/"skipped".*started_at.*skipped it/);
  });

  it.each([
    ['a whole number beyond 2^53', `'a', 'answered', 9007199254740993`, 'talk_seconds'],
    ['less than no seconds', `'a', 'answered', -1`, 'talk_seconds'],
    ['a word that the field does not take', `'a', 'CONGESTION', 1`, 'disposition'],
    ['no key', `'', 'answered', 1`, 'external_id'],
  ])('refuses %s, typed and through the map alike', async (_, cells, field) => {
    const [id, state, secs] = cells.split(', ');
    await table(
      COLUMNS,
      `values (${id}, '2026-02-02T10:00:00Z', '2026-02-02T10:00:00Z', ${state}, null, ${secs}, null)`,
    );
    for (const fields of [NAMES, THROUGH_MAP]) {
      const reading = rowsIn(open(fields), FEBRUARY);
      await expect(reading).rejects.toMatchObject({ code: 'E_SOURCE_ROW', details: { field } });
    }
  });
});

describe('whose rows they are', () => {
  const whose = (values: readonly string[]) =>
    table(
      COLUMNS,
      `select i::text, '2026-02-02T10:00:00Z', '2026-02-02T10:00:00Z', 'answered', null, 1, w
       from unnest(array[${values.map((each) => pg.escapeLiteral(each)).join()}]) with ordinality as v (w, i)`,
    );
  const found = async (only: ForeignPlace['only']) => {
    const source = open(NAMES, { only });
    const [version] = await source.versions({
      ...{ tenantId: '', dataset: 'calls', windows: [FEBRUARY], signal: signal() },
    });
    const rows = await rowsIn(source, FEBRUARY);
    expect(version.rows).toBe(rows.length);
    return rows.map((row) => row[CALLS.fields.findIndex(({ name }) => name === 'agent')]);
  };
  const HOSTILE = [
    ...["x' or '1'='1", 'x%', 'x_', '%', "'; drop table cdr; --", '$1', '\\', 'null', '"x"'],
    ...['x\u0000y'.replace('\u0000', '␀'), 'ｘ', 'x '],
  ];

  it('is told by the very text: what looks like a query, a pattern or another case is a text', async () => {
    await whose(['x', 'X', 'xy', ...HOSTILE]);
    for (const text of ['x', ...HOSTILE]) {
      expect(await found({ column: 'who', equals: text }), text).toEqual([text]);
    }
    expect(await found({ column: 'who', equals: 'nobody' })).toEqual([]);
  });

  it('is told by the beginning of a text, letter by letter', async () => {
    await whose(['acme-1', 'acme-2', 'acmeX', 'Acme-3', 'a%', 'ac_e-4', '100%-a', '100x-a']);
    expect(await found({ column: 'who', startsWith: 'acme-' })).toEqual(['acme-1', 'acme-2']);
    expect(await found({ column: 'who', startsWith: 'a%' })).toEqual(['a%']);
    expect(await found({ column: 'who', startsWith: '100%' })).toEqual(['100%-a']);
  });

  it('is not told by a collation that thinks different texts equal', async () => {
    await client.query(
      `create collation if not exists nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    );
    await whose(['acme', 'ACME', 'Acme']);
    await client.query('alter table cdr alter who type text collate nocase');
    expect(await found({ column: 'who', equals: 'acme' })).toEqual(['acme']);
  });

  it('is told by columns of other types too, each in its own', async () => {
    await table(
      'id text, at timestamptz, until timestamptz, state text, src text, secs int8, who int4, u uuid',
      `select i::text, '2026-02-02T10:00:00Z', '2026-02-02T10:00:00Z', 'answered', null, 1, i,
         ('00000000-0000-0000-0000-00000000000' || i)::uuid from generate_series(1, 3) i`,
    );
    expect(await found({ column: 'who', equals: '2' })).toEqual(['2']);
    const u = '00000000-0000-0000-0000-000000000003';
    expect(await found({ column: 'u', equals: u })).toEqual(['3']);
    await expect(found({ column: 'who', equals: '2 or true' })).rejects.toMatchObject({
      code: 'E_SOURCE',
    });
  });
});

it('nothing is written, not even by a view that would', async () => {
  await table(COLUMNS, `values ('a', '2026-02-02', '2026-02-02', 'answered', null, 1, null)`);
  await client.query(`create table if not exists written (i int);
    create or replace function writes() returns int language sql volatile as
      $$ insert into written values (1) returning i $$;
    create view sly as select *, writes() from cdr`);
  await expect(rowsIn(open(NAMES, { from: 'sly' }), FEBRUARY)).rejects.toMatchObject({
    code: 'E_SOURCE',
  });
  expect((await client.query('select from written')).rowCount).toBe(0);
});
