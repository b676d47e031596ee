import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import {
  enterHash,
  findBlocksOfFile,
  findFileOfRun,
  insertFile,
  markFileRemoved,
} from '../../src/store/files.ts';
import {
  findRun,
  insertRun,
  isFinal,
  listRuns,
  moveRun,
  RUN_MOVES,
  type RunState,
  requestCancel,
} from '../../src/store/runs.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';

let test: TestDatabase;
let tenant: TestTenant;
let other: TestTenant;
beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'a', zone: 'Europe/London' });
  other = await addTestTenant(test.database, { name: 'b', zone: 'Europe/London' });
});
afterAll(() => test.drop());

const request = parseReportRequest(
  { report: 'calls', from: '2026-03-01', to: '2026-03-02' },
  { locale: 'en' },
);
const STATES = Object.keys(RUN_MOVES) as RunState[];

const added = (state: RunState = 'queued') =>
  test.database.asTenant(tenant.id, async (tx) => {
    const run = await insertRun(tx, {
      tenantId: tenant.id,
      request,
      workClass: 'interactive',
      requestedBy: 'test',
      daysTotal: 2,
    });
    await tx.run('update daybook.runs set state = $2 where id = $1', [run.id, state]);
    return run;
  });

describe('a run', () => {
  it('moves exactly as the table of moves says', async () => {
    for (const from of STATES) {
      for (const to of STATES.filter((state) =>
        STATES.some((each) => RUN_MOVES[each].includes(state)),
      )) {
        const { id } = await added(from);
        const moved = await test.database.asTenant(tenant.id, (tx) => moveRun(tx, { id, to }));
        expect(moved?.state ?? null, `${from} → ${to}`).toBe(
          RUN_MOVES[from].includes(to) ? to : null,
        );
        if (moved) expect(moved.finishedAt !== null, to).toBe(isFinal(to));
      }
    }
  });

  it('is not moved under a lease that passed to another', async () => {
    const { id } = await added('running');
    await test.database.asTenant(tenant.id, async (tx) => {
      await tx.run('update daybook.runs set lease_token = 7 where id = $1', [id]);
      expect(await moveRun(tx, { id, to: 'done', leaseToken: '6' })).toBeNull();
      expect((await moveRun(tx, { id, to: 'done', leaseToken: '7' }))?.state).toBe('done');
    });
  });

  it('keeps its request as it was understood', async () => {
    const { id } = await added();
    const found = await test.database.asTenant(tenant.id, (tx) => findRun(tx, id));
    expect(found?.request).toEqual(request);
    expect(found).toMatchObject({ daysTotal: 2, daysDone: 0, rowsRead: 0, leaseToken: '0' });
  });

  it("and its file are nobody else's to find, cancel or list", async () => {
    const { id } = await added();
    await test.database.asTenant(other.id, async (tx) => {
      expect(await findRun(tx, id)).toBeNull();
      expect(await requestCancel(tx, id)).toBeNull();
      expect(await moveRun(tx, { id, to: 'cancelled' })).toBeNull();
      expect(await findFileOfRun(tx, id)).toBeNull();
      expect((await listRuns(tx, { limit: 10, cursor: null })).runs).toEqual([]);
    });
    const row = test.database.asTenant(other.id, (tx) =>
      insertRun(tx, {
        tenantId: tenant.id,
        request,
        workClass: 'interactive',
        requestedBy: 'test',
        daysTotal: 2,
      }),
    );
    await expect(row).rejects.toThrow();
  });

  it('made in one transaction with others is listed once, though their instants are equal', async () => {
    await test.database.asTenant(tenant.id, async (tx) => {
      for (let i = 0; i < 7; i++) {
        await insertRun(tx, {
          tenantId: tenant.id,
          request,
          workClass: 'precache',
          requestedBy: 'test',
          daysTotal: 2,
        });
      }
      const seen: string[] = [];
      let cursor = null;
      do {
        const page: Awaited<ReturnType<typeof listRuns>> = await listRuns(tx, {
          limit: 2,
          cursor,
          workClass: 'precache',
        });
        seen.push(...page.runs.map(({ id }) => id));
        cursor = page.next;
      } while (cursor);
      expect(new Set(seen).size).toBe(7);
      expect(seen.length).toBe(7);
    });
  });
});

describe('a file', () => {
  it('is found by its run with every value as it was entered', async () => {
    const { id } = await added('running');
    const blocks = [{ bytes: 4, rawBytes: 5_000_000_000, crc32: 0xffff_ffff }];
    const entry = {
      id: randomUUID(),
      tenantId: tenant.id,
      runId: id,
      name: 'a.csv',
      format: 'csv',
      mediaType: 'text/csv',
      path: 'files/a.csv',
      bytes: 5_000_000_000,
      sha256: null,
      coding: 'gzip',
      storedBytes: 4,
      rowCount: 3_000_000_000,
      document: { title: 'x' } as never,
      dataAsOf: Date.UTC(2026, 0, 1, 2, 3, 4, 567),
      revision: 1,
      expiresAt: null,
    } as const;
    await test.database.asTenant(tenant.id, async (tx) => {
      const { id: fileId } = await insertFile(tx, { ...entry, blocks });
      expect(await findBlocksOfFile(tx, fileId)).toEqual(blocks);
      expect(await findFileOfRun(tx, id)).toMatchObject(entry);
      await enterHash(tx, fileId, 'ab');
      await enterHash(tx, fileId, 'what was entered stays');
      expect(await findFileOfRun(tx, id)).toMatchObject({ ...entry, sha256: 'ab' });
      await markFileRemoved(tx, fileId);
      expect((await findFileOfRun(tx, id))?.removedAt).toBeTypeOf('number');
    });
  });
});
