import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import { listAccounts, type NewEntry, postEntries } from '../../../src/store/ledger.ts';
import { type Posting, postEntry, reverseEntry } from '../../../src/store/ledger-postings.ts';
import {
  listLowBalances,
  setLowBalance,
  statementOf,
  verifyLedger,
} from '../../../src/store/ledger-statement.ts';
import { putPayer } from '../../../src/store/payers.ts';
import { lockPeriod } from '../../../src/store/period-locks.ts';
import { requireTenant, type Tenant } from '../../../src/store/tenants.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../../support/database.ts';

let test: TestDatabase;
let tenant: Tenant;
let n = 0;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  n += 1;
  const { id } = await addTestTenant(test.database, { name: `t${n}`, zone: 'Asia/Tokyo' });
  tenant = await test.database.asSystem((tx) => requireTenant(tx, id));
  await inTenant((tx) => putPayer(tx, { tenantId: id, key: 'acme' }));
});

type Work<T> = Parameters<TestDatabase['database']['asTenant']>[1] extends (tx: infer X) => unknown
  ? (tx: X) => Promise<T>
  : never;
const inTenant = <T>(work: Work<T>): Promise<T> => test.database.asTenant(tenant.id, work);
const NOW = Date.parse('2026-03-10T20:00:00Z');
const by = () => ({ tenant, postedBy: 'test', now: NOW });
let sources = 0;
const posting = (more: Partial<Posting>): Posting => ({
  ...{ kind: 'credit', payer: 'acme', currency: 'USD', amount: '10', effectiveOn: null },
  ...{ note: null, source: `s${++sources}` },
  ...more,
});
const post = (more: Partial<Posting>) => inTenant((tx) => postEntry(tx, posting(more), by()));
const balances = async () =>
  (await inTenant((tx) => listAccounts(tx, tenant.id))).map(
    ({ kind, payer, currency, balance }) => `${kind} ${payer} ${currency} ${balance}`,
  );

describe('an entry', () => {
  it('moves both accounts by the same amount, on the local date of its instant', async () => {
    const entry = await post({ amount: '10.50' });
    expect(entry).toMatchObject({ kind: 'credit', amount: '10.5', bookedOn: '2026-03-11' });
    await post({ kind: 'refund', amount: '3' });
    await post({ kind: 'adjustment', amount: '-0.25' });
    expect(await balances()).toEqual([
      'payer acme USD 7.25',
      'cash  USD -7.5',
      'corrections  USD 0.25',
    ]);
    expect(await inTenant((tx) => verifyLedger(tx, tenant.id))).toEqual([]);
  });

  it('of one source is posted once, and another thing of that source is refused', async () => {
    const first = await post({ source: 'payment 1' });
    expect(await post({ source: 'payment 1' })).toEqual(first);
    expect(await balances()).toContain('payer acme USD 10');
    await expect(post({ source: 'payment 1', amount: '11' })).rejects.toMatchObject({
      code: 'E_CONFLICT',
    });
  });

  it('is taken back once, by one of the opposite amount', async () => {
    const { source } = await post({});
    const reverse = () => inTenant((tx) => reverseEntry(tx, { source, note: null }, by()));
    expect(await reverse()).toMatchObject({ kind: 'reversal', amount: '-10', reverses: source });
    expect(await balances()).toEqual(['payer acme USD 0', 'cash  USD 0']);
    await expect(reverse()).rejects.toMatchObject({ code: 'E_CONFLICT' });
    const again = { source: `reversal:${source}`, note: null };
    await expect(inTenant((tx) => reverseEntry(tx, again, by()))).rejects.toMatchObject({
      code: 'E_CONFLICT',
    });
  });

  it('of a locked period is refused, whoever writes it', async () => {
    const period = { from: '2026-03-01', to: '2026-03-05' };
    await inTenant((tx) =>
      lockPeriod(tx, { tenantId: tenant.id, period, reason: 'signed off', lockedBy: 'test' }),
    );
    await expect(post({ effectiveOn: '2026-03-05' })).rejects.toMatchObject({
      code: 'E_LOCKED',
      message: 'the day 2026-03-05 is locked: signed off',
    });
    await post({ effectiveOn: '2026-03-06' });
    expect(await balances()).toEqual(['payer acme USD 10', 'cash  USD -10']);
  });

  it.each([
    ['amount', { amount: '0' }],
    ['amount', { amount: '-1' }],
    ['amount', { amount: '1e3' }],
    ['currency', { currency: 'XYZ' }],
    ['kind', { kind: 'charge' }],
    ['effective_on', { effectiveOn: '2026-03-12' }],
  ])('with a wrong %s is refused: %j', async (where, more) => {
    await expect(post(more)).rejects.toMatchObject({ code: 'E_INVALID', details: { where } });
  });

  it('stands for ever, and a balance is nobody’s to write', async () => {
    await post({});
    for (const statement of [
      `update daybook.ledger_entries set amount = 1`,
      `delete from daybook.ledger_entries`,
      `update daybook.ledger_accounts set balance = 1`,
    ]) {
      await expect(
        inTenant((tx) => tx.run(statement)),
        statement,
      ).rejects.toMatchObject({
        code: '42501',
      });
    }
  });
});

