import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DaybookError } from '../errors.ts';
import type { InputFormat } from '../ingest/input-format.ts';
import { LEAST_SECRET_BYTES } from '../ingest/signed/secret.ts';
import type { LoadMap } from '../mapping/load-map.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { type DatasetName, datasetOf } from '../reports/dataset.ts';
import { parseZone } from '../time/zone.ts';
import { AgentFile, type SourceFile } from './config-schema.ts';
import { absolute, readSecret, type Surroundings } from './secret.ts';

/** The agent's configuration, checked: secrets read, maps parsed, paths absolute. */

export interface SigningKey {
  readonly id: string;
  readonly bytes: Buffer;
}

export interface Limits {
  /** Read from all sources together; null: no limit. */
  readonly rowsPerSecond: number | null;
  /** Sent; null: no limit. */
  readonly bytesPerSecond: number | null;
  /** Of one source's batches on disk that wait to be sent. */
  readonly spoolBytes: number;
  readonly batchRows: number;
  /** Before compression. */
  readonly batchBytes: number;
  /** With `--once`: so long without anything accepted ends it. */
  readonly giveUpMs: number;
}

export type TableKind = 'postgres' | 'mysql' | 'sqlserver';

export interface WatermarkRule {
  readonly column: string;
  readonly key: readonly string[];
  /** Of times seconds, of whole numbers the numbers themselves. */
  readonly overlap: number | null;
  /** The first pass begins here; null: at the beginning. */
  readonly start: string | null;
  readonly zone: string | null;
  /** So long after a moment rows of it may still come. */
  readonly settleMs: number | null;
  readonly completeThrough: boolean;
}

interface SourceBase {
  readonly name: string;
  readonly dataset: DatasetName;
  /** Null: columns go out under their own names. */
  readonly map: LoadMap | null;
  readonly everyMs: number;
  readonly key: SigningKey;
  /** Null: requests are signed and bear no other credential. */
  readonly apiKey: string | null;
}

/** Which rows of a dataset a snapshot stands for; null: no bound. */
export interface MirrorScope {
  readonly prefix: string | null;
  /** Local dates, inclusive. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface TableConfig extends SourceBase {
  readonly type: TableKind;
  readonly url: string;
  /** A name, or a query in parentheses, as it stands behind `from`. */
  readonly from: { readonly table: string } | { readonly query: string };
  /** Null: all. */
  readonly columns: readonly string[] | null;
  readonly mode:
    | { readonly kind: 'watermark'; readonly rule: WatermarkRule }
    | { readonly kind: 'mirror'; readonly scope: MirrorScope };
  readonly statementMs: number;
}

export interface FilesConfig extends SourceBase {
  readonly type: 'files';
  readonly folder: string;
  readonly pattern: string;
  readonly format: InputFormat | null;
  readonly complete: 'settled' | 'marker' | 'growing';
  readonly settleMs: number;
}

export type SourceConfig = TableConfig | FilesConfig;

export interface AgentConfig {
  readonly url: string;
  readonly timeoutMs: number;
  readonly state: string;
  readonly limits: Limits;
  readonly sources: readonly SourceConfig[];
}

/** @throws DaybookError `E_CONFIG` that names every problem of the file at once */
export function readAgentConfig(
  path: string,
  environment: Surroundings['environment'],
): AgentConfig {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new DaybookError('E_CONFIG', { reason: `${path}: ${(error as Error).message}` }, error);
  }
  return parseAgentConfig(raw, { environment, folder: dirname(resolve(path)) });
}

/** @throws DaybookError `E_CONFIG` that names every problem at once */
export function parseAgentConfig(raw: unknown, surroundings: Surroundings): AgentConfig {
  const parsed = AgentFile.safeParse(raw);
  if (!parsed.success) {
    throw problemsError(
      parsed.error.issues.map((issue) => `${placeOf(issue.path)}: ${issue.message}`),
    );
  }
  const file = parsed.data;
  const problems: string[] = [];
  const attempt = <T>(where: string, work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      problems.push(`${where}: ${(error as Error).message}`);
      return null;
    }
  };
  const { daybook, limits } = file;
  if (!daybook.allow_http && !isSafe(new URL(daybook.url))) {
    problems.push('daybook.url: got http:// to another machine; expected https://, or allow_http');
  }
  const key = attempt('daybook.key', () =>
    keyOf(daybook.key_id, readSecret(daybook.key, surroundings)),
  );
  const apiKeyPlace = daybook.api_key;
  const apiKey =
    apiKeyPlace === undefined
      ? null
      : attempt('daybook.api_key', () => readSecret(apiKeyPlace, surroundings));
  const names = file.sources.map((source) => source.name);
  const sources = file.sources.map((source, index) => {
    const where = `sources[${index}]`;
    if (names.indexOf(source.name) < index)
      problems.push(`${where}.name: ${source.name} stands twice`);
    return sourceOf(source, { where, key, apiKey, surroundings, attempt, problems });
  });
  if (problems.length > 0) throw problemsError(problems);
  return {
    url: daybook.url.replace(/\/+$/, ''),
    timeoutMs: daybook.timeout_seconds * 1000,
    state: absolute(file.state, surroundings.folder),
    limits: {
      rowsPerSecond: limits.rows_per_second ?? null,
      bytesPerSecond: limits.bytes_per_second ?? null,
      spoolBytes: limits.spool_bytes,
      batchRows: limits.batch_rows,
      batchBytes: limits.batch_bytes,
      giveUpMs: limits.give_up_seconds * 1000,
    },
    sources: sources.filter((source) => source !== null),
  };
}

