import { Command, CommanderError } from 'commander';
import { demoCommand } from './cli/demo.ts';
import { doctorCommand } from './cli/doctor.ts';
import { withEngine } from './cli/engine-session.ts';
import { exportCommand } from './cli/export.ts';
import { loadCommand } from './cli/load.ts';
import { migrateCommand } from './cli/migrate.ts';
import { rejectsCommand } from './cli/rejects.ts';
import { tenantCommand } from './cli/tenant.ts';
import { upCommand } from './cli/up.ts';
import { type DaybookError, toDaybookError } from './errors.ts';

/** The `daybook` command: one file per command in `cli/`, joined here. */

const COMMANDS: readonly (() => Command)[] = [
  upCommand,
  () => exportCommand(withEngine),
  loadCommand,
  rejectsCommand,
  tenantCommand,
  demoCommand,
  migrateCommand,
  doctorCommand,
];

/** Exit statuses: 0 done, 1 failed, 2 wrong usage. */
function exitStatusOf(error: DaybookError): number {
  if (error.code === 'E_CONFIG') return 2;
  return error.status >= 400 && error.status < 500 && error.code !== 'E_CANCELLED' ? 2 : 1;
}

function buildProgram(): Command {
  const program = new Command('daybook')
    .description('Scheduled reports and ETL for companies that bill by the minute')
    .showHelpAfterError('(--help lists what it takes)')
    .exitOverride();
  for (const build of COMMANDS) {
    program.addCommand(withExits(build()));
  }
  return program;
}

function withExits(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help lists what it takes)');
  for (const child of command.commands) withExits(child);
  return command;
}

try {
  await buildProgram().parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  } else {
    const error = toDaybookError(thrown);
    process.stderr.write(`daybook: ${error.message} (${error.code})\n`);
    process.exitCode = exitStatusOf(error);
  }
}
