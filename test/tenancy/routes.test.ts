import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/principals/permissions.ts';
import { ROLES } from '../../src/principals/principal.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { openRig, type Rig } from './support/rig.ts';
import {
  type Company,
  OPERATOR,
  PERIOD,
  rowsOf,
  tokenOf,
  traces,
  twoTenants,
} from './support/two-tenants.ts';

/** Every route as every principal, with the ids of another tenant and with ids of nobody. */

type Ids = Company['ids'];
interface Probe {
  readonly url: (ids: Ids) => string;
  readonly payload?: (ids: Ids, canary: string) => object;
}
const at = (url: string): Probe => ({ url: () => url });
const byRun = (rest: string): Probe => ({ url: ({ run }) => `/v1/${rest.replace(':id', run)}` });
const byDelivery = (rest: string): Probe => ({
  url: ({ delivery }) => `/v1/deliveries/${delivery}${rest}`,
});

const bySchedule = (rest: string): Probe => ({
  url: ({ schedule }) => `/v1/schedules/${schedule}${rest}`,
});
const byFile = (rest: string): Probe => ({ url: ({ sealed }) => `/v1/files/${sealed}${rest}` });
const SCHEDULE = {
  ...{ report: 'calls', period: 'yesterday', every: 'day', at: '08:00' },
  recipients: [{ email: 'ana@example.com' }],
};
const SOURCE = {
  settings: { host: '127.0.0.1', port: '1', database: 'd', user: 'u', tls: 'off' },
  credentials: { password: 'p' },
};
const byConnector = (rest: string): Probe => ({
  url: ({ connector }) => `/v1/connectors/${connector}${rest}`,
});
/** An address, so that no name is looked up. */
const CONNECTOR = { dataset: 'calls', url: 'https://1.1.1.1/calls' };
const ofMoney = (rest: string, name: keyof Ids): Probe => ({
  url: (ids) => `/v1/${rest.replace(':id', ids[name])}`,
});

