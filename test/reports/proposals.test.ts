import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ReportDocument } from '../../src/reports/document.ts';
import { addCustomer } from '../../src/store/customers.ts';
import { putPolicy } from '../../src/store/discount-policies.ts';
import { putProduct } from '../../src/store/products.ts';
import {
  approveProposal,
  expireProposals,
  rejectProposal,
  sendProposal,
} from '../../src/store/proposal-deeds.ts';
import { draftProposal } from '../../src/store/proposal-drafts.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine } from '../support/engine.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const percent = (units: bigint) => ({ unscaled: units, scale: 0 });

it('pipeline, win rate and discount against policy add up from what became of proposals', async () => {
  const { database } = test;
  const { id: tenantId } = await addTestTenant(database, { name: 'acme', zone: 'UTC' });
  const today = '2026-03-01';
  const by = 'user:seller';
  const propose = (what: 'draft' | 'send' | 'approve' | 'reject' | 'expire', discount: string) =>
    database.asTenant(tenantId, async (tx) => {
      const { id } = await draftProposal(tx, {
        ...{ tenantId, customer: 'c', title: 'T', currency: 'EUR', salesperson: by, today },
        ...{ validUntil: what === 'expire' ? today : '2999-01-01', grantor: null },
        lines: [
          { sku: 'box', quantity: '2', policies: ['ten'], discount },
          { sku: 'box', quantity: '1', policies: [], discount: null },
        ],
      });
      const deed = { tenantId, id, by, today };
      if (what !== 'draft') await sendProposal(tx, deed);
      if (what === 'approve') await approveProposal(tx, deed, null);
      if (what === 'reject') await rejectProposal(tx, { ...deed, reason: null });
      await tx.run(`update daybook.proposal_lines set proposed_at = '2026-03-01T10:00:00Z'`);
    });
  await database.asTenant(tenantId, async (tx) => {
    await addCustomer(tx, {
      ...{ tenantId, key: 'c', title: 'C', email: null, trialDays: null, createdBy: by },
    });
    await putProduct(tx, tenantId, {
      ...{ sku: 'box', title: 'Box', listPrice: '100', currency: 'EUR', licensed: false },
      ...{ licenceDays: null, active: true, changedBy: by },
    });
    await putPolicy(tx, tenantId, {
      ...{ key: 'ten', title: 'Ten', terms: { kind: 'percent', percent: percent(10n) } },
      ...{ sku: null, validFrom: '2026-01-01', validTo: null, stacks: false, active: true },
      ...{ limitPercent: percent(100n), grants: {}, changedBy: by },
    });
  });
  for (const [what, discount] of [
    ['draft', '20'],
    ['send', '10'],
    ['send', '20'],
    ['approve', '20'],
    ['reject', '0'],
    ['expire', '5'],
  ] as const) {
    await propose(what, discount);
  }
  await database.asTenant(tenantId, (tx) => expireProposals(tx, tenantId, '2026-03-02'));

  const engine = startEngine({ database, home: freshHome() });
  const period = { from: '2026-03-01', to: '2026-03-01' };
  const { bytes, file } = await engine.export(tenantId, {
    report: 'proposals',
    ...period,
    format: 'ndjson',
  });
  const { totals } = file.document as ReportDocument;
  const figures = Object.fromEntries(totals.columns.map(({ key }, i) => [key, totals.rows[0][i]]));
  expect(totals.rows).toHaveLength(1);
  expect(figures).toEqual({
    ...{ currency: 'EUR', proposals: 6, open: 2, won: 1, decided: 3, win_rate: '0.3333' },
    ...{ pipeline: '570', won_net: '280', list_amount: '1800', allowed_discount: '120' },
    ...{ discount: '75', discount_rate: '0.0417', policy_use: '0.6250', net: '1725' },
  });
  const lines = bytes
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(12);
  expect(lines.filter(({ status }) => status === 'expired')).toHaveLength(2);

  // A deed changes the day's rows, so that no stored part of it is served again.
  await propose('approve', '20');
  const again = await engine.export(tenantId, { report: 'proposals', ...period, format: 'ndjson' });
  await engine.stop();
  expect(again.bytes.toString('utf8').trimEnd().split('\n')).toHaveLength(14);
});
