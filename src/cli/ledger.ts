import { resolve } from 'node:path';
import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { type StatementLine, statementOf, verifyLedger } from '../store/ledger-statement.ts';
import { listTenants, requireTenant } from '../store/tenants.ts';
import { parsePeriod } from '../time/period.ts';
import { rawRequestOf, type WithEngine } from './export.ts';
import { copyToOut, demandWritable } from './export-output.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';

interface StatementOptions {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly payer?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `daybook ledger statement|verify` */
export function ledgerCommand(withEngine: WithEngine): Command {
  return new Command('ledger')
    .description('balances of a period, and the proof that the ledger adds up')
    .addCommand(
      new Command('statement')
        .description(
          'opening balance, movements, closing balance; with --out the entries as a file',
        )
        .requiredOption('--tenant <tenant>', 'name or id')
        .requiredOption('--from <date>', 'first local date, YYYY-MM-DD')
        .requiredOption('--to <date>', 'last local date, inclusive')
        .option('--payer <key>', 'this payer alone')
        .option('--out <file>', 'the entries of the period: .csv, .xlsx, .zip, .ndjson')
        .option('--json', 'print one JSON document')
        .action((options: StatementOptions) => statement(withEngine, options)),
    )
    .addCommand(
      new Command('verify')
        .description('look whether balances, entries and charges add up')
        .option('--tenant <tenant>', 'this tenant alone; its name or id')
        .option('--json', 'print one JSON document')
        .action(verify),
    );
}

async function statement(withEngine: WithEngine, options: StatementOptions): Promise<void> {
  const period = parsePeriod(options.from, options.to);
  const { payer, out } = options;
  if (out !== undefined) await demandWritable(resolve(out));
  const lines = await withDatabase(configFromProcess(), async ({ database }) => {
    const { id } = await database.asSystem((tx) => requireTenant(tx, options.tenant));
    const of = { tenantId: id, period, ...(payer === undefined ? {} : { payer }) };
    return database.asTenant(id, (tx) => statementOf(tx, of), { readOnly: true });
  });
  if (out !== undefined) await writeEntries(withEngine, options, out);
  if (options.json) printJson({ ...period, accounts: lines });
  else print(lines);
}

/** The report `statement` of the same period. */
async function writeEntries(
  withEngine: WithEngine,
  { tenant, from, to, payer }: StatementOptions,
  out: string,
): Promise<void> {
  const where = payer === undefined ? [] : [`payer="${payer.replaceAll('"', '""')}"`];
  const request = rawRequestOf('statement', { from, to, where, cache: true, out });
  await untilInterrupted((signal) =>
    withEngine(configFromProcess(), async (engine) => {
      const made = await engine.produce(tenant, request, { signal, onProgress: () => {} });
      await copyToOut({ from: made.path, to: resolve(out), file: made.file, signal });
    }),
  );
}

function print(lines: readonly StatementLine[]): void {
  if (lines.length === 0) {
    process.stdout.write('No account had a balance or an entry.\n');
    return;
  }
  const figures = ['charges', 'credits', 'adjustments', 'refunds', 'reversals'] as const;
  printTable(
    ['PAYER', 'CURRENCY', 'OPENING', ...figures.map((one) => one.toUpperCase()), 'CLOSING'],
    lines.map((line) => [
      line.payer,
      line.currency,
      line.opening,
      ...figures.map((one) => line[one]),
      line.closing,
    ]),
  );
}

async function verify(options: { tenant?: string; json?: boolean }): Promise<void> {
  const found = await withDatabase(configFromProcess(), async ({ database }) => {
    const { tenant } = options;
    const tenants = await database.asSystem(async (tx) =>
      tenant === undefined ? listTenants(tx) : [await requireTenant(tx, tenant)],
    );
    const results: { tenant: string; problems: string[] }[] = [];
    for (const { id, name } of tenants) {
      const problems = await database.asTenant(id, (tx) => verifyLedger(tx, id), {
        isolation: 'repeatable read',
        readOnly: true,
        statementTimeoutMs: 15 * 60_000,
      });
      results.push({ tenant: name, problems });
    }
    return results;
  });
  const wrong = found.filter(({ problems }) => problems.length > 0);
  if (options.json) printJson({ tenants: found });
  else {
    for (const { tenant, problems } of wrong) {
      for (const problem of problems) process.stdout.write(`${tenant}: ${problem}\n`);
    }
    const ok = found.length - wrong.length;
    process.stdout.write(`${ok} of ${found.length} ledgers add up\n`);
  }
  if (wrong.length > 0) process.exitCode = 1;
}