/** A route that the server has and this table has not fails. */
const PROBES: Readonly<Record<string, Probe>> = {
  'GET /v1/reports': at('/v1/reports'),
  'GET /v1/reports/:report/summary': at(
    `/v1/reports/calls/summary?from=${PERIOD.from}&to=${PERIOD.to}&by=queue`,
  ),
  'GET /v1/exports': at('/v1/exports'),
  'POST /v1/exports': {
    url: () => '/v1/exports',
    payload: () => ({ report: 'calls', ...PERIOD, format: 'csv' }),
  },
  'GET /v1/exports/:id': byRun('exports/:id'),
  'HEAD /v1/exports/:id': byRun('exports/:id'),
  'DELETE /v1/exports/:id': byRun('exports/:id'),
  'GET /v1/exports/:id/file': byRun('exports/:id/file'),
  'HEAD /v1/exports/:id/file': byRun('exports/:id/file'),
  'GET /v1/exports/:id/events': byRun('exports/:id/events'),
  'GET /v1/runs': at('/v1/runs'),
  'GET /v1/runs/:id': byRun('runs/:id'),
  'GET /v1/schedules': at('/v1/schedules'),
  'POST /v1/schedules': {
    url: () => '/v1/schedules',
    payload: (_, canary) => ({ ...SCHEDULE, name: `${canary} ${randomUUID()}` }),
  },
  'POST /v1/schedules/preview': { url: () => '/v1/schedules/preview', payload: () => SCHEDULE },
  'GET /v1/schedules/:id': bySchedule(''),
  'PATCH /v1/schedules/:id': { ...bySchedule(''), payload: () => ({ at: '09:00' }) },
  'GET /v1/schedules/:id/preview': bySchedule('/preview'),
  'GET /v1/schedules/:id/runs': bySchedule('/runs'),
  'POST /v1/schedules/:id/run': bySchedule('/run'),
  'POST /v1/schedules/:id/pause': bySchedule('/pause'),
  'POST /v1/schedules/:id/resume': bySchedule('/resume'),
  'DELETE /v1/schedules/:id': bySchedule(''),
  'GET /v1/files': at('/v1/files'),
  'GET /v1/files/:id': byFile(''),
  'POST /v1/files/:id/amend': byFile('/amend'),
  'GET /v1/files/:id/changes': byFile('/changes'),
  'GET /v1/files/:id/file': byFile('/file'),
  'HEAD /v1/files/:id/file': byFile('/file'),
  'GET /v1/reconciliations': at('/v1/reconciliations'),
  'POST /v1/reconciliations': {
    url: () => `/v1/reconciliations?from=${PERIOD.from}&to=${PERIOD.to}`,
  },
  'GET /v1/reconciliations/:id/file': ofMoney('reconciliations/:id/file', 'reconciliation'),
  'HEAD /v1/reconciliations/:id/file': ofMoney('reconciliations/:id/file', 'reconciliation'),
  'GET /v1/reconciliations/:id': ofMoney('reconciliations/:id', 'reconciliation'),
  'GET /v1/reconciliations/:id/lines': ofMoney('reconciliations/:id/lines', 'reconciliation'),
  'POST /v1/reconciliations/:id/lines/:line': {
    ...ofMoney('reconciliations/:id/lines/1', 'reconciliation'),
    payload: () => ({ status: 'disputed' }),
  },
  'GET /v1/reconciliations/:id/notes': ofMoney('reconciliations/:id/notes', 'reconciliation'),
  'POST /v1/reconciliations/:id/notes': {
    ...ofMoney('reconciliations/:id/notes', 'reconciliation'),
    payload: (_, canary) => ({ note: canary }),
  },
  'POST /v1/reconciliations/:id/sign-off': {
    ...ofMoney('reconciliations/:id/sign-off', 'reconciliation'),
    payload: () => ({}),
  },
  'POST /v1/reconciliations/:id/unlock': {
    ...ofMoney('reconciliations/:id/unlock', 'reconciliation'),
    payload: () => ({}),
  },
  'GET /v1/customers': at('/v1/customers'),
  'POST /v1/customers': {
    url: () => '/v1/customers',
    payload: (_, canary) => ({ key: `${canary}-${randomUUID()}` }),
  },
  'GET /v1/customers/:key': ofMoney('customers/:id', 'customer'),
  'PATCH /v1/customers/:key': {
    ...ofMoney('customers/:id', 'customer'),
    payload: (_, canary) => ({ title: canary }),
  },
  'GET /v1/products': at('/v1/products'),
  'GET /v1/products/:sku': ofMoney('products/:id', 'product'),
  'PUT /v1/products/:sku': {
    url: () => '/v1/products/mine',
    payload: (_, canary) => ({ title: canary, list_price: '1', currency: 'USD' }),
  },
  'GET /v1/licences': at('/v1/licences'),
  'POST /v1/licences': {
    url: () => '/v1/licences',
    payload: ({ customer, product }) => ({ customer, sku: product }),
  },
  'DELETE /v1/licences/:id': ofMoney('licences/:id', 'licence'),
  'GET /v1/discount-policies': at('/v1/discount-policies'),
  'PUT /v1/discount-policies/:key': {
    url: () => '/v1/discount-policies/mine',
    payload: (_, canary) => ({ title: canary, kind: 'percent', value: '1', grants: {} }),
  },
  'GET /v1/proposals': at('/v1/proposals'),
  'POST /v1/proposals': {
    url: () => '/v1/proposals',
    payload: ({ customer, product }, canary) => ({
      ...{ customer, title: canary, valid_until: '2999-01-01', lines: [{ sku: product }] },
    }),
  },
  'GET /v1/proposals/:id': ofMoney('proposals/:id', 'proposal'),
  'PUT /v1/proposals/:id/lines': {
    ...ofMoney('proposals/:id/lines', 'proposal'),
    payload: ({ product }) => ({ lines: [{ sku: product }] }),
  },
  'POST /v1/proposals/:id/send': {
    ...ofMoney('proposals/:id/send', 'proposal'),
    payload: () => ({}),
  },
  'POST /v1/proposals/:id/approve': {
    ...ofMoney('proposals/:id/approve', 'proposal'),
    payload: () => ({}),
  },
  'POST /v1/proposals/:id/reject': {
    ...ofMoney('proposals/:id/reject', 'proposal'),
    payload: () => ({}),
  },
  'GET /v1/rate-plans': at('/v1/rate-plans'),
  'GET /v1/rate-plans/:name': at('/v1/rate-plans/standard'),
  'PUT /v1/rate-plans/:name': { url: () => '/v1/rate-plans/probe', payload: () => ({}) },
  'POST /v1/rate-plans/:name/versions': {
    url: () => '/v1/rate-plans/probe/versions',
    payload: () => ({ valid_from: '2026-03-01', rates: [{ prefix: '1', rate: '1' }] }),
  },
  'DELETE /v1/rate-plans/:name/versions/:valid_from': at(
    '/v1/rate-plans/standard/versions/2000-01-01T00:00:00Z',
  ),
  'GET /v1/payers': at('/v1/payers'),
  'PUT /v1/payers/:key': { url: () => '/v1/payers/mine', payload: () => ({}) },
  'GET /v1/payer-rules': at('/v1/payer-rules'),
  'POST /v1/payer-rules': {
    url: () => '/v1/payer-rules',
    payload: (_, canary) => ({ match_by: 'trunk', match_value: canary, payer: null }),
  },
  'DELETE /v1/payer-rules/:id': { url: ({ rule }) => `/v1/payer-rules/${rule}` },
  'GET /v1/plan-assignments': at('/v1/plan-assignments'),
  'POST /v1/plan-assignments': {
    url: () => '/v1/plan-assignments',
    payload: () => ({ direction: 'inbound', plan: 'standard' }),
  },
  'DELETE /v1/plan-assignments/:id': {
    url: ({ assignment }) => `/v1/plan-assignments/${assignment}`,
  },
  'GET /v1/charges': at(`/v1/charges?from=${PERIOD.from}&to=${PERIOD.to}`),
  'GET /v1/ledger': at('/v1/ledger'),
  'GET /v1/ledger/accounts': at('/v1/ledger/accounts'),
  'GET /v1/ledger/statement': at(`/v1/ledger/statement?from=${PERIOD.from}&to=${PERIOD.to}`),
  'POST /v1/ledger/entries': {
    url: () => '/v1/ledger/entries',
    payload: (_, canary) => ({ kind: 'credit', payer: canary, currency: 'USD', amount: '1' }),
  },
  'POST /v1/ledger/reversals': {
    url: () => '/v1/ledger/reversals',
    payload: (_, canary) => ({ source: `posted:${canary}-payment` }),
  },
  'PUT /v1/ledger/low-balance': {
    url: () => '/v1/ledger/low-balance',
    payload: (_, canary) => ({ payer: canary, currency: 'USD', low_balance: '1' }),
  },
  'GET /v1/ledger/locks': at('/v1/ledger/locks'),
  'POST /v1/ledger/locks': {
    url: () => '/v1/ledger/locks',
    payload: () => ({ from: '2019-01-01', to: '2019-01-01', reason: 'probe' }),
  },
  'POST /v1/ledger/locks/:id/release': { url: ({ lock }) => `/v1/ledger/locks/${lock}/release` },
  'GET /v1/sources': at('/v1/sources'),
  'POST /v1/sources': {
    url: () => '/v1/sources',
    payload: () => ({ ...SOURCE, name: `s-${randomUUID()}`, kind: 'postgres' }),
  },
  'GET /v1/sources/:id': ofMoney('sources/:id', 'source'),
  'PATCH /v1/sources/:id': { ...ofMoney('sources/:id', 'source'), payload: () => SOURCE },
  'DELETE /v1/sources/:id': ofMoney('sources/:id', 'source'),
  'POST /v1/sources/:id/test': { ...ofMoney('sources/:id/test', 'source'), payload: () => ({}) },
  'POST /v1/sources/:id/bindings': {
    ...ofMoney('sources/:id/bindings', 'source'),
    payload: () => ({
      ...{ dataset: 'calls', from: 'cdr', map: {}, anchor_column: 'started_at', key_column: 'id' },
    }),
  },
  'PUT /v1/sources/:id/complete-through/:dataset': {
    ...ofMoney('sources/:id/complete-through/calls', 'source'),
    payload: () => ({ complete_through: '1999-01-01T00:00:00Z' }),
  },
  'GET /v1/source-bindings': at('/v1/source-bindings'),
  'DELETE /v1/source-bindings/:id': ofMoney('source-bindings/:id', 'binding'),
  'GET /v1/keys': at('/v1/keys'),
  'POST /v1/keys': {
    url: () => '/v1/keys',
    payload: (_, canary) => ({ name: canary, scopes: ['read'] }),
  },
  'DELETE /v1/keys/:id': { url: ({ key }) => `/v1/keys/${key}` },
  'GET /v1/members': at('/v1/members'),
  'POST /v1/members': {
    url: () => '/v1/members',
    payload: () => ({ user_id: randomUUID(), roles: ['viewer'] }),
  },
  'DELETE /v1/members/:user_id': { url: ({ user }) => `/v1/members/${user}` },
  'POST /v1/schedules/:id/test': {
    url: ({ schedule }) => `/v1/schedules/${schedule}/test`,
    payload: () => ({ email: 'test@example.com' }),
  },
  'GET /v1/deliveries': at('/v1/deliveries'),
  'GET /v1/deliveries/:id': byDelivery(''),
  'POST /v1/deliveries/:id/resend': byDelivery('/resend'),
  'POST /v1/deliveries/:id/cancel': byDelivery('/cancel'),
  'GET /v1/delivery-settings': at('/v1/delivery-settings'),
  'PATCH /v1/delivery-settings': {
    url: () => '/v1/delivery-settings',
    payload: () => ({ link_days: 3 }),
  },
  'GET /v1/delivery-settings/webhook-key': at('/v1/delivery-settings/webhook-key'),
  'POST /v1/delivery-settings/webhook-key': at('/v1/delivery-settings/webhook-key'),
  'GET /v1/suppressions': at('/v1/suppressions'),
  'DELETE /v1/suppressions/:id': {
    url: ({ suppression }) => `/v1/suppressions/${suppression}`,
  },
  'GET /v1/connectors': at('/v1/connectors'),
  'POST /v1/connectors': {
    url: () => '/v1/connectors',
    payload: (_, canary) => ({ ...CONNECTOR, name: `${canary} ${randomUUID()}` }),
  },
  'GET /v1/connectors/:id': byConnector(''),
  'PUT /v1/connectors/:id': {
    ...byConnector(''),
    payload: (_, canary) => ({ ...CONNECTOR, name: `${canary} ${randomUUID()}` }),
  },
  'POST /v1/connectors/:id/run': byConnector('/run'),
  'GET /v1/connectors/:id/runs': byConnector('/runs'),
  'DELETE /v1/connectors/:id': byConnector(''),
  'GET /v1/triggers': at('/v1/triggers'),
  'POST /v1/triggers': {
    url: () => '/v1/triggers',
    payload: ({ connector }) => ({ name: 'mine', connector }),
  },
  'DELETE /v1/triggers/:id': { url: ({ trigger }) => `/v1/triggers/${trigger}` },
  // The id is no token, so it starts nothing for anybody.
  'POST /v1/triggers/:id': { url: ({ trigger }) => `/v1/triggers/${trigger}` },
  'POST /v1/ingest/:dataset': {
    url: ({ ingestKey }) => `/v1/ingest/calls?key=${ingestKey}`,
    payload: () => [{}],
  },
  'POST /v1/ingest/:dataset/complete': {
    url: ({ ingestKey }) => `/v1/ingest/calls/complete?key=${ingestKey}`,
    payload: () => ({ complete_through: '2026-03-01T00:00:00Z' }),
  },
  'GET /v1/ingest/batches': at('/v1/ingest/batches'),
  'GET /v1/ingest/batches/:id': ofMoney('ingest/batches/:id', 'batch'),
  'POST /v1/ingest/batches/:id/retry': ofMoney('ingest/batches/:id/retry', 'batch'),
  'DELETE /v1/ingest/batches/:id': ofMoney('ingest/batches/:id', 'batch'),
  'GET /v1/ingest/keys': at('/v1/ingest/keys'),
  'POST /v1/ingest/keys': {
    url: () => '/v1/ingest/keys',
    payload: (_, canary) => ({ name: canary }),
  },
  'PATCH /v1/ingest/keys/:id': {
    ...ofMoney('ingest/keys/:id', 'ingestKey'),
    payload: () => ({ maps: {} }),
  },
  'DELETE /v1/ingest/keys/:id': ofMoney('ingest/keys/:id', 'ingestKey'),
  'GET /v1/ingest/:dataset/mirror': at('/v1/ingest/calls/mirror'),
  'POST /v1/ingest/:dataset/mirror': {
    url: () => '/v1/ingest/calls/mirror',
    payload: (_, canary) => ({ source: canary }),
  },
  'GET /v1/ingest/:dataset/mirror/:id': ofMoney('ingest/calls/mirror/:id', 'snapshot'),
  'DELETE /v1/ingest/:dataset/mirror/:id': ofMoney('ingest/calls/mirror/:id', 'snapshot'),
  'POST /v1/ingest/:dataset/mirror/:id/rows': {
    url: ({ snapshot }) => `/v1/ingest/calls/mirror/${snapshot}/rows?part=1`,
    payload: () => [{}],
  },
  'POST /v1/ingest/:dataset/mirror/:id/commit': {
    ...ofMoney('ingest/calls/mirror/:id/commit', 'snapshot'),
    payload: () => ({ rows: 7 }),
  },
  'GET /v1/ingest/:dataset/settings': at('/v1/ingest/calls/settings'),
  'PATCH /v1/ingest/:dataset/settings': {
    url: () => '/v1/ingest/calls/settings',
    payload: () => ({ mirror_delete_rows: 20 }),
  },
  'GET /v1/rejects': at('/v1/rejects'),
  'POST /v1/rejects/retry': at('/v1/rejects/retry'),
  'GET /healthz': at('/healthz'),
  'GET /readyz': at('/readyz'),
  'GET /metrics': at('/metrics'),
};

