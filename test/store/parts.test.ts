import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findParts, recordParts } from '../../src/store/parts.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let tenantId: string;
const day = { date: '2026-01-01', zone: 'UTC', start: 0, end: 86_400_000 };
const part = (key: string) => ({
  day,
  part: {
    kind: 'rows' as const,
    ref: { key, path: `parts/${key}`, rows: 1, bytes: 1, sha256: 's', dataAsOf: null },
  },
});

beforeAll(async () => {
  test = await freshDatabase();
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'UTC' }));
  await test.database.asTenant(tenantId, async (tx) => {
    await recordParts(tx, tenantId, 'calls', ['a', 'b', 'c'].map(part));
    await tx.run(`update daybook.parts set last_used_at = now() - interval '1 day'`);
  });
});
afterAll(() => test.drop());

describe('the index of parts', () => {
  it('is read while another transaction writes the same parts, without waiting for it', async () => {
    const found = await test.database.asTenant(tenantId, async (writer) => {
      await recordParts(writer, tenantId, 'calls', [part('b')]);
      return test.database.asTenant(tenantId, (tx) => findParts(tx, ['a', 'b', 'x']), {
        statementTimeoutMs: 2_000,
      });
    });
    expect([...found.keys()].sort()).toEqual(['a', 'b']);
  });

  it('remembers which parts were looked for', async () => {
    await test.database.asTenant(tenantId, async (tx) => {
      await findParts(tx, ['a']);
      const used = await tx.query<{ key: string }>(
        `select key from daybook.parts where last_used_at > now() - interval '1 hour' order by key`,
      );
      expect(used.map(({ key }) => key)).toEqual(['a', 'b']);
    });
  });
});
