import { createServer } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { type Config, configFromProcess } from '../config.ts';
import { ensureDemoTenant } from '../demo/ensure-demo.ts';
import { DaybookError } from '../errors.ts';
import { createLogger, type Logger } from '../log.ts';
import { budgetFor } from '../pool/budget.ts';
import { type Primary, startPrimary } from '../roles/primary.ts';
import { connectionsAllowed } from '../store/connections-allowed.ts';
import { openDatabase } from '../store/database.ts';
import { superviseEmbeddedPostgres } from '../store/embedded-postgres.ts';
import { migrate } from '../store/migrate.ts';
import { findRunningUp, noteRunningUp } from '../store/running-up.ts';
import { demandHome } from './home-folder.ts';
import { stopSignals } from './stop-signals.ts';
import { welcomeText } from './welcome.ts';

/** `daybook up`: everything, until a signal ends it. */

interface UpFlags {
  readonly port?: number;
  readonly api?: number;
  readonly compute?: number;
  readonly threads?: number;
  readonly demo: boolean;
}

export function upCommand(): Command {
  return new Command('up')
    .description(
      'run everything, until Ctrl-C: API, runner, compute, and Postgres where none is given',
    )
    .option('--port <n>', 'where the API listens (default: PORT, or 8080)', wholeNumber(0, 65_535))
    .option('--api <n>', 'API processes', wholeNumber(0, 64))
    .option('--compute <n>', 'compute processes', wholeNumber(1, 64))
    .option('--threads <n>', 'threads of each compute process', wholeNumber(1, 64))
    .option('--no-demo', 'without the demo tenant; needs DAYBOOK_SECRET')
    .action((flags: UpFlags) => runUp(withFlags(configFromProcess(), flags), flags.demo));
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

function withFlags(config: Config, flags: UpFlags): Config {
  return Object.freeze({
    ...config,
    port: flags.port ?? config.port,
    apiProcesses: flags.api ?? config.apiProcesses,
    computeProcesses: flags.compute ?? config.computeProcesses,
    threadsPerCompute: flags.threads ?? config.threadsPerCompute,
  });
}

async function runUp(wished: Config, demo: boolean): Promise<void> {
  if (!demo && wished.secret === null) {
    throw new DaybookError('E_CONFIG', {
      reason:
        'DAYBOOK_SECRET: not set; expected at least 32 characters (only the demo starts without)',
    });
  }
  const running = findRunningUp(wished.home);
  if (running) {
    throw new DaybookError('E_CONFIG', {
      reason: `DAYBOOK_HOME: ${wished.home} is run by process ${running.pid} already, at ${running.url}`,
    });
  }
  const config = Object.freeze({ ...wished, port: await freePort(wished.host, wished.port) });
  const url = config.publicUrl ?? `http://${config.host}:${config.port}`;
  demandHome(config.home);
  const log = createLogger({ level: config.logLevel, role: 'primary' });
  const release: (() => unknown)[] = [noteRunningUp(config.home, url)];
  const signal = stopSignals(process, () => performance.now());
  let primary: Primary | null = null;
  try {
    const databaseUrl = await openPostgres(config, log, release);
    await migrate(databaseUrl, { log });
    const database = openDatabase({
      url: databaseUrl,
      maxConnections: 2,
      applicationName: 'daybook primary',
      log,
    });
    release.push(() => database.close());
    const allowed = await database.asOwner(connectionsAllowed);
    const budget = budgetFor(config.cores, allowed, config);
    log.info({ ...budget, home: config.home }, 'starting');
    primary = startPrimary({ config, databaseUrl, budget, log });
    onSecondSignal(signal.second, primary);
    const key = demo
      ? await ensureDemoTenant({ database, now: Date.now(), log, home: config.home })
      : null;
    const early = await Promise.race([primary.listening, signal.first]);
    if (early === undefined) process.stdout.write(welcomeText({ url, demo: key }));
    const name = await signal.first;
    log.info({ signal: name }, 'draining; once more ends at once');
  } finally {
    await primary?.drain();
    for (const each of release.reverse()) await each();
  }
}

async function openPostgres(
  config: Config,
  log: Logger,
  release: (() => unknown)[],
): Promise<string> {
  if (config.databaseUrl !== null) return config.databaseUrl;
  const server = await superviseEmbeddedPostgres({
    home: config.home,
    onEvent: (event) => log.warn(event, 'the embedded Postgres'),
  });
  release.push(() => server.stop());
  return server.url;
}

function onSecondSignal(second: Promise<void>, primary: Primary): void {
  void second.then(() => {
    primary.kill();
    process.exit(1);
  });
}

/** The port itself when it is free, a free one for 0. @throws DaybookError `E_CONFIG` */
async function freePort(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is in use; expected a free port (PORT, or --port N)'
          : `cannot be listened at (${error.code}); expected an address of this machine and a free port`;
      reject(new DaybookError('E_CONFIG', { reason: `HOST, PORT: ${host}:${port} ${why}` }, error));
    });
    server.listen(port, host, () => {
      const address = server.address();
      const taken = typeof address === 'object' && address ? address.port : port;
      server.close(() => resolve(taken));
    });
  });
}
