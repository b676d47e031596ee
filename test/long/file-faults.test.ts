import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daybook, start, unfinished } from '../faults/support/daybook.ts';
import { loadCalls } from '../faults/support/rows.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';

/**
 * Every call that makes a file last fails in turn: an export is then whole, or has failed with the
 * place in its message and left nothing.
 */

const demanded = process.env.CI === 'true';
const hasStrace =
  demanded || spawnSync('strace', ['-e', 'trace=none', 'true'], { stdio: 'ignore' }).status === 0;
const canMount =
  demanded ||
  spawnSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs none $d && umount $d']).status === 0;

let test: TestDatabase;
let out: string;
let right: Buffer;
beforeAll(async () => {
  test = await freshDatabase();
  out = mkdtempSync(join(tmpdir(), 'daybook-out-'));
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 3, perDay: 6_000 });
  const file = join(out, 'right.csv');
  expect(await daybook(exportTo(file), environment(freshHome()))).toMatchObject({ code: 0 });
  right = readFileSync(file);
  rmSync(file);
});
afterAll(async () => {
  await test.drop();
  rmSync(out, { recursive: true, force: true });
});

const environment = (home: string) => ({
  DATABASE_URL: test.url,
  DAYBOOK_HOME: home,
  LOG_LEVEL: 'silent',
  // One thread for files, so that the n-th call is the same one each time.
  UV_THREADPOOL_SIZE: '1',
});
const exportTo = (file: string) => [
  ...['export', 'calls', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-03'],
  ...['--out', file],
];

/** Whole, or failed with nothing left. Answers which. */
async function wholeOrNothing(
  home: string,
  file: string,
  ended: { code: number | null; err: string },
): Promise<'whole' | 'failed'> {
  if (ended.code === 0) {
    expect(readFileSync(file).equals(right)).toBe(true);
    rmSync(file);
    return 'whole';
  }
  expect(ended.code).toBe(1);
  expect(ended.err).toMatch(/(DAYBOOK_HOME\/(parts|files|tmp)|--out \S+): /);
  expect(ended.err).toMatch(/E_IO|E_NO_DISK|E_NO_SPACE/);
  expect(existsSync(file)).toBe(false);
  expect(unfinished(home)).toEqual([]);
  const partial = await ask(
    test.url,
    `select 1 from daybook.runs r join daybook.files f on f.run_id = r.id where r.state <> 'done'`,
  );
  expect(partial).toEqual([]);
  return 'failed';
}

describe.skipIf(!hasStrace)('an export whose n-th call fails', () => {
  it.each([
    ['fsync', 'EIO'],
    ['fsync', 'ENOSPC'],
    ['rename', 'EIO'],
    ['rename', 'ENOSPC'],
  ])(
    '%s with %s is whole or has failed and left nothing, and the next one is whole',
    async (call, error) => {
      let failures = 0;
      for (let n = 1; ; n++) {
        const home = freshHome();
        const file = join(out, 'x.csv');
        const trace = join(home, 'trace');
        const command = start(exportTo(file), environment(home), {
          prefix: [
            ...['strace', '-f', '-qq', '-o', trace, '-e', `trace=${call}`],
            ...['-e', `inject=${call}:error=${error}:when=${n}`],
          ],
        });
        const ended = await command.ended;
        const injected = readFileSync(trace, 'utf8').includes('INJECTED');
        if ((await wholeOrNothing(home, file, ended)) === 'failed') {
          failures += 1;
          expect(readdirSync(out)).toEqual([]);
          const next = await daybook(exportTo(file), environment(home));
          expect(await wholeOrNothing(home, file, next)).toBe('whole');
        }
        if (!injected) break;
        expect(n).toBeLessThan(100);
      }
      expect(failures).toBeGreaterThan(2);
    },
  );
});

describe.skipIf(!canMount)('an export onto a disk that ends after so many bytes', () => {
  it.each(['files', 'parts'] as const)(
    'in %s is whole or has failed and left nothing',
    async (folder) => {
      const seen = { whole: 0, failed: 0 };
      for (let kibibytes = 32; seen.whole === 0; kibibytes = Math.ceil(kibibytes * 1.6)) {
        const home = freshHome();
        const disk = join(home, folder);
        mkdirSync(disk);
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'none', disk]);
        try {
          const file = join(out, 'x.csv');
          const ended = await daybook(exportTo(file), environment(home));
          seen[await wholeOrNothing(home, file, ended)] += 1;
        } finally {
          execFileSync('umount', ['-l', disk]);
        }
      }
      expect(seen.failed).toBeGreaterThan(2);
    },
  );
});
