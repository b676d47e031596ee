import { randomInt, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ApiServer } from '../../../src/api/routes/context.ts';
import { buildServer } from '../../../src/api/server.ts';
import { createTenantSource } from '../../../src/bindings/tenant-source.ts';
import { createPartStore } from '../../../src/cache/part-store.ts';
import type { MailTransport } from '../../../src/delivery/mail/mail-transport.ts';
import { datasetOfForm } from '../../../src/reports/demand.ts';
import { planAhead } from '../../../src/scheduler/ahead/plan-ahead.ts';
import { studyDemand } from '../../../src/scheduler/ahead/study-demand.ts';
import { loadQueued } from '../../../src/scheduler/ingest/load-queued.ts';
import { createSummaryProducer } from '../../../src/scheduler/produce-summary.ts';
import { createChangesProducer } from '../../../src/scheduler/restate/changes-since.ts';
import { findChanged } from '../../../src/scheduler/restate/find-changed.ts';
import { findChangedElsewhere } from '../../../src/scheduler/restate/find-changed-elsewhere.ts';
import { createSendStage } from '../../../src/scheduler/send/send.ts';
import {
  claimConnectorRun,
  failConnectorRun,
  finishConnectorRun,
  noteFetched,
  queueConnectorRun,
  waitingConnectorRuns,
} from '../../../src/store/connector-runs.ts';
import { dueConnectors, lockDueConnector, setNextDue } from '../../../src/store/connectors.ts';
import type { Database } from '../../../src/store/database.ts';
import { setIngestMaps } from '../../../src/store/ingest-keys.ts';
import { verifyLedger } from '../../../src/store/ledger-statement.ts';
import { countRejects, listRejects, rejectColumns } from '../../../src/store/rejects.ts';
import { runScheduleNow } from '../../../src/store/save-schedule.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { findTrigger, fireTrigger } from '../../../src/store/triggers.ts';
import { callRows, ndjson, type SenderKey, sign } from '../../ingest/signed/support/sender.ts';
import { ratingRig } from '../../scheduler/rating/support.ts';
import { sendDeps } from '../../scheduler/send/support/stage.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';
import {
  type Company,
  JWT,
  KEYS,
  loadAll,
  PERIOD,
  REPORTS,
  stepsOf,
  tokenOf,
  triggerTokenSha256,
} from './two-tenants.ts';

/** An address, so that no name is looked up. */
const connectorOf = (name: string) => ({ name, dataset: 'calls', url: 'https://1.1.1.1/calls' });

/** The real API, executor, store and loader over one database; only threads are missing. */
export interface Rig {
  readonly server: ApiServer;
  readonly engine: TestEngine;
  readonly database: Database;
  readonly metrics: Registry;
  readonly home: string;
  close(): Promise<void>;
}

export async function openRig(database: Database, home: string, logged: string[]): Promise<Rig> {
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const listeners = new Map<string, Set<() => void>>();
  const engine = startEngine({
    database,
    source: rowsOfAll(database),
    home,
    log,
    onHint: (hint) => {
      for (const listener of listeners.get(hint.runId) ?? []) listener();
    },
  });
  const metrics = new Registry();
  const server = await buildServer({
    keys: KEYS,
    privateTargets: 'refuse',
    database,
    log,
    home,
    publicUrl: 'http://127.0.0.1:8080',
    wake: () => engine.wake(),
    progress: {
      subscribe: (runId, listener) => {
        const days = { total: 1, done: 1, cached: 0 };
        const call = () => listener({ runId, state: 'running', days, rows: 0, artifact: null });
        const set = listeners.get(runId) ?? new Set();
        listeners.set(runId, set.add(call));
        return () => set.delete(call);
      },
    },
    summaries: createSummaryProducer({
      database,
      source: rowsOfAll(database),
      dispatcher: engine.dispatcher,
      home,
    }),
    changes: createChangesProducer({
      database,
      source: rowsOfAll(database),
      dispatcher: engine.dispatcher,
      parts: createPartStore(home),
      home,
    }),
    jwt: JWT,
    rateLimit: new RateLimiterMemory({ points: 1_000_000, duration: 60 }),
    metrics,
    now: Date.now,
  });
  return {
    server,
    engine,
    database,
    home,
    metrics,
    close: async () => {
      await server.close();
      await engine.stop();
    },
  };
}

