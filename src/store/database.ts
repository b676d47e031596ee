import type { Duplex } from 'node:stream';
import pg from 'pg';
import { DaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  isConflict,
  isConnectionLoss,
  isTooManyConnections,
  toStoreError,
} from './database-errors.ts';
import { ASK_BACKEND, isKnown, noteBackend, preparedName } from './prepared-statements.ts';

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
  /**
   * Says that the connection is in the middle of something that only its end can stop, such as a
   * COPY nobody reads any more: when `work` rejects, the connection is closed without a rollback.
   */
  abandon(reason: Error): void;
  /** The connection itself, for COPY, once its transaction is open. */
  connection(): Promise<pg.PoolClient>;
}

export interface TransactionOptions {
  /** `repeatable read` gives one snapshot to all statements. Default `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /**
   * The server ends a statement after this. As long again later, 1 to 5 s, we give the connection
   * up, so a frozen server holds nobody longer. Default 20,000 ms. COPY through `client` has only
   * the first.
   */
  readonly statementTimeoutMs?: number;
  /**
   * The work may be done again from its start, even when its commit may have gone through. Then a
   * conflict (40001, 40P01) or a lost connection is tried up to 5 times. Default false: only while
   * no statement of the work was answered, and nothing was sent that may have lasted.
   */
  readonly repeatable?: boolean;
  /**
   * The work is one statement, and its commit goes out with it: one round trip in all. Another
   * statement is refused. Default false.
   */
  readonly single?: boolean;
  /**
   * Its statements read or write a few rows by key, again and again: each is planned once per
   * connection, where no pooler is in between. Not for what joins large sets. Default false.
   */
  readonly prepared?: boolean;
  /**
   * False: the commit does not wait for the disk of the server; when that fails within the next
   * second, the work may be lost, as a whole. Default true.
   */
  readonly lasting?: boolean;
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

/** One statement that looks something up by key. */
export const LOOK_UP = { readOnly: true, single: true, prepared: true } as const;

const TRIES = 5;
/** To connect and to begin: nothing is computed then, so silence soon means a dead server. */
const OPENING_MS = 10_000;
/** A process that stands still in the middle of a transaction loses its locks after this. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/**
 * Opens a pool; nothing is connected before the first transaction. Must be closed.
 *
 * What `work` throws comes through as it is, unless it is about the connection, a deadline or a
 * conflict: that is `E_UNAVAILABLE`, a full disk of the server `E_NO_SPACE`. A transaction that
 * could not begin is tried again a few times by itself.
 */
export function openDatabase(options: {
  readonly url: string;
  readonly maxConnections: number;
  readonly applicationName: string;
  readonly log: Logger;
}): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    application_name: options.applicationName,
    connectionTimeoutMillis: OPENING_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // Without a listener the loss of an idle connection would end the process.
  let closing = false;
  pool.on('error', (error) => {
    if (!closing) options.log.warn({ error: error.message }, 'idle connection lost');
  });

  async function transaction<T>(
    role: string,
    work: (tx: Tx) => Promise<T>,
    settings: TransactionOptions = {},
  ): Promise<T> {
    const timeoutMs = Math.trunc(settings.statementTimeoutMs ?? 20_000);
    const text = openingOf(role, timeoutMs, settings);
    const opening = {
      text,
      timeoutMs,
      readOnly: settings.readOnly ?? false,
      single: settings.single ?? false,
      prepared: settings.prepared ?? false,
    };
    const since = performance.now();
    for (let tries = 1; ; tries += 1) {
      const attempt: Attempt = { begun: false };
      try {
        return await once(pool, opening, work, attempt);
      } catch (error) {
        const again = attempt.begun
          ? settings.repeatable === true && (isConflict(error) || isConnectionLoss(error))
          : performance.now() - since < OPENING_MS &&
            (isTooManyConnections(error) || isConnectionLoss(error));
        if (!again || tries === TRIES) throw toStoreError(error);
        await pauseBefore(tries);
      }
    }
  }

