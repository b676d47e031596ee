import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import type { DatasetName } from '../reports/dataset.ts';
import { listReportKinds } from '../reports/registry.ts';
import { dropCache } from '../scheduler/drop-cache.ts';
import { type Verified, verifyCache } from '../scheduler/verify-cache.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import type { PartFilter } from '../store/part-drop.ts';
import { countTotals, type PartStats, partStats } from '../store/part-stats.ts';
import { requireTenant } from '../store/tenants.ts';
import { parseDate } from '../time/period.ts';
import { countLine } from './count-line.ts';
import { untilInterrupted } from './interrupts.ts';
import { printJson, printTable } from './output.ts';
import { type Session, withDatabase } from './session.ts';

/** `daybook cache stats|verify|drop`: the parts of days that are kept on disk. */
export function cacheCommand(): Command {
  return new Command('cache')
    .description('the parts of days that are kept on disk: count, check, remove them')
    .addCommand(
      common('stats', 'how many there are, of whom, and what their bound is').action(stats),
    )
    .addCommand(
      common('verify', 'read all of them and check every byte; exit status 1 when one is bad')
        .option('--repair', 'drop what is bad, so that it is made again')
        .action(verify),
    )
    .addCommand(
      common('drop', 'remove them, with their totals; what runs under way need stays')
        .option('--dataset <dataset>', 'only of this one')
        .option('--from <date>', 'only days from this local date on, YYYY-MM-DD')
        .option('--to <date>', 'only days up to this local date')
        .option('--all', 'of all tenants')
        .action(drop),
    );
}

interface Options {
  readonly tenant?: string;
  readonly json?: boolean;
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--tenant <tenant>', 'name or id: only its own')
    .option('--json', 'print one JSON document');
}

async function stats(options: Options): Promise<void> {
  const { cacheBytes } = configFromProcess();
  await withScope(options, async ({ database }, tenantId) => {
    const { rows, totals } = await database.asSystem(
      async (tx) => ({
        rows: await partStats(tx, tenantId),
        totals: await countTotals(tx, tenantId),
      }),
      { readOnly: true },
    );
    const sum = (of: (row: PartStats) => number) => rows.reduce((all, row) => all + of(row), 0);
    const oldest = rows.length === 0 ? null : Math.min(...rows.map((row) => row.oldestUse));
    const all = {
      parts: sum((row) => row.parts),
      bytes: sum((row) => row.bytes),
      pinned_parts: sum((row) => row.pinnedParts),
      pinned_bytes: sum((row) => row.pinnedBytes),
      oldest_use: oldest === null ? null : new Date(oldest).toISOString(),
    };
    if (options.json) {
      printJson({ bound_bytes: cacheBytes, ...all, totals, by_tenant: rows.map(asJson) });
      return;
    }
    printTable(
      ['TENANT', 'KIND', 'PARTS', 'BYTES', 'PINNED', 'OLDEST USE'],
      rows.map((row) => [
        row.tenant,
        row.kind,
        String(row.parts),
        String(row.bytes),
        String(row.pinnedParts),
        new Date(row.oldestUse).toISOString(),
      ]),
    );
    process.stdout.write(
      `\n${all.parts} parts, ${all.bytes} bytes of ${cacheBytes} (DAYBOOK_CACHE_BYTES), ` +
        `${all.pinned_parts} in use by runs; ${totals} totals\n`,
    );
  });
}

function asJson(row: PartStats) {
  return {
    tenant: row.tenant,
    kind: row.kind,
    parts: row.parts,
    bytes: row.bytes,
    pinned_parts: row.pinnedParts,
    pinned_bytes: row.pinnedBytes,
    oldest_use: new Date(row.oldestUse).toISOString(),
  };
}

async function verify(options: Options & { readonly repair?: boolean }): Promise<void> {
  const { home } = configFromProcess();
  const progress = countLine(process.stderr);
  const verified = await untilInterrupted((signal) =>
    withScope(options, async ({ database }, tenantId) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      try {
        return await verifyCache(
          {
            tenantId: tenantId ?? undefined,
            repair: options.repair === true,
            now,
            signal,
            onPart: ({ parts, bytes }) => progress.show(`${parts} parts, ${bytes} bytes checked`),
          },
          { database, home },
        );
      } finally {
        progress.clear();
      }
    }),
  );
  if (options.json) printJson(verifiedAsJson(verified, options.repair === true));
  else printVerified(verified, options.repair === true);
  if (verified.bad.length > 0) process.exitCode = 1;
}

function verifiedAsJson({ parts, bytes, bad, orphans }: Verified, repaired: boolean) {
  return {
    parts,
    bytes,
    bad: bad.map(({ tenantId, path, reason }) => ({ tenant_id: tenantId, path, reason })),
    orphans,
    repaired,
  };
}

function printVerified({ parts, bytes, bad, orphans }: Verified, repaired: boolean): void {
  for (const { path, reason } of bad) process.stdout.write(`${path}: ${reason}\n`);
  for (const path of orphans) process.stdout.write(`${path}: no longer known; nobody reads it\n`);
  const dropped = repaired ? '; those are dropped' : '';
  process.stdout.write(
    `${parts} parts, ${bytes} bytes: ${bad.length} bad, ${orphans.length} orphans${dropped}\n`,
  );
}

interface DropOptions extends Options {
  readonly dataset?: string;
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
}

async function drop(options: DropOptions): Promise<void> {
  if ((options.tenant === undefined) === (options.all !== true)) {
    const got = options.all ? 'both' : 'neither';
    throw new DaybookError('E_USAGE', { where: '--tenant, --all', got, expected: 'one of them' });
  }
  const named = {
    dataset: options.dataset === undefined ? null : parseCached(options.dataset),
    from: options.from === undefined ? null : parseDate(options.from, '--from'),
    to: options.to === undefined ? null : parseDate(options.to, '--to'),
  };
  if (named.from !== null && named.to !== null && named.to < named.from) {
    throw new DaybookError('E_PERIOD', {
      where: '--to',
      got: named.to,
      expected: `${named.from} or later`,
    });
  }
  const { home } = configFromProcess();
  const dropped = await untilInterrupted((signal) =>
    withScope(options, ({ database, log }, tenantId) => {
      const filter: PartFilter = { tenantId, ...named };
      return dropCache(filter, { database, home, log }, signal);
    }),
  );
  const { parts, bytes, inUse } = dropped;
  if (options.json) printJson({ parts, bytes, in_use: inUse });
  else process.stdout.write(`${parts} parts dropped, ${bytes} bytes; ${inUse} in use by runs\n`);
}

/** Null: all tenants. */
function withScope<T>(
  options: Options,
  work: (session: Session, tenantId: string | null) => Promise<T>,
): Promise<T> {
  return withDatabase(configFromProcess(), async (session) => {
    const { tenant } = options;
    if (tenant === undefined) return work(session, null);
    const { id } = await session.database.asSystem((tx) => requireTenant(tx, tenant));
    return work(session, id);
  });
}

/** Of any dataset that reports are made of. */
function parseCached(name: string): DatasetName {
  const datasets = listReportKinds().map(({ dataset }) => dataset);
  const known = datasets.find((each) => each === name);
  if (known) return known;
  const expected = `one of ${[...new Set(datasets)].join(', ')}`;
  throw new DaybookError('E_USAGE', { where: 'dataset', got: name, expected });
}
