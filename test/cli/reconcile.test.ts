import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sheetRows } from '../render/support/read-xlsx.ts';
import { addCharges } from '../scheduler/reconcile/support.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-reconcile-'));
const carrier = join(folder, 'carrier.csv');
let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await addCharges(test.database, acme, [
    ['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '0.10'],
    ['a2', '2026-03-02T10:00:00Z', '+442', '+492', 60, '0.20'],
  ]);
  writeFileSync(
    carrier,
    [
      'id;when;from;to;secs;cost',
      'a1;2026-03-01 10:00:00;0441;00491;60;0.10',
      'x2;2026-03-02 10:00:07;00442;00492;60;0.25',
    ].join('\n'),
  );
  const fields = {
    ...{ external_id: 'id', caller: 'from', callee: 'to', billed_seconds: 'secs', amount: 'cost' },
    started_at: { column: 'when', format: 'yyyy-MM-dd HH:mm:ss' },
  };
  const map = { zone: 'UTC', delimiter: ';', fields };
  writeFileSync(join(folder, 'map.json'), JSON.stringify(map));
});
afterAll(() => test.drop());

const reconcile = (...more: string[]) =>
  daybook({ DATABASE_URL: test.url, DAYBOOK_HOME: freshHome() }, [
    ...['reconcile', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-31'],
    ...['--carrier', carrier, '--map', join(folder, 'map.json')],
    ...more,
  ]);

describe('daybook reconcile', () => {
  it('writes the workbook, prints what explains the difference, and keeps it', async () => {
    const out = join(folder, 'march.xlsx');
    const {
      code,
      out: printed,
      err,
    } = await reconcile('--out', out, '--tolerance-seconds', '10', '--json');
    expect([code, err]).toEqual([0, expect.stringMatching(/^daybook: kept as reconciliation /)]);
    const found = JSON.parse(printed);
    expect(found).toMatchObject({ currency: 'EUR', difference: '0.05' });
    expect(found.classes.matched.rows).toBe(1);
    expect(found.classes.rate).toEqual({ rows: 1, ours: '0.20', theirs: '0.25', explains: '0.05' });
    expect(sheetRows(readFileSync(out), 'Rate')[1].slice(0, 4)).toEqual([
      ...['a2', 'x2', '+442', '+492'],
    ]);
    const kept = await test.database.asOwner((tx) =>
      tx.query('select id::text, our_rows::int, requested_by from daybook.reconciliations'),
    );
    expect(kept).toEqual([{ id: found.id, our_rows: 2, requested_by: 'operator:cli' }]);
  });

  it('takes the rows that are loaded where no file is given', async () => {
    const out = join(folder, 'loaded.xlsx');
    const run = (...args: string[]) =>
      daybook({ DATABASE_URL: test.url, DAYBOOK_HOME: freshHome() }, args);
    const map = join(folder, 'map.json');
    const loaded = await run('load', 'carrier_calls', carrier, '--tenant', 'acme', '--map', map);
    expect(loaded.code).toBe(0);
    const { code, out: printed } = await run(
      ...['reconcile', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-31'],
      ...['--out', out, '--tolerance-seconds', '10', '--json'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ theirs: { rows: 2, total: '0.35' } });
    expect(sheetRows(readFileSync(out), 'Rate')[1].slice(0, 2)).toEqual(['a2', 'x2']);
  });

  it('says in a table what each sheet explains', async () => {
    const { code, out } = await reconcile('--out', join(folder, 'table.xlsx'));
    expect(code).toBe(0);
    expect(out).toMatch(/^SHEET +ROWS +OURS +CARRIER +EXPLAINS\n/);
    expect(out).toMatch(/^Only ours +1 +0.20 +0.00 +-0.20$/m);
    expect(out).toMatch(/^Sum, EUR +0.30 +0.35 +0.05$/m);
  });

  it.each([
    [
      ['--from', '2026-02-01', '--to', '2026-02-28'],
      '2 of 2 rows are outside 2026-02-01 to 2026-02-28 (UTC)',
    ],
    [['--tolerance-seconds', '-1'], '--tolerance-seconds: got "-1"; expected seconds from 0'],
    [['--tolerance-amount', '1e9'], '--tolerance-amount: got "1e9"'],
    [['--out', 'march.csv'], '--out: got "march.csv"; expected FILE.xlsx or -'],
    [['--carrier', 'nowhere.csv'], 'nowhere.csv: there is no such file'],
  ])('refuses %j with status 2 and leaves no file', async (args, said) => {
    const out = join(folder, 'refused.xlsx');
    const { code, err } = await reconcile('--out', out, ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
