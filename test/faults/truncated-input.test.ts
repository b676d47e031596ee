import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import ExcelJS from 'exceljs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';
import { daybook, start } from './support/daybook.ts';
import { callsCsv } from './support/rows.ts';

/** Files that did not come whole. */

let test: TestDatabase;
let folder: string;
beforeAll(async () => {
  test = await freshDatabase();
  folder = mkdtempSync(join(tmpdir(), 'daybook-in-'));
  await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
});
afterAll(async () => {
  await test.drop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({
  DATABASE_URL: test.url,
  DAYBOOK_HOME: freshHome(),
  LOG_LEVEL: 'silent',
});
const stored = () =>
  ask<{ n: number }>(
    test.url,
    `select ((select count(*) from daybook.calls) + (select count(*) from daybook.loads)
       + (select count(*) from daybook.rejects) + (select count(*) from daybook.data_hours))::int as n`,
  );

async function workbook(): Promise<Buffer> {
  const book = new ExcelJS.Workbook();
  const sheet = book.addWorksheet('calls');
  for (const line of callsCsv({ days: 1, perDay: 2000 }).trim().split('\n')) {
    sheet.addRow(line.split(','));
  }
  return Buffer.from(await book.xlsx.writeBuffer());
}

describe('a file that was cut is refused and nothing of it is loaded', () => {
  const whole = callsCsv({ days: 2, perDay: 3000 });
  it.each<[string, () => Promise<Buffer> | Buffer, string]>([
    ['calls.csv.gz', () => gzipSync(whole).subarray(0, -5000), 'calls.csv.gz'],
    ['tail.csv.gz', () => gzipSync(whole).subarray(0, -4), 'tail.csv.gz'],
    ['calls.xlsx', async () => (await workbook()).subarray(0, -3000), 'calls.xlsx'],
  ])('%s', async (name, bytes, named) => {
    const path = join(folder, name);
    writeFileSync(path, await bytes());
    const { code, out, err } = await daybook(
      ['load', 'calls', path, '--tenant', 'acme'],
      environment(),
    );
    expect(out).toBe('');
    expect(code).toBeGreaterThan(0);
    expect(err).toContain(named);
    expect(await stored()).toEqual([{ n: 0 }]);
  });

  it('compressed standard input that breaks off', async () => {
    const command = start(['load', 'calls', '-', '--tenant', 'acme'], environment());
    command.child.stdin?.end(gzipSync(whole).subarray(0, 20_000));
    const { code, out, err } = await command.ended;
    expect(out).toBe('');
    expect(code).toBeGreaterThan(0);
    expect(err).toContain('stdin');
    expect(await stored()).toEqual([{ n: 0 }]);
  });

  it.each([
    ['text in the middle of a row', whole.slice(0, -40)],
    [
      'text within quotes',
      `${whole.slice(0, whole.lastIndexOf('\n', whole.length - 2))}\nx,"2026-03-`,
    ],
  ])(
    '%s: the row that was cut is refused and told, since text does not say where it ends',
    async (_, text) => {
      const path = join(folder, 'cut.csv');
      writeFileSync(path, text);
      const { code, out, err } = await daybook(
        ['load', 'calls', path, '--tenant', 'acme'],
        environment(),
      );
      expect(code).toBe(0);
      expect(out).toMatch(/(0|5999) loaded.* 1 rejected/);
      expect(err).toMatch(/1 rows were rejected, the first: row 6000: /);
    },
  );
});
