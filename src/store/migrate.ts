import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { DaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { toConnectError, toStoreError } from './database-errors.ts';
import {
  type Migration,
  type MigrationState,
  migrationStates,
  readMigrations,
} from './migrations.ts';

export { readMigrations } from './migrations.ts';

/**
 * Applies `migrations/*.sql`, forward only, each in its own transaction, and keeps the ledger
 * that `supabase db push` keeps, so that either may apply the next one. Nothing outlives a
 * transaction, so a transaction pooler may stand between.
 */

const COMPAT = new URL('../../migrations/compat/plain-postgres.sql', import.meta.url);
const LEDGER = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text);`;
/** For another migrator to finish. */
const TURN_MS = 60_000;
/** For a server that starts, or mends itself after a fall. */
const COMING_UP_MS = 30_000;
/** For a table in use: waiting longer would hold up all who come after us. */
const TABLE_MS = 5_000;

/**
 * Applies what is missing; returns the versions applied now. Several may run it at once. When
 * nothing is missing it writes nothing. A version that only the ledger knows is a warning.
 * @throws DaybookError `E_UNAVAILABLE`; `E_CONFIG` when a file was changed after it was applied;
 * `E_INTERNAL` when a migration fails, which then has left nothing behind.
 */
export async function migrate(
  databaseUrl: string,
  options: { readonly log?: Logger } = {},
): Promise<string[]> {
  const files = await readMigrations();
  return withOwner(databaseUrl, async (client) => {
    const before = await migrationStates(client, files);
    refuseChanged(before);
    for (const { version, name } of before.filter(({ state }) => state === 'unknown')) {
      options.log?.warn({ version, name }, 'the database has a migration that this Daybook lacks');
    }
    if (!before.some(({ state }) => state === 'pending')) return [];
    const compat = await readFile(COMPAT, 'utf8');
    await inTurn(client, 'migrations/compat', async () => {
      await client.query(compat);
      await client.query(LEDGER);
    });
    const applied: string[] = [];
    for (const file of files) {
      const { version, name } = file;
      if (!(await inTurn(client, `migrations/${version}_${name}.sql`, () => apply(client, file)))) {
        continue;
      }
      applied.push(version);
      options.log?.info({ version, name }, 'migration applied');
    }
    return applied;
  });
}

/** How the database stands to our files. Changes nothing. */
export async function inspectMigrations(databaseUrl: string): Promise<MigrationState[]> {
  const files = await readMigrations();
  return withOwner(databaseUrl, (client) => migrationStates(client, files));
}

/** False: another migrator has done it before us. */
async function apply(client: pg.Client, file: Migration): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into supabase_migrations.schema_migrations (version, statements, name)
     values ($1, $2, $3) on conflict (version) do nothing`,
    [file.version, [file.sql], file.name],
  );
  if (rowCount === 0) return false;
  await client.query(`set local lock_timeout = ${TABLE_MS}`);
  await client.query(file.sql);
  return true;
}

function refuseChanged(states: readonly MigrationState[]): void {
  const changed = states.find(({ state }) => state === 'changed');
  if (!changed) return;
  throw new DaybookError('E_CONFIG', {
    reason:
      `migrations/${changed.version}_${changed.name}.sql: got a file that differs from what was ` +
      'applied to this database; expected the same text, and changes in a new migration',
  });
}

/** A transaction under a lock that ends with it, so that two migrators never meet. */
async function inTurn<T>(client: pg.Client, what: string, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${TURN_MS}`);
    await client.query(`select pg_advisory_xact_lock(hashtext('daybook migrations'))`);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    const known = toStoreError(error);
    if (known instanceof DaybookError) throw known;
    const { message, hint } = error as pg.DatabaseError;
    const reason = `${what}: ${message}${hint ? ` (${hint})` : ''}`;
    throw new DaybookError('E_INTERNAL', { reason }, error);
  }
}

async function withOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connected(url);
  try {
    return await work(client);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** A server that says it is coming up is waited for; one that does not answer is not. */
async function connected(url: string): Promise<pg.Client> {
  const deadline = performance.now() + COMING_UP_MS;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: 'daybook migrate',
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      const comingUp = (error as pg.DatabaseError).code === '57P03';
      if (!comingUp || performance.now() > deadline) throw toConnectError(error);
      await pause(100);
    }
  }
}
