import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postEntry } from '../../../src/store/ledger-postings.ts';
import { statementOf } from '../../../src/store/ledger-statement.ts';
import { putPayer } from '../../../src/store/payers.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { sheetRows } from '../../render/support/read-xlsx.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';
import { type RatingRig, ratingRig } from './support.ts';

/** Files about money, from rated calls to the bytes that people get. */

let test: TestDatabase;
let tenant: TestTenant;
let rig: RatingRig;
let engine: TestEngine;
const PERIOD = { from: '2026-03-10', to: '2026-03-11' };

beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'acme', zone: 'Asia/Kolkata' });
  rig = ratingRig(test.database, tenant);
  engine = startEngine({ database: test.database, home: freshHome() });
  await rig.rates(
    'plan,prefix,valid_from,connect_fee,rate,increment_seconds\nstandard,44,2026-03-01,0.1,0.6,6\nstandard,4420,2026-03-01,0,0.3333,60\n',
  );
  const call = (id: number, at: string, callee: string, seconds: number) =>
    `c${id},${at},${at},${at},outbound,+91,${callee},,,answered,${seconds}`;
  await rig.calls(
    [
      call(1, '2026-03-09T18:30:00Z', '+441', 7),
      call(2, '2026-03-10T18:29:59Z', '+4420', 61),
      call(3, '2026-03-10T18:30:00Z', '+4420', 1),
      call(4, '2026-03-11T10:00:00Z', '+1', 1),
      call(5, '2026-03-11T18:30:00Z', '+441', 600),
    ].join('\n'),
  );
  await rig.pass();
  const whole = await test.database.asSystem((tx) => requireTenant(tx, tenant.id));
  await test.database.asTenant(tenant.id, async (tx) => {
    await putPayer(tx, { tenantId: tenant.id, key: 'bravo' });
    await postEntry(
      tx,
      {
        ...{ kind: 'credit', payer: 'bravo', currency: 'EUR', amount: '5' },
        ...{ effectiveOn: '2026-03-10', note: null, source: 'p1' },
      },
      { tenant: whole, postedBy: 'test', now: Date.UTC(2026, 2, 12) },
    );
  });
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

const linesOf = async (report: string, more: object = {}) => {
  const made = await engine.export(tenant.id, { report, ...PERIOD, format: 'csv', ...more });
  return made.bytes.toString().trim().split('\r\n');
};

describe('billing', () => {
  it('has a row per charged call of the period, with all that its amount comes from', async () => {
    const columns = [
      ...['external_id', 'started_at', 'actual_seconds', 'billed_seconds', 'prefix', 'rate'],
      ...['increment_seconds', 'connect_fee', 'amount', 'currency', 'status', 'reason'],
    ];
    expect(await linesOf('billing', { columns, headers: 'keys' })).toEqual([
      columns.join(','),
      'c1,2026-03-10 00:00:00,7,12,44,0.60,6,0.10,0.2200,USD,rated,',
      'c2,2026-03-10 23:59:59,61,120,4420,0.3333,60,0.00,0.6666,USD,rated,',
      'c3,2026-03-11 00:00:00,1,60,4420,0.3333,60,0.00,0.3333,USD,rated,',
      'c4,2026-03-11 15:30:00,1,,,,,,,,unrated,no_rate',
    ]);
  });

  it('adds up per currency, and to what the ledger took', async () => {
    const { file } = await engine.export(tenant.id, {
      report: 'billing',
      ...PERIOD,
      format: 'xlsx',
    });
    const { columns, rows } = file.document.totals;
    const at = columns.findIndex(({ key }) => key === 'amount');
    expect(rows.map((row) => row[at])).toEqual(['1.2199', '0']);
    const [[booked]] = await rig.rows(
      `select sum(amount)::text from daybook.ledger_entries
       where of_charges and booked_on between '2026-03-10' and '2026-03-11'`,
    );
    expect(booked).toBe('-1.2199');
  });
});

