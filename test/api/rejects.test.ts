import ExcelJS from 'exceljs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../ingest/support/load.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await load(
    api.db.database,
    api.a,
    [
      'external_id,started_at,ended_at,caller,disposition',
      'good,2026-03-01T10:00:00Z,2026-03-01T10:01:00Z,+441,answered',
      'no-start,,2026-03-01T10:01:00Z,=1+1,answered',
      'odd,2026-03-01T10:00:00Z,2026-03-01T10:01:00Z,+442,maybe',
      'late,2026-03-01T10:00:00Z,yesterday,+443,answered',
    ].join('\n'),
  );
});
afterAll(() => api.close());

const get = (query: string, headers = api.asA) =>
  api.server.inject({ url: `/v1/rejects${query}`, headers });
const retry = (body: Buffer | string, type: string, headers = api.asA) =>
  api.server.inject({
    ...{ method: 'POST', url: '/v1/rejects/retry', payload: body },
    headers: { ...headers, 'content-type': type },
  });
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

describe('rejects over HTTP', () => {
  it('come in pages, each with the row as it came and the reason', async () => {
    const first = await get('?limit=2');
    expect(first.statusCode).toBe(200);
    const { items, next_cursor } = first.json();
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({
      ...{ dataset: 'calls', row_number: 2, field: 'started_at', code: 'missing', state: 'open' },
      raw: { values: ['no-start', '', '2026-03-01T10:01:00Z', '=1+1', 'answered'] },
    });
    const last = (await get(`?limit=2&cursor=${next_cursor}`)).json();
    expect(last).toMatchObject({ items: [{ row_number: 4 }], next_cursor: null });
    expect((await get('', api.asB)).json()).toEqual({ items: [], next_cursor: null });
    for (const query of ['?cursor=x', '?limit=0', '?format=pdf', '?dataset=charges']) {
      expect((await get(query)).statusCode, query).toBe(422);
    }
  });

  it('are a file to mend, in which nothing runs', async () => {
    const csv = await get('?format=csv');
    expect(csv.headers['content-disposition']).toContain('acme rejects.csv');
    const [header, first] = csv.body.split('\r\n');
    expect(header).toBe('reject_id,reason,external_id,started_at,ended_at,caller,disposition');
    expect(first).toContain("'=1+1");
    expect(Number(csv.headers['content-length'])).toBe(Buffer.byteLength(csv.body));
    const book = new ExcelJS.Workbook();
    await book.xlsx.load((await get('?format=xlsx')).rawPayload.buffer as ArrayBuffer);
    expect(book.worksheets[0].rowCount).toBe(4);
  });

  it('come back mended: those rows and no other are loaded, once', async () => {
    const { body } = await get('?format=csv');
    const lines = body.split('\r\n');
    const mended = [lines[0], lines[1].replace(',no-start,,', ',no-start,2026-03-01T09:00:00Z,')];
    const answer = await retry(mended.join('\r\n'), 'text/csv; charset=utf-8');
    expect(answer.json()).toMatchObject({ loaded: 1, updated: 0, rejected: 0 });
    const again = await retry(mended.join('\r\n'), 'text/csv');
    expect(again.statusCode).toBe(422);
    expect(again.json().detail).toContain('settled already');
    const [row] = await api.db.database.asTenant(api.a.id, (tx) =>
      tx.query(`select caller from daybook.calls where external_id = 'no-start'`),
    );
    expect(row).toEqual({ caller: '=1+1' });
    expect((await get('')).json().items).toHaveLength(2);
    expect((await get('?state=all')).json().items).toHaveLength(3);
  });

  it('come back in a workbook too; what is still bad stays open with its reason', async () => {
    const book = new ExcelJS.Workbook();
    await book.xlsx.load((await get('?format=xlsx')).rawPayload.buffer as ArrayBuffer);
    const sheet = book.worksheets[0];
    const columns = (sheet.getRow(1).values as string[]).slice(1);
    sheet.getRow(2).getCell(columns.indexOf('disposition') + 1).value = 'busy';
    const bytes = Buffer.from((await book.xlsx.writeBuffer()) as ArrayBuffer);
    const answer = await retry(bytes, XLSX);
    expect(answer.json()).toMatchObject({
      ...{ loaded: 1, rejected: 1 },
      still_rejected: [{ reason: expect.stringContaining('ended_at') }],
    });
    expect((await get('')).json().items).toHaveLength(1);
  });

  it('as they came, without a file, are refused as before', async () => {
    const answer = await api.server.inject({
      ...{ method: 'POST', url: '/v1/rejects/retry', headers: api.asA },
    });
    expect(answer.json()).toMatchObject({ loaded: 0, rejected: 1 });
  });

  it("of another tenant are nobody's, and files that are none are refused", async () => {
    const { body } = await get('?format=csv&state=all');
    const foreign = await retry(body, 'text/csv', api.asB);
    expect(foreign.statusCode).toBe(422);
    expect(foreign.json().detail).toContain('not one of this tenant');
    expect((await retry('a,b\n1,2\n', 'text/csv')).statusCode).toBe(422);
    expect((await retry('PK\x03\x04', XLSX)).statusCode).toBe(422);
    expect((await retry('{}', 'application/json')).statusCode).toBe(415);
    expect((await retry(Buffer.alloc(17 * 2 ** 20, 0x61), 'text/csv')).statusCode).toBe(413);
  });
});
