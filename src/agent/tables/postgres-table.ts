import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DaybookError } from '../../errors.ts';
import type { WatermarkKind } from '../watermark.ts';
import { type Dialect, PIECE_ROWS, type TableQuery, type TableSource } from './table-source.ts';

/** Type → how it sorts as a watermark. Numbers of types: PostgreSQL's pg_type.dat. */
const WATERMARKS: Readonly<Record<number, WatermarkKind>> = {
  20: 'integer',
  21: 'integer',
  23: 'integer',
  1082: 'wall',
  1114: 'wall',
  1184: 'instant',
};
const CONNECT_MS = 15_000;
const CLOSE_MS = 2_000;

const DIALECT: Dialect = {
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  limited: (select, rows) => `${select} limit ${rows}`,
  placeholder: () => '?',
};

/** Texts as the server writes them: no numbers become floats, no times lose their fraction. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** @throws DaybookError `E_UNAVAILABLE` */
export async function openPostgresTable(
  url: string,
  statementMs: number,
  signal: AbortSignal,
): Promise<TableSource> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: statementMs + 5_000,
    application_name: 'daybook agent',
    // pg declares one overload per format of the wire; text is the only one used.
    types: AS_TEXT as unknown as pg.CustomTypesConfig,
  });
  client.on('error', () => {});
  // What waits on a connection that is closed is rejected: that is how a signal ends a query.
  const hangUp = () => void client.end().catch(() => {});
  signal.addEventListener('abort', hangUp, { once: true });
  const run = async (text: string, values: readonly string[] = []) => {
    signal.throwIfAborted();
    try {
      return await client.query({ text, values: [...values], rowMode: 'array' });
    } catch (error) {
      signal.throwIfAborted();
      throw refusal(error);
    }
  };
  try {
    await client.connect();
    await run("set time zone 'UTC'");
    await run("set datestyle to 'ISO'");
    await run(`set statement_timeout to ${statementMs}`);
  } catch (error) {
    hangUp();
    signal.throwIfAborted();
    throw refusal(error);
  }

  async function* pieces(query: TableQuery) {
    await run('begin transaction isolation level repeatable read, read only');
    try {
      await run(
        `declare rows no scroll cursor for ${numbered(query.text)}`,
        query.values.map(({ text }) => text),
      );
      for (;;) {
        const { rows } = await run(`fetch ${PIECE_ROWS} from rows`);
        if (rows.length === 0) break;
        yield rows as (string | null)[][];
      }
    } finally {
      await client.query('rollback').catch(() => {});
    }
  }

  return {
    dialect: DIALECT,
    async columnsOf(query) {
      const { fields } = await run(
        numbered(DIALECT.limited(query.text, 0)),
        query.values.map(({ text }) => text),
      );
      return fields.map(({ name, dataTypeID }) => ({
        name,
        watermark: WATERMARKS[dataTypeID] ?? null,
        cast: '',
      }));
    },
    read: pieces,
    async nowMs() {
      const { rows } = await run(
        'select floor(extract(epoch from clock_timestamp()) * 1000)::text',
      );
      return Number((rows as string[][])[0][0]);
    },
    async close() {
      signal.removeEventListener('abort', hangUp);
      // A server that has frozen says no farewell, and is not waited for.
      await Promise.race([client.end().catch(() => {}), sleep(CLOSE_MS, null, { ref: false })]);
    },
  };
}

/** `?` as `$1`, `$2`, …; names and texts of a query stand in quotes and are left alone. */
function numbered(text: string): string {
  let count = 0;
  return text.replace(/"(?:[^"]|"")*"|'(?:[^']|'')*'|\?/g, (found) =>
    found === '?' ? `$${++count}` : found,
  );
}

function refusal(error: unknown): unknown {
  if (error instanceof DaybookError) return error;
  const { code, message } = error as Error & { code?: string };
  // Classes 08, 53, 57: connection, resources, operator. Else the database understood and refused.
  if (code === undefined || /^(?:08|53|57)|^E[A-Z]/.test(code)) {
    return new DaybookError('E_UNAVAILABLE', { what: 'Postgres', reason: message }, error);
  }
  return new DaybookError('E_INPUT', { where: 'Postgres', reason: message }, error);
}
