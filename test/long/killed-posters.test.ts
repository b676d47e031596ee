import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listAccounts } from '../../src/store/ledger.ts';
import { verifyLedger } from '../../src/store/ledger-statement.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';

/** 32 posters in 8 processes, killed at random, each begun again until it comes to its end. */

const SHORT = process.env.DAYBOOK_LONG === 'short';
const KILLS = SHORT ? 10 : 100;
const PROCESSES = 8;
const ENTRIES = SHORT ? 40 : 200;
const POSTER = fileURLToPath(new URL('./support/poster.ts', import.meta.url));

let test: TestDatabase;
let tenant: TestTenant;
beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
});
afterAll(() => test.drop());

it(`after ${KILLS} SIGKILLs balances equal the sums of entries, and nothing is there twice`, async () => {
  const running = new Map<number, ChildProcess>();
  const begin = (number: number) => {
    const args = ['--import', 'tsx', POSTER, test.url, tenant.id, String(number), String(ENTRIES)];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    running.set(number, child);
    return child;
  };
  let kills = 0;
  const seen = async () =>
    Number(
      (
        await test.database.asTenant(tenant.id, (tx) =>
          tx.query<{ n: string }>('select count(*) as n from daybook.ledger_entries'),
        )
      )[0].n,
    );
  const untilItEnds = async (number: number) => {
    for (;;) {
      const [code] = await once(begin(number), 'close');
      if (code === 0) return;
      expect(code).toBeNull();
    }
  };
  const posting = Promise.all(
    Array.from({ length: PROCESSES }, (_, number) => untilItEnds(number)),
  );
  // Whenever some entries more are there, somebody in the middle of posting is killed.
  let before = await seen();
  while (kills < KILLS) {
    const now = await seen();
    if (now === PROCESSES * 4 * ENTRIES) break;
    if (now - before < 8) continue;
    before = now;
    const children = [...running.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    if (children[kills % Math.max(1, children.length)]?.kill('SIGKILL')) kills += 1;
  }
  await posting;
  const accounts = await test.database.asTenant(tenant.id, (tx) => listAccounts(tx, tenant.id));
  expect(await test.database.asTenant(tenant.id, (tx) => verifyLedger(tx, tenant.id))).toEqual([]);
  expect(kills).toBeGreaterThan(KILLS / 2);
  expect(await seen()).toBe(PROCESSES * 4 * ENTRIES);
  expect(accounts.filter(({ kind }) => kind === 'payer')).toHaveLength(50);
  expect(accounts.at(-1)?.entries).toBe(PROCESSES * 4 * ENTRIES);
});