/** Wherever they stand; what is opened is not connected, and needs no closing. */
function rowsOfAll(database: Database) {
  return createTenantSource({ database, openKeys: async () => KEYS, privateTargets: 'refuse' });
}

/** Makes a key, sends with it, and loads what waits. */
async function sendSigned(
  { server, database }: Rig,
  own: Company,
  options: { readonly path?: string; readonly isMark?: boolean; readonly breakMap?: boolean },
): Promise<string> {
  const { id: tenantId } = own.tenant;
  const made = await server.inject({
    method: 'POST',
    url: '/v1/ingest/keys',
    headers: { authorization: `Bearer ${own.keys.admin}` },
    payload: { name: `${own.canary} ${randomUUID()}` },
  });
  const key = made.json() as SenderKey;
  if (options.breakMap) {
    const maps = { order_lines: 'no map' };
    await database.asTenant(tenantId, (tx) => setIngestMaps(tx, { tenantId, id: key.id, maps }));
  }
  const body = options.isMark
    ? '{"complete_through":"2026-03-03T00:00:00Z"}'
    : ndjson(callRows(0, 3, { caller: own.canary }));
  const type = options.isMark ? 'application/json' : 'application/x-ndjson';
  const url = `/v1/ingest/${options.path ?? 'calls'}`;
  const sent = await server.inject({ method: 'POST', url, ...sign(key, body, { type }) });
  const loaded = await loadQueued({ database, holder: 'x' }, AbortSignal.timeout(20_000));
  return `${made.body} ${sent.body} ${JSON.stringify(loaded)}`;
}

/** Something that a tenant does; answers with all that it got. */
export type Flow = (rig: Rig, company: Company) => Promise<string>;

