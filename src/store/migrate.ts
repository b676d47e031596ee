import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { DaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';

/**
 * Applies `migrations/*.sql`, forward only, each in its own transaction, and keeps the ledger
 * that `supabase db push` keeps, so that either may apply the next one.
 */

const FOLDER = new URL('../../migrations/', import.meta.url);
const COMPAT = new URL('../../migrations/compat/plain-postgres.sql', import.meta.url);
const LEDGER = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text);`;

export interface Migration {
  readonly version: string;
  readonly name: string;
  readonly sql: string;
}

/** @throws DaybookError `E_CONFIG` for a file that is not named `<14 digits>_name.sql`. */
export async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const match = /^(\d{14})_([a-z0-9_]+)\.sql$/.exec(file);
      if (!match) {
        throw new DaybookError('E_CONFIG', {
          reason: `migrations/${file}: expected a name like 20260101000000_name.sql`,
        });
      }
      const sql = await readFile(new URL(file, FOLDER), 'utf8');
      return { version: match[1], name: match[2], sql };
    }),
  );
}

/** Applies what is missing; returns the versions applied now. Safe to run at once from several. */
export async function migrate(
  databaseUrl: string,
  _options: { readonly log?: Logger } = {},
): Promise<string[]> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'daybook migrate',
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new DaybookError(
      'E_UNAVAILABLE',
      { what: 'the database', reason: (error as Error).message },
      error,
    );
  }
  try {
    const applied: string[] = [];
    await inTransaction(client, async () => {
      await client.query(await readFile(fileURLToPath(COMPAT), 'utf8'));
      await client.query(LEDGER);
    });
    for (const migration of await readMigrations()) {
      await inTransaction(client, async () => {
        const { rowCount } = await client.query(
          `insert into supabase_migrations.schema_migrations (version, statements, name)
           values ($1, $2, $3) on conflict (version) do nothing`,
          [migration.version, [migration.sql], migration.name],
        );
        if (rowCount === 0) return;
        await client.query(migration.sql);
        applied.push(migration.version);
      });
    }
    return applied;
  } finally {
    await client.end();
  }
}

/** Waits for its turn on a transaction-level lock, so that two migrators never meet. */
async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = '60s'`);
    await client.query(`select pg_advisory_xact_lock(hashtext('daybook migrations'))`);
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
