import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

describe('tenant transactions', () => {
  it('show one tenant its own calls only, also without a where', async () => {
    const a = await addTestTenant(test.database, { name: 'a', zone: 'Europe/London' });
    const b = await addTestTenant(test.database, { name: 'b', zone: 'Europe/London' });
    for (const tenant of [a, b]) {
      await test.database.asTenant(tenant.id, (tx) =>
        tx.run(
          `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
           values ($1, $2, now(), now(), 'answered')`,
          [tenant.id, `call-of-${tenant.name}`],
        ),
      );
    }
    const seen = await test.database.asTenant(a.id, (tx) =>
      tx.query<{ external_id: string }>('select external_id from daybook.calls'),
    );
    expect(seen.map((row) => row.external_id)).toEqual(['call-of-a']);
  });
});
