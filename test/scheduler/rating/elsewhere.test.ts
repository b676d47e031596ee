import { afterAll, beforeAll, expect, it } from 'vitest';
import { bindSource, type SourceActor, saveSource } from '../../../src/bindings/save-source.ts';
import { createTenantSource, type TenantSource } from '../../../src/bindings/tenant-source.ts';
import { installationKeys } from '../../../src/delivery/installation-secret.ts';
import { createPriceBooks } from '../../../src/scheduler/rating/price-book.ts';
import { rateElsewhere } from '../../../src/scheduler/rating/rate-elsewhere.ts';
import { type ForeignCalls, ONLY, openMongoCalls } from '../../sources/support/foreign-calls.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { type RatingRig, ratingRig } from './support.ts';

/** Calls that stand in a MongoDB are charged like those that were loaded. */

const keys = installationKeys('a secret of thirty-two characters');
const signal = () => AbortSignal.timeout(30_000);
const TODAY = new Date().toISOString().slice(0, 10);
const NOON = Date.parse(`${TODAY}T12:00Z`);
const DAY_MS = 86_400_000;

let test: TestDatabase;
let tenant: TestTenant;
let rig: RatingRig;
let source: TenantSource;
let place: ForeignCalls;
beforeAll(async () => {
  test = await freshDatabase();
  const { database } = test;
  tenant = await addTestTenant(database, { name: 'acme', zone: 'UTC', currency: 'EUR' });
  rig = ratingRig(database, tenant);
  place = await openMongoCalls();
  source = createTenantSource({
    ...{ database, openKeys: async () => keys, privateTargets: 'refuse' },
  });
  const actor: SourceActor = { tenantId: tenant.id, name: 'operator:x', isOperator: true };
  const deps = { database, keys, privateTargets: 'refuse' as const };
  const { kind, settings, credentials } = place.source as {
    kind: string;
    settings: Record<string, string>;
    credentials: Record<string, string>;
  };
  const saved = await saveSource(
    { ...{ name: 'pbx', kind, settings, credentials }, shared: true },
    actor,
    deps,
  );
  const map = {
    fields: {
      ...{ external_id: 'id', started_at: 'at', ended_at: 'until', answered_at: 'at' },
      ...{ disposition: 'status', callee: 'src', talk_seconds: 'talk' },
      direction: { value: 'outbound' },
    },
  };
  const binding = {
    ...{ dataset: 'calls' as const, from: 'calls', map, anchorColumn: 'at', keyColumn: 'id' },
    ...{ only: ONLY, updatedColumn: 'changed', fromDate: null, toDate: null },
  };
  await bindSource(saved, binding, actor, deps, signal());
});
afterAll(async () => {
  await source?.close();
  await place?.close();
  await test?.drop();
});

it('those of today and the two days before are charged once, and once there are rates', async () => {
  const { database } = test;
  const of = { database, source, holder: 'test', openBook: createPriceBooks(database) };
  const rated = new Map<string, string>();
  const pass = () => rateElsewhere(NOON, { ...of, rated }, signal());
  const call = (id: string, at: number, callee: string, talk: number) => ({
    ...{ id, at, caller: callee, queue: null, talk },
  });
  const charges = () =>
    rig.rows('select external_id, amount::text from daybook.charges order by external_id');
  const booked = async () => {
    const [[sum]] = await rig.rows(
      'select coalesce(-sum(amount), 0)::text from daybook.ledger_entries where of_charges',
    );
    return Number(sum);
  };
  await place.insert([
    call('a', NOON - 3_600_000, '441', 60),
    call('b', NOON - 2 * DAY_MS, '441', 120),
    call('older', NOON - 3 * DAY_MS, '441', 60),
    call('elsewhere', NOON - 3_000_000, '331', 60),
  ]);
  expect(await pass()).toMatchObject({ days: 0, failures: [] });

  const from = new Date(NOON - 30 * DAY_MS).toISOString().slice(0, 10);
  const header = 'plan,prefix,valid_from,rate\n';
  const rates = `${header}standard,44,${from},0.60\n`;
  await rig.rates(rates);
  expect(await pass()).toMatchObject({ days: 3, failures: [] });
  expect((await charges()).filter(([, amount]) => amount !== null)).toEqual([
    ['a', '0.6000'],
    ['b', '1.2000'],
  ]);
  expect(await booked()).toBeCloseTo(1.8, 9);
  expect(await pass()).toMatchObject({ days: 0, added: 0 });
  expect(await rateElsewhere(NOON, { ...of, rated: new Map() }, signal())).toMatchObject({
    ...{ days: 3, added: 0, changed: 0, removed: 0 },
  });

  await place.insert([call('c', NOON - 60_000, '442', 60)]);
  expect(await pass()).toMatchObject({ days: 1, added: 1 });
  await rig.rates(`${rates}standard,33,${from},0.10\n`, { replace: true });
  await pass();
  expect(await charges()).toContainEqual(['elsewhere', '0.1000']);
  expect(await booked()).toBeCloseTo(2.5, 9);
});
