import pg from 'pg';
import { DaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';

/**
 * Postgres as Daybook uses it: every statement runs in a transaction under a role that row-level
 * security binds, with `set local` claims, so that a transaction pooler works and a query that
 * forgets its `where` cannot leak. No session state.
 */

const TENANT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface Tx {
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<R[]>;
  /** Rows affected by a statement. */
  run(text: string, values?: readonly unknown[]): Promise<number>;
  /** The connection itself, for COPY. Its transaction is open. */
  readonly client: pg.PoolClient;
}

export interface TransactionOptions {
  /** `repeatable read` gives one snapshot to all statements. Default `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read';
  readonly readOnly?: boolean;
  /** Default 30,000 ms. */
  readonly statementTimeoutMs?: number;
}

export interface Database {
  /** Work on one tenant's rows, under the tenant-scoped role. */
  asTenant<T>(
    tenantId: string,
    work: (tx: Tx) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Work across tenants: claims, key look-ups, operators. Never rows of reports. */
  asSystem<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** As the login role itself: migrations and health only. */
  asOwner<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  close(): Promise<void>;
}

/** Opens a pool; nothing is connected before the first transaction. Must be closed. */
export function openDatabase(options: {
  url: string;
  maxConnections: number;
  applicationName: string;
  log: Logger;
}): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  pool.on('error', (error) => options.log.warn({ error: error.message }, 'idle connection lost'));

  async function transaction<T>(
    opening: string,
    work: (tx: Tx) => Promise<T>,
    settings: TransactionOptions = {},
  ): Promise<T> {
    const timeoutMs = settings.statementTimeoutMs ?? 30_000;
    const client = await connect(pool);
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    const tx: Tx = {
      client,
      query: async <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) =>
        (await client.query<R>(withDeadline(text, values, timeoutMs))).rows,
      run: async (text, values) =>
        (await client.query(withDeadline(text, values, timeoutMs))).rowCount ?? 0,
    };
    try {
      const isolation = settings.isolation ?? 'read committed';
      await client.query(
        `begin isolation level ${isolation}${settings.readOnly ? ' read only' : ''};
         set local statement_timeout = ${Math.trunc(timeoutMs)}; ${opening}`,
      );
      const result = await work(tx);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  return {
    asTenant(tenantId, work, settings) {
      if (!TENANT_ID.test(tenantId)) {
        throw new DaybookError('E_INTERNAL', { reason: 'a tenant id is not a UUID' });
      }
      const claims = JSON.stringify({ app_metadata: { tenant_id: tenantId } });
      return transaction(
        `set local role daybook_tenant; select set_config('request.jwt.claims', '${claims}', true)`,
        work,
        settings,
      );
    },
    asSystem: (work, settings) => transaction('set local role daybook_system', work, settings),
    asOwner: (work, settings) => transaction('select 1', work, settings),
    close: () => pool.end(),
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new DaybookError(
      'E_UNAVAILABLE',
      { what: 'the database', reason: (error as Error).message },
      error,
    );
  }
}

function withDeadline(text: string, values: readonly unknown[] | undefined, timeoutMs: number) {
  return { text, values: values as unknown[], query_timeout: timeoutMs + 5_000 };
}
