import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashFiles, hashOfNewFile } from '../../src/scheduler/hash-files.ts';
import { type FileRow, findBlocksOfFile, findFileOfRun } from '../../src/store/files.ts';
import { loadCalls } from '../faults/support/rows.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';

let test: TestDatabase;
let home: string;
let acme: TestTenant;
let engine: TestEngine;
const logged: string[] = [];
const unreadable = new Set<string>();

beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 2, perDay: 60 });
  engine = startEngine({ database: test.database, home });
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

const exported = (raw: object) =>
  engine.export(acme.id, { report: 'calls', from: '2026-03-01', to: '2026-03-02', ...raw });
const now = (file: FileRow) =>
  test.database.asTenant(acme.id, (tx) => findFileOfRun(tx, file.runId)) as Promise<FileRow>;

function hashAll(isIdle: () => boolean = () => true): Promise<void> {
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const deps = { database: test.database, home, log, isIdle };
  return hashFiles(deps, unreadable, new AbortController().signal);
}

describe('files that have been made', () => {
  it('bear the SHA-256 of what people get, however they are stored, and of nothing at all', async () => {
    const nothing = [{ field: 'queue', op: '=' as const, values: ['no such queue'] }];
    const made = [
      await exported({ format: 'csv' }),
      await exported({ format: 'ndjson' }),
      await exported({ format: 'csv.gz' }),
      await exported({ format: 'xlsx' }),
      await exported({ format: 'ndjson', where: nothing }),
    ];
    expect(made.map(({ file }) => file.sha256)).toEqual([null, null, null, null, null]);
    expect(made[4].bytes.length).toBe(0);
    await hashAll();
    for (const { file, bytes } of made) {
      expect((await now(file)).sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });

  it('have none when they are not what was made, which is told once, and the others have theirs', async () => {
    const changed = (await exported({ format: 'csv' })).file;
    const gone = (await exported({ format: 'csv' })).file;
    const good = (await exported({ format: 'csv' })).file;
    const bytes = readFileSync(join(home, changed.path));
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(join(home, changed.path), bytes);
    rmSync(join(home, gone.path));
    await hashAll();
    await hashAll();
    expect((await now(changed)).sha256).toBeNull();
    expect((await now(gone)).sha256).toBeNull();
    expect((await now(good)).sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(logged.length).toBe(1);
    expect(logged[0]).toContain(changed.path);
  });

  it('and are not entered yet may be away with their disk; other bytes than were made are no such thing', async () => {
    const { file } = await exported({ format: 'csv' });
    const blocks = await test.database.asTenant(acme.id, (tx) => findBlocksOfFile(tx, file.id));
    const hash = () => hashOfNewFile(home, { ...file, blocks }, () => {});
    const files = join(home, 'files');
    renameSync(files, `${files}.away`);
    const where = `DAYBOOK_HOME/${file.path}`;
    const away = { code: 'E_NO_DISK', message: expect.stringContaining(where) };
    await expect(hash()).rejects.toMatchObject(away);
    writeFileSync(files, '');
    await expect(hash()).rejects.toMatchObject(away);
    rmSync(files);
    renameSync(`${files}.away`, files);
    expect(await hash()).toMatch(/^[0-9a-f]{64}$/);
    appendFileSync(join(home, file.path), 'x');
    await expect(hash()).rejects.toMatchObject({ code: 'E_IO' });
  });

  it('are read when nothing else is made, or when they have waited for five minutes', async () => {
    const { file } = await exported({ format: 'csv' });
    let isIdle = false;
    let hasAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      hasAsked = resolve;
    });
    const hashed = hashAll(() => {
      hasAsked();
      return isIdle;
    });
    await asked;
    expect((await now(file)).sha256).toBeNull();
    isIdle = true;
    await hashed;
    expect((await now(file)).sha256).toMatch(/^[0-9a-f]{64}$/);

    const old = (await exported({ format: 'csv' })).file;
    await test.database.asOwner((tx) =>
      tx.run(
        "update daybook.files set created_at = created_at - interval '5 minutes' where id = $1",
        [old.id],
      ),
    );
    await hashAll(() => false);
    expect((await now(old)).sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});
