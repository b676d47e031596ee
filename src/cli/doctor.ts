import { Command } from 'commander';
import { type Config, configFromProcess } from '../config.ts';
import { createLogger } from '../log.ts';
import { openDatabase } from '../store/database.ts';
import type { Check } from './doctor/check.ts';
import { checkDatabase } from './doctor/database.ts';
import { checkBinaries, checkHome, checkNode } from './doctor/machine.ts';
import { withEmbeddedServer } from './embedded-server.ts';
import { printJson, printTable } from './output.ts';

/** `daybook doctor`: whether Daybook can work here. Changes nothing but an empty home. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check Node, the home folder and the database; exit 1 when a check fails')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const checks = await examine(configFromProcess());
      if (options.json) {
        printJson({ healthy: checks.every(({ state }) => state !== 'fail'), checks });
      } else {
        printTable(
          ['CHECK', 'STATE', 'FINDING'],
          checks.map(({ name, state, finding }) => [name, state, finding]),
        );
      }
      if (checks.some(({ state }) => state === 'fail')) process.exitCode = 1;
    });
}

async function examine(config: Config): Promise<Check[]> {
  const machine = [await checkNode(process.versions.node), await checkHome(config.home)];
  if (config.databaseUrl !== null) {
    return [...machine, ...(await examineDatabase(config, config.databaseUrl))];
  }
  const binaries = await checkBinaries(config.home);
  if (binaries.state === 'fail') return [...machine, binaries];
  try {
    const database = await withEmbeddedServer(config.home, (url) => examineDatabase(config, url));
    return [...machine, binaries, ...database];
  } catch (error) {
    const finding = (error as Error).message;
    return [...machine, binaries, { name: 'postgres', state: 'fail', finding }];
  }
}

async function examineDatabase(config: Config, url: string): Promise<Check[]> {
  const log = createLogger({ level: config.logLevel, role: 'cli' });
  const database = openDatabase({ url, maxConnections: 2, applicationName: 'daybook doctor', log });
  try {
    return await checkDatabase(database, url, config);
  } finally {
    await database.close();
  }
}