/** What a tenant can do, each by itself. */
export function flows(): Record<string, Flow> {
  const http =
    (
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD',
      url: (own: Company) => string,
      payload?: (own: Company) => object,
    ): Flow =>
    async ({ server }, own) => {
      const answer = await server.inject({
        method,
        url: url(own),
        headers: { authorization: `Bearer ${own.keys.admin}` },
        ...(payload ? { payload: payload(own) } : {}),
      });
      return `${answer.statusCode} ${JSON.stringify(answer.headers)} ${answer.body}`;
    };
  const all: Record<string, Flow> = {
    load: async ({ database }, own) => {
      await loadAll(database, own.tenant, own.canary);
      return loadAll(database, own.tenant, own.canary);
    },
    'a load and an export of it': async ({ database, engine }, own) => {
      await loadAll(database, own.tenant, `${own.canary}-${randomUUID()}`);
      const request = { report: 'calls', ...PERIOD, format: 'ndjson' };
      return (await engine.export(own.tenant.id, request)).bytes.toString();
    },
    'load something new': ({ database }, own) =>
      loadAll(database, own.tenant, `${own.canary}-${randomUUID()}`),
    rejects: ({ database }, own) =>
      database.asTenant(own.tenant.id, async (tx) => {
        const filter = { tenantId: own.tenant.id };
        const list = await listRejects(tx, filter);
        const columns = await rejectColumns(tx, filter);
        return JSON.stringify([list, columns, await countRejects(tx, filter)]);
      }),
    'days ahead': async ({ database }, own) => {
      const now = Date.now();
      const [study] = await studyDemand(database, now, own.tenant.id);
      // As if each form were in demand.
      const lanes = (['calls', 'order_lines'] as const).map((dataset) => ({
        ...{ dataset, zone: null },
        forms: study.demand.filter(({ form }) => datasetOfForm(form) === dataset),
      }));
      const demand = [{ ...study, lanes: lanes.filter(({ forms }) => forms.length > 0) }];
      const signal = AbortSignal.timeout(20_000);
      const source = rowsOfAll(database);
      const planned = await planAhead(now, { database, source, demand, signal });
      return JSON.stringify([demand, planned]);
    },
    'what is sent': async ({ database, home }, own) => {
      const { delivery } = own.ids;
      await database.asTenant(own.tenant.id, (tx) =>
        tx.run(
          `update daybook.deliveries set state = 'pending', not_before = now(), by_link = false
           where id = $1`,
          [delivery],
        ),
      );
      const sent: string[] = [];
      const mail: MailTransport = {
        async send({ text, attachments }, { beforeEnd }) {
          await beforeEnd();
          sent.push(text, ...attachments.map(({ bytes }) => bytes.toString('latin1')));
          const done = { kind: 'sent', stage: 'end', code: '250', reply: '' } as const;
          return { ...done, concerns: 'message', tooLarge: false };
        },
        close: () => {},
      };
      const options = { atOnce: 1, mostOfTenant: 1, only: delivery };
      const pass = createSendStage(sendDeps({ database, home }, { mail }), options);
      const summary = await pass(Date.now() + 60_000, AbortSignal.timeout(20_000));
      return JSON.stringify([summary, sent]);
    },
    deliveries: http('GET', () => '/v1/deliveries'),
    'a delivery': http('GET', (own) => `/v1/deliveries/${own.ids.delivery}`),
    suppressions: http('GET', () => '/v1/suppressions'),
    'a rating, and another': async ({ database }, own) => {
      const rig = ratingRig(database, own.tenant);
      await loadAll(database, own.tenant, `${own.canary}-${randomUUID()}`);
      const day = String(randomInt(1, 29)).padStart(2, '0');
      const header = 'plan,prefix,valid_from,rate,direction,description';
      const sheet = `standard,*,2025-01-${day}T00:00:00Z,0.0${randomInt(1, 99)},inbound,${own.canary}`;
      const rates = await rig.rates(`${header}\n${sheet}\n`, { replace: true });
      const passed = await rig.pass();
      return JSON.stringify([rates, passed, await rig.again(PERIOD.from, PERIOD.to)]);
    },
    'proof of the ledger': ({ database }, own) =>
      database.asTenant(own.tenant.id, async (tx) =>
        JSON.stringify(await verifyLedger(tx, own.tenant.id)),
      ),
    'ingest keys': http('GET', () => '/v1/ingest/keys'),
    'a new ingest key': http(
      'POST',
      () => '/v1/ingest/keys',
      (own) => ({ name: own.canary }),
    ),
    'other maps': http(
      'PATCH',
      (own) => `/v1/ingest/keys/${own.ids.ingestKey}`,
      () => ({ maps: { calls: { zone: 'UTC' } } }),
    ),
    'the end of an ingest key': http('DELETE', (own) => `/v1/ingest/keys/${own.ids.ingestKey}`),
    'a signed batch': (rig, own) => sendSigned(rig, own, {}),
    // In a lane of its own, which it holds up.
    'a signed batch that fails': (rig, own) =>
      sendSigned(rig, own, { path: 'order_lines', breakMap: true }),
    'a mark': (rig, own) => sendSigned(rig, own, { path: 'calls/complete', isMark: true }),
    batches: http('GET', () => '/v1/ingest/batches'),
    'a batch': http('GET', (own) => `/v1/ingest/batches/${own.ids.batch}`),
    'a dead batch, again': http('POST', (own) => `/v1/ingest/batches/${own.ids.batch}/retry`),
    'a dead batch, given up': async (rig, own) => {
      const { database } = rig;
      await database.asTenant(own.tenant.id, (tx) =>
        tx.run(`update daybook.ingest_batches set state = 'dead', ended_at = now() where id = $1`, [
          own.ids.batch,
        ]),
      );
      return http('DELETE', () => `/v1/ingest/batches/${own.ids.batch}`)(rig, own);
    },
    'rejects, a page': http('GET', () => '/v1/rejects'),
    'rejects, a file': http('GET', () => '/v1/rejects?format=csv'),
    'rejects, again': http('POST', () => '/v1/rejects/retry'),
    'rate plans': http('GET', () => '/v1/rate-plans'),
    'a rate plan': http('GET', () => '/v1/rate-plans/standard'),
    'a new plan': http(
      'PUT',
      () => '/v1/rate-plans/night',
      () => ({ direction: 'internal', windows: { night: '20:00-08:00' } }),
    ),
    'the end of rates': http(
      'DELETE',
      () => '/v1/rate-plans/standard/versions/2026-03-01T00:00:00.000Z',
    ),
    payers: http('GET', () => '/v1/payers'),
    'a payer': http(
      'PUT',
      (own) => `/v1/payers/${own.canary}-payer`,
      (own) => ({ title: own.canary }),
    ),
    'payer rules': http('GET', () => '/v1/payer-rules'),
    'a payer rule': http(
      'POST',
      () => '/v1/payer-rules',
      (own) => ({ match_by: 'agent', match_value: own.canary, payer: `${own.canary}-payer` }),
    ),
    'the end of a payer rule': http('DELETE', (own) => `/v1/payer-rules/${own.ids.rule}`),
    assignments: http('GET', () => '/v1/plan-assignments'),
    'an assignment': http(
      'POST',
      () => '/v1/plan-assignments',
      (own) => ({ direction: 'agent', agent: own.canary, plan: 'standard' }),
    ),
    'the end of an assignment': http(
      'DELETE',
      (own) => `/v1/plan-assignments/${own.ids.assignment}`,
    ),
    charges: http('GET', () => `/v1/charges?from=${PERIOD.from}&to=${PERIOD.to}`),
    entries: http('GET', () => '/v1/ledger'),
    accounts: http('GET', () => '/v1/ledger/accounts'),
    'a statement': http('GET', () => `/v1/ledger/statement?from=${PERIOD.from}&to=${PERIOD.to}`),
    'a posting': http(
      'POST',
      () => '/v1/ledger/entries',
      (own) => ({ kind: 'credit', payer: `${own.canary}-payer`, currency: 'USD', amount: '1' }),
    ),
    'a first posting': async ({ server }, own) => {
      const payer = `${own.canary}-payer-${randomUUID()}`;
      const headers = { authorization: `Bearer ${own.keys.admin}` };
      await server.inject({ method: 'PUT', url: `/v1/payers/${payer}`, headers, payload: {} });
      const payload = { kind: 'credit', payer, currency: 'USD', amount: '1' };
      const url = '/v1/ledger/entries';
      return (await server.inject({ method: 'POST', url, headers, payload })).body;
    },
    'a reversal': http(
      'POST',
      () => '/v1/ledger/reversals',
      (own) => ({ source: `posted:${own.canary}-payment` }),
    ),
    'a low balance': http(
      'PUT',
      () => '/v1/ledger/low-balance',
      (own) => ({ payer: `${own.canary}-payer`, currency: 'USD', low_balance: '100' }),
    ),
    locks: http('GET', () => '/v1/ledger/locks'),
    'a lock': http(
      'POST',
      () => '/v1/ledger/locks',
      (own) => ({ from: '2019-01-01', to: '2019-01-02', reason: own.canary }),
    ),
    'the end of a lock': ({ server }, own) =>
      server
        .inject({
          method: 'POST',
          url: `/v1/ledger/locks/${own.ids.lock}/release`,
          headers: { authorization: `Bearer ${tokenOf(own.users.owner)}` },
        })
        .then(({ body }) => body),
    'list exports': http('GET', () => '/v1/exports'),
    'list runs': http('GET', () => '/v1/runs'),
    'a run': http('GET', (own) => `/v1/runs/${own.ids.run}`),
    'an export': http('GET', (own) => `/v1/exports/${own.ids.run}`),
    'events of an export': http('GET', (own) => `/v1/exports/${own.ids.run}/events`),
    'a file': http('GET', (own) => `/v1/exports/${own.ids.run}/file`),
    schedules: http('GET', () => '/v1/schedules'),
    'a schedule': http('GET', (own) => `/v1/schedules/${own.ids.schedule}`),
    'due times of a schedule': http('GET', (own) => `/v1/schedules/${own.ids.schedule}/runs`),
    'a new schedule': http(
      'POST',
      () => '/v1/schedules',
      (own) => ({
        ...{ name: `${own.canary} ${randomUUID()}`, report: 'calls', period: 'yesterday' },
        ...{ every: 'day', at: '08:00', recipients: [{ email: `${own.canary}@example.com` }] },
      }),
    ),
    'a schedule, changed': http(
      'PATCH',
      (own) => `/v1/schedules/${own.ids.schedule}`,
      () => ({ at: '08:30' }),
    ),
    'a schedule, paused': http('POST', (own) => `/v1/schedules/${own.ids.schedule}/pause`),
    'a schedule, run': http('POST', (own) => `/v1/schedules/${own.ids.schedule}/run`),
    files: http('GET', () => '/v1/files'),
    'a sealed file': http('GET', (own) => `/v1/files/${own.ids.sealed}/file`),
    'the end of a schedule': async (rig, own) => {
      const saved = (await all['a new schedule'](rig, own)).replace(/^[^{]*{[^}]*} /, '');
      const { id } = JSON.parse(saved) as { id: string };
      return http('DELETE', () => `/v1/schedules/${id}`)(rig, own);
    },
    sources: http('GET', () => '/v1/sources'),
    'a source': http('GET', (own) => `/v1/sources/${own.ids.source}`),
    'a source, tried': http('POST', (own) => `/v1/sources/${own.ids.source}/test`),
    bindings: http('GET', () => '/v1/source-bindings'),
    'a source in use': http('DELETE', (own) => `/v1/sources/${own.ids.source}`),
    'a source anew': http(
      'PATCH',
      (own) => `/v1/sources/${own.ids.source}`,
      (own) => ({ credentials: { password: own.canary } }),
    ),
    connectors: http('GET', () => '/v1/connectors'),
    'a connector': http('GET', (own) => `/v1/connectors/${own.ids.connector}`),
    'runs of a connector': http('GET', (own) => `/v1/connectors/${own.ids.connector}/runs`),
    'a connector, run': http('POST', (own) => `/v1/connectors/${own.ids.connector}/run`),
    'a new connector': http(
      'POST',
      () => '/v1/connectors',
      (own) => connectorOf(`${own.canary} ${randomUUID()}`),
    ),
    'a connector, changed': http(
      'PUT',
      (own) => `/v1/connectors/${own.ids.connector}`,
      (own) => ({ ...connectorOf(own.canary), cron: '0 3 * * *' }),
    ),
    'the end of a connector': async (rig, own) => {
      const made = (await all['a new connector'](rig, own)).replace(/^[^{]*{[^}]*} /, '');
      const { id } = JSON.parse(made) as { id: string };
      return http('DELETE', () => `/v1/connectors/${id}`)(rig, own);
    },
    'what a connector fetches': async ({ database }, own) => {
      const tenantId = own.tenant.id;
      const connectorId = own.ids.connector;
      const by = 'user:test';
      const fetched = {
        ...{ pages: 1, rows: 1, loaded: 1, updated: 0, unchanged: 0, rejected: 0 },
        firstReject: null,
      };
      const ask = { tenantId, connectorId, cause: 'person', by } as const;
      const given: unknown[] = [];
      for (const way of ['done', 'failed'] as const) {
        given.push(
          await database.asTenant(tenantId, async (tx) => {
            // Whoever was at it has given up.
            await tx.run(
              `update daybook.connector_runs set state = 'failed', ended_at = now()
               where connector_id = $1 and state = 'running'`,
              [connectorId],
            );
            const id = await queueConnectorRun(tx, ask);
            const run = await claimConnectorRun(tx, id, 60);
            if (run === null) return null;
            await noteFetched(tx, run, fetched, 60);
            if (way === 'done') await finishConnectorRun(tx, run, fetched, '7');
            else await failConnectorRun(tx, run, { code: 'E_IO', message: 'x', details: {} }, null);
            return run;
          }),
        );
      }
      const now = Date.now();
      await database.asTenant(tenantId, (tx) =>
        setNextDue(tx, connectorId, { nominal: '2020-01-01 00:00', instant: now - 1 }),
      );
      const due = await database.asSystem((tx) => dueConnectors(tx, now, 100));
      const waiting = await database.asSystem((tx) => waitingConnectorRuns(tx, 100));
      const mine = await database.asTenant(tenantId, (tx) =>
        lockDueConnector(tx, connectorId, now),
      );
      await database.asTenant(tenantId, (tx) => setNextDue(tx, connectorId, null));
      // Ids of others are what a pass over all tenants is given.
      const own1 = [...due, ...waiting].filter((one) => one.tenantId === tenantId);
      return JSON.stringify([given, own1, mine]);
    },
    triggers: http('GET', () => '/v1/triggers'),
    'a new trigger': http(
      'POST',
      () => '/v1/triggers',
      (own) => ({ name: own.canary, connector: own.ids.connector }),
    ),
    'a trigger that fires': async ({ database }, own) => {
      const found = await database.asSystem((tx) =>
        findTrigger(tx, triggerTokenSha256(own.canary)),
      );
      const fired = await database.asTenant(own.tenant.id, (tx) =>
        fireTrigger(tx, own.ids.trigger),
      );
      return JSON.stringify([found, fired]);
    },
    'the end of a trigger': async (rig, own) => {
      const made = (await all['a new trigger'](rig, own)).replace(/^[^{]*{[^}]*} /, '');
      const { id } = JSON.parse(made) as { id: string };
      return http('DELETE', () => `/v1/triggers/${id}`)(rig, own);
    },
    keys: http('GET', () => '/v1/keys'),
    members: http('GET', () => '/v1/members'),
    'a new key': http(
      'POST',
      () => '/v1/keys',
      (own) => ({ name: own.canary, scopes: ['read'] }),
    ),
    'the end of a key': http('DELETE', (own) => `/v1/keys/${own.ids.key}`),
    'a new member': http(
      'POST',
      () => '/v1/members',
      (own) => ({ user_id: own.users.ex, email: `${own.canary}@example.com`, roles: ['viewer'] }),
    ),
    'the end of a member': http('DELETE', (own) => `/v1/members/${own.ids.user}`),
    'the end of an export': http('DELETE', (own) => `/v1/exports/${own.ids.run}`),
    'reports for a member': async ({ server }, own) => {
      const headers = { authorization: `Bearer ${tokenOf(own.users.owner)}` };
      return (await server.inject({ url: '/v1/reports', headers })).body;
    },
    'an export, waited for': async ({ server }, own) => {
      const answer = await server.inject({
        method: 'POST',
        url: '/v1/exports',
        headers: {
          authorization: `Bearer ${own.keys.admin}`,
          prefer: 'respond-async',
          'idempotency-key': randomUUID(),
        },
        payload: { report: 'calls', ...PERIOD, format: 'csv' },
      });
      return answer.body;
    },
  };
  for (const report of REPORTS) {
    all[`summary of ${report}`] = http(
      'GET',
      () => `/v1/reports/${report}/summary?from=${PERIOD.from}&to=${PERIOD.to}`,
    );
    all[`export of ${report}`] = async ({ engine }, own) => {
      const { bytes } = await engine.export(own.tenant.id, {
        report,
        ...PERIOD,
        format: 'ndjson',
        cache: false,
      });
      return bytes.toString();
    };
  }
  all['a reconciliation of loaded rows'] = async ({ engine, server }, own) => {
    const { run } = await engine.export(own.tenant.id, { report: 'reconciliation', ...PERIOD });
    const headers = { authorization: `Bearer ${own.keys.admin}` };
    const url = `/v1/reconciliations/${run.id}`;
    const found = (await server.inject({ url, headers })).body;
    return `${found} ${(await server.inject({ url: `${url}/file`, headers })).statusCode}`;
  };
  all['a reconciliation of a file'] = async ({ engine, server }, own) => {
    const headers = { authorization: `Bearer ${own.keys.admin}`, 'content-type': 'text/csv' };
    const payload = `started_at,caller,callee,billed_seconds,amount\n${PERIOD.from}T10:00:00Z,1,${own.canary},1,0.1\n`;
    const url = `/v1/reconciliations?from=${PERIOD.from}&to=${PERIOD.to}`;
    const asked = await server.inject({ method: 'POST', url, headers, payload });
    const run = await engine.finished(own.tenant.id, (asked.json() as { id: string }).id);
    return `${asked.body} ${JSON.stringify(run)}`;
  };
  // Last: what the others send too is tried with them, which take less.
  all['a schedule, run, made and sealed'] = async ({ database, engine }, own) => {
    const tenant = await database.asSystem((tx) => requireTenant(tx, own.tenant.id));
    // A time of day of its own each time, on a day whose data is complete.
    const now = Date.UTC(2026, 2, 3, 8) + Math.floor(Math.random() * 3_600_000);
    const saving = { tenant, owner: 'operator:cli', now };
    const run = await database.asTenant(tenant.id, (tx) =>
      runScheduleNow(tx, own.ids.schedule, saving),
    );
    await stepsOf(database, tenant.id, engine, now);
    return JSON.stringify(run);
  };
  all['rows that came late, and an amendment'] = async (rig, own) => {
    const { database, engine, server } = rig;
    await all['a schedule, run, made and sealed'](rig, own);
    await loadAll(database, own.tenant, `${own.canary}-${randomUUID()}`);
    const source = rowsOfAll(database);
    const looking = { database, source, holder: 'x' };
    await findChanged(Date.now(), looking, AbortSignal.timeout(20_000));
    await findChangedElsewhere(looking, AbortSignal.timeout(20_000));
    const headers = { authorization: `Bearer ${own.keys.admin}` };
    const list = await server.inject({ url: '/v1/files?changed=true&limit=1', headers });
    const [file] = (list.json() as { items: { id: string }[] }).items;
    const url = `/v1/files/${file.id}/amend`;
    const amended = await server.inject({ method: 'POST', url, headers });
    await stepsOf(database, own.tenant.id, engine, Date.UTC(2026, 2, 3, 8));
    return `${list.body} ${amended.body}`;
  };
  return all;
}
