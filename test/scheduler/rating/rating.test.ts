import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { putPayer } from '../../../src/store/payers.ts';
import { lockPeriod, releaseLock } from '../../../src/store/period-locks.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { type RatingRig, ratingRig } from './support.ts';

let test: TestDatabase;
let tenant: TestTenant;
let rig: RatingRig;
let n = 0;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  n += 1;
  tenant = await addTestTenant(test.database, {
    name: `t${n}`,
    zone: 'America/Sao_Paulo',
    currency: 'BRL',
  });
  rig = ratingRig(test.database, tenant);
});

const HEADER =
  'plan,prefix,valid_from,connect_fee,rate,rate_unit_seconds,increment_seconds,minimum_seconds';
const RATES = `${HEADER}
standard,44,2026-03-01,0.10,0.60,60,6,30
standard,4420,2026-03-01,0,0.30,60,60,60
`;
const call = (
  id: number,
  callee: string,
  seconds: number,
  more: { at?: string; direction?: string } = {},
) => {
  const at = more.at ?? '2026-03-10T12:00:00Z';
  const end = new Date(Date.parse(at) + seconds * 1000).toISOString();
  return `c${id},${at},${at},${end},${more.direction ?? 'outbound'},+551130000000,${callee},,,answered,${seconds}`;
};
const charges = () =>
  rig.rows(`select external_id, status, reason, billed_seconds, amount::text, currency, payer, prefix
            from daybook.charges order by external_id`);
const sums = async () => {
  const [[charged, booked, balance]] = await rig.rows(
    `select (select coalesce(sum(amount), 0) from daybook.charges)::text as charged,
       (select coalesce(-sum(amount), 0) from daybook.ledger_entries where of_charges)::text as booked,
       (select coalesce(-sum(balance), 0) from daybook.ledger_accounts where kind = 'payer')::text as balance`,
  );
  return [charged, booked, balance].map(Number);
};

describe('a pass', () => {
  it('charges each new call once, books the sum, and a second pass finds nothing to do', async () => {
    await rig.rates(RATES);
    await rig.calls(
      [
        call(1, '+44 1234', 31),
        call(2, '+442071234567', 61),
        call(3, '+1212', 10),
        call(4, '+441', 5, { direction: 'internal' }),
        'c5,2026-03-10T12:00:00Z,,2026-03-10T12:00:20Z,outbound,1,+441,,,no_answer,0',
        call(6, 'anonymous', 10),
        call(7, '+441', 10, { direction: 'inbound' }),
        call(8, '+441', 10, { at: '2026-03-01T02:59:59Z' }),
        call(9, '+441', 0),
      ].join('\n'),
    );
    expect(await rig.pass()).toMatchObject({ tenants: 1, added: 6, failures: [] });
    expect(await charges()).toEqual([
      ['c1', 'rated', null, '36', '0.4600', 'BRL', tenant.name, '44'],
      ['c2', 'rated', null, '120', '0.6000', 'BRL', tenant.name, '4420'],
      ['c3', 'unrated', 'no_rate', null, null, null, tenant.name, null],
      ['c6', 'unrated', 'no_number', null, null, null, tenant.name, null],
      ['c7', 'unrated', 'no_plan', null, null, null, tenant.name, null],
      ['c9', 'rated', null, '0', '0.0000', 'BRL', tenant.name, '44'],
    ]);
    expect(await sums()).toEqual([1.06, 1.06, 1.06]);
    expect(await rig.pass()).toMatchObject({ calls: 0, added: 0, changed: 0, removed: 0 });
    expect(
      await rig.rows(`select kind, amount::text, booked_on::text from daybook.ledger_entries`),
    ).toEqual([['charge', '-1.06', '2026-03-10']]);
  });

  it('charges again what changed or went, and tries again what had no rate', async () => {
    await rig.rates(RATES);
    await rig.calls([call(1, '+441', 30), call(2, '+441', 30), call(3, '+1212', 60)].join('\n'));
    await rig.pass();
    await rig.calls(call(1, '+441', 60));
    await test.database.asTenant(tenant.id, (tx) =>
      tx.run(`delete from daybook.calls where external_id = 'c2'`),
    );
    expect(await rig.pass()).toMatchObject({ added: 0, changed: 1, removed: 1 });
    expect(await sums()).toEqual([0.7, 0.7, 0.7]);
    await rig.rates(
      `${HEADER}\nstandard,1,2026-03-05,0,1,60,1,0\nstandard,44,2026-03-05,0,9,60,1,0`,
    );
    expect(await rig.pass()).toMatchObject({ changed: 1 });
    expect((await charges()).map(([id, , , , amount]) => [id, amount])).toEqual([
      ['c1', '0.7000'],
      ['c3', '1.0000'],
    ]);
    expect(await sums()).toEqual([1.7, 1.7, 1.7]);
  });

  it('bills who a rule says, by number, trunk or agent', async () => {
    await rig.rates(RATES);
    await test.database.asTenant(tenant.id, async (tx) => {
      await putPayer(tx, { tenantId: tenant.id, key: 'acme', title: 'Acme' });
      await tx.run(
        `insert into daybook.payer_rules (tenant_id, match_by, match_value, payer, created_by)
         values ($1, 'number', '551130000000', 'acme', 'test')`,
        [tenant.id],
      );
    });
    await rig.calls(call(1, '+441', 30));
    await rig.pass();
    expect(
      await rig.rows(`select kind, payer, currency, balance::text from daybook.ledger_accounts
                           order by kind`),
    ).toEqual([
      ['payer', 'acme', 'BRL', '-0.4'],
      ['revenue', '', 'BRL', '0.4'],
    ]);
  });
});