describe('an account', () => {
  it('that falls below its bound is noted once, until it has been above it again', async () => {
    await post({});
    const of = { tenantId: tenant.id, payer: 'acme', currency: 'USD' };
    await inTenant((tx) => setLowBalance(tx, { ...of, lowBalance: '5' }));
    await post({ kind: 'refund', amount: '6' });
    await post({ kind: 'refund', amount: '1' });
    await post({ amount: '7' });
    await post({ kind: 'refund', amount: '9' });
    const notices = await inTenant((tx) => listLowBalances(tx, tenant.id));
    expect(notices.map(({ balance }) => balance)).toEqual(['1', '4']);
  });

  it('has in a statement what it had before, what moved it, and what it has', async () => {
    await post({ effectiveOn: '2026-02-27', amount: '100' });
    await post({ effectiveOn: '2026-03-01', amount: '1' });
    await post({ effectiveOn: '2026-03-02', kind: 'refund', amount: '2' });
    await post({ effectiveOn: '2026-03-03', amount: '1000' });
    const period = { from: '2026-03-01', to: '2026-03-02' };
    const [line, ...others] = await inTenant((tx) =>
      statementOf(tx, { tenantId: tenant.id, period }),
    );
    expect(others).toEqual([]);
    expect(line).toMatchObject({ opening: '100', credits: '1', refunds: '-2', closing: '99' });
  });
});

describe('verify', () => {
  it('finds a balance that somebody has written behind the back of the entries', async () => {
    await post({});
    await test.database.asOwner(async (tx) => {
      await tx.run(`set local session_replication_role = replica`);
      await tx.run(`update daybook.ledger_accounts set balance = balance + 1 where kind = 'cash'`);
    });
    expect(await inTenant((tx) => verifyLedger(tx, tenant.id))).toEqual([
      'cash USD: balance -9, entries -10',
      'USD: all accounts add up to 1, not to 0',
    ]);
  });
});

it('32 posters over 50 accounts, each entry tried twice, some cut off: sums hold, nothing twice', async () => {
  const database = openDatabase({
    url: test.url,
    maxConnections: 32,
    applicationName: 'posters',
    log: pino({ level: 'silent' }),
  });
  const entries = 24;
  const entry = (poster: number, i: number): NewEntry => ({
    source: `p${poster}-${i}`,
    kind: 'credit',
    effectiveAt: NOW,
    bookedOn: '2026-03-11',
    payer: `payer ${(poster * 7 + i * 13) % 50}`,
    currency: 'USD',
    amount: '0.01',
    contra: 'cash',
  });
  const of = { tenantId: tenant.id, postedBy: 'test' };
  let cut = 0;
  /** Ends the backend of whoever is posting, as if its process or its network were gone. */
  const cutOne = async () => {
    const ended = await test.database.asOwner((tx) =>
      tx.query(
        `select pg_terminate_backend(pid) from (
           select pid from pg_stat_activity
           where application_name = 'posters' and state <> 'idle' order by random() limit 1) b`,
      ),
    );
    cut += ended.length;
  };
  const poster = async (number: number) => {
    for (let i = 0; i < entries; i += 4) {
      const batch = [0, 1, 2, 3].map((k) => entry(number, i + k));
      for (let tries = 0; tries < 2; ) {
        try {
          await database.asTenant(tenant.id, (tx) => postEntries(tx, of, batch), {
            repeatable: true,
          });
          tries += 1;
        } catch (error) {
          // Whether it was committed is not known, so it is posted again.
          if ((error as { code?: string }).code !== 'E_UNAVAILABLE') throw error;
        }
      }
      if (i % 8 === 0) await cutOne();
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, number) => poster(number)));
  await database.close();
  const problems = await inTenant((tx) => verifyLedger(tx, tenant.id));
  const accounts = await inTenant((tx) => listAccounts(tx, tenant.id));
  expect(problems).toEqual([]);
  expect(cut).toBeGreaterThan(20);
  expect(accounts.filter(({ kind }) => kind === 'payer')).toHaveLength(50);
  expect(accounts.at(-1)).toMatchObject({ balance: '-7.68', entries: 768 });
});
