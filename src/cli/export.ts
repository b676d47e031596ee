import { extname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type Config, configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { parseReportRequest, type RawRequest } from '../reports/parse-request.ts';
import { CELL_REFS, FORMATS, GRAINS, HEADERS, LOCALES } from '../reports/request.ts';
import type { FileRow } from '../store/files.ts';
import { reportsHelp } from './export-help.ts';
import { copyToOut, demandWritable, streamToStdout } from './export-output.ts';
import { untilInterrupted } from './interrupts.ts';
import { type ExportProgress, progressLine } from './progress-line.ts';
import { collect } from './tenant-subcommand.ts';

/** `daybook export`: a period in, a file out. */

/** What produces a file: a live `up` of the same home or database, or the same parts, alone. */
export interface ExportEngine {
  /**
   * Runs to the end. The file stands whole at `path` (absolute) when it resolves; aborting the
   * signal cancels the run and rejects.
   */
  produce(
    tenantName: string,
    request: RawRequest,
    options: { signal: AbortSignal; onProgress: (progress: ExportProgress) => void },
  ): Promise<{ path: string; file: FileRow }>;
}

export type WithEngine = <T>(
  config: Config,
  work: (engine: ExportEngine) => Promise<T>,
) => Promise<T>;

interface ExportFlags {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly format?: string;
  readonly zone?: string;
  readonly grain?: string;
  readonly columns?: string;
  readonly where?: string[];
  readonly param?: string[];
  readonly locale?: string;
  readonly headers?: string;
  readonly cellRefs?: string;
  readonly cache: boolean;
  readonly out: string;
  readonly json?: boolean;
}

export function exportCommand(withEngine: WithEngine): Command {
  return new Command('export')
    .description('write a report over a period of local days to a file')
    .argument('<report>', 'which report; the list is below')
    .requiredOption('--tenant <name>', 'whose data')
    .requiredOption('--from <date>', 'first local date, YYYY-MM-DD')
    .requiredOption('--to <date>', 'last local date, inclusive')
    .requiredOption('--out <file>', 'where to; - is standard output')
    .option('--format <format>', `${FORMATS.join(', ')} (default: by the ending of --out, or csv)`)
    .option('--zone <zone>', "an IANA zone in place of the tenant's")
    .option('--grain <grain>', GRAINS.join(', '))
    .option('--columns <keys>', 'comma-separated, in the order wished')
    .option(
      '--where <filter>',
      'field=v1,v2  field!=v1,v2  field>=v  field<=v  field~text',
      collect,
    )
    .option('--param <name=value>', 'a parameter of the report', collect)
    .option('--locale <locale>', LOCALES.join(', '))
    .option('--headers <kind>', HEADERS.join(' or '))
    .option('--cell-refs <when>', `${CELL_REFS.join(', ')}: cell references in workbooks`)
    .option('--no-cache', 'neither read nor write parts')
    .addOption(new Option('--json', 'print what was made as one JSON document'))
    .addHelpText('after', reportsHelp)
    .action((report: string, flags: ExportFlags) => runExport(withEngine, report, flags));
}

async function runExport(withEngine: WithEngine, report: string, flags: ExportFlags) {
  const toStdout = flags.out === '-';
  if (toStdout && flags.json) {
    throw new DaybookError('E_USAGE', {
      where: '--json',
      got: '--out -',
      expected: 'a file, since the file itself takes standard output',
    });
  }
  const request = rawRequestOf(report, flags);
  checkFlags(request);
  if (!toStdout) await demandWritable(resolve(flags.out));

  const line = progressLine(process.stderr);
  try {
    await untilInterrupted((signal) =>
      withEngine(configFromProcess(), async (engine) => {
        const { path, file } = await engine.produce(flags.tenant, request, {
          signal,
          onProgress: line.show,
        });
        line.clear();
        signal.throwIfAborted();
        if (toStdout) {
          return streamToStdout({ path, coding: file.coding }, process.stdout, signal);
        }
        const sha256 = await copyToOut({ from: path, to: resolve(flags.out), file, signal });
        process.stdout.write(
          flags.json
            ? `${JSON.stringify(resultOf(flags.out, { ...file, sha256 }))}\n`
            : `${flags.out}: ${file.rowCount} rows, ${file.bytes} bytes\n`,
        );
      }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      }),
    );
  } finally {
    line.clear();
  }
}

/** Flags in the words of the API's request. @throws DaybookError `E_PARAM` naming `--param`. */
export function rawRequestOf(report: string, flags: Omit<ExportFlags, 'tenant'>): RawRequest {
  return {
    report,
    from: flags.from,
    to: flags.to,
    format: flags.format ?? formatByName(flags.out),
    zone: flags.zone,
    grain: flags.grain,
    columns: flags.columns?.split(',').map((key) => key.trim()),
    where: flags.where ?? [],
    params: paramsOf(flags.param ?? []),
    locale: flags.locale,
    headers: flags.headers,
    cell_refs: flags.cellRefs,
    cache: flags.cache,
  };
}

/** Refuses what cannot be meant before anything is started. @throws DaybookError naming the flag. */
function checkFlags(request: RawRequest): void {
  try {
    parseReportRequest(request, { locale: 'en' });
  } catch (error) {
    if (!(error instanceof DaybookError) || typeof error.details.where !== 'string') throw error;
    throw new DaybookError(error.code, { ...error.details, where: flagOf(error.details.where) });
  }
}

/** `columns[2]` → `--columns`, `params.x` → `--param x`, `from, to` → `--from, --to`. */
function flagOf(field: string): string {
  const param = /^params\.(.+)$/.exec(field);
  if (param) return `--param ${param[1]}`;
  const [, names = field, rest = ''] = /^([\w, ]+)(?:\[\d+\])?(.*)$/s.exec(field) ?? [];
  const flags = names.split(', ').map((name) => `--${name.replaceAll('_', '-')}`);
  return flags.join(', ') + rest;
}

function formatByName(out: string): string {
  const name = out.toLowerCase();
  const longestFirst = [...FORMATS].sort((a, b) => b.length - a.length);
  const format = longestFirst.find((each) => name.endsWith(`.${each}`));
  if (format !== undefined) return format;
  const ending = extname(name);
  // Another kind of file by its name: CSV in it would open as damaged, or not at all.
  if (!/^\.[a-z]{2,5}$/.test(ending) || ending === '.txt') return 'csv';
  throw new DaybookError('E_USAGE', {
    where: '--out',
    got: `the ending ${ending}`,
    expected: `${FORMATS.map((each) => `.${each}`).join(', ')}, or a --format`,
  });
}

function paramsOf(texts: readonly string[]): Record<string, string> {
  const params: [string, string][] = texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
    throw new DaybookError('E_PARAM', {
      where: '--param',
      got: JSON.stringify(text),
      expected: 'name=value',
    });
  });
  const twice = params.find(([name], index) => params.findIndex(([each]) => each === name) < index);
  if (twice) {
    throw new DaybookError('E_PARAM', {
      where: '--param',
      got: `${twice[0]} twice`,
      expected: 'each parameter once',
    });
  }
  return Object.fromEntries(params);
}

function resultOf(out: string, file: FileRow) {
  return {
    out: resolve(out),
    run: file.runId,
    name: file.name,
    format: file.format,
    media_type: file.mediaType,
    rows: file.rowCount,
    bytes: file.bytes,
    sha256: file.sha256,
    revision: file.revision,
    data_as_of: file.dataAsOf === null ? null : new Date(file.dataAsOf).toISOString(),
    period: file.document.period,
    zones: file.document.zones,
    irregular_days: file.document.irregularDays,
  };
}