let test: TestDatabase;
let rig: Rig;
let a: Company;
let b: Company;
const principals: Record<string, Record<string, string>> = {};
const routes: string[] = [];

beforeAll(async () => {
  test = await freshDatabase();
  const home = freshHome();
  ({ a, b } = await twoTenants(test, home));
  rig = await openRig(test.database, home, []);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  principals.anonymous = {};
  principals.stranger = bearer(tokenOf(randomUUID()));
  principals['ex-member'] = bearer(tokenOf(a.users.ex));
  for (const role of ROLES) principals[`${role} of A`] = bearer(tokenOf(a.users[role]));
  for (const preset of PRESETS) principals[`${preset} key of A`] = bearer(a.keys[preset]);
  const asA = { 'x-daybook-tenant': a.tenant.name };
  principals['operator, on A'] = { ...bearer(tokenOf(OPERATOR)), ...asA };
  const key = await test.database.asSystem((tx) =>
    createApiKey(tx, { tenantId: null, name: 'all', scopes: ['admin'], createdBy: 'test' }),
  );
  principals["operator's key, on A"] = { ...bearer(key.token), ...asA };
  const document = rig.server.swagger() as unknown as {
    paths: Record<string, Record<string, unknown>>;
  };
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      routes.push(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
    }
  }
});
afterAll(async () => {
  await rig.close();
  await test.drop();
});

