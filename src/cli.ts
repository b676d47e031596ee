import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type DaybookError, toDaybookError } from './errors.ts';

/** The `daybook` command: one file per command in `cli/`, joined here. */

/** Read when they are needed: a command does not pay for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./cli/up.ts')).upCommand(),
  export: async () => {
    const [{ exportCommand }, { withEngine }] = await Promise.all([
      import('./cli/export.ts'),
      import('./cli/engine-session.ts'),
    ]);
    return exportCommand(withEngine);
  },
  load: async () => (await import('./cli/load.ts')).loadCommand(),
  source: async () => (await import('./cli/source.ts')).sourceCommand(),
  connector: async () => (await import('./cli/connector.ts')).connectorCommand(),
  trigger: async () => (await import('./cli/trigger.ts')).triggerCommand(),
  'ingest-key': async () => (await import('./cli/ingest-key.ts')).ingestKeyCommand(),
  dataset: async () => (await import('./cli/dataset.ts')).datasetCommand(),
  snapshot: async () => (await import('./cli/snapshot.ts')).snapshotCommand(),
  rate: async () => (await import('./cli/rate.ts')).rateCommand(),
  ledger: async () => {
    const [{ ledgerCommand }, { withEngine }] = await Promise.all([
      import('./cli/ledger.ts'),
      import('./cli/engine-session.ts'),
    ]);
    return ledgerCommand(withEngine);
  },
  rejects: async () => (await import('./cli/rejects.ts')).rejectsCommand(),
  schedule: async () => (await import('./cli/schedule.ts')).scheduleCommand(),
  deliveries: async () => (await import('./cli/deliveries.ts')).deliveriesCommand(),
  tick: async () => (await import('./cli/tick.ts')).tickCommand(),
  reconcile: async () => (await import('./cli/reconcile.ts')).reconcileCommand(),
  cache: async () => (await import('./cli/cache.ts')).cacheCommand(),
  tenant: async () => (await import('./cli/tenant.ts')).tenantCommand(),
  demand: async () => (await import('./cli/demand.ts')).demandCommand(),
  agent: async () => (await import('./cli/agent.ts')).agentCommand(),
  demo: async () => (await import('./cli/demo.ts')).demoCommand(),
  migrate: async () => (await import('./cli/migrate.ts')).migrateCommand(),
  doctor: async () => (await import('./cli/doctor.ts')).doctorCommand(),
};

/** Exit statuses: 0 done, 1 failed, 2 wrong usage. */
function exitStatusOf(error: DaybookError): number {
  if (error.code === 'E_CONFIG') return 2;
  if (error.code === 'E_CANCELLED' || error.code === 'E_MIRROR_REFUSED') return 1;
  return error.status >= 400 && error.status < 500 ? 2 : 1;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function buildProgram(): Promise<Command> {
  const program = new Command('daybook')
    .description('Scheduled reports and ETL for companies that bill by the minute')
    .version(version(), '-V, --version', 'print the version')
    .showHelpAfterError('(--help lists what it takes)')
    .exitOverride();
  const wanted = process.argv[2] ?? '';
  const names = Object.hasOwn(COMMANDS, wanted) ? [wanted] : Object.keys(COMMANDS);
  for (const name of names) program.addCommand(withExits(await COMMANDS[name]()));
  return program;
}

function withExits(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help lists what it takes)');
  for (const child of command.commands) withExits(child);
  return command;
}

try {
  await (await buildProgram()).parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  } else {
    const error = toDaybookError(thrown);
    process.stderr.write(`daybook: ${error.message} (${error.code})\n`);
    process.exitCode = exitStatusOf(error);
  }
}
