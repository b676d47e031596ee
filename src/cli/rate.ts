import { Command } from 'commander';
import { tenantSourceOf } from '../bindings/source-of-config.ts';
import { configFromProcess } from '../config.ts';
import { principalName } from '../principals/principal.ts';
import { createPriceBooks } from '../scheduler/rating/price-book.ts';
import { type RatedAgain, rateAgain } from '../scheduler/rating/rate-again.ts';
import { requireTenant } from '../store/tenants.ts';
import { parsePeriod } from '../time/period.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson } from './output.ts';
import { withDatabase } from './session.ts';

const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });

interface RateOptions {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `daybook rate`: rates the calls of a period by the rates that are there now. */
export function rateCommand(): Command {
  return new Command('rate')
    .description('rate the calls of a period again, and post what that changes')
    .requiredOption('--tenant <tenant>', 'name or id')
    .requiredOption('--from <date>', 'first local date, YYYY-MM-DD')
    .requiredOption('--to <date>', 'last local date, inclusive')
    .option('--dry-run', 'say the difference, change nothing')
    .option('--json', 'print one JSON document')
    .action(rate);
}

async function rate(options: RateOptions): Promise<void> {
  const period = parsePeriod(options.from, options.to);
  const dryRun = options.dryRun === true;
  const config = configFromProcess();
  const rated = await untilInterrupted((signal) =>
    withDatabase(config, async ({ database }) => {
      const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
      const source = tenantSourceOf(config, database);
      return rateAgain(
        { tenant, period, dryRun, requestedBy: LOCAL_OPERATOR },
        { database, source, openBook: createPriceBooks(database) },
        signal,
      ).finally(() => source.close());
    }),
  );
  if (options.json) printJson({ ...period, dry_run: dryRun, ...rated });
  else print(rated, dryRun);
}

function print(rated: RatedAgain, dryRun: boolean): void {
  const { calls, added, changed, removed, unrated, difference } = rated;
  const would = dryRun ? 'would be ' : '';
  process.stdout.write(
    `${calls} calls: ${added} ${would}charged for the first time, ${changed} ${would}changed, ` +
      `${removed} ${would}removed, ${unrated} not rated\n`,
  );
  const sums = Object.entries(difference).map(([currency, sum]) => `${sum} ${currency}`);
  process.stdout.write(`difference: ${sums.length === 0 ? 'none' : sums.join(', ')}\n`);
}