const nobody = (): Ids => ({
  run: randomUUID(),
  key: '0'.repeat(16),
  user: randomUUID(),
  load: randomUUID(),
  file: randomUUID(),
  schedule: randomUUID(),
  sealed: randomUUID(),
  reconciliation: randomUUID(),
  customer: randomUUID(),
  product: randomUUID(),
  licence: randomUUID(),
  proposal: randomUUID(),
  delivery: randomUUID(),
  suppression: randomUUID(),
  connector: randomUUID(),
  trigger: randomUUID(),
  rule: randomUUID(),
  assignment: randomUUID(),
  lock: randomUUID(),
  source: randomUUID(),
  binding: randomUUID(),
  ingestKey: `dbi_${'1'.repeat(16)}`,
  batch: randomUUID(),
  snapshot: randomUUID(),
});

async function probe(route: string, headers: Record<string, string>, ids: Ids, canary: string) {
  const { url, payload } = PROBES[route];
  const answer = await rig.server.inject({
    method: route.split(' ')[0] as 'GET',
    url: url(ids),
    headers,
    ...(payload ? { payload: payload(ids, canary) } : {}),
  });
  const shape = [
    answer.statusCode,
    Object.keys(answer.headers).sort(),
    Object.values(ids).reduce(
      (text, id) => text.replaceAll(id, 'ID'),
      answer.body.replace(/urn:uuid:[-0-9a-f]+/, 'URN'),
    ),
  ];
  return {
    text: `${JSON.stringify(answer.headers)} ${answer.body}`,
    shape,
    status: answer.statusCode,
  };
}