it('charges has a line per prefix', async () => {
  const columns = ['prefix', 'currency', 'calls', 'billed_seconds', 'amount'];
  expect(await linesOf('charges', { columns })).toEqual([
    'Prefix,Currency,Calls,Billed (s),Amount',
    '44,USD,1,12,0.2200',
    '4420,USD,2,180,0.9999',
    ',,1,0,0.0000',
  ]);
});

it('statement has the entries that moved each account', async () => {
  const columns = ['effective_at', 'payer', 'kind', 'amount', 'currency'];
  expect(await linesOf('statement', { columns })).toEqual([
    'Effective,Payer,Kind,Amount,Currency',
    '2026-03-10 00:00:00,bravo,credit,5.00,EUR',
    '2026-03-10 00:00:00,acme,charge,-0.8866,USD',
    '2026-03-11 00:00:00,acme,charge,-0.3333,USD',
  ]);
});

describe('a statement says what there was and what there is, in each currency', () => {
  const balances = async (from: string, more: object = {}) => {
    const { file, bytes } = await engine.export(tenant.id, {
      ...{ report: 'statement', from, to: '2026-03-11', format: 'xlsx', headers: 'keys' },
      ...more,
    });
    return { table: file.document.balances, bytes };
  };

  it('of whom the lines lead from one to the other', async () => {
    const { table, bytes } = await balances('2026-03-11');
    expect(table?.columns.map(({ key }) => key)).toEqual([
      ...['currency', 'opening', 'movements', 'closing'],
    ]);
    const rows = [
      ['EUR', '5', '0', '5'],
      ['USD', '-0.8866', '-0.3333', '-1.2199'],
    ];
    expect(table?.rows).toEqual(rows);
    for (const sheet of ['Summary', 'Control totals']) {
      const cells = sheetRows(bytes, sheet).map((row) => row.map(String));
      const at = cells.findIndex(([first]) => first === 'Balances');
      expect(
        cells.slice(at + 2, at + 4).map((row) => row.slice(0, 4)),
        sheet,
      ).toEqual(rows);
    }
  });

  it('which is what the command says of them', async () => {
    const lines = await test.database.asTenant(tenant.id, (tx) =>
      statementOf(tx, {
        tenantId: tenant.id,
        period: { from: '2026-03-11', to: '2026-03-11' },
        payer: 'acme',
      }),
    );
    const { table } = await balances('2026-03-11', { where: ['payer=acme'] });
    expect(table?.rows).toEqual(
      lines.map(({ opening, charges, closing }) => ['USD', opening, charges, closing]),
    );
  });

  it('and says none where a filter leaves lines out', async () => {
    expect((await balances('2026-03-10', { where: ['kind=credit'] })).table).toBeUndefined();
    expect((await balances('2026-03-10')).table?.rows[0]).toEqual(['EUR', '0', '5', '5']);
  });
});

describe('a file whose lines are not what the ledger says', () => {
  it('is not sealed: the run fails and names the payer, the day and both sums', async () => {
    await test.database.asOwner(async (tx) => {
      await tx.run(`set local session_replication_role = replica`);
      await tx.run(`update daybook.charges set amount = amount + 0.01 where external_id = 'c3'`);
    });
    for (const report of ['billing', 'charges', 'statement']) {
      await expect(linesOf(report, { cache: false })).rejects.toThrow(
        /charges of acme on 2026-03-11 in USD, against the ledger: .* 0\.3433, expected 0\.3333/,
      );
    }
  });

  it('nor is one whose parts are not what the table holds', async () => {
    await test.database.asOwner(async (tx) => {
      await tx.run(`set local session_replication_role = replica`);
      await tx.run(`update daybook.charges set amount = amount + 1 where external_id = 'c2'`);
      await tx.run(`update daybook.charges set amount = amount - 0.01 where external_id = 'c3'`);
      await tx.run(
        `update daybook.ledger_entries set amount = amount - 1
         where of_charges and booked_on = '2026-03-10'`,
      );
    });
    // The parts of the day are from before, under a key that says they are of now.
    await expect(linesOf('billing')).rejects.toThrow(/amount of 2026-03-10 in USD/);
  });
});
