import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Cleaned, clean, SWEEP_EVERY_MS } from '../../src/scheduler/clean.ts';
import { findFileOfRun } from '../../src/store/files.ts';
import { takeLease } from '../../src/store/leases.ts';
import { recordParts, recordTotals } from '../../src/store/parts.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 5, 15, 12);
const day = { date: '2026-01-01', zone: 'UTC', start: 0, end: DAY_MS };

let test: TestDatabase;
let tenantId: string;
let home: string;
let nonce = 0;

beforeAll(async () => {
  test = await freshDatabase();
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'UTC' }));
});
afterAll(() => test.drop());
beforeEach(async () => {
  home = freshHome();
  await sql('delete from daybook.leases');
  await sql('delete from daybook.runs');
  await sql('delete from daybook.parts');
});

const sql = (text: string, values: unknown[] = []) =>
  test.database.asSystem((tx) => tx.query(text, values));
const pass = async (now = NOW): Promise<Cleaned> => {
  const cleaned = await clean(
    now,
    { database: test.database, home, boundBytes: 1e9, holder: 't', log: pino({ level: 'silent' }) },
    new AbortController().signal,
  );
  if (!cleaned) throw new Error('somebody else is at it');
  return cleaned;
};

/** A file of the home folder that was last written at `at`. */
function put(path: string, at: number): string {
  const absolute = join(home, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, 'x');
  utimesSync(absolute, at / 1000, at / 1000);
  return absolute;
}

async function runOf(state: string, startedAt = NOW - DAY_MS): Promise<string> {
  const [run] = (await sql(
    `insert into daybook.runs (tenant_id, report, request, requested_by, state, started_at)
     values ($1, 'calls', '{}', 't', $2, $3) returning id`,
    [tenantId, state, new Date(startedAt).toISOString()],
  )) as { id: string }[];
  return run.id;
}

async function fileIn(path: string, expiresAt: number | null): Promise<string> {
  const runId = await runOf('done');
  await sql(
    `insert into daybook.files (tenant_id, run_id, name, format, media_type, path, bytes, sha256,
       row_count, document, expires_at) values ($1, $2, 'f', 'csv', 'text/csv', $3, 1, 'x', 1, '{}', $4)`,
    [tenantId, runId, path, expiresAt === null ? null : new Date(expiresAt).toISOString()],
  );
  return runId;
}

const removedAt = async (runId: string) =>
  (await test.database.asTenant(tenantId, (tx) => findFileOfRun(tx, runId)))?.removedAt ?? null;

async function record(path: string): Promise<void> {
  const ref = { key: `k${++nonce}`, path, rows: 1, bytes: 1, sha256: 's', dataAsOf: null };
  await test.database.asTenant(tenantId, (tx) =>
    recordParts(tx, { tenantId, holder: null }, 'calls', day, [{ kind: 'rows', ref }]),
  );
}

