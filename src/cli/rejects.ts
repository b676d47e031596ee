import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { formatOfName } from '../ingest/input-format.ts';
import { readKnownSkus } from '../ingest/known-skus.ts';
import { rejectHeader, writeRejectsCsv, writeRejectsXlsx } from '../ingest/reject-file.ts';
import { type RetryResult, retryRejects } from '../ingest/retry-rejects.ts';
import { principalName } from '../principals/principal.ts';
import { storeLoads } from '../store/loads.ts';
import {
  countRejects,
  eachReject,
  listRejects,
  type Reject,
  rejectColumns,
} from '../store/rejects.ts';
import { requireTenant, type Tenant } from '../store/tenants.ts';
import { demandWritable } from './export-output.ts';
import { untilInterrupted } from './interrupts.ts';
import { intoFile } from './into-file.ts';
import { openFile, parseDataset, readMap, sizeOf } from './load.ts';
import { printJson, printTable } from './output.ts';
import { type Session, withDatabase } from './session.ts';

const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });
const MOST_LISTED = 1000;

interface Options {
  readonly tenant: string;
  readonly dataset?: string;
  readonly all?: boolean;
  readonly out?: string;
  readonly format?: string;
  readonly file?: string;
  readonly map?: string;
  readonly acceptSuggestions?: boolean;
  readonly json?: boolean;
}

/** `daybook rejects list|export|retry` */
export function rejectsCommand(): Command {
  return new Command('rejects')
    .description('rows that were refused: see, export, mend and load them')
    .addCommand(
      common('list', 'what was refused and why')
        .option('--all', 'those that were settled too')
        .option('--json', 'print one JSON document')
        .action(list),
    )
    .addCommand(
      common('export', 'a file to mend: reject_id and reason, then the columns as they came')
        .requiredOption('--out <file>', '.xlsx or .csv; - for CSV on stdout')
        .option('--all', 'those that were settled too')
        .action(exportFile),
    )
    .addCommand(
      common('retry', 'load refused rows again: mended ones of a file, or as they came')
        .option('--file <file>', 'an exported file with mended rows, .xlsx or .csv')
        .option('--map <file>', "another map than their load's")
        .option(
          '--accept-suggestions',
          'take what was probably meant, where nothing else is written',
        )
        .option('--json', 'print one JSON document')
        .action(retry),
    );
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--dataset <dataset>', 'only this one');
}

function filterOf(tenant: Tenant, options: Options) {
  return {
    tenantId: tenant.id,
    ...(options.dataset === undefined ? {} : { dataset: parseDataset(options.dataset) }),
    ...(options.all ? {} : { state: 'open' as const }),
  };
}

async function list(options: Options): Promise<void> {
  await withTenant(options, async ({ database }, tenant) => {
    const filter = filterOf(tenant, options);
    const { rejects, total } = await database.asTenant(tenant.id, async (tx) => ({
      rejects: await listRejects(tx, { ...filter, limit: MOST_LISTED }),
      total: await countRejects(tx, filter),
    }));
    if (options.json) {
      printJson(rejects.map(asJson));
    } else {
      printTable(
        ['ID', 'DATASET', 'FILE', 'ROW', 'FIELD', 'CODE', 'REASON'],
        rejects.map((r) => [
          r.id,
          r.dataset,
          r.fileName,
          String(r.rowNumber),
          r.field ?? '-',
          r.code,
          r.reason,
        ]),
      );
    }
    if (total > rejects.length) {
      process.stderr.write(`daybook: the first ${rejects.length} of ${total}; export gives all\n`);
    }
  });
}

function asJson(reject: Reject) {
  return {
    id: reject.id,
    dataset: reject.dataset,
    load_id: reject.loadId,
    file_name: reject.fileName,
    row_number: reject.rowNumber,
    field: reject.field,
    code: reject.code,
    reason: reject.reason,
    suggestion: reject.suggestion,
    raw: reject.raw,
    state: reject.state,
    created_at: reject.createdAt.toISOString(),
  };
}

async function exportFile(options: Options): Promise<void> {
  const out = options.out ?? '-';
  const format = out === '-' ? 'csv' : formatOfName(out);
  if ((format !== 'csv' && format !== 'xlsx') || /\.gz$/i.test(out)) {
    throw new DaybookError('E_USAGE', {
      where: '--out',
      got: out,
      expected: 'FILE.xlsx, FILE.csv or -',
    });
  }
  if (out !== '-') await demandWritable(resolve(out));
  await withTenant(options, async ({ database }, tenant) => {
    const filter = filterOf(tenant, options);
    const count = await database.asTenant(
      tenant.id,
      async (tx) => {
        const { columns, widest, hasSuggestions } = await rejectColumns(tx, filter);
        const header = rejectHeader(columns, widest, hasSuggestions);
        const write = format === 'csv' ? writeRejectsCsv : writeRejectsXlsx;
        return intoFile(out, (stream) => write(header, eachReject(tx, filter), stream));
      },
      { isolation: 'repeatable read', readOnly: true },
    );
    process.stderr.write(`daybook: ${count} rejects written\n`);
  });
}

async function retry(options: Options): Promise<void> {
  if (options.file !== undefined) await sizeOf(options.file);
  const map = options.map === undefined ? undefined : await readMap(options.map);
  const result = await untilInterrupted((signal) =>
    withTenant(options, ({ database }, tenant) =>
      retryRejects({
        tenant,
        requestedBy: LOCAL_OPERATOR,
        mended:
          options.file === undefined
            ? null
            : { bytes: openFile(options.file), name: basename(options.file) },
        map,
        rejectsOf: (ids) =>
          database.asTenant(tenant.id, async (tx) => {
            const filter = { ...filterOf(tenant, { ...options, all: ids !== null }) };
            const found = [];
            for await (const reject of eachReject(tx, ids === null ? filter : { ...filter, ids })) {
              found.push(reject);
            }
            return found;
          }),
        acceptSuggestions: options.acceptSuggestions === true,
        knownSkusOf: (dataset) =>
          database.asTenant(tenant.id, (tx) => readKnownSkus(tx, tenant.id, dataset)),
        store: storeLoads(database),
        signal,
      }),
    ),
  );
  report(result, options);
}

function report(result: RetryResult, options: Options): void {
  const { loaded, updated, unchanged, rejected } = result;
  if (options.json) printJson(result);
  else {
    process.stdout.write(
      `${loaded} loaded, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected again\n`,
    );
  }
  for (const { reject_id, reason } of result.still_rejected.slice(0, 20)) {
    process.stderr.write(`daybook: reject ${reject_id}: ${reason}\n`);
  }
  if (rejected > 0 && loaded + updated + unchanged === 0) process.exitCode = 1;
}

function withTenant<T>(
  options: Options,
  work: (session: Session, tenant: Tenant) => Promise<T>,
): Promise<T> {
  return withDatabase(configFromProcess(), async (session) =>
    work(session, await session.database.asSystem((tx) => requireTenant(tx, options.tenant))),
  );
}