describe('rating a period again', () => {
  it('posts the difference of new rates, and the second time there is none', async () => {
    await rig.rates(RATES);
    await rig.calls([call(1, '+441', 60), call(2, '+4420', 60)].join('\n'));
    await rig.pass();
    await rig.rates(`${HEADER}\nstandard,44,2026-03-01,0,0.50,60,1,0`, { replace: true });
    expect(await rig.pass()).toMatchObject({ calls: 0 });
    const dry = await rig.again('2026-03-01', '2026-03-31', true);
    expect(dry).toMatchObject({ calls: 2, changed: 2, difference: { BRL: '0' } });
    expect(await sums()).toEqual([1, 1, 1]);
    await rig.rates(`${HEADER}\nstandard,44,2026-03-01,0,0.40,60,1,0`, { replace: true });
    expect(await rig.again('2026-03-01', '2026-03-31')).toMatchObject({
      changed: 2,
      difference: { BRL: '-0.2' },
    });
    expect(await sums()).toEqual([0.8, 0.8, 0.8]);
    expect(await rig.again('2026-03-01', '2026-03-31')).toMatchObject({
      changed: 0,
      difference: {},
    });
    expect(
      await rig.rows(
        `select kind, added, changed, difference from daybook.ratings order by finished_at`,
      ),
    ).toEqual([
      ['new', '2', '0', { BRL: '1' }],
      ['again', '0', '2', { BRL: '-0.2' }],
    ]);
  });

  it('leaves a locked period alone, and so does a pass until the lock is released', async () => {
    await rig.rates(RATES);
    await rig.calls(call(1, '+441', 30));
    await rig.pass();
    const lock = await test.database.asTenant(tenant.id, (tx) =>
      lockPeriod(tx, {
        tenantId: tenant.id,
        period: { from: '2026-03-01', to: '2026-03-31' },
        reason: 'signed off',
        lockedBy: 'test',
      }),
    );
    await rig.calls([call(1, '+441', 600), call(2, '+441', 30)].join('\n'));
    expect(await rig.pass()).toMatchObject({ added: 0, changed: 0, held: 2, failures: [] });
    await expect(rig.again('2026-03-31', '2026-04-02')).rejects.toMatchObject({
      code: 'E_LOCKED',
      message: 'the day 2026-03-31 is locked: signed off',
    });
    await expect(
      test.database.asTenant(tenant.id, (tx) => tx.run('delete from daybook.charges')),
    ).rejects.toMatchObject({ code: 'E_LOCKED' });
    await test.database.asTenant(tenant.id, (tx) =>
      releaseLock(tx, { tenantId: tenant.id, id: lock.id, releasedBy: 'test' }),
    );
    expect(await rig.pass()).toMatchObject({ added: 1, changed: 1, held: 0 });
    expect(await sums()).toEqual([6.5, 6.5, 6.5]);
  });
});

describe('a rate sheet', () => {
  it('of the same rows again changes nothing', async () => {
    expect(await rig.rates(RATES)).toMatchObject({ loaded: 2, unchanged: 0 });
    expect(await rig.rates(RATES.replace('0.60', '0.6000'))).toMatchObject({
      loaded: 0,
      unchanged: 2,
    });
  });

  it.each([
    [
      'row 2, prefix: overlaps row 1',
      `standard,44,2026-03-01,0,1,60,1,0\nstandard,44,2026-03-01,0,2,60,1,0`,
    ],
    ['row 1, prefix: got "44x"', `standard,44x,2026-03-01,0,1,60,1,0`],
    [
      'row 2, increment_seconds: got -6',
      `standard,44,2026-03-01,0,1,60,1,0\nstandard,45,2026-03-01,0,1,60,-6,0`,
    ],
    ['row 1, rate: got "1,5"', `standard,44,2026-03-01,0,"1,5",60,1,0`],
    ['row 1, valid_from: got "soon"', `standard,44,soon,0,1,60,1,0`],
    ['row 1, rate: got a negative amount', `standard,44,2026-03-01,0,-1,60,1,0`],
  ])('is refused with %s, and nothing of it applies', async (reason, rows) => {
    await expect(rig.rates(`${HEADER}\n${rows}`)).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining(reason),
    });
    expect(await rig.rows('select 1 from daybook.rate_plans')).toEqual([]);
  });

  it('is refused for an unknown currency, and for one that is not the plan’s', async () => {
    const of = (currency: string) =>
      `plan,prefix,valid_from,rate,currency\nx,1,2026-03-01,1,${currency}`;
    await expect(rig.rates(of('XYZ'))).rejects.toThrow(/row 1, currency: got "XYZ"/);
    await rig.rates(of('EUR'));
    await expect(rig.rates(of('USD').replace('03-01', '04-01'))).rejects.toThrow(
      /row 1, currency: got USD; the plan x is in EUR/,
    );
  });

  it('that overlaps a version which is there is refused, or takes its place when told to', async () => {
    await rig.rates(RATES);
    const other = `${HEADER}\nstandard,44,2026-03-01,0,1,60,1,0`;
    await expect(rig.rates(other)).rejects.toThrow(/row 1, valid_from: overlaps the version/);
    expect(await rig.rates(other, { replace: true })).toMatchObject({ loaded: 0, updated: 1 });
    expect(await rig.rows('select prefix, rate::text from daybook.rates')).toEqual([['44', '1']]);
  });
});
