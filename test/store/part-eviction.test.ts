import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evictParts, heldParts } from '../../src/store/part-eviction.ts';
import { dropDeadPins, type PinHolder } from '../../src/store/part-pins.ts';
import { findParts, recordParts } from '../../src/store/parts.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let tenantId: string;
let runId: string;
const day = { date: '2026-01-01', zone: 'UTC', start: 0, end: 86_400_000 };

beforeAll(async () => {
  test = await freshDatabase();
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'UTC' }));
});
afterAll(() => test.drop());

/** Parts a, b, c of 10 bytes each, used in this order, and a run that is under way. */
beforeEach(async () => {
  await test.database.asSystem(async (tx) => {
    await tx.run('delete from daybook.parts');
    await tx.run('delete from daybook.runs');
    const [run] = await tx.query<{ id: string }>(
      `insert into daybook.runs (tenant_id, report, request, requested_by, state, lease_token, lease_until)
       values ($1, 'calls', '{}', 't', 'running', 1, now() + interval '1 hour') returning id`,
      [tenantId],
    );
    runId = run.id;
    await recordParts(tx, { tenantId, holder: null }, 'calls', day, ['a', 'b', 'c'].map(part));
    await tx.run(
      `update daybook.parts set last_used_at = now() - (array_position(array['c', 'b', 'a'], key)) * interval '1 hour'`,
    );
  });
});

const part = (key: string) => ({
  kind: 'rows' as const,
  ref: { key, path: `parts/${key}`, rows: 1, bytes: 10, sha256: 's', dataAsOf: null },
});
const evict = (bytes: number) =>
  test.database.asSystem(async (tx) =>
    (await evictParts(tx, bytes, 100)).map(({ path }) => path).sort(),
  );
const find = (keys: string[], holder: PinHolder | null) =>
  test.database.asTenant(tenantId, (tx) => findParts(tx, { tenantId, holder }, keys));
const run = (set: string) =>
  test.database.asSystem((tx) => tx.run(`update daybook.runs set ${set} where id = $1`, [runId]));

describe('eviction', () => {
  it('takes the least recently used parts, and no more than are needed', async () => {
    expect(await evict(11)).toEqual(['parts/a', 'parts/b']);
    expect(await test.database.asSystem(heldParts)).toEqual({ parts: 1, bytes: 10 });
  });

  it('spares what was used meanwhile', async () => {
    await find(['a'], null);
    expect(await evict(10)).toEqual(['parts/b']);
  });

  it.each<[string, string, string[]]>([
    ['spares what a run under way has found', 'attempts = 1', ['parts/b', 'parts/c']],
    [
      'takes it when the lease ran out',
      `lease_until = now() - interval '1 s'`,
      ['parts/a', 'parts/b', 'parts/c'],
    ],
    ['takes it when the run ended', `state = 'done'`, ['parts/a', 'parts/b', 'parts/c']],
    [
      'takes it when another attempt has the run',
      'lease_token = 2',
      ['parts/a', 'parts/b', 'parts/c'],
    ],
  ])('%s', async (_, set, gone) => {
    await find(['a'], { runId, leaseToken: '1' });
    await run(set);
    expect(await evict(100)).toEqual(gone);
  });

  it('spares what a run under way has made', async () => {
    await test.database.asTenant(tenantId, (tx) =>
      recordParts(tx, { tenantId, holder: { runId, leaseToken: '1' } }, 'calls', day, [part('d')]),
    );
    expect(await evict(100)).toEqual(['parts/a', 'parts/b', 'parts/c']);
  });

  it('steps back from a part that is being found at this moment', async () => {
    await test.database.asTenant(tenantId, async (tx) => {
      await findParts(tx, { tenantId, holder: { runId, leaseToken: '1' } }, ['a']);
      expect(await evict(100)).toEqual(['parts/b', 'parts/c']);
    });
  });

  it('hides a part that it is taking at this moment from who looks, who does not wait', async () => {
    await test.database.asSystem(async (tx) => {
      await evictParts(tx, 10, 100);
      expect([...(await find(['a', 'b'], { runId, leaseToken: '1' })).keys()]).toEqual(['b']);
    });
  });

  it('sees a pin that was committed between its choice and its deed', async () => {
    // Both statements of an eviction, with a finder that ends between them.
    const gone = await test.database.asSystem(async (tx) => {
      const query: typeof tx.query = async (text, values) => {
        if (text.includes('for update of p skip locked')) {
          // The finder's lock is gone when the chosen are locked, its pins are newer.
          const rows = await tx.query(text.replace('for update of p skip locked', ''), values);
          await find(['a'], { runId, leaseToken: '1' });
          return rows as never;
        }
        return tx.query(text, values);
      };
      return evictParts({ ...tx, query }, 100, 100);
    });
    expect(gone.map(({ path }) => path).sort()).toEqual(['parts/b', 'parts/c']);
  });

  it('removes the pins of attempts that are over, and keeps those of a lease that may go on', async () => {
    await find(['a'], { runId, leaseToken: '1' });
    await run(`lease_until = now() - interval '1 s'`);
    expect(await test.database.asSystem(dropDeadPins)).toBe(0);
    await run('lease_token = 2');
    expect(await test.database.asSystem(dropDeadPins)).toBe(1);
  });
});
