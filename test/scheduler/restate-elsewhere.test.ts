import { afterAll, beforeAll, expect, it } from 'vitest';
import { bindSource, type SourceActor, saveSource } from '../../src/bindings/save-source.ts';
import { createTenantSource, type TenantSource } from '../../src/bindings/tenant-source.ts';
import { installationKeys } from '../../src/delivery/installation-secret.ts';
import { DaybookError } from '../../src/errors.ts';
import type { RowSource } from '../../src/reports/ports.ts';
import { findChangedElsewhere } from '../../src/scheduler/restate/find-changed-elsewhere.ts';
import { processStage } from '../../src/scheduler/stages/process.ts';
import { runScheduleNow } from '../../src/store/save-schedule.ts';
import { requireTenant } from '../../src/store/tenants.ts';
import { type ForeignCalls, ONLY, openMongoCalls } from '../sources/support/foreign-calls.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { scheduleAt, tenantIn, utc } from './stages/support.ts';

/** Sealed files of rows that stand in a MongoDB, which nobody tells us of when they change. */

const NOW = '2026-03-03T08:00Z';
const keys = installationKeys('a secret of thirty-two characters');
const signal = () => AbortSignal.timeout(30_000);

let test: TestDatabase;
let source: TenantSource;
let engine: TestEngine;
let place: ForeignCalls;
beforeAll(async () => {
  test = await freshDatabase();
  place = await openMongoCalls();
  source = createTenantSource({
    ...{ database: test.database, openKeys: async () => keys, privateTargets: 'refuse' },
  });
  engine = startEngine({ database: test.database, home: freshHome(), source });
});
afterAll(async () => {
  await engine?.stop();
  await source?.close();
  await place?.close();
  await test?.drop();
});

const system = <R>(text: string, values: unknown[] = []) =>
  test.database.asSystem((tx) => tx.query(text, values)) as Promise<R[]>;
const look = (from: RowSource = source) =>
  findChangedElsewhere({ ...test, source: from, holder: 'test' }, signal());

/** A tenant whose report of 2026-03-02 is sealed; its calls are those of the one company. */
async function sealedTenant(name: string) {
  const tenant = await tenantIn(test, 'UTC', name);
  await system(
    `insert into daybook.members (tenant_id, user_id, email, roles)
     values ($1, gen_random_uuid(), $2, '{owner}') returning 1`,
    [tenant.id, `${name}@example.com`],
  );
  const actor: SourceActor = { tenantId: tenant.id, name: 'operator:x', isOperator: true };
  const deps = { database: test.database, keys, privateTargets: 'refuse' as const };
  const { kind, settings, credentials } = place.source as {
    kind: string;
    settings: Record<string, string>;
    credentials: Record<string, string>;
  };
  const saved = await saveSource({ name, kind, settings, credentials, shared: true }, actor, deps);
  const binding = {
    ...{ dataset: 'calls' as const, ...place.place, anchorColumn: 'at', keyColumn: 'id' },
    ...{ only: ONLY, updatedColumn: 'changed', fromDate: null, toDate: null },
  };
  await bindSource(saved, binding, actor, deps, signal());
  const schedule = await scheduleAt(test, tenant, '2026-03-02T12:00Z', { format: 'csv' });
  const found = await test.database.asSystem((tx) => requireTenant(tx, tenant.id));
  await test.database.asTenant(tenant.id, (tx) =>
    runScheduleNow(tx, schedule.id, { tenant: found, owner: 'operator:cli', now: utc(NOW) }),
  );
  await processStage(utc(NOW), test, signal());
  const runs = await system<{ id: string }>(
    `select id from daybook.runs where tenant_id = $1 and state in ('queued', 'running')`,
    [tenant.id],
  );
  for (const { id } of runs) await engine.finished(tenant.id, id);
  await processStage(utc(NOW), test, signal());
  return tenant;
}

/** As if so much time had passed since all that was saved, sealed and looked at. */
async function pass(minutes: number): Promise<void> {
  const by = `interval '${minutes} minutes'`;
  await system(`update daybook.source_bindings set created_at = created_at - ${by} returning 1`);
  await system(`update daybook.sources set changed_at = changed_at - ${by} returning 1`);
  await system(
    `update daybook.report_files set sealed_at = sealed_at - ${by}, looked_at = looked_at - ${by}
     returning 1`,
  );
}

const changedDays = async (tenantId: string) => {
  const [file] = await system<{ days: string[] | null }>(
    'select changed_days as days from daybook.report_files where tenant_id = $1',
    [tenantId],
  );
  return file.days;
};

it('a change there is noticed within a quarter of an hour and told once, though another source is away', async () => {
  const at = Date.parse('2026-03-02T10:00Z');
  const call = (id: string) => ({ id, at, caller: '+1', queue: null, talk: 60 });
  await place.insert([call('a'), call('b')]);
  const near = await sealedTenant('near');
  const far = await sealedTenant('far');
  expect(await look()).toEqual({ files: 0, changed: 0, failures: [] });
  await pass(20);
  expect(await look()).toEqual({ files: 2, changed: 0, failures: [] });
  expect(await look()).toMatchObject({ files: 0 });

  await place.changeCaller('b', '+2');
  await pass(14);
  expect(await look()).toMatchObject({ files: 0 });
  await pass(2);
  const away: RowSource = {
    ...source,
    versions: (asked) =>
      asked.tenantId === far.id
        ? Promise.reject(new DaybookError('E_UNAVAILABLE', { what: 'it', reason: 'away' }))
        : source.versions(asked),
  };
  const looked = await look(away);
  expect(looked).toMatchObject({ files: 1, changed: 1, failures: [{ tenant: far.id }] });
  expect(await changedDays(near.id)).toEqual(['2026-03-02']);
  expect(await changedDays(far.id)).toBeNull();
  await pass(20);
  expect(await look()).toMatchObject({ files: 2, changed: 1 });
  const notices = await system(
    `select recipient, topic from daybook.deliveries where purpose = 'notice' order by created_at`,
  );
  expect(notices).toEqual([
    { recipient: 'near@example.com', topic: 'changed' },
    { recipient: 'far@example.com', topic: 'changed' },
  ]);
});

it('older files are looked at less often, and never by a source that was saved anew since', async () => {
  await pass(48 * 60);
  expect(await look()).toMatchObject({ files: 2 });
  // A 24th of two days.
  await pass(115);
  expect(await look()).toMatchObject({ files: 0 });
  await pass(15);
  await system(`update daybook.sources set changed_at = now() where name = 'far' returning 1`);
  expect(await look()).toMatchObject({ files: 1, changed: 0 });
});