const OWN = ['GET /v1/schedules/:id', 'GET /v1/schedules/:id/runs', 'GET /v1/files/:id/file'];
const takesAnId = (route: string) =>
  /:(id|user|key|sku)/.test(route) && !/^PUT .*:(key|sku)$/.test(route);

it('every route of the server has a probe', () => {
  expect(routes.filter((route) => !(route in PROBES))).toEqual([]);
  expect(
    Object.keys(PROBES).filter((route) => !routes.includes(route) && !/^HEAD/.test(route)),
  ).toEqual([]);
});

describe("another tenant's rows and ids", () => {
  it('are in no answer to any principal, and its ids are answered as those of nobody', async () => {
    const before = await rowsOf(test.database, b);
    const wrong: string[] = [];
    let found = 0;
    for (const [name, headers] of Object.entries(principals)) {
      for (const route of Object.keys(PROBES)) {
        const foreign = await probe(route, headers, b.ids, 'mine');
        const unknown = await probe(route, headers, nobody(), 'mine');
        // What was asked may be named again, in the address of a problem for example.
        const asked = new Set<string>(Object.values(b.ids));
        const seen = traces(foreign.text, b).filter((trace) => !asked.has(trace));
        if (seen.length > 0) wrong.push(`${name}: ${route} shows ${seen.join()}`);
        if (takesAnId(route) && JSON.stringify(foreign.shape) !== JSON.stringify(unknown.shape)) {
          wrong.push(`${name}: ${route} ${JSON.stringify([foreign.shape, unknown.shape])}`);
        }
        if (takesAnId(route) && foreign.status === 404) found += 1;
        if (takesAnId(route) && foreign.status < 400) wrong.push(`${name}: ${route} did it`);
      }
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(30);
    const after = await rowsOf(test.database, b);
    expect(after).toEqual(before);
  });

  it("are there for the tenant's own key, by the same probes", async () => {
    const headers = { authorization: `Bearer ${b.keys.read}` };
    for (const route of [
      'GET /v1/exports/:id',
      'GET /v1/exports/:id/file',
      'GET /v1/runs/:id',
      ...OWN,
    ]) {
      expect((await probe(route, headers, b.ids, 'mine')).status, route).toBe(200);
    }
    expect(traces((await probe('GET /v1/exports', headers, b.ids, 'mine')).text, b)).not.toEqual(
      [],
    );
  });

  it('cannot be filtered for, grouped by or paged to', async () => {
    const headers = { authorization: `Bearer ${a.keys.admin}` };
    const cursors = await rig.server.inject({
      url: '/v1/exports?limit=1',
      headers: { authorization: `Bearer ${b.keys.admin}` },
    });
    const { next } = cursors.json() as { next?: string };
    for (const url of [
      `/v1/reports/calls/summary?from=${PERIOD.from}&to=${PERIOD.to}&by=caller`,
      `/v1/reports/calls/summary?from=${PERIOD.from}&to=${PERIOD.to}&by=queue&where=queue%3D${b.canary}-q`,
      `/v1/exports?cursor=${encodeURIComponent(next ?? b.ids.run)}`,
      `/v1/runs?cursor=${encodeURIComponent(next ?? b.ids.run)}`,
    ]) {
      const { body } = await rig.server.inject({ url, headers });
      expect(
        traces(body, b).filter((trace) => !url.includes(trace)),
        url,
      ).toEqual([]);
    }
  });
});
