import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wantedType } from '../../src/api/wanted-format.ts';
import type { ChangesSince } from '../../src/reports/changes.ts';
import type { CellType, OutColumn } from '../../src/reports/column.ts';
import type { DocumentChanges } from '../../src/reports/document.ts';
import { sampleDocument } from '../delivery/mail/support/mails.ts';
import { sheetsOfSheetJs } from '../support/tables.ts';
import { startApi, type TestApi } from './support.ts';

/** What changed since a file was sealed, as files. What is compared, test/scheduler tells. */

const column = (key: string, type: CellType): OutColumn => ({
  ...{ key, header: `The ${key}`, type, unit: null, minScale: 0, width: 16 },
});
const AT = Date.UTC(2026, 9, 24, 10, 0, 5);
const CHANGES: DocumentChanges = {
  revision: 2,
  days: ['2026-10-24'],
  counts: { added: 1, changed: 1, removed: 0 },
  unlisted: 0,
  rows: {
    columns: [
      column('change', 'text'),
      column('external_id', 'text'),
      column('started_at', 'instant'),
      column('talk_seconds', 'integer'),
      column('amount', 'decimal'),
    ],
    rows: [
      ['added', 'n-1', AT, 5, '1.50'],
      ['changed, was', '=cmd|x', AT, 20, null],
      ['changed, is', '=cmd|x', AT, 25, '-2.25'],
    ],
  },
  totals: {
    columns: [column('figure', 'text'), column('before', 'decimal'), column('after', 'decimal')],
    rows: [['Calls', '2', '3']],
  },
};

let api: TestApi;
let changes: DocumentChanges = CHANGES;
let mostListed = 0;
beforeAll(async () => {
  const document = sampleDocument('en', { tenant: 'Acme', zones: ['Europe/London'] });
  api = await startApi({
    changes: async (of) => {
      ({ mostListed } = of);
      return { document, changes, dataAsOf: AT } satisfies ChangesSince;
    },
  });
});
afterAll(() => api.close());

const get = (query = '', headers: Record<string, string> = {}) =>
  api.server.inject({
    url: `/v1/files/${randomUUID()}/changes${query}`,
    headers: { ...api.asA, ...headers },
  });

describe('what changed since a file was sealed', () => {
  it('is CSV of the rows, in the zone of the file, where that is asked for in either way', async () => {
    for (const answer of [
      await get('?format=csv'),
      await get('', { accept: 'text/csv' }),
      await get('?format=csv', { accept: 'application/json' }),
    ]) {
      expect(answer.headers).toMatchObject({
        ...{ 'content-type': 'text/csv; charset=utf-8; header=present', vary: 'accept' },
        'content-disposition': expect.stringMatching(/filename="acme_calls_.*_r2_changes\.csv"/),
      });
      expect(answer.body.split('\r\n')).toEqual([
        'The change,The external_id,The started_at,The talk_seconds,The amount',
        'added,n-1,2026-10-24 11:00:05,5,1.50',
        '"changed, was",\'=cmd|x,2026-10-24 11:00:05,20,',
        '"changed, is",\'=cmd|x,2026-10-24 11:00:05,25,-2.25',
        '',
      ]);
      expect(mostListed).toBe(100_000);
    }
  });

  it('is a workbook of the sheet that an amendment bears', async () => {
    const answer = await get('?format=xlsx');
    expect(answer.headers['content-disposition']).toContain('_r2_changes.xlsx');
    expect(mostListed).toBe(2_000);
    const path = join(api.home, 'changes.xlsx');
    writeFileSync(path, answer.rawPayload);
    const sheets = sheetsOfSheetJs(path);
    expect(Object.keys(sheets)).toEqual(['Changes']);
    const text = JSON.stringify(sheets.Changes);
    for (const part of ['2026-10-24', 'The figure', 'Calls', 'n-1', 'changed, is']) {
      expect(text).toContain(part);
    }
  });

  it('is JSON for who asks for nothing, or for what there is not', async () => {
    for (const headers of [{}, { accept: '*/*' }, { accept: 'image/png' }]) {
      const answer = await get('?limit=7', headers as Record<string, string>);
      expect(answer.json()).toMatchObject({ revision: 2, counts: CHANGES.counts });
      expect(mostListed).toBe(7);
    }
  });

  it('is never a CSV of which rows are missing', async () => {
    changes = { ...CHANGES, unlisted: 1 };
    expect((await get('?format=csv')).json()).toMatchObject({ status: 413, code: 'E_TOO_LARGE' });
    changes = { ...CHANGES, counts: null, rows: { ...CHANGES.rows, rows: [] } };
    expect((await get('?format=csv')).json()).toMatchObject({ status: 410, code: 'E_GONE' });
    expect((await get('?format=xlsx')).statusCode).toBe(200);
    changes = CHANGES;
  });
});

describe('the type that an Accept header likes best', () => {
  const offered = ['application/json', 'text/csv', 'application/x-other'] as const;
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/json;q=0.5, text/csv', 'text/csv'],
    ['application/json;q=0.5, */*;q=0.4', 'application/json'],
    ['*/*, application/json;q=0', 'text/csv'],
    ['application/*;q=0.1, text/csv;q=0.2', 'text/csv'],
    ['text/csv;q=nonsense', 'application/json'],
    ['image/png', 'application/json'],
  ])('of %j is %s', (accept, type) => {
    expect(wantedType(accept, offered)).toBe(type);
  });
});
