import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A running `daybook up` without the demo, in its default size for this machine. */
export interface LiveDaybook {
  /** Of its primary. */
  readonly pid: number;
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** POSTs the export, waits until it is done and writes its file to `out`. */
  exportTo(out: string, token: string, request: Record<string, unknown>): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

const BIN = fileURLToPath(new URL('../bin/daybook.js', import.meta.url));
export const BENCH_SECRET = 'only-for-the-bench-only-for-the-bench';
const READY_WITHIN_MS = 60_000;
const WAIT_SECONDS = 60;

/** Must be stopped. `home` is an empty folder for its parts and files; `environment` goes before ours. */
export async function startDaybook(
  databaseUrl: string,
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<LiveDaybook> {
  const port = await freePort();
  const child = spawn(process.execPath, [BIN, 'up', '--no-demo', '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      DAYBOOK_HOME: home,
      DAYBOOK_SECRET: BENCH_SECRET,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      ...environment,
    },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const base = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await answersReady(base))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`daybook up is not ready: ${said.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    pid: child.pid as number,
    url: base,
    async exportTo(out, token, request) {
      const authorization = `authorization: Bearer ${token}`;
      const answer = await fetch(`${base}/v1/exports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      if (answer.status !== 202) {
        throw new Error(`POST /v1/exports answered ${answer.status}: ${await answer.text()}`);
      }
      const { id } = (await answer.json()) as { id: string };
      const url = `${base}/v1/exports/${id}/file`;
      // It is sent while it is made, and whole when curl ends well.
      await run('curl', [
        ...['--silent', '--show-error', '--fail', '--output', out],
        ...['--header', authorization, '--header', `prefer: wait=${WAIT_SECONDS}`, url],
      ]);
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function answersReady(base: string): Promise<boolean> {
  try {
    return (await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
