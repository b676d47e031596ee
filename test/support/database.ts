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

/** A migrated, empty database of one's own. */
export async function freshDatabase(): Promise<TestDatabase> {
  const admin = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(admin, `create database ${name} template template_daybook`);
  const url = admin.replace(/\/postgres$/, `/${name}`);
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

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
