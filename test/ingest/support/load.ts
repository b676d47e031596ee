import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InputFormat } from '../../../src/ingest/input-format.ts';
import type { KnownSkus } from '../../../src/ingest/known-skus.ts';
import { type LoadResult, loadRows } from '../../../src/ingest/load-rows.ts';
import type { DatasetName } from '../../../src/reports/dataset.ts';
import type { Database } from '../../../src/store/database.ts';
import { type MirrorOrder, storeLoads } from '../../../src/store/loads.ts';
import { calendarOf } from '../../../src/time/calendar.ts';
import type { TestTenant } from '../../support/database.ts';

export interface LoadOptions {
  readonly dataset?: DatasetName;
  readonly map?: unknown;
  readonly name?: string;
  readonly format?: InputFormat;
  readonly zone?: string;
  readonly completeThrough?: number;
  readonly mirror?: MirrorOrder;
  readonly knownSkus?: KnownSkus | null;
  readonly signal?: AbortSignal;
}

/** Loads bytes or a file into a tenant, as the command does. */
export async function load(
  database: Database,
  tenant: TestTenant,
  source: Buffer | string | AsyncIterable<Buffer> | { readonly path: string },
  options: LoadOptions = {},
): Promise<LoadResult> {
  let bytes: AsyncIterable<Buffer>;
  let name = options.name ?? 'test.csv';
  if (typeof source === 'string' || Buffer.isBuffer(source)) bytes = pieces(Buffer.from(source));
  else if ('path' in source) {
    bytes = createReadStream(source.path, { highWaterMark: 1 << 18 });
    name = basename(source.path);
  } else bytes = source;
  return loadRows(
    bytes,
    {
      tenant: { id: tenant.id, calendar: calendarOf(options.zone ?? 'UTC') },
      dataset: options.dataset ?? 'calls',
      name,
      format: options.format ?? null,
      map: options.map ?? null,
      requestedBy: 'test',
      completeThrough: options.completeThrough ?? null,
      mirror: options.mirror ?? null,
      knownSkus: options.knownSkus ?? null,
    },
    { store: storeLoads(database), signal: options.signal ?? new AbortController().signal },
  );
}

export async function* pieces(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

/** A map of the docs. */
export async function docsMap(name: string): Promise<unknown> {
  const path = fileURLToPath(new URL(`../../../docs/maps/${name}.json`, import.meta.url));
  return JSON.parse(await readFile(path, 'utf8'));
}
