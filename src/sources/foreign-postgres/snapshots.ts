import pg from 'pg';
import type { Tx } from '../../store/database.ts';
import { toForeignError } from './foreign-error.ts';
import { clientConfig, type ForeignServer } from './server.ts';

/** A connection within a snapshot: every statement sees the same rows, and none can write. */
export interface Snapshot extends Pick<Tx, 'connection' | 'abandon'> {
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

export interface Snapshots {
  /**
   * @throws DaybookError `E_SOURCE`, `E_UNAVAILABLE`; what `work` throws
   */
  read<T>(work: (snapshot: Snapshot) => Promise<T>, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

const STATEMENT_MS = 15 * 60_000;
const QUERY_MS = 60_000;
/** Between two days of a report; others want their connections back. */
const KEPT_MS = 15_000;

/** What texts look like depends on these; our own casts rely on them. */
const OPENING = [
  'begin isolation level repeatable read read only',
  `set local statement_timeout = ${STATEMENT_MS}`,
  'set local lock_timeout = 10000',
  'set local idle_in_transaction_session_timeout = 60000',
  "set local timezone = 'UTC'",
  "set local datestyle = 'ISO, YMD'",
  "set local intervalstyle = 'iso_8601'",
  'set local extra_float_digits = 1',
].join('; ');

/**
 * Read-only snapshots of a foreign Postgres. One idle connection is kept for a short while; nothing
 * is connected before the first reading. Must be closed.
 */
export function openSnapshots(
  server: ForeignServer,
  { reach, what }: { readonly reach: (host: string) => Promise<string>; readonly what: string },
): Snapshots {
  let kept: { readonly client: pg.Client; readonly timer: NodeJS.Timeout } | null = null;
  const opened = new Set<pg.Client>();
  let closed = false;

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client(clientConfig(server, await reach(server.host)));
    // Without a listener the loss of a connection would end the process.
    client.on('error', () => forget(client));
    client.on('end', () => forget(client));
    try {
      await client.connect();
    } catch (error) {
      void end(client);
      throw error;
    }
    opened.add(client);
    return client;
  }

  function forget(client: pg.Client): void {
    opened.delete(client);
    if (kept?.client !== client) return;
    clearTimeout(kept.timer);
    kept = null;
  }

  /** The kept connection, if it still answers, or another. */
  async function begin(): Promise<pg.Client> {
    if (kept !== null) {
      const { client, timer } = kept;
      clearTimeout(timer);
      kept = null;
      try {
        await client.query({ text: OPENING, query_timeout: 5_000 } as pg.QueryConfig);
        return client;
      } catch {
        await end(client);
      }
    }
    const client = await connect();
    await client.query({ text: OPENING, query_timeout: 10_000 } as pg.QueryConfig);
    return client;
  }

  function keep(client: pg.Client): void {
    if (closed || kept !== null || !opened.has(client)) {
      void end(client);
      return;
    }
    const timer = setTimeout(() => void end(client), KEPT_MS);
    timer.unref();
    kept = { client, timer };
  }

  async function end(client: pg.Client): Promise<void> {
    forget(client);
    await Promise.race([
      client.end().catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, 1_000).unref()),
    ]);
  }

  return {
    async read(work, signal) {
      signal.throwIfAborted();
      let client: pg.Client;
      try {
        client = await begin();
      } catch (error) {
        throw toForeignError(error, what);
      }
      let broken = false;
      const stop = () => {
        broken = true;
        // Only that stops a statement that is under way.
        destroy(client);
      };
      signal.addEventListener('abort', stop, { once: true });
      try {
        signal.throwIfAborted();
        const result = await work({
          connection: async () => client as unknown as pg.PoolClient,
          abandon: () => {
            broken = true;
          },
          query: async <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => {
            const query = { text, values: values as unknown[], query_timeout: QUERY_MS };
            return (await client.query<R>(query)).rows;
          },
        });
        await client.query({ text: 'commit', query_timeout: 10_000 } as pg.QueryConfig);
        return result;
      } catch (error) {
        broken = true;
        throw signal.aborted ? signal.reason : toForeignError(error, what);
      } finally {
        signal.removeEventListener('abort', stop);
        if (broken) await end(client);
        else keep(client);
      }
    },
    async close() {
      closed = true;
      await Promise.all([...opened].map(end));
    },
  };
}

function destroy(client: pg.Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
    .connection;
  stream.destroy();
}
