import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServerAs } from './support.ts';

let api: Awaited<ReturnType<typeof createServerAs>>;
beforeAll(async () => {
  api = await createServerAs();
  await api.put('/v1/products/box', { title: 'Box', list_price: '100', currency: 'EUR' });
  await api.put('/v1/products/seat', {
    ...{ title: 'Seat', list_price: '10.50', currency: 'EUR', licensed: true, licence_days: 30 },
  });
  await api.put('/v1/discount-policies/spring', {
    ...{ title: 'Spring', kind: 'percent', value: '20', valid_to: '2999-12-31' },
    grants: { owner: '100', admin: '20', analyst: '5' },
  });
});
afterAll(() => api.close());

const LINES = [
  { sku: 'seat', quantity: '4', policies: ['spring'] },
  { sku: 'box', quantity: '2' },
];
let customers = 0;
async function draft(as: 'owner' | 'admin' | 'analyst' | 'viewer' = 'admin', more: object = {}) {
  const key = `customer-${++customers}`;
  await api.post('/v1/customers', { key });
  return api.post(
    '/v1/proposals',
    {
      customer: key,
      title: 'Offer',
      currency: 'EUR',
      valid_until: '2999-01-01',
      lines: LINES,
      ...more,
    },
    as,
  );
}

describe('a proposal', () => {
  it('states list, policy, discount and net of each line, and their totals', async () => {
    const { status, body } = await draft();
    expect(status).toBe(201);
    expect(body.totals).toEqual({ list: '242.00', discount: '8.40', net: '233.60' });
    expect(body.lines[0]).toEqual({
      ...{ line: 1, sku: 'seat', description: 'Seat', quantity: '4', list_price: '10.50' },
      ...{ list_amount: '42', policies: ['spring'], allowed_discount: '8.4', discount: '8.4' },
      net: '33.6',
    });
  });

  it('is made once, however often its request comes with one key', async () => {
    await api.post('/v1/customers', { key: 'once' });
    const body = {
      customer: 'once',
      title: 'O',
      currency: 'EUR',
      valid_until: '2999-01-01',
      lines: LINES,
    };
    const headers = { 'idempotency-key': 'one' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => api.post('/v1/proposals', body, 'admin', headers)),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  });

  it('refuses a discount that its writer may not grant, at the draft and at each change', async () => {
    const refused = await draft('analyst');
    expect([refused.status, refused.body.code]).toEqual([403, 'E_FORBIDDEN']);
    const lines = [{ ...LINES[0], discount: '2.10' }, LINES[1]];
    const drafted = await draft('analyst', { lines });
    expect(drafted.status).toBe(201);
    const change = await api.put(
      `/v1/proposals/${drafted.body.id}/lines`,
      { lines: LINES },
      'analyst',
    );
    expect(change.status).toBe(403);
    const after = await api.get(`/v1/proposals/${drafted.body.id}`);
    expect(after.body.totals.discount).toBe('2.10');
  });

  it('is approved only by who may, and only once sent', async () => {
    const { body } = await draft();
    const approve = (as: 'admin' | 'analyst' | 'viewer') =>
      api.post(`/v1/proposals/${body.id}/approve`, {}, as);
    expect((await approve('analyst')).status).toBe(403);
    expect((await approve('viewer')).status).toBe(403);
    expect((await approve('admin')).status).toBe(409);
    expect((await api.post(`/v1/proposals/${body.id}/send`, {}, 'analyst')).status).toBe(200);
    expect((await api.put(`/v1/proposals/${body.id}/lines`, { lines: LINES })).status).toBe(409);
    expect((await approve('admin')).body.status).toBe('approved');
    expect((await approve('admin')).status).toBe(409);
  });

  it('is not approved by who may not grant what it gives away', async () => {
    const { body } = await draft('owner');
    await api.post(`/v1/proposals/${body.id}/send`, {});
    await api.put('/v1/discount-policies/spring', {
      ...{ title: 'Spring', kind: 'percent', value: '20', valid_to: '2999-12-31' },
      grants: { owner: '100', admin: '10', analyst: '5' },
    });
    const path = `/v1/proposals/${body.id}/approve`;
    expect((await api.post(path, {}, 'admin')).body.code).toBe('E_FORBIDDEN');
    expect((await api.post(path, {}, 'owner')).status).toBe(200);
  });

  it('activates products and licences exactly once, however many approve it together', async () => {
    const { body } = await draft('owner');
    await api.post(`/v1/proposals/${body.id}/send`, {});
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => api.post(`/v1/proposals/${body.id}/approve`, {}, 'owner')),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(11).fill(409)]);
    const licences = await api.get(`/v1/licences?customer=${body.customer}`);
    expect(licences.body.items).toHaveLength(1);
    const [licence] = licences.body.items;
    expect(licence).toMatchObject({ sku: 'seat', seats: '4', status: 'active', proposal: body.id });
    const days = (Date.parse(licence.valid_until) - Date.parse(licence.valid_from)) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    const products = await api.db.database.asTenant(api.tenant.id, (tx) =>
      tx.query(
        'select sku from daybook.customer_products where proposal_id = $1 order by line_no',
        [body.id],
      ),
    );
    expect(products).toEqual([{ sku: 'seat' }, { sku: 'box' }]);
  });

  it('that was rejected stays so', async () => {
    const { body } = await draft('owner');
    await api.post(`/v1/proposals/${body.id}/send`, {});
    const rejected = await api.post(`/v1/proposals/${body.id}/reject`, { reason: 'too dear' });
    expect(rejected.body).toMatchObject({ status: 'rejected', reason: 'too dear' });
    expect((await api.post(`/v1/proposals/${body.id}/approve`, {}, 'owner')).status).toBe(409);
  });

  it('expires after its last local date, for who looks and for who reports', async () => {
    const { body } = await draft('owner');
    await api.post(`/v1/proposals/${body.id}/send`, {});
    await api.db.database.asTenant(api.tenant.id, (tx) =>
      tx.run(`update daybook.proposals set valid_until = '2026-01-31' where id = $1`, [body.id]),
    );
    expect((await api.get(`/v1/proposals/${body.id}`)).body.status).toBe('expired');
    expect((await api.post(`/v1/proposals/${body.id}/approve`, {}, 'owner')).body.detail).toContain(
      'it expired after 2026-01-31',
    );
    expect(await api.expire()).toBe(1);
    expect(await api.expire()).toBe(0);
    const lines = await api.db.database.asTenant(api.tenant.id, (tx) =>
      tx.query('select distinct status from daybook.proposal_lines where proposal_id = $1', [
        body.id,
      ]),
    );
    expect(lines).toEqual([{ status: 'expired' }]);
  });
});

