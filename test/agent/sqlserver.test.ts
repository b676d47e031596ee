import { describe, expect, it } from 'vitest';
import { allRows, page } from '../../src/agent/tables/page-query.ts';
import { openSqlServerTable } from '../../src/agent/tables/sqlserver-table.ts';
import { loadTedious } from '../../src/agent/tables/tedious.ts';
import { fakeSqlServer } from './support/fake-tedious.ts';

/** SQL Server, as far as its driver's interface: no server of the kind runs in these tests. */

const COLUMNS = [
  ['Id', 'bigint'],
  ['Changed', 'datetime2(7)'],
  ['Price', 'money'],
  ['At', 'datetimeoffset(7)'],
  ['Raw]x', 'varbinary(8)'],
];
const PLACE = { from: { table: 'dbo.Calls' }, columns: null };
const signal = new AbortController().signal;

const isDescription = (text: string) => text.includes('dm_exec_describe_first_result_set');

function open(rows: readonly (readonly unknown[])[] | Error = []) {
  const server = fakeSqlServer((text) => (isDescription(text) ? COLUMNS : rows));
  const url = 'sqlserver://reader:p%40ss@db:1434/Legacy?trust=true';
  return { server, table: openSqlServerTable(server.tedious, url, 5_000, signal) };
}

describe('SQL Server', () => {
  it('is asked for a page with every column as exact text, in an order that counts', async () => {
    const { server, table: opening } = open([['1', 'x', null, null, null]]);
    const table = await opening;
    const columns = await table.columnsOf(allRows(PLACE, table.dialect), signal);
    expect(columns.map(({ watermark }) => watermark)).toEqual([
      'integer',
      'wall',
      null,
      'instant',
      null,
    ]);
    const last = { text: '2024-01-01 00:00:00.0000001', column: columns[1] };
    const key = { text: '7', column: columns[0] };
    const query = page(
      PLACE,
      table.dialect,
      ['Changed', 'Id'],
      { from: last, behind: [last, key] },
      10,
    );
    const rows: unknown[] = [];
    for await (const piece of table.read(query, signal)) rows.push(...piece);
    expect(rows).toEqual([['1', 'x', null, null, null]]);
    const { text, values } = server.asked.at(-1)!;
    expect(text).toBe(
      'select convert(nvarchar(max), t.[Id]) as [Id], convert(nvarchar(40), t.[Changed], 121) as [Changed], ' +
        'convert(nvarchar(40), t.[Price], 2) as [Price], convert(nvarchar(40), t.[At], 127) as [At], ' +
        'convert(nvarchar(max), convert(varbinary(max), t.[Raw]]x]), 2) as [Raw]]x] from (' +
        'select top (10) * from [dbo].[Calls] q where [Changed] >= convert(datetime2(7), @p1, 121) and ' +
        '(([Changed] > convert(datetime2(7), @p2, 121)) or ([Changed] = convert(datetime2(7), @p3, 121) and [Id] > convert(bigint, @p4, 121))) ' +
        'order by [Changed], [Id]) t order by t.[Changed], t.[Id]',
    );
    expect(values).toEqual([last.text, last.text, last.text, '7']);
    await table.close();
  });

  it('is connected to as its URL says, for reading', async () => {
    const { server, table } = open();
    await (await table).close();
    expect(server.options[0]).toMatchObject({
      server: 'db',
      authentication: { options: { userName: 'reader', password: 'p@ss' } },
      options: {
        port: 1434,
        database: 'Legacy',
        readOnlyIntent: true,
        trustServerCertificate: true,
      },
    });
  });

  it('is held while rows wait to be taken, and none is lost', async () => {
    const many = Array.from({ length: 5_500 }, (_, i) => [String(i), 'x', null, null, null]);
    const { server, table: opening } = open(many);
    const table = await opening;
    const ids: unknown[] = [];
    for await (const piece of table.read(allRows(PLACE, table.dialect), signal)) {
      expect(piece.length).toBeLessThanOrEqual(1_000);
      await new Promise((resolve) => setImmediate(resolve));
      ids.push(...piece.map(([id]) => id));
    }
    expect(ids).toEqual(many.map(([id]) => id));
    expect(server.pauses()).toBe(5);
  });

  it('that refuses is told from one that went away', async () => {
    const refused = Object.assign(new Error('Invalid object name'), {
      code: 'EREQUEST',
      number: 208,
    });
    const table = await open(refused).table;
    const read = async () => {
      for await (const _ of table.read(allRows(PLACE, table.dialect), signal));
    };
    await expect(read()).rejects.toMatchObject({ code: 'E_INPUT' });
    const gone = Object.assign(new Error('socket hang up'), { code: 'ESOCKET' });
    const other = await open(gone).table;
    const again = async () => {
      for await (const _ of other.read(allRows(PLACE, other.dialect), signal));
    };
    await expect(again()).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
  });

  it('without its driver says what to install', async () => {
    await expect(loadTedious(async () => Promise.reject(new Error('none')))).rejects.toThrow(
      'run `npm install tedious@19` beside Daybook',
    );
  });
});
