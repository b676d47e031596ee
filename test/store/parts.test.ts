import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findParts, recordParts } from '../../src/store/parts.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let tenantId: string;
const day = { date: '2026-01-01', zone: 'UTC', start: 0, end: 86_400_000 };
const part = (key: string, path = `parts/${key}`) => ({
  kind: 'rows' as const,
  ref: { key, path, rows: 1, bytes: 1, sha256: 's', dataAsOf: null },
});
const use = () => ({ tenantId, holder: null });

beforeAll(async () => {
  test = await freshDatabase();
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'UTC' }));
  await test.database.asTenant(tenantId, async (tx) => {
    await recordParts(
      tx,
      use(),
      'calls',
      day,
      ['a', 'b', 'c'].map((key) => part(key)),
    );
    await tx.run(`update daybook.parts set last_used_at = now() - interval '1 day'`);
  });
});
afterAll(() => test.drop());

describe('the index of parts', () => {
  it('is read while another transaction writes the same parts, without waiting for it', async () => {
    const found = await test.database.asTenant(tenantId, async (writer) => {
      await recordParts(writer, use(), 'calls', day, [part('b')]);
      return test.database.asTenant(tenantId, (tx) => findParts(tx, use(), ['a', 'b', 'x']), {
        statementTimeoutMs: 2_000,
      });
    });
    expect([...found.keys()].sort()).toEqual(['a', 'b']);
  });

  it('remembers which parts were looked for', async () => {
    await test.database.asTenant(tenantId, async (tx) => {
      await findParts(tx, use(), ['a']);
      const used = await tx.query<{ key: string }>(
        `select key from daybook.parts where last_used_at > now() - interval '1 hour' order by key`,
      );
      expect(used.map(({ key }) => key)).toEqual(['a', 'b']);
    });
  });

  it('gives the newest of several files of one key; the others are as good as unused', async () => {
    await test.database.asTenant(tenantId, (tx) =>
      recordParts(tx, use(), 'calls', day, [part('c', 'parts/c2')]),
    );
    const { found, unused } = await test.database.asTenant(tenantId, async (tx) => ({
      found: await findParts(tx, use(), ['c']),
      unused: await tx.query(
        `select path from daybook.parts
         where key = 'c' and last_used_at < now() - interval '1 hour'`,
      ),
    }));
    expect(found.get('c')?.ref.path).toBe('parts/c2');
    expect(unused).toEqual([{ path: 'parts/c' }]);
  });
});
