import { createHash, type Hash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { Command } from 'commander';
import type { Tolerances } from '../billing/reconcile/reconcile.ts';
import { configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { readCarrierFile } from '../ingest/carrier-file.ts';
import { CARRIER_CALLS } from '../ingest/carrier-shape.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../money/decimal.ts';
import { principalName } from '../principals/principal.ts';
import { DIRECTIONS } from '../reports/dataset.ts';
import { readLoaded } from '../scheduler/reconcile/loaded-side.ts';
import {
  CLASS_SHEETS,
  writeReconciliation,
} from '../scheduler/reconcile/reconciliation-workbook.ts';
import {
  type RanReconciliation,
  type ReadCarrier,
  runReconciliation,
} from '../scheduler/reconcile/run-reconciliation.ts';
import { saveReconciliation } from '../scheduler/reconcile/save-reconciliation.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import { requireTenant } from '../store/tenants.ts';
import { type Period, parsePeriod } from '../time/period.ts';
import { demandWritable } from './export-output.ts';
import { untilInterrupted } from './interrupts.ts';
import { intoFile } from './into-file.ts';
import { openFile, readMap, sizeOf } from './load.ts';
import { printJson, printTable } from './output.ts';
import { withDatabase } from './session.ts';

/** Who works at this machine acts as the operator. */
const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });

/** Clocks of two companies are about so far apart, and calls of the same two parties farther. */
const DEFAULT_SECONDS = 5;
const MOST_SECONDS = 86_400;

