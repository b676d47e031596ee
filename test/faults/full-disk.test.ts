import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';
import { daybook, unfinished } from './support/daybook.ts';
import { loadCalls } from './support/rows.ts';
import { canMount, grow, removeSmallDisks, smallDisk } from './support/small-disk.ts';

let test: TestDatabase;
let out: string;
beforeAll(async () => {
  test = await freshDatabase();
  out = mkdtempSync(join(tmpdir(), 'daybook-out-'));
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 3, perDay: 12_000 });
});
afterEach(removeSmallDisks);
afterAll(async () => {
  await test.drop();
  rmSync(out, { recursive: true, force: true });
});

const exportTo = (home: string, file: string) =>
  daybook(
    [
      ...['export', 'calls', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-03'],
      ...['--out', file],
    ],
    { DATABASE_URL: test.url, DAYBOOK_HOME: home, LOG_LEVEL: 'silent' },
  );

describe.skipIf(!canMount)('an export onto a disk that takes no more', () => {
  it.each(['files', 'parts'] as const)(
    'in %s of the home fails saying so, leaves nothing, and works when there is space',
    async (folder) => {
      const home = freshHome();
      const disk = join(home, folder);
      smallDisk(disk, 200);
      const file = join(out, `${folder}.csv`);
      const failed = await exportTo(home, file);
      expect({ code: failed.code, out: failed.out }).toEqual({ code: 1, out: '' });
      expect(failed.err).toContain(
        `DAYBOOK_HOME/${folder}: no space left on the disk (E_NO_SPACE)`,
      );
      expect(readdirSync(out)).toEqual([]);
      expect(unfinished(home)).toEqual([]);
      const [run] = await ask(
        test.url,
        `select r.state, r.error_code, count(f.id)::int as files from daybook.runs r
         left join daybook.files f on f.run_id = r.id
         group by r.id order by r.created_at desc limit 1`,
      );
      expect(run).toEqual({ state: 'failed', error_code: 'E_NO_SPACE', files: 0 });

      grow(disk);
      expect(await exportTo(home, file)).toMatchObject({ code: 0, err: '' });
      rmSync(file);
    },
  );

  it('in a home that can only be read fails saying so, leaves nothing, and works when it can', async () => {
    const home = freshHome();
    smallDisk(home, 65_536);
    execFileSync('mount', ['-o', 'remount,ro', home]);
    const file = join(out, 'read-only.csv');
    const failed = await exportTo(home, file);
    expect({ code: failed.code, out: failed.out }).toEqual({ code: 1, out: '' });
    expect(failed.err).toContain(`DAYBOOK_HOME ${home}: access: EROFS (E_IO)`);
    expect(readdirSync(out)).toEqual([]);
    execFileSync('mount', ['-o', 'remount,rw', home]);
    expect(await exportTo(home, file)).toMatchObject({ code: 0, err: '' });
    rmSync(file);
  });

  it('in the folder of --out fails naming it, leaves nothing beside it, and works later', async () => {
    const home = freshHome();
    const disk = join(out, 'disk');
    smallDisk(disk, 200);
    const file = join(disk, 'x.csv');
    const failed = await exportTo(home, file);
    expect({ code: failed.code, out: failed.out }).toEqual({ code: 1, out: '' });
    expect(failed.err).toContain(`--out ${file}: no space left on the disk (E_NO_SPACE)`);
    expect(readdirSync(disk)).toEqual([]);
    grow(disk);
    expect(await exportTo(home, file)).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(disk)).toEqual(['x.csv']);
  });
});
