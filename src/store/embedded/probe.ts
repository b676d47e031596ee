import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { unavailable } from './account.ts';
import { SUPERUSER } from './cluster.ts';
import { ownPlace, refuseServerOf } from './other-place.ts';
import { identityOf, isAlive, type ProcessIdentity, programOf } from './process-identity.ts';
import { readPostmasterPid, readRecord, type ServerRecord } from './record.ts';

/** Whether a server runs on a home's data, and answers. */

const DATABASE = 'daybook';
const POLL_MS = 50;

export function urlOf(password: string, port: number, database = DATABASE): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * The server that holds this data folder, once it answers; null: none does. Believes neither
 * `server.json` nor a process id alone: the server is asked for the content of its own
 * `postmaster.pid`. Call it under the home's lock.
 * @throws DaybookError `E_UNAVAILABLE` when a living server does not answer within `patienceMs`, or
 * one of another machine or container works on the data.
 */
export async function findServer(
  folder: string,
  data: string,
  password: string,
  patienceMs: number,
): Promise<Omit<ServerRecord, 'place'> | null> {
  const record = readRecord(folder);
  if (record && record.place !== ownPlace()) await refuseServerOf(record.place, folder);
  const noted = readPostmasterPid(data);
  const process = noted && identityOf(noted.pid);
  if (!noted || !process) return null;
  const program = programOf(noted.pid);
  if (program !== null && program !== 'postgres') {
    // The id went to another program since; Postgres would refuse to start because of it.
    rmSync(join(data, 'postmaster.pid'), { force: true });
    return null;
  }
  const port = record?.identity.pid === noted.pid ? record.port : noted.port;
  if (port === null) throw unavailable(`process ${noted.pid} holds ${data} and listens nowhere`);
  if (!(await answers(process, urlOf(password, port, 'postgres'), patienceMs))) return null;
  return { identity: process, port };
}

/**
 * Waits until the server of this process answers; false: the process has ended.
 * @throws DaybookError `E_UNAVAILABLE` when it neither answers nor ends within `patienceMs`, or
 * another server answers there.
 */
export async function answers(
  process: ProcessIdentity,
  url: string,
  patienceMs: number,
): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      const pid = await postmasterPid(url);
      if (pid === process.pid) return true;
      throw unavailable(`process ${pid} answers in place of ${process.pid}`);
    } catch (error) {
      if (!isAlive(process)) return false;
      if (performance.now() > deadline) {
        throw unavailable(`process ${process.pid} holds the data but does not answer`, error);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

export async function ensureDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  });
}

async function postmasterPid(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    return Number(rows[0].pid);
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
    application_name: 'daybook probe',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    // A frozen server never says goodbye: do not wait for it.
    void client.end().catch(() => {});
  }
}