  return {
    async asTenant(tenantId, work, settings) {
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
    asOwner: (work, settings) => transaction('', work, settings),
    close: () => {
      closing = true;
      return pool.end();
    },
  };
}

interface Attempt {
  /** Whether the work may have done anything that lasts. */
  begun: boolean;
}

interface Opening {
  readonly text: string;
  /** Of a statement. */
  readonly timeoutMs: number;
  readonly readOnly: boolean;
  readonly single: boolean;
  readonly prepared: boolean;
}

async function once<T>(
  pool: pg.Pool,
  opening: Opening,
  work: (tx: Tx) => Promise<T>,
  attempt: Attempt,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  const { timeoutMs } = opening;
  const deadlineMs = timeoutMs + Math.min(5_000, Math.max(1_000, timeoutMs));
  let committed: Promise<pg.QueryResult> | null = null;
  const asksBackend = opening.prepared && !isKnown(client);
  const send = <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => {
    const name = opening.prepared && values ? preparedName(client, text) : undefined;
    const query = { ...withDeadline(text, values, deadlineMs), ...(name ? { name } : {}) };
    return inOnePacket(client, () => client.query<R>(query));
  };
  const answer = async <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => {
    if (!opening.single) return send<R>(text, values);
    if (committed) throw new DaybookError('E_INTERNAL', { reason: 'a second statement came' });
    const answered = send<R>(text, values);
    committed = send('commit');
    committed.catch(() => {});
    // It may be done from here on, whether the opening is ever answered or not.
    attempt.begun = !opening.readOnly;
    return answered;
  };
  try {
    const { opened, working } = openedWithWork(
      client,
      asksBackend ? `${opening.text}; ${ASK_BACKEND}` : opening.text,
      (opened) =>
        work({
          query: async <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) =>
            (await answer<R>(text, values)).rows,
          run: async (text, values) => (await answer(text, values)).rowCount ?? 0,
          abandon: onError,
          async connection() {
            await opened;
            inPipeline(client, false);
            return client;
          },
        }),
    );
    const answered = await opened.catch(async (error) => {
      await working.catch(() => {});
      throw error;
    });
    if (asksBackend) noteBackend(client, answered);
    attempt.begun = true;
    const result = await working;
    const { command } = await (committed ?? send('commit'));
    if (command !== 'COMMIT') {
      // A statement failed and the work went on as if it had not: Postgres then rolls back.
      throw new DaybookError('E_INTERNAL', { reason: 'the transaction was rolled back at commit' });
    }
    return result;
  } catch (error) {
    if (isConnectionLoss(error)) broken = error as Error;
    else if (committed) await (committed as Promise<unknown>).catch(onError);
    else if (!broken)
      await client.query(withDeadline('rollback', undefined, OPENING_MS)).catch(onError);
    throw error;
  } finally {
    client.off('error', onError);
    // A broken connection is closed, never lent again.
    client.release(broken);
  }
}

/**
 * What opens a transaction goes out in one packet with the first statement of its work, which saves
 * a round trip. Were it refused, the statement would be, too.
 */
function openedWithWork<T>(
  client: pg.PoolClient,
  opening: string,
  work: (opened: Promise<unknown>) => Promise<T>,
): { readonly opened: Promise<unknown>; readonly working: Promise<T> } {
  inPipeline(client, true);
  const begin = withDeadline(opening, undefined, OPENING_MS);
  const opened = inOnePacket(client, () => client.query(begin));
  opened.catch(() => {});
  const working = work(opened);
  working.catch(() => {});
  return { opened, working };
}

/** What is sent until whoever sends waits for something goes out together. */
function inOnePacket<T>(client: pg.PoolClient, send: () => T): T {
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
  return send();
}

/** Whether statements are sent before those ahead of them are answered; a COPY cannot be. */
function inPipeline(client: pg.PoolClient, on: boolean): void {
  (client as unknown as { pipeline: boolean }).pipeline = on;
}

/** One round trip opens the transaction, sets its limits, its role and its claims. */
function openingOf(role: string, timeoutMs: number, settings: TransactionOptions): string {
  const isolation = settings.isolation ?? 'read committed';
  return [
    `begin isolation level ${isolation}${settings.readOnly ? ' read only' : ''}`,
    `set local statement_timeout = ${timeoutMs}`,
    `set local idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
    ...(settings.lasting === false ? ['set local synchronous_commit = off'] : []),
    role,
  ].join('; ');
}

/** 20 to 60 ms before the second try, 160 to 480 ms before the fifth. */
function pauseBefore(tries: number): Promise<void> {
  const ms = 20 * 2 ** (tries - 1) * (1 + 2 * Math.random());
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function withDeadline(text: string, values: readonly unknown[] | undefined, deadlineMs: number) {
  return { text, values: values as unknown[] | undefined, query_timeout: deadlineMs };
}