function sourceOf(
  source: SourceFile,
  at: {
    readonly where: string;
    readonly key: SigningKey | null;
    readonly apiKey: string | null;
    readonly surroundings: Surroundings;
    readonly attempt: <T>(where: string, work: () => T) => T | null;
    readonly problems: string[];
  },
): SourceConfig | null {
  const { where, surroundings, attempt, problems } = at;
  if ((source.key === undefined) !== (source.key_id === undefined)) {
    problems.push(`${where}: got one of key and key_id; expected both or none`);
  }
  const { key: place, key_id: keyId } = source;
  const key =
    place && keyId
      ? attempt(`${where}.key`, () => keyOf(keyId, readSecret(place, surroundings)))
      : at.key;
  const { api_key: apiKeyPlace } = source;
  const apiKey =
    apiKeyPlace === undefined
      ? at.apiKey
      : attempt(`${where}.api_key`, () => readSecret(apiKeyPlace, surroundings));
  const map =
    source.map === undefined ? null : attempt(`${where}.map`, () => mapOf(source, surroundings));
  const base = {
    name: source.name,
    dataset: source.dataset,
    map,
    everyMs: (source.every_seconds ?? (source.type === 'files' ? 10 : 60)) * 1000,
    key: key as SigningKey,
    apiKey,
  };
  if (source.type === 'files') {
    return {
      ...base,
      type: 'files',
      folder: absolute(source.folder, surroundings.folder),
      pattern: source.pattern,
      format: source.format ?? null,
      complete: source.complete,
      settleMs: source.settle_seconds * 1000,
    };
  }
  if (JSON.stringify(source.map ?? null).includes('"row_number"')) {
    problems.push(`${where}.map: row_number counts the rows of a file; rows of a table have none`);
  }
  const url = attempt(`${where}.url`, () => readSecret(source.url, surroundings));
  if ((source.table === undefined) === (source.query === undefined)) {
    problems.push(`${where}: expected one of table and query`);
  }
  const { watermark, mirror } = source;
  if ((watermark === undefined) === (mirror === undefined)) {
    problems.push(`${where}: expected one of watermark and mirror`);
  }
  const zone = watermark?.zone;
  if (zone !== undefined) attempt(`${where}.watermark.zone`, () => parseZone(zone, 'zone'));
  return {
    ...base,
    type: source.type,
    url: url ?? '',
    from: source.table === undefined ? { query: source.query ?? '' } : { table: source.table },
    columns: source.columns ?? null,
    statementMs: source.statement_seconds * 1000,
    mode:
      watermark === undefined
        ? {
            kind: 'mirror',
            scope: {
              prefix: mirror?.prefix ?? null,
              from: mirror?.from ?? null,
              to: mirror?.to ?? null,
            },
          }
        : {
            kind: 'watermark',
            rule: {
              column: watermark.column,
              key: watermark.key,
              overlap: watermark.overlap ?? null,
              start: watermark.start ?? null,
              zone: zone ?? map?.zone ?? null,
              settleMs:
                watermark.settle_seconds === undefined ? null : watermark.settle_seconds * 1000,
              completeThrough: watermark.complete_through,
            },
          },
  };
}

function mapOf({ map, dataset }: SourceFile, { folder }: Surroundings): LoadMap {
  const raw: unknown =
    typeof map === 'string' ? JSON.parse(readFileSync(absolute(map, folder), 'utf8')) : map;
  return parseLoadMap(raw, datasetOf(dataset));
}

/** `whsec_` and base64, as keys are given out, or the bytes of the text. */
function keyOf(id: string, text: string): SigningKey {
  const bytes = text.startsWith('whsec_')
    ? Buffer.from(text.slice('whsec_'.length), 'base64')
    : Buffer.from(text);
  if (bytes.length < LEAST_SECRET_BYTES) {
    throw new Error(`the key has ${bytes.length} bytes; expected ${LEAST_SECRET_BYTES} or more`);
  }
  return { id, bytes };
}

function isSafe(url: URL): boolean {
  return url.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

function placeOf(path: readonly PropertyKey[]): string {
  const text = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('');
  return text.replace(/^\./, '') || '(the whole)';
}

function problemsError(problems: readonly string[]): DaybookError {
  return new DaybookError('E_CONFIG', { reason: problems.join('; ') });
}
