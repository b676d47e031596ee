import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { Command, Option } from 'commander';
import { configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { type InputFormat, parseInputFormat } from '../ingest/input-format.ts';
import { readKnownSkus } from '../ingest/known-skus.ts';
import { loadRates } from '../ingest/load-rates.ts';
import { type LoadResult, loadRows } from '../ingest/load-rows.ts';
import { parseInstant } from '../mapping/iso-time.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { PRESET_NAMES } from '../mapping/presets.ts';
import { principalName } from '../principals/principal.ts';
import { type DatasetName, datasetOf, LOADED_DATASETS } from '../reports/dataset.ts';
import { readDatasetSettings } from '../store/dataset-settings.ts';
import { storeLoads } from '../store/loads.ts';
import { requireTenant } from '../store/tenants.ts';
import { untilInterrupted } from './interrupts.ts';
import { openLoadProgress } from './load-progress.ts';
import { type MirrorFlags, parseMirrorFlags, withMirrorFlags } from './mirror-flags.ts';
import { printJson } from './output.ts';
import { withDatabase } from './session.ts';

/** Who works at this machine acts as the operator. */
const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });
const PIECE_BYTES = 1 << 18;

interface LoadOptions extends MirrorFlags {
  readonly tenant: string;
  readonly map?: string;
  readonly preset?: string;
  readonly format?: string;
  readonly completeThrough?: string;
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** `daybook load DATASET FILE` */
export function loadCommand(): Command {
  const command = new Command('load')
    .description('load a file of rows; the same file twice changes nothing')
    .argument('<dataset>', LOADED_DATASETS.join(', '))
    .argument('<file>', 'csv, csv.gz, tsv, tsv.gz, ndjson, ndjson.gz, xlsx; - for stdin')
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--map <file>', 'JSON that says which column is which field (docs/maps)')
    .addOption(new Option('--preset <name>', 'a map that comes with Daybook').choices(PRESET_NAMES))
    .option('--format <format>', 'csv, tsv, ndjson, xlsx (default: by name, else by content)')
    .option(
      '--complete-through <instant>',
      'the dataset is complete up to this instant, such as 2024-02-01T00:00:00Z',
    )
    .option('--replace', 'rates: versions that begin at the same instant give way')
    .option('--json', 'print one JSON document')
    .addHelpText('after', fieldsHelp)
    .action(load);
  return withMirrorFlags(command);
}

/** The fields of each dataset: the names of columns where there is no map. */
function fieldsHelp(): string {
  const lines = LOADED_DATASETS.map(datasetOf).map(({ name, fields }) => {
    const names = fields.map((field) => (field.required ? `${field.name}*` : field.name));
    return `  ${name}: ${names.join(' ')}`;
  });
  return `\nFields (* required; without a map, columns bear these names, in any order):\n${lines.join('\n')}\n`;
}

async function load(datasetName: string, file: string, options: LoadOptions): Promise<void> {
  const dataset = parseDataset(datasetName);
  const mirrorOf = parseMirrorFlags(options);
  const format: InputFormat | null =
    options.format === undefined ? null : parseInputFormat(options.format, '--format');
  const completeThrough =
    options.completeThrough === undefined
      ? null
      : parseInstant(options.completeThrough, '--complete-through');
  const map = await mapOf(options);
  if (map !== null) parseLoadMap(map, datasetOf(dataset));
  if (dataset === 'rates') {
    if (mirrorOf !== null) {
      throw new DaybookError('E_USAGE', {
        where: '--mirror',
        got: 'rates',
        expected: 'calls or order_lines: versions of rates stay',
      });
    }
    return loadSheet(file, { format, map }, options);
  }
  if (options.replace) {
    throw new DaybookError('E_USAGE', {
      where: '--replace',
      got: 'the option',
      expected: `none with ${dataset}: it is for rates`,
    });
  }
  const size = file === '-' ? null : await sizeOf(file);

  const result = await untilInterrupted((signal) =>
    withDatabase(configFromProcess(), async ({ database }) => {
      const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
      const [settings, knownSkus] = await database.asTenant(tenant.id, async (tx) => [
        await readDatasetSettings(tx, tenant.id, dataset),
        await readKnownSkus(tx, tenant.id, dataset),
      ]);
      const progress = openLoadProgress(process.stderr, size);
      const stream = openFile(file);
      // A pipe that says nothing more is waited for by nobody.
      const hangUp = () => stream.destroy();
      signal.addEventListener('abort', hangUp, { once: true });
      try {
        return await loadRows(
          progress.counted(stream),
          {
            tenant,
            dataset,
            name: file === '-' ? 'stdin' : basename(file),
            format,
            map,
            requestedBy: LOCAL_OPERATOR,
            completeThrough,
            knownSkus,
            mirror: mirrorOf?.(tenant.calendar, settings.mirror) ?? null,
          },
          {
            store: storeLoads(database),
            signal,
            onOpened: (description) => {
              if (file === '-') process.stderr.write(`daybook: stdin is read as ${description}\n`);
            },
            onProgress: progress.show,
          },
        );
      } finally {
        hangUp();
        progress.close();
      }
    }),
  );
  report(result, options, completeThrough);
}

/** A preset and a map together: what the map says counts. */
async function mapOf({ map: path, preset }: LoadOptions): Promise<unknown> {
  const map = path === undefined ? null : await readMap(path);
  if (preset === undefined) return map;
  if (map === null) return { preset };
  return typeof map === 'object' && !Array.isArray(map) ? { preset, ...map } : map;
}

/** A rate sheet holds whole or not at all. */
async function loadSheet(
  file: string,
  read: { readonly format: InputFormat | null; readonly map: unknown },
  options: LoadOptions,
): Promise<void> {
  if (file !== '-') await sizeOf(file);
  const result = await untilInterrupted((signal) =>
    withDatabase(configFromProcess(), async ({ database }) => {
      const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
      const stream = openFile(file);
      try {
        const name = file === '-' ? 'stdin' : basename(file);
        const replace = options.replace === true;
        const request = { tenant, name, ...read, requestedBy: LOCAL_OPERATOR, replace };
        return await loadRates(stream, request, { database, signal });
      } finally {
        stream.destroy();
      }
    }),
  );
  if (options.json) return printJson(result);
  const { loaded, updated, unchanged, versions } = result;
  process.stdout.write(
    `${loaded} loaded, ${updated} updated, ${unchanged} unchanged, 0 rejected\n`,
  );
  for (const { plan, valid_from, rows, state } of versions) {
    process.stdout.write(`${plan} from ${valid_from}: ${rows} rows, ${state}\n`);
  }
}

function report(result: LoadResult, options: LoadOptions, completeThrough: number | null): void {
  if (options.json) printJson(result);
  else process.stdout.write(`${summaryOf(result)}\n`);
  const { rejected, first_reject, flagged } = result;
  if (rejected > 0) {
    process.stderr.write(
      `daybook: ${rejected} rows were rejected, the first: ${first_reject}; ` +
        `\`daybook rejects export --tenant ${options.tenant}\` gives them all\n`,
    );
  }
  if (flagged.ambiguous > 0) {
    process.stderr.write(
      `daybook: ${flagged.ambiguous} rows bear a wall time that the clocks showed twice; the first was taken\n`,
    );
  }
  if (flagged.not_utf8 > 0) {
    process.stderr.write(
      `daybook: ${flagged.not_utf8} rows are no UTF-8 and were read as Windows-1252\n`,
    );
  }
  const good = result.loaded + result.updated + result.unchanged + result.superseded;
  const mark = result.complete_through;
  if (completeThrough !== null && (mark === null || Date.parse(mark) !== completeThrough)) {
    process.stderr.write(
      `daybook: complete_through ${mark === null ? 'is not set, since no row was taken' : `stays at ${mark}, which is later`}\n`,
    );
  }
  if (good === 0 && rejected > 0) process.exitCode = 1;
}

function summaryOf(result: LoadResult): string {
  const parts = [
    ...(result.legs === undefined ? [] : [`${result.legs} legs folded into calls`]),
    `${result.loaded} loaded`,
    `${result.updated} updated`,
    `${result.unchanged} unchanged`,
    ...(result.removed > 0 ? [`${result.removed} removed`] : []),
    `${result.rejected} rejected`,
    `${result.days} days`,
  ];
  if (result.superseded > 0) parts.push(`${result.superseded} superseded within the file`);
  return parts.join(', ');
}

export function parseDataset(name: string): DatasetName {
  const known = LOADED_DATASETS.find((each) => each === name);
  if (known) return known;
  throw new DaybookError('E_USAGE', {
    where: 'dataset',
    got: name,
    expected: `one of ${LOADED_DATASETS.join(', ')}`,
  });
}

/** @throws DaybookError `E_INPUT` when there is no such file, `E_MAP` when it is no JSON */
export async function readMap(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new DaybookError('E_INPUT', { where: `--map ${path}`, reason: whyNot(error) }, error);
  });
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const reason = (error as Error).message;
    throw new DaybookError('E_MAP', { where: path, got: reason, expected: 'JSON' }, error);
  }
}

/** Why a file cannot be read, in words where the system's are for programmers. */
function whyNot({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  return code === 'EACCES' ? 'it may not be read by this user' : message;
}

export function openFile(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES });
}

export async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new DaybookError('E_INPUT', { where: file, reason: whyNot(error) }, error);
  });
  if (!found.isDirectory()) return found.size;
  throw new DaybookError('E_INPUT', { where: file, reason: 'it is a folder' });
}