describe('a trial', () => {
  it('gives licences until it ends, and none after', async () => {
    await api.post('/v1/customers', { key: 'trial', trial_days: 5 });
    const given = await api.post('/v1/licences', { customer: 'trial', sku: 'seat' });
    expect(given.status).toBe(201);
    expect((await api.post('/v1/licences', { customer: 'trial', sku: 'box' })).status).toBe(409);
    await api.db.database.asTenant(api.tenant.id, async (tx) => {
      await tx.run(`update daybook.customers set trial_until = now() where key = 'trial'`);
      await tx.run(
        `update daybook.licences set valid_from = now() - interval '1 day', valid_until = now()
         where customer = 'trial'`,
      );
    });
    expect((await api.get('/v1/customers/trial')).body.status).toBe('expired');
    expect((await api.get('/v1/customers?status=expired')).body.items).toHaveLength(1);
    const { items } = (await api.get('/v1/licences?customer=trial')).body;
    expect(items.map((each: { status: string }) => each.status)).toEqual(['expired']);
    expect((await api.post('/v1/licences', { customer: 'trial', sku: 'seat' })).status).toBe(409);
  });

  it('ends in a customer when a proposal is approved', async () => {
    const { body } = await draft('owner');
    await api.post('/v1/customers', { key: 'bought', trial_days: 5 });
    const own = await api.post(
      '/v1/proposals',
      {
        customer: 'bought',
        title: 'O',
        currency: 'EUR',
        valid_until: '2999-01-01',
        lines: [{ sku: 'box' }],
      },
      'owner',
    );
    expect(body.customer).not.toBe('bought');
    await api.post(`/v1/proposals/${own.body.id}/send`, {});
    await api.post(`/v1/proposals/${own.body.id}/approve`, {}, 'owner');
    expect((await api.get('/v1/customers/bought')).body.status).toBe('active');
  });
});

describe('discount policies and products', () => {
  it('are changed only by who may, and refused where they make no sense', async () => {
    const policy = { title: 'P', kind: 'percent', value: '5', grants: {} };
    expect((await api.put('/v1/discount-policies/p', policy, 'analyst')).status).toBe(403);
    for (const [wrong, where] of [
      [{ value: '101' }, 'value'],
      [{ value: undefined }, 'value'],
      [{ tiers: [['1', '5']] }, 'tiers'],
      [
        {
          kind: 'tiers',
          value: undefined,
          tiers: [
            ['5', '1'],
            ['5', '2'],
          ],
        },
        'tiers[1]',
      ],
      [{ kind: 'fixed' }, 'currency'],
      [{ valid_from: '2026-02-01', valid_to: '2026-01-01' }, 'valid_to'],
      [{ grants: { admin: '-1' } }, 'grants.admin'],
      [{ grants: { boss: '1' } }, 'grants.boss'],
    ] as const) {
      const { status, body } = await api.put('/v1/discount-policies/p', { ...policy, ...wrong });
      expect([status, body.where], JSON.stringify(wrong)).toEqual([422, where]);
    }
    const product = { title: 'X', list_price: '-1', currency: 'EUR' };
    expect((await api.put('/v1/products/x', product)).body.where).toBe('list_price');
    expect(
      (await api.put('/v1/products/x', { ...product, list_price: '1' }, 'viewer')).status,
    ).toBe(403);
  });
});
