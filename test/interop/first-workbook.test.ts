import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { flatRows } from './support/flat-sheet.ts';
import { libreOffice, python } from './support/programs.ts';

/** What a newcomer does: `up`, then the line that it prints, in an empty folder. */

let up: RunningUp;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-newcomer-'));
  const environment = { DAYBOOK_HOME: join(freshHome(), '.daybook'), LOG_LEVEL: 'error' };
  up = await startUp({ ...environment, HOME: folder });
});
afterAll(async () => {
  expect(await up?.stop()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

it('the printed curl line leaves one workbook that openpyxl and LibreOffice open', async () => {
  const line = /^ *(curl .*)$/m.exec(up.welcome)?.[1];
  await promisify(execFile)('bash', ['-c', `set -o pipefail; ${line}`], { cwd: folder });
  const [name, ...more] = readdirSync(folder);
  expect(more).toEqual([]);
  expect(name).toMatch(/\.xlsx$/);
  const file = join(folder, name);

  const read = await python<{ sheets: string[]; rows: number; types: string[]; check: string }>(
    `
import sys, json, warnings, openpyxl
warnings.simplefilter('ignore')
book = openpyxl.load_workbook(sys.argv[1])
print(json.dumps({
  'sheets': book.sheetnames,
  'rows': book['Detail'].max_row - 1,
  'types': sorted(set(c.data_type for row in book['Detail'].iter_rows() for c in row)),
  'check': [row[1] for row in book['Control totals'].iter_rows(values_only=True) if row[0] == 'Check'],
}))`,
    file,
  );
  expect(read).toMatchObject({
    sheets: ['Summary', 'Detail', 'Control totals'],
    types: ['d', 'n', 's'],
    check: ['OK'],
  });
  expect(read.rows).toBeGreaterThan(1000);

  const fods = await libreOffice(file, 'fods');
  for (const sheet of read.sheets) expect(flatRows(fods, sheet).length).toBeGreaterThan(5);
  const detail = flatRows(fods, 'Detail');
  expect(detail.length).toBe(read.rows + 1);
  expect(detail.flat().filter(({ formula }) => formula !== null)).toEqual([]);
  expect(new Set(detail.slice(1).map(([, started]) => started.type))).toEqual(new Set(['date']));
}, 240_000);
