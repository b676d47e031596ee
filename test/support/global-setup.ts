import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the test server's `postgres` database; `template_daybook` is migrated. */
    postgresUrl: string;
  }
}

/** One real server for the whole run; each test file takes a database of its own from it. */
export default async function setup(project: TestProject) {
  const home = mkdtempSync(join(tmpdir(), 'daybook-test-'));
  const server = await startEmbeddedPostgres({
    home,
    maxConnections: 200,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  const postgresUrl = server.url.replace(/\/daybook$/, '/postgres');
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query('create database template_daybook');
  await client.end();
  await migrate(postgresUrl.replace(/\/postgres$/, '/template_daybook'));
  project.provide('postgresUrl', postgresUrl);
  return async () => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  };
}