describe('a pass of clean', () => {
  it('removes files whose time has come and marks them, and keeps the others', async () => {
    const names = ['past', 'future', 'kept'];
    const [past, future, kept] = names.map((name) => `files/${tenantId}/${name}.csv`);
    const runs = [await fileIn(past, NOW), await fileIn(future, NOW + 1), await fileIn(kept, null)];
    for (const path of [past, future, kept]) put(path, NOW - DAY_MS);
    expect(await pass()).toMatchObject({ expiredFiles: 1 });
    expect([past, future, kept].map((path) => existsSync(join(home, path)))).toEqual([
      false,
      true,
      true,
    ]);
    expect(await removedAt(runs[0])).not.toBeNull();
    expect(await removedAt(runs[1])).toBeNull();
    expect(await pass()).toMatchObject({ expiredFiles: 0 });
  });

  it('marks an expired file that is gone already, as after a crash between the two', async () => {
    const run = await fileIn(`files/${tenantId}/gone.csv`, NOW - 1);
    expect(await pass()).toMatchObject({ expiredFiles: 1 });
    expect(await removedAt(run)).not.toBeNull();
  });

  it('goes on with the others when a file cannot be removed, and tries that one again', async () => {
    mkdirSync(join(home, `files/${tenantId}/folder.csv`), { recursive: true });
    const stuck = await fileIn(`files/${tenantId}/folder.csv`, NOW - 1);
    const other = await fileIn(`files/${tenantId}/other.csv`, NOW - 1);
    put(`files/${tenantId}/other.csv`, NOW - DAY_MS);
    expect(await pass()).toMatchObject({ expiredFiles: 1 });
    expect(await removedAt(other)).not.toBeNull();
    expect(await removedAt(stuck)).toBeNull();
    rmSync(join(home, `files/${tenantId}/folder.csv`), { recursive: true });
    expect(await pass()).toMatchObject({ expiredFiles: 1 });
  });

  it('removes old files that no row knows, and no young ones', async () => {
    const part = `parts/${tenantId}/ab/known.rows`;
    const file = `files/${tenantId}/known.csv`;
    await record(part);
    await fileIn(file, null);
    const old = NOW - HOUR_MS - 1;
    const kept = [
      put(part, old),
      put(file, old),
      put(`parts/${tenantId}/ab/young.rows`, NOW - HOUR_MS + 1),
      put(`files/${tenantId}/young.csv`, NOW - HOUR_MS + 1),
      put(`parts/.making/1-0/x.tmp`, old),
      put(`files/.making/1-0/x.tmp`, old),
      put('parts/notes.txt', old),
    ];
    const orphans = [
      put(`parts/${tenantId}/ab/orphan.rows`, old),
      put(`files/${tenantId}/orphan.csv`, old),
    ];
    expect(await pass()).toMatchObject({ swept: { orphanParts: 1, orphanFiles: 1 } });
    expect(kept.filter((path) => !existsSync(path))).toEqual([]);
    expect(orphans.filter((path) => existsSync(path))).toEqual([]);
  });

  it('leaves what was written since the oldest run under way began', async () => {
    const before = put(`parts/${tenantId}/ab/before.rows`, NOW - 3 * HOUR_MS);
    const since = put(`parts/${tenantId}/ab/since.rows`, NOW - 2 * HOUR_MS + 1);
    await runOf('running', NOW - 2 * HOUR_MS);
    expect(await pass()).toMatchObject({ swept: { orphanParts: 1 } });
    expect([existsSync(before), existsSync(since)]).toEqual([false, true]);
  });

  it('removes a file that was marked as removed and stands there all the same', async () => {
    const path = `files/${tenantId}/marked.csv`;
    const run = await fileIn(path, null);
    await sql('update daybook.files set removed_at = now() where run_id = $1', [run]);
    put(path, NOW - DAY_MS);
    expect(await pass()).toMatchObject({ swept: { orphanFiles: 1 } });
  });

  it('forgets parts whose file is gone', async () => {
    await record(`parts/${tenantId}/ab/lost.rows`);
    await record(`parts/${tenantId}/ab/there.rows`);
    put(`parts/${tenantId}/ab/there.rows`, NOW);
    expect(await pass()).toMatchObject({ swept: { lostParts: 1 } });
    expect(await sql('select path from daybook.parts')).toEqual([
      { path: `parts/${tenantId}/ab/there.rows` },
    ]);
  });

  it('removes folders that have been empty for an hour, but not the roots', async () => {
    const old = join(home, 'parts', tenantId, 'ab');
    mkdirSync(old, { recursive: true });
    mkdirSync(join(home, 'parts', tenantId, 'cd'));
    utimesSync(old, (NOW - DAY_MS) / 1000, (NOW - DAY_MS) / 1000);
    expect(await pass()).toMatchObject({ swept: { emptyFolders: 1 } });
    expect(existsSync(old)).toBe(false);
    expect(existsSync(join(home, 'parts', tenantId, 'cd'))).toBe(true);
  });

  it('never follows a link, and never removes anything outside the home folder', async () => {
    const outside = freshHome();
    const old = (NOW - DAY_MS) / 1000;
    const victims = ['folder/ab/x.rows', 'file.csv', `parts/${tenantId}/y.csv`].map((name) => {
      const path = join(outside, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'theirs');
      utimesSync(path, old, old);
      return path;
    });
    mkdirSync(join(home, 'parts', tenantId), { recursive: true });
    mkdirSync(join(home, 'files', tenantId), { recursive: true });
    // A folder and a file of ours that are links, and rows whose paths lead over or out of them.
    symlinkSync(join(outside, 'folder'), join(home, 'parts', tenantId, 'zz'));
    symlinkSync(join(outside, 'file.csv'), join(home, 'files', tenantId, 'link.csv'));
    symlinkSync(outside, join(home, 'files', 'elsewhere'));
    await fileIn(`files/${tenantId}/link.csv`, NOW - 1);
    await fileIn(`files/elsewhere/file.csv`, NOW - 1);
    await fileIn(`files/../../${outside.split('/').at(-1)}/file.csv`, NOW - 1);
    await fileIn(join(outside, 'file.csv'), NOW - 1);
    await record(`parts/${tenantId}/zz/ab/x.rows`);
    await pass();
    await pass(NOW + SWEEP_EVERY_MS);
    expect(victims.map((path) => readFileSync(path, 'utf8'))).toEqual(victims.map(() => 'theirs'));
    // The link itself was in the place of an expired file.
    expect(existsSync(join(home, 'files', tenantId, 'link.csv'))).toBe(false);
  });

  it('forgets idempotency keys after a day, and no sooner', async () => {
    for (const [key, at] of [
      ['old', NOW - DAY_MS - 1],
      ['young', NOW - DAY_MS + 1],
    ] as const) {
      await sql(
        `insert into daybook.idempotency_keys (tenant_id, principal, key, request_sha256, created_at)
         values ($1, 'p', $2, 'x', $3)`,
        [tenantId, key, new Date(at).toISOString()],
      );
    }
    expect(await pass()).toMatchObject({ rows: { idempotencyKeys: 1 } });
    expect(await sql('select key from daybook.idempotency_keys')).toEqual([{ key: 'young' }]);
  });

  it('deletes totals of rows that were superseded a week ago or that nobody asked for in 400 days', async () => {
    const keep = async (key: string, rowsKey: string, of = day) => {
      await test.database.asTenant(tenantId, (tx) =>
        recordTotals(tx, { tenantId, dataset: 'calls', day: of }, [
          { key, rowsKey, totals: { totals: {}, pieceRows: [] } as never },
        ]),
      );
    };
    const other = { ...day, start: DAY_MS, end: 2 * DAY_MS };
    await keep('superseded', 'v1');
    await keep('superseded lately', 'v1', other);
    await keep('newer', 'v2');
    await keep('newest', 'v2', other);
    await keep('unused', 'v3', { ...day, start: 2 * DAY_MS, end: 3 * DAY_MS });
    const ages: Record<string, number> = {
      superseded: 20,
      'superseded lately': 20,
      newer: 8,
      newest: 6,
      unused: 9,
    };
    for (const [key, days] of Object.entries(ages)) {
      await sql(
        'update daybook.part_totals set created_at = $2, last_used_at = $3 where key = $1',
        [
          key,
          new Date(NOW - days * DAY_MS).toISOString(),
          new Date(NOW - (key === 'unused' ? 401 : 300) * DAY_MS).toISOString(),
        ],
      );
    }
    expect(await pass()).toMatchObject({ swept: { staleTotals: 2 } });
    const left = (await sql('select key from daybook.part_totals order by key')) as {
      key: string;
    }[];
    expect(left.map(({ key }) => key)).toEqual(['newer', 'newest', 'superseded lately']);
  });

  it('reads the whole disk once in six hours', async () => {
    expect((await pass()).swept).not.toBeNull();
    expect((await pass(NOW + SWEEP_EVERY_MS - 1)).swept).toBeNull();
    expect((await pass(NOW + SWEEP_EVERY_MS)).swept).not.toBeNull();
  });

  it('does nothing while another process is at it, and takes over when that one is gone', async () => {
    const of = { name: 'clean', holder: 'other', seconds: 60 };
    await test.database.asSystem((tx) => takeLease(tx, of));
    const deps = { database: test.database, home, boundBytes: 1, holder: 't' };
    const log = pino({ level: 'silent' });
    const { signal } = new AbortController();
    expect(await clean(NOW, { ...deps, log }, signal)).toBeNull();
    await sql(`update daybook.leases set until = now() - interval '1 s'`);
    expect(await clean(NOW, { ...deps, log }, signal)).not.toBeNull();
  });
});
