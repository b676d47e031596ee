import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { inspectMigrations } from '../store/migrate.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';

/** `daybook migrate`: every command migrates first, so this one only has to tell. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the database up to date and list its migrations')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const migrations = await withDatabase(
        configFromProcess(),
        async ({ databaseUrl, appliedNow }) =>
          (await inspectMigrations(databaseUrl)).map((migration) => ({
            ...migration,
            now: appliedNow.includes(migration.version),
          })),
      );
      if (options.json) return printJson({ migrations });
      printTable(
        ['VERSION', 'NAME', 'STATE'],
        migrations.map(({ version, name, state, now }) => [
          version,
          name,
          now ? 'applied now' : state === 'unknown' ? 'applied; this Daybook lacks it' : state,
        ]),
      );
    });
}
