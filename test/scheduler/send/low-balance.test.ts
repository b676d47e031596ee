import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mail } from '../../../src/delivery/mail/compose.ts';
import type { MailTransport } from '../../../src/delivery/mail/mail-transport.ts';
import type { SendOutcome } from '../../../src/delivery/mail/send-outcome.ts';
import { tellLowBalances } from '../../../src/scheduler/send/tell-low-balances.ts';
import { addCustomer } from '../../../src/store/customers.ts';
import { changeDeliverySettings } from '../../../src/store/delivery-settings.ts';
import { postEntry } from '../../../src/store/ledger-postings.ts';
import { listLowBalances, setLowBalance } from '../../../src/store/ledger-statement.ts';
import { addMember } from '../../../src/store/members.ts';
import { requireTenant, type Tenant } from '../../../src/store/tenants.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { sendDeps } from './support/stage.ts';

let test: TestDatabase;
let tenant: Tenant;
let mails: Mail[];
let next: Partial<SendOutcome>;
let sources = 0;
const home = freshHome();
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  mails = [];
  next = {};
  const { id } = await addTestTenant(test.database, { name: `t${++sources}`, zone: 'UTC' });
  tenant = await test.database.asSystem((tx) => requireTenant(tx, id));
  await test.database.asSystem(async (tx) => {
    for (const [email, role] of [
      ['ana@acme.example', 'owner'],
      ['bo@acme.example', 'admin'],
      ['cy@acme.example', 'viewer'],
    ]) {
      await addMember(tx, { tenantId: id, userId: randomUUID(), email, roles: [role] });
    }
  });
  await test.database.asTenant(id, (tx) =>
    addCustomer(tx, {
      ...{ tenantId: id, key: 'bravo', title: 'Bravo Ltd', email: 'pay@bravo.example' },
      ...{ trialDays: null, createdBy: 'test' },
    }),
  );
  await post('credit', '10');
  await test.database.asTenant(id, (tx) =>
    setLowBalance(tx, { tenantId: id, payer: 'bravo', currency: 'EUR', lowBalance: '5' }),
  );
});

const mail: MailTransport = {
  async send(one, { beforeEnd }) {
    await beforeEnd();
    mails.push(one);
    return {
      ...{ kind: 'sent', stage: 'end', code: '250', reply: 'ok', concerns: 'message' },
      ...{ tooLarge: false, ...next },
    } as SendOutcome;
  },
  close: () => {},
};

function post(kind: 'credit' | 'refund', amount: string) {
  const posting = { kind, payer: 'bravo', currency: 'EUR', amount, effectiveOn: null, note: null };
  return test.database.asTenant(tenant.id, (tx) =>
    postEntry(
      tx,
      { ...posting, source: `s${++sources}` },
      { tenant, postedBy: 'test', now: Date.now() },
    ),
  );
}

/** A pass at a moment that is so much later than now. */
const pass = (laterMs = 1_000) => {
  const deps = sendDeps({ database: test.database, home }, { mail });
  return tellLowBalances(Date.now() + laterMs, deps, AbortSignal.timeout(20_000));
};
const notices = () => test.database.asTenant(tenant.id, (tx) => listLowBalances(tx, tenant.id));
const recipients = () => mails.map(({ to }) => to.address).sort();
const EVERYBODY = ['ana@acme.example', 'bo@acme.example', 'pay@bravo.example'];

describe('an account that runs low', () => {
  it("is told once to the tenant's owners and administrators and to its customer", async () => {
    await post('refund', '6');
    await post('refund', '1');
    expect(await pass()).toEqual({ sent: 3 });
    expect(await pass()).toEqual({});
    expect(recipients()).toEqual(EVERYBODY);
    expect(mails[0].subject).toBe(`${tenant.title} – Low balance: Bravo Ltd`);
    for (const said of ['Balance: 4 EUR', 'Noted below: 5 EUR', 'Account: Bravo Ltd (bravo)']) {
      expect(mails[0].text).toContain(said);
    }
    const [notice] = await notices();
    expect(notice.mails.map(({ recipient, state }) => [recipient, state])).toEqual(
      EVERYBODY.map((each) => [each, 'sent']),
    );
  });

  it('is told again only after it has been above its bound', async () => {
    await post('refund', '6');
    await pass();
    await post('credit', '7');
    expect(await pass()).toEqual({});
    await post('refund', '7');
    expect(await pass()).toEqual({ sent: 3 });
    expect(mails).toHaveLength(6);
    // Another notice is another message, not a copy of the first.
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(6);
  });

  it('is not told to a customer at a domain that mails may not go to', async () => {
    await test.database.asTenant(tenant.id, (tx) =>
      changeDeliverySettings(tx, {
        ...{ tenantId: tenant.id, by: 'test', to: { allowedDomains: ['acme.example'] } },
      }),
    );
    await post('refund', '6');
    expect(await pass()).toEqual({ sent: 2, suppressed: 1 });
    expect(recipients()).toEqual(EVERYBODY.slice(0, 2));
  });

  it('is told later when a server does not take it now, under the same Message-ID', async () => {
    await post('refund', '6');
    next = { kind: 'temporary', concerns: 'server', code: '421', reply: 'busy' };
    expect(await pass()).toEqual({ pending: 3 });
    expect(await pass()).toEqual({});
    const [first] = await notices();
    expect(first.mails[0]).toMatchObject({ state: 'pending', reply: 'busy' });
    next = {};
    await test.database.asSystem((tx) =>
      tx.run(`update daybook.low_balance_mails set not_before = now() - interval '1 second'
        where state = 'pending'`),
    );
    expect(await pass()).toEqual({ sent: 3 });
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(3);
  });

  it('is not told by a transaction that is rolled back', async () => {
    await test.database
      .asTenant(tenant.id, async (tx) => {
        const posting = { kind: 'refund', payer: 'bravo', currency: 'EUR', amount: '6' } as const;
        const more = { effectiveOn: null, note: null, source: `s${++sources}` };
        await postEntry(tx, { ...posting, ...more }, { tenant, postedBy: 'test', now: Date.now() });
        throw new Error('no');
      })
      .catch(() => {});
    expect(await pass()).toEqual({});
    expect(await notices()).toEqual([]);
  });
});
