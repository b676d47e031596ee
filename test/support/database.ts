import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';

export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  /** Closes the pool and removes the database. */
  drop(): Promise<void>;
}

/** A database of one's own: migrated and empty, or as its template is. */
export async function freshDatabase(template = 'template_daybook'): Promise<TestDatabase> {
  const admin = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(admin, `create database ${name} template ${template}`);
  const url = urlOfDatabase(name);
  const database = openDatabase({
    url,
    maxConnections: 5,
    applicationName: 'daybook test',
    log: pino({ level: 'silent' }),
  });
  return {
    url,
    database,
    drop: async () => {
      await database.close();
      await onServer(admin, `drop database ${name} with (force)`);
    },
  };
}

export interface TestTenant {
  readonly id: string;
  readonly name: string;
}

/** A tenant with one zone from the beginning of time. */
export async function addTestTenant(
  database: Database,
  options: { name: string; zone: string; currency?: string; locale?: string },
): Promise<TestTenant> {
  return database.asSystem(async (tx) => {
    const [tenant] = await tx.query<{ id: string }>(
      `insert into daybook.tenants (name, title, currency, locale) values ($1, $1, $2, $3) returning id`,
      [options.name, options.currency ?? 'USD', options.locale ?? 'en'],
    );
    await tx.query(`insert into daybook.tenant_zones (tenant_id, zone) values ($1, $2)`, [
      tenant.id,
      options.zone,
    ]);
    return { id: tenant.id, name: options.name };
  });
}

/** Where a database of the test server answers. */
export function urlOfDatabase(name: string): string {
  return inject('postgresUrl').replace(/\/postgres$/, `/${name}`);
}

/** A statement outside any transaction, such as those about whole databases. */
export async function onServer<R extends pg.QueryResultRow>(
  url: string,
  statement: string,
): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(statement)).rows;
  } finally {
    await client.end();
  }
}
