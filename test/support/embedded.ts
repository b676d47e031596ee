import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { programOf } from '../../src/store/embedded/process-identity.ts';
import { readPostmasterPid } from '../../src/store/embedded/record.ts';

/** Settings of servers that live for one test: nothing has to survive a power cut. */
export const UNSAFE_AND_FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
};

const homes: string[] = [];

/** A home that only we may enter, removed after the tests of the file. */
export function freshHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'daybook-home-'));
  homes.push(home);
  return home;
}

afterAll(() => {
  for (const home of homes) {
    // A test that failed half-way may not have stopped its server.
    const left = readPostmasterPid(join(home, 'postgres', 'data'));
    if (left && programOf(left.pid) === 'postgres') process.kill(left.pid, 'SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
});

/** One statement over a connection of its own. */
export async function ask<R extends pg.QueryResultRow>(url: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}
