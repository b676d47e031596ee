import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

const TENANTS = 50;
const TRANSACTIONS = 4_000;

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

it('fifty tenants over four connections see no foreign row, through aborts and lost connections', async () => {
  const tenants = await Promise.all(
    Array.from({ length: TENANTS }, async (_, n) => {
      const { id } = await addTestTenant(test.database, { name: `t${n}`, zone: 'UTC' });
      await test.database.asTenant(id, (tx) =>
        tx.run(
          `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
           values ($1, 'one', now(), now(), 'answered')`,
          [id],
        ),
      );
      return id;
    }),
  );
  const database = openDatabase({
    url: test.url,
    maxConnections: 4,
    applicationName: 'reuse',
    log: pino({ level: 'silent' }),
  });
  let [seen, failed, foreign, next] = [0, 0, 0, 0];

  async function worker(): Promise<void> {
    while (next < TRANSACTIONS) {
      const turn = next++;
      const tenant = tenants[(turn * 7) % TENANTS];
      try {
        await database.asTenant(tenant, async (tx) => {
          const rows = await tx.query<{ tenant_id: string; pid: number }>(
            'select tenant_id, pg_backend_pid() as pid from daybook.calls',
          );
          seen += rows.length;
          foreign += rows.filter((row) => row.tenant_id !== tenant).length;
          if (turn % 10 === 3) throw new Error('the work fails');
          if (turn % 10 === 6) await tx.query('select 1/0');
          if (turn % 500 === 250) {
            await test.database.asOwner((other) =>
              other.query('select pg_terminate_backend($1)', [rows[0].pid]),
            );
            await tx.query('select 1');
          }
        });
      } catch {
        failed += 1;
      }
    }
  }
  await Promise.all(Array.from({ length: 12 }, worker));
  await database.close();
  expect({ seen, failed, foreign }).toEqual({
    seen: TRANSACTIONS,
    failed: TRANSACTIONS / 5 + TRANSACTIONS / 500,
    foreign: 0,
  });
});
