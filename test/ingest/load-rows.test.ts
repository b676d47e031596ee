import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { load, pieces } from './support/load.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const HEADER = 'external_id,started_at,ended_at,disposition,wait_seconds';
const KILL_COPIES = `select pg_terminate_backend(pid) from pg_stat_progress_copy
  where datname = current_database()`;
let tenants = 0;

function newTenant() {
  return addTestTenant(test.database, { name: `t${tenants++}`, zone: 'UTC' });
}

function callsOf(tenant: { id: string }) {
  return test.database.asTenant(tenant.id, (tx) =>
    tx.query(
      `select external_id, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') as started_at,
         disposition, wait_seconds, extra
       from daybook.calls order by external_id`,
    ),
  );
}

function rejectsOf(tenant: { id: string }) {
  return test.database.asTenant(tenant.id, (tx) =>
    tx.query('select row_number, field, code, reason, raw, state from daybook.rejects order by id'),
  );
}

describe('a load', () => {
  it('takes good rows, keeps bad ones with number, field, reason and the row as it came', async () => {
    const tenant = await newTenant();
    const file = [
      HEADER,
      'a,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,5',
      'b,2024-01-01T10:00:00,2024-01-01T10:01:00Z,answered,5',
      'c,2024-02-30T10:00:00Z,2024-01-01T10:01:00Z,answered,5',
      'd,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,won,5',
      'e,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,-5',
      'f,2024-01-01T10:00:00Z,,answered,5',
      'g,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered',
      'h\0,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,5',
      `${'x'.repeat(1025)},2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,5`,
      'i,1824-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,5',
      'j,2024-01-01T10:00:00+05:30,2024-01-01T10:01:00Z, busy ,7.0',
    ].join('\n');
    expect(await load(test.database, tenant, file)).toMatchObject({
      loaded: 2,
      rejected: 9,
      first_reject: expect.stringMatching(/^row 2: started_at: .*expected an offset/),
    });
    expect(await callsOf(tenant)).toMatchObject([
      { external_id: 'a', started_at: '2024-01-01 10:00:00.000', wait_seconds: '5' },
      { external_id: 'j', started_at: '2024-01-01 04:30:00.000', disposition: 'busy' },
    ]);
    const rejects = await rejectsOf(tenant);
    expect(rejects.map(({ row_number, field, code }) => [row_number, field, code])).toEqual([
      ['2', 'started_at', 'instant'],
      ['3', 'started_at', 'instant'],
      ['4', 'disposition', 'choice'],
      ['5', 'wait_seconds', 'number'],
      ['6', 'ended_at', 'missing'],
      ['7', null, 'row_shape'],
      ['8', 'external_id', 'text'],
      ['9', 'external_id', 'text'],
      ['10', 'started_at', 'instant'],
    ]);
    expect(rejects[2]).toMatchObject({
      reason: expect.stringMatching(/got "won"; expected one of answered, abandoned/),
      raw: {
        columns: HEADER.split(','),
        values: ['d', '2024-01-01T10:00:00Z', '2024-01-01T10:01:00Z', 'won', '5'],
      },
    });
    expect(rejects[5]['raw'].line).toBe('g,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered');
    await load(test.database, tenant, file);
    expect(await rejectsOf(tenant)).toEqual(rejects);
  });

  it('takes the last of several rows with one key, and is the same the second time', async () => {
    const tenant = await newTenant();
    const row = (wait: number) => `a,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,answered,${wait}`;
    const file = [HEADER, row(1), row(2), row(3)].join('\n');
    expect(await load(test.database, tenant, file)).toMatchObject({
      loaded: 1,
      updated: 0,
      unchanged: 0,
      superseded: 2,
    });
    expect(await callsOf(tenant)).toMatchObject([{ wait_seconds: '3' }]);
    expect(await load(test.database, tenant, file)).toMatchObject({
      loaded: 0,
      updated: 0,
      unchanged: 1,
      superseded: 2,
    });
    expect(await load(test.database, tenant, [HEADER, row(9)].join('\n'))).toMatchObject({
      loaded: 0,
      updated: 1,
      unchanged: 0,
    });
  });

  it('reads wall times of the zone: none in a gap, the first in an overlap with a flag', async () => {
    const tenant = await newTenant();
    const map = {
      zone: 'Europe/London',
      fields: {
        external_id: 'id',
        started_at: { column: 'start', format: 'dd/MM/yyyy HH:mm' },
        ended_at: { column: 'end', format: 'dd/MM/yyyy HH:mm' },
        disposition: { value: 'answered' },
      },
    };
    const file = [
      'id,start,end',
      'gap,31/03/2024 01:30,31/03/2024 02:30',
      'overlap,27/10/2024 01:30,27/10/2024 02:30',
      'summer,01/07/2024 09:00,01/07/2024 09:05',
      'winter,01/12/2024 09:00,01/12/2024 09:05',
    ].join('\n');
    expect(await load(test.database, tenant, file, { map })).toMatchObject({
      loaded: 3,
      rejected: 1,
      flagged: { ambiguous: 1, not_utf8: 0 },
    });
    expect(await callsOf(tenant)).toMatchObject([
      {
        external_id: 'overlap',
        started_at: '2024-10-27 00:30:00.000',
        extra: { _flags: ['ambiguous:started_at'] },
      },
      { external_id: 'summer', started_at: '2024-07-01 08:00:00.000', extra: null },
      { external_id: 'winter', started_at: '2024-12-01 09:00:00.000', extra: null },
    ]);
    expect(await rejectsOf(tenant)).toMatchObject([
      { row_number: '1', field: 'started_at', code: 'gap' },
    ]);
  });

  it('takes a date alone as the first instant of its day, and refuses one that never was', async () => {
    const dates = async (zone: string, ...days: string[]) => {
      const tenant = await newTenant();
      const fields = {
        external_id: 'day',
        started_at: { column: 'day', format: 'yyyy-MM-dd' },
        ended_at: 'end',
        disposition: { value: 'busy' },
      };
      const rows = days.map((day) => `${day},2024-01-01T00:00:00Z`);
      const file = ['day,end', ...rows].join('\n');
      const result = await load(test.database, tenant, file, { map: { zone, fields } });
      expect(result.flagged.ambiguous).toBe(0);
      return (await callsOf(tenant)).map((call) => call['started_at'].slice(0, 16));
    };
    expect(await dates('America/Sao_Paulo', '2018-11-04')).toEqual(['2018-11-04 03:00']);
    expect(await dates('Pacific/Apia', '2011-12-29', '2011-12-30', '2011-12-31')).toEqual([
      '2011-12-29 10:00',
      '2011-12-30 10:00',
    ]);
    expect(await dates('America/Havana', '2024-11-03')).toEqual(['2024-11-03 04:00']);
  });

  it('puts a clock time on the next day only when it is earlier by more than the skew', async () => {
    const tenant = await newTenant();
    const map = {
      zone: 'America/New_York',
      fields: {
        external_id: 'id',
        started_at: { join: ['day', 'start'], with: ' ', format: 'yyyy-MM-dd HH:mm:ss' },
        queued_at: { column: 'queued', after: 'started_at', skew_seconds: 60, empty: '-' },
        ended_at: { latest: ['queued', 'end'], after: 'started_at', skew_seconds: 60, empty: '-' },
        disposition: { column: 'out', match: [['^[yY]', 'answered']] },
      },
    };
    const file = [
      'id,day,start,queued,end,out',
      'a,2024-01-31,23:59:30,23:58:30,0:00:10,yes',
      'b,2024-01-31,23:59:30,23:58:29,-,Y',
      'c,2024-01-31,12:00:00,-,-,y',
      'd,2024-01-31,12:00:00,-,12:00:01,no',
    ].join('\n');
    expect(await load(test.database, tenant, file, { map })).toMatchObject({ rejected: 2 });
    const times = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select external_id, to_char(queued_at at time zone 'America/New_York', 'DD HH24:MI:SS') as queued,
           to_char(ended_at at time zone 'America/New_York', 'DD HH24:MI:SS') as ended
         from daybook.calls order by 1`,
      ),
    );
    expect(times).toEqual([
      { external_id: 'a', queued: '31 23:58:30', ended: '01 00:00:10' },
      { external_id: 'b', queued: '01 23:58:29', ended: '01 23:58:29' },
    ]);
    expect(await rejectsOf(tenant)).toMatchObject([
      { field: 'ended_at', code: 'missing' },
      { field: 'disposition', code: 'match', reason: 'no rule of match fits "no"' },
    ]);
  });

  it('keeps the unknown columns that the map names, or all of them', async () => {
    const file = `${HEADER},site,note\na,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,,north,\n`;
    const kept = async (map: unknown) => {
      const tenant = await newTenant();
      await load(test.database, tenant, file, { map });
      return (await callsOf(tenant))[0]['extra'];
    };
    expect(await kept({})).toBeNull();
    expect(await kept({ extra: ['site'] })).toEqual({ site: 'north' });
    expect(await kept({ extra: true })).toEqual({ site: 'north' });
    await expect(kept({ extra: ['colour'] })).rejects.toThrow(/extra: got the column colour/);
  });

  it('names the columns that the file lacks, before any row', async () => {
    const tenant = await newTenant();
    await expect(load(test.database, tenant, 'external_id,when\n')).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringMatching(/no started_at, ended_at, disposition/),
    });
    const map = { fields: { external_id: 'A', started_at: 'B', ended_at: 'C', disposition: 'D' } };
    await expect(load(test.database, tenant, 'A,B,C,E\n', { map })).rejects.toMatchObject({
      code: 'E_MAP',
      details: { where: 'fields.disposition', got: 'the column D' },
    });
  });

  it('takes NDJSON with exact numbers, and keeps what is half a character as a reject', async () => {
    const tenant = await newTenant();
    const line = (id: string, more: string) =>
      `{"order_id":${id},"line_no":1,"ordered_at":"2024-01-01T00:00:00Z","sku":"s",${more}}`;
    const file = [
      line('"a"', '"quantity":12345678901234567890.123456789,"unit_price":0.10'),
      line('7', '"quantity":-1,"unit_price":2,"tax":null,"colour":"red"'),
      line('"e"', '"quantity":-1.25e2,"unit_price":1.5e-7'),
      line('"b"', '"quantity":1,"unit_price":1,"customer":"\\ud800"'),
      '{"order_id":',
      '[1]',
      '',
    ].join('\n');
    const options = { dataset: 'order_lines' as const, name: 'o.ndjson', map: { extra: true } };
    expect(await load(test.database, tenant, file, options)).toMatchObject({
      loaded: 3,
      rejected: 3,
    });
    const lines = await test.database.asTenant(tenant.id, (tx) =>
      tx.query('select order_id, quantity, unit_price, extra from daybook.order_lines order by 1'),
    );
    expect(lines).toEqual([
      { order_id: '7', quantity: '-1', unit_price: '2', extra: { colour: 'red' } },
      {
        order_id: 'a',
        quantity: '12345678901234567890.123456789',
        unit_price: '0.10',
        extra: null,
      },
      { order_id: 'e', quantity: '-125', unit_price: '0.00000015', extra: null },
    ]);
    const rejects = await rejectsOf(tenant);
    expect(rejects.map((reject) => reject['code'])).toEqual(['text', 'row_shape', 'row_shape']);
  });

  it('tells by content what comes without a name: gzip, NDJSON, tabs, UTF-16', async () => {
    const rows = `${HEADER}\na,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,3\n`;
    const json =
      '{"external_id":"a","started_at":"2024-01-01T10:00:00Z","ended_at":"2024-01-01T10:01:00Z","disposition":"busy","wait_seconds":3}';
    const inputs = [
      gzipSync(rows),
      Buffer.from(rows.replaceAll(',', '\t')),
      Buffer.from(rows.replaceAll(',', ';')),
      Buffer.from(`\ufeff${rows}`),
      Buffer.from(`\ufeff${rows}`, 'utf16le'),
      Buffer.from(json),
    ];
    for (const input of inputs) {
      const tenant = await newTenant();
      expect(await load(test.database, tenant, input, { name: 'stdin' })).toMatchObject({
        loaded: 1,
        rejected: 0,
      });
    }
  });

  it('of gzip that is cut off says so and leaves nothing', async () => {
    const tenant = await newTenant();
    const rows = Array.from(
      { length: 20_000 },
      (_, i) => `${i},2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,${i}`,
    );
    const whole = gzipSync([HEADER, ...rows].join('\n'));
    const cut = whole.subarray(0, whole.length - 100);
    const loading = load(test.database, tenant, cut, { name: 'c.csv.gz' });
    await expect(loading).rejects.toThrow(/c\.csv\.gz: unexpected end of file/);
    expect(await callsOf(tenant)).toEqual([]);
    await expect(
      load(test.database, tenant, 'no gzip', { name: 'c.csv.gz' }),
    ).rejects.toMatchObject({ code: 'E_INPUT' });
  });

  it('that is aborted in the middle, or whose source breaks, leaves nothing', async () => {
    const tenant = await newTenant();
    const rows = Array.from(
      { length: 50_000 },
      (_, i) => `${i},2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,${i}`,
    );
    const bytes = Buffer.from([HEADER, ...rows].join('\n'));
    const controller = new AbortController();
    async function* aborting() {
      yield* pieces(bytes.subarray(0, 1_000_000));
      controller.abort();
      yield* pieces(bytes.subarray(1_000_000));
    }
    await expect(
      load(test.database, tenant, aborting(), { signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'E_CANCELLED' });
    async function* breaking() {
      yield* pieces(bytes.subarray(0, 1_000_000));
      throw new Error('the line went dead');
    }
    await expect(load(test.database, tenant, breaking())).rejects.toThrow('the line went dead');
    expect(await callsOf(tenant)).toEqual([]);
  });

  it('whose database dies in the middle says so, though more rows would come', async () => {
    const tenant = await newTenant();
    const row = 'a,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,1\n';
    async function* endless() {
      yield Buffer.from(`${HEADER}\n`);
      for (let piece = 0; ; piece++) {
        if (piece === 20) await test.database.asOwner((tx) => tx.query(KILL_COPIES));
        yield Buffer.from(row.repeat(2000));
      }
    }
    await expect(load(test.database, tenant, endless())).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
    });
    expect(await callsOf(tenant)).toEqual([]);
  });

  it('moves the mark of completeness forward and never back', async () => {
    const tenant = await newTenant();
    const file = `${HEADER}\na,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy,3\n`;
    const mark = async (iso: string) =>
      (await load(test.database, tenant, file, { completeThrough: Date.parse(iso) }))
        .complete_through;
    expect(await mark('2024-02-01T00:00:00Z')).toBe('2024-02-01T00:00:00.000Z');
    expect(await mark('2024-01-15T00:00:00Z')).toBe('2024-02-01T00:00:00.000Z');
    expect(await mark('2024-02-02T00:00:00Z')).toBe('2024-02-02T00:00:00.000Z');
  });

  it('goes through when several load the same rows in different order at once', async () => {
    const tenant = await newTenant();
    const rows = Array.from(
      { length: 3000 },
      (_, i) =>
        `${i},2024-01-${String((i % 28) + 1).padStart(2, '0')}T10:00:00Z,2024-02-01T10:01:00Z,busy,`,
    );
    const files = Array.from({ length: 6 }, (_, n) => {
      const mine = rows.map((row) => `${row}${n}`);
      return [HEADER, ...(n % 2 === 0 ? mine : mine.reverse())].join('\n');
    });
    const results = await Promise.all(files.map((file) => load(test.database, tenant, file)));
    expect(results.reduce((sum, result) => sum + result.loaded, 0)).toBe(3000);
    expect(results.reduce((sum, result) => sum + result.updated, 0)).toBe(15_000);
  });
});
