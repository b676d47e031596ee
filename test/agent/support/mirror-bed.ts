import { join } from 'node:path';
import pg from 'pg';
import type { AgentConfig } from '../../../src/agent/agent-config.ts';
import { keyFor, startApi, type TestApi } from '../../api/support.ts';
import { addTestTenant, freshDatabase } from '../../support/database.ts';
import { configFor, temporaryFolder } from './agents.ts';

/** A legacy database and the real API over TCP. */
export interface MirrorBed {
  readonly api: TestApi;
  /** A tenant of its own, with keys for its agents and a place for their states. */
  newTenant(): Promise<MirrorTenant>;
  /** A statement in the legacy database. */
  legacy(sql: string): Promise<void>;
  /** Waits for the next request whose address fits. */
  requested(address: RegExp): Promise<void>;
  close(): Promise<void>;
}

export interface MirrorTenant {
  readonly id: string;
  /** What the agent's configuration needs, and its environment. */
  readonly url: string;
  readonly keyId: string;
  readonly environment: { readonly KEY: string; readonly API_KEY: string; readonly LEGACY: string };
  readonly statePath: string;
  /** Calls, as `id talk_seconds`, ordered. */
  calls(): Promise<string[]>;
  snapshots(): Promise<{ id: string; state: string; source: string; refusal: string | null }[]>;
  ask(method: 'POST' | 'DELETE', path: string, body?: object): Promise<number>;
  /** A configuration; agents of other names have other states. */
  config(source: object, agent?: string): AgentConfig;
}

export async function openMirrorBed(): Promise<MirrorBed> {
  const api = await startApi();
  const url = await api.server.listen({ port: 0, host: '127.0.0.1' });
  const store = await freshDatabase();
  const admin = new pg.Client({ connectionString: store.url });
  await admin.connect();
  const folder = temporaryFolder();
  let tenants = 0;
  return {
    api,
    async newTenant() {
      const name = `mirrored${++tenants}`;
      const { id } = await addTestTenant(api.db.database, { name, zone: 'UTC' });
      const place = { url, legacyUrl: store.url, statePath: join(folder.path, name) };
      return tenantOf(api, id, place);
    },
    async legacy(sql) {
      await admin.query(sql);
    },
    requested: (address) =>
      new Promise((resolve) => {
        const look = (request: { url?: string }) => {
          if (!address.test(request.url ?? '')) return;
          api.server.server.off('request', look);
          resolve();
        };
        api.server.server.on('request', look);
      }),
    async close() {
      await admin.end();
      await store.drop();
      await api.close();
      folder.remove();
    },
  };
}

async function tenantOf(
  api: TestApi,
  id: string,
  at: { readonly url: string; readonly legacyUrl: string; readonly statePath: string },
): Promise<MirrorTenant> {
  const { server, db } = api;
  const asAdmin = await keyFor(db, id, ['admin']);
  const { authorization } = await keyFor(db, id, ['load']);
  const created = await server.inject({
    ...{ method: 'POST', url: '/v1/ingest/keys', headers: asAdmin, payload: { name: 'agent' } },
  });
  const key = created.json() as { id: string; secret: string };
  const environment = {
    ...{ KEY: key.secret, API_KEY: authorization.slice('Bearer '.length), LEGACY: at.legacyUrl },
  };
  const base = '/v1/ingest/calls/mirror';
  return {
    ...{ id, url: at.url, keyId: key.id, environment, statePath: at.statePath },
    calls: () =>
      db.database.asTenant(id, async (tx) => {
        const rows = await tx.query<{ row: string }>(
          `select external_id || ' ' || coalesce(talk_seconds, 0) as row from daybook.calls
           order by external_id collate "C"`,
        );
        return rows.map(({ row }) => row);
      }),
    async snapshots() {
      return (await server.inject({ url: base, headers: asAdmin })).json().items;
    },
    async ask(method, path, payload) {
      const url = `${base}${path}`;
      return (await server.inject({ method, url, headers: asAdmin, payload })).statusCode;
    },
    config(source, agent = 'agent') {
      const pbx = { name: 'pbx', type: 'postgres', dataset: 'calls', url: { env: 'LEGACY' } };
      const receiving = { url: at.url, keyId: key.id, key: key.secret };
      return configFor(receiving, join(at.statePath, agent), [{ ...pbx, ...source }], {
        ...{ daybook: { api_key: { env: 'API_KEY' } }, limits: { batch_rows: 10 } },
        secrets: environment,
      });
    },
  };
}

/** A table of `rows` calls whose ids begin with `prefix`. */
export function callsTable(name: string, rows: number, prefix = 'c'): string {
  return `
    drop table if exists ${name} cascade;
    create table ${name} as
    select '${prefix}' || lpad(i::text, 3, '0') as external_id,
      timestamptz '2024-01-01Z' + i * interval '1 minute' as started_at,
      timestamptz '2024-01-01Z' + i * interval '1 minute' + interval '30 seconds' as ended_at,
      'answered' as disposition, i % 30 as talk_seconds
    from generate_series(1, ${rows}) i`;
}