interface Options {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly carrier?: string;
  readonly map?: string;
  readonly toleranceSeconds?: string;
  readonly toleranceAmount?: string;
  readonly trunk?: string;
  readonly direction?: string;
  readonly countryCode?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `daybook reconcile` */
export function reconcileCommand(): Command {
  return new Command('reconcile')
    .description("check a carrier's calls against our charges, row by row")
    .requiredOption('--tenant <tenant>', 'name or id')
    .requiredOption('--from <date>', 'first local date, YYYY-MM-DD')
    .requiredOption('--to <date>', 'last local date, inclusive')
    .option(
      '--carrier <file>',
      'csv, tsv, ndjson (each may be gzip) or xlsx (default: the rows that `load carrier_calls` took)',
    )
    .requiredOption('--out <file>', 'the workbook, .xlsx; - for stdout')
    .option('--map <file>', 'JSON that says which column is which field (docs/maps)')
    .option(
      '--tolerance-seconds <n>',
      `starts of one call lie at most so far apart, where its id does not tell (default: ${DEFAULT_SECONDS})`,
    )
    .option(
      '--tolerance-amount <x>',
      'amounts that differ by at most this differ by rounding (default: a unit of the last digit of the coarser side, at most 0.01)',
    )
    .option(
      '--trunk <trunk>',
      'only charges of calls over this trunk, and of loaded rows those that bear it',
    )
    .option('--direction <direction>', `only charges of calls in it: ${DIRECTIONS.join(', ')}`)
    .option(
      '--country-code <digits>',
      'what a leading 0 of a national number stands for, such as 44',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', fieldsHelp)
    .action(reconcile);
}

function fieldsHelp(): string {
  const names = CARRIER_CALLS.fields.map(({ name, required }) => (required ? `${name}*` : name));
  return `\nFields of the carrier's file (* required; without a map, columns bear these names):\n  ${names.join(' ')}\n`;
}

async function reconcile(options: Options): Promise<void> {
  const period = parsePeriod(options.from, options.to);
  const tolerances: Tolerances = {
    seconds: parseSeconds(options.toleranceSeconds),
    amount: parseAmount(options.toleranceAmount),
  };
  const direction = parseDirection(options.direction);
  const countryCode = parseCountryCode(options.countryCode);
  const trunk = options.trunk ?? null;
  const { out } = options;
  if (out !== '-') {
    if (!/\.xlsx$/i.test(out)) throw usage('--out', out, 'FILE.xlsx or -');
    await demandWritable(resolve(out));
  }
  const map = options.map === undefined ? null : await readMap(options.map);
  if (map !== null) parseLoadMap(map, CARRIER_CALLS);
  if (options.carrier !== undefined) await sizeOf(options.carrier);
  else if (map !== null) throw usage('--map', String(options.map), 'none without --carrier');
  const loaded = trunk === null ? 'carrier_calls' : `carrier_calls of ${trunk}`;
  const carrier = options.carrier === undefined ? loaded : basename(options.carrier);

  await untilInterrupted((signal) =>
    withDatabase(configFromProcess(), async ({ database }) => {
      const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
      const hash = createHash('sha256');
      const wanted = { tenant, period, carrier, trunk, direction, countryCode, tolerances };
      const { carrier: file } = options;
      const read: ReadCarrier =
        file === undefined
          ? readLoaded(createPostgresSource(database), { tenantId: tenant.id, trunk })
          : (window, into) => {
              const bytes = hashed(openFile(file), hash);
              return readCarrierFile(bytes, { name: carrier, format: null, map, window }, into);
            };
      const ran = await runReconciliation(wanted, read, { database, signal });
      const { currency, zone, unrated } = ran;
      const frame = { tenant: tenant.title, period, zone, carrier, currency, unrated };
      const source = { found: ran.found, parties: ran.parties, locale: tenant.locale };
      const sheets = await intoFile(out, (stream) =>
        writeReconciliation(frame, source, { out: (bytes) => write(stream, bytes), signal }),
      );
      const amount = formatDecimal(ran.found.tolerances.amount);
      const id = await saveReconciliation(
        database,
        ran,
        {
          tenantId: tenant.id,
          period,
          carrier,
          carrierSha256: file === undefined ? null : hash.digest('hex'),
          request: {
            tolerance_seconds: tolerances.seconds,
            tolerance_amount: amount,
            ...{ trunk, direction, country_code: countryCode, map },
          },
          requestedBy: LOCAL_OPERATOR,
        },
        signal,
      );
      report(id, period, ran, sheets, options);
    }),
  );
}

function report(
  id: string,
  period: Period,
  { found, currency, unrated }: RanReconciliation,
  sheets: readonly string[],
  options: Options,
): void {
  const money = (unscaled: bigint) => formatDecimal({ unscaled, scale: found.scale }, 2);
  const { ourTotal, theirTotal } = found;
  const classes = Object.entries(found.classes).map(([name, lines]) => ({
    name: name as keyof typeof CLASS_SHEETS,
    rows: lines.ours.length,
    ours: money(lines.ourTotal),
    theirs: money(lines.theirTotal),
    explains: money(lines.explains),
  }));
  if (options.json && options.out !== '-') {
    printJson({
      id,
      period,
      currency,
      ours: { rows: found.ours.rows, total: money(ourTotal) },
      theirs: { rows: found.theirs.rows, total: money(theirTotal) },
      difference: money(theirTotal - ourTotal),
      unrated,
      classes: Object.fromEntries(classes.map(({ name, ...rest }) => [name, rest])),
      sheets,
    });
  } else if (options.out !== '-') {
    printTable(
      ['SHEET', 'ROWS', 'OURS', 'CARRIER', 'EXPLAINS'],
      [
        ...classes.map((each) => [
          CLASS_SHEETS[each.name],
          String(each.rows),
          each.ours,
          each.theirs,
          each.explains,
        ]),
        [`Sum, ${currency}`, '', money(ourTotal), money(theirTotal), money(theirTotal - ourTotal)],
      ],
    );
  }
  process.stderr.write(`daybook: kept as reconciliation ${id}\n`);
  if (unrated > 0) {
    process.stderr.write(
      `daybook: ${unrated} calls of the period have no rate, so that no charge of theirs was compared\n`,
    );
  }
}

async function* hashed(stream: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const bytes of stream) {
    hash.update(bytes);
    yield bytes;
  }
}

function write(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((done, failed) => {
    stream.write(bytes, (error) => (error ? failed(error) : done()));
  });
}

function parseSeconds(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  const seconds = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && seconds <= MOST_SECONDS) return seconds;
  throw usage('--tolerance-seconds', text, `seconds from 0 to ${MOST_SECONDS}`);
}

function parseAmount(text: string | undefined): Decimal | null {
  if (text === undefined) return null;
  const amount = parseDecimal(text);
  if (amount && amount.unscaled >= 0n && text.length <= 20) return amount;
  throw usage('--tolerance-amount', text, 'an amount of 0 or more such as 0.005');
}

function parseDirection(text: string | undefined): string | null {
  const known = DIRECTIONS.find((each) => each === text);
  if (text === undefined || known) return known ?? null;
  throw usage('--direction', text, `one of ${DIRECTIONS.join(', ')}`);
}

function parseCountryCode(text: string | undefined): string | null {
  if (text === undefined) return null;
  const [, digits] = /^\+?([1-9]\d{0,2})$/.exec(text) ?? [];
  if (digits) return digits;
  throw usage('--country-code', text, 'one to three digits such as 44');
}

function usage(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where, got: JSON.stringify(got), expected });
}
