import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';

/** The built command, as people run it. */

const BIN = fileURLToPath(new URL('../../bin/daybook.js', import.meta.url));
const HEADER = 'external_id,started_at,ended_at,disposition\n';

let test: TestDatabase;
let tenant: TestTenant;
let folder: string;
beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'shop', zone: 'UTC' });
  folder = mkdtempSync(join(tmpdir(), 'daybook-load-'));
});
afterAll(async () => {
  await test.drop();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, DATABASE_URL: test.url, DAYBOOK_HOME: folder, LOG_LEVEL: 'warn' },
  });
}

async function ended(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (piece) => {
    stdout += piece;
  });
  child.stderr?.on('data', (piece) => {
    stderr += piece;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...how) => resolve(how));
  });
  return { code, signal, stdout, stderr };
}

function run(input: string | null, ...args: string[]) {
  const child = start(...args);
  child.stdin?.end(input ?? '');
  return ended(child);
}

function rows(from: number, count: number): string {
  let text = '';
  for (let i = from; i < from + count; i++) {
    text += `${i},2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy\n`;
  }
  return text;
}

/** Until the server has staged some rows of a COPY that is still going on. */
async function copying(): Promise<void> {
  for (;;) {
    const busy = await test.database.asOwner((tx) =>
      tx.query(
        `select from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000`,
      ),
    );
    if (busy.length > 0) return;
  }
}

async function countCalls(): Promise<number> {
  const [{ count }] = await test.database.asTenant(tenant.id, (tx) =>
    tx.query<{ count: string }>('select count(*) from daybook.calls'),
  );
  return Number(count);
}

/** Until no transaction of a load is left on the server. */
async function quiet(): Promise<void> {
  for (;;) {
    const left = await test.database.asOwner((tx) =>
      tx.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'daybook cli'`,
      ),
    );
    if (left.length === 0) return;
  }
}

describe('daybook load', () => {
  for (const [how, signal] of [
    ['killed', 'SIGKILL'],
    ['interrupted', 'SIGINT'],
  ] as const) {
    it(`${how} in the middle leaves nothing, though its input is still open`, async () => {
      const child = start('load', 'calls', '-', '--tenant', 'shop');
      const end = ended(child);
      child.stdin?.on('error', () => {});
      child.stdin?.write(HEADER + rows(0, 100_000));
      await copying();
      child.kill(signal);
      const { code, signal: by, stderr } = await end;
      if (signal === 'SIGKILL') expect(by).toBe('SIGKILL');
      else {
        expect(code).toBe(1);
        expect(stderr).toMatch(/cancelled/);
      }
      await quiet();
      expect(await countCalls()).toBe(0);
    });
  }

  it('says what it read from stdin, and prints one JSON document', async () => {
    const input = `${HEADER}a,2024-01-01T10:00:00Z,2024-01-01T10:01:00Z,busy\nb,soon,later,busy\n`;
    const { code, stdout, stderr } = await run(
      input,
      'load',
      'calls',
      '-',
      '--tenant',
      'shop',
      '--complete-through',
      '2024-02-01T00:00:00Z',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      loaded: 1,
      updated: 0,
      unchanged: 0,
      rejected: 1,
      days: 1,
      complete_through: '2024-02-01T00:00:00.000Z',
    });
    expect(stderr).toMatch(/stdin is read as csv, delimiter ","/);
    expect(stderr).toMatch(/1 rows were rejected, the first: row 2: started_at: got "soon"/);
  });

  it('ends with 1 when no row is good', async () => {
    const { code, stdout } = await run(
      `${HEADER}b,soon,later,busy\n`,
      'load',
      'calls',
      '-',
      '--tenant',
      'shop',
    );
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: '0 loaded, 0 updated, 0 unchanged, 1 rejected, 0 days\n',
    });
  });

  it('ends with 2 and names what is wrong with how it was called', async () => {
    const file = join(folder, 'c.csv');
    const map = join(folder, 'map.json');
    writeFileSync(file, HEADER + rows(0, 1));
    writeFileSync(map, '{"zone":"Mars"}');
    const wrong: [string[], RegExp][] = [
      [['bills', file, '--tenant', 'shop'], /dataset: got bills; expected one of calls, order_l/],
      [['calls', join(folder, 'no.csv'), '--tenant', 'shop'], /no\.csv: there is no such file/],
      [['calls', file, '--tenant', 'nobody'], /there is no tenant nobody/],
      [['calls', file], /required option '--tenant/],
      [['calls', file, '--tenant', 'shop', '--map', map], /map: zone: got Mars; expected an IANA/],
    ];
    for (const [args, message] of wrong) {
      const { code, stderr } = await run(null, 'load', ...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toMatch(message);
    }
  });
});

describe('daybook load --mirror', () => {
  const mirror = (input: string, ...more: string[]) =>
    run(input, 'load', 'calls', '-', '--tenant', 'mirrored', '--mirror', ...more);

  it('deletes what the file does not hold, or too much of it only with leave', async () => {
    await addTestTenant(test.database, { name: 'mirrored', zone: 'UTC' });
    await run(HEADER + rows(0, 60), 'load', 'calls', '-', '--tenant', 'mirrored');
    const first = await mirror(HEADER + rows(1, 60), '--expect', '60', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ loaded: 1, unchanged: 59, removed: 1 });
    const refused = await mirror(HEADER + rows(1, 30));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/it would delete 30 of the 60 rows in its scope \(50 %\)/);
    expect(refused.stderr).toMatch(/E_MIRROR_REFUSED/);
    const meant = await mirror(HEADER + rows(1, 30), '--allow-deletes', '30');
    expect(meant.stdout).toBe(
      '0 loaded, 0 updated, 30 unchanged, 30 removed, 0 rejected, 1 days\n',
    );
  });

  it.each([
    [['--expect', '60'], /--expect: got it; expected it only with --mirror/],
    [['--mirror', '--from', '2024-01-01'], /--to: got nothing; expected both/],
    [['--mirror', '--allow-deletes', 'some'], /--allow-deletes: got some; expected a whole/],
    [['--mirror', '--expect', '-1'], /--expect: got -1; expected a whole number/],
  ])('with %j ends with 2 and says why', async (flags, message) => {
    const { code, stderr } = await run('', 'load', 'calls', '-', '--tenant', 'mirrored', ...flags);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('daybook rejects', () => {
  it('lists, exports and takes back what was refused', async () => {
    await addTestTenant(test.database, { name: 'mends', zone: 'UTC' });
    await run(`${HEADER}b,soon,later,busy\n`, 'load', 'calls', '-', '--tenant', 'mends');
    const out = join(folder, 'rejects.csv');
    const list = await run(null, 'rejects', 'list', '--tenant', 'mends', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([
      { code: 'instant', row_number: 1, state: 'open' },
    ]);
    expect((await run(null, 'rejects', 'export', '--tenant', 'mends', '--out', out)).code).toBe(0);
    const stdout = await run(null, 'rejects', 'export', '--tenant', 'mends', '--out', '-');
    const mended = stdout.stdout
      .replaceAll('soon', '2024-01-02T00:00:00Z')
      .replace(',later,', ',2024-01-02T00:00:00Z,');
    writeFileSync(out, mended);
    const retried = await run(
      null,
      'rejects',
      'retry',
      '--tenant',
      'mends',
      '--file',
      out,
      '--json',
    );
    expect(JSON.parse(retried.stdout)).toMatchObject({ loaded: 1, rejected: 0 });
    const after = await run(null, 'rejects', 'list', '--tenant', 'mends', '--json');
    expect(JSON.parse(after.stdout)).toEqual([]);
  });
});
