import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DaybookError } from '../../errors.ts';
import { parseInstant, readIso } from '../../mapping/iso-time.ts';
import { LocalClock } from '../../mapping/local-clock.ts';
import { WallReading } from '../../mapping/wall-reading.ts';
import type { Chunk } from '../../reports/chunk.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { WindowVersion } from '../../reports/ports.ts';
import { checkPlace } from '../check-place.ts';
import type { ForeignPlace, ForeignSource, OpenForeign } from '../foreign-source.ts';
import { sortWindow } from '../sort-window.ts';
import { type Inspected, inspectPlace } from './inspect.ts';
import { PageRows } from './page-rows.ts';
import { openPostgrestTable, type PostgrestTable } from './postgrest.ts';
import { behind, onlyConditions, quoted, selectTexts, windowConditions } from './queries.ts';
import { parseServer } from './server.ts';

type Window = { readonly start: number; readonly end: number };

/** Rows asked for at once; servers give fewer without a word, by their `max-rows`. */
const PAGE_ROWS = 10_000;
/** Rows may change while they are read: each window is read so often at most. */
const ATTEMPTS = 4;
const FIRST_WAIT_MS = 200;
/** Windows whose versions are asked for at the same time. */
const AT_ONCE = 4;
/** A window is held until it is known to be whole. */
const MOST_ROWS = 2_000_000;

/**
 * One tenant's rows behind PostgREST, as of Supabase: read in pages by key, counted before and
 * after, since there is no snapshot over several requests. A window is given out only when it was
 * whole and did not change meanwhile.
 */
export const openSupabase: OpenForeign = ({ settings, credentials, reach }, place) => {
  checkPlace(place);
  const server = parseServer({ settings, credentials });
  return new SupabaseSource(openPostgrestTable(server, { reach, from: place.from }), {
    place,
    what: `the Supabase project at ${server.url.host}`,
  });
};

class SupabaseSource implements ForeignSource {
  readonly #table: PostgrestTable;
  readonly #place: ForeignPlace;
  readonly #what: string;
  #inspected: Inspected | null = null;

  constructor(
    table: PostgrestTable,
    { place, what }: { readonly place: ForeignPlace; readonly what: string },
  ) {
    this.#table = table;
    this.#place = place;
    this.#what = what;
  }

  versions: ForeignSource['versions'] = async ({ windows, signal, dataset }) => {
    this.#demandDataset(dataset);
    signal.throwIfAborted();
    if (windows.length === 0) return [];
    const inspected = await this.#inspect(signal);
    const versions: WindowVersion[] = [];
    for (let at = 0; at < windows.length; at += AT_ONCE) {
      const some = windows.slice(at, at + AT_ONCE);
      versions.push(
        ...(await Promise.all(some.map((window) => this.#version(inspected, window, signal)))),
      );
    }
    return versions;
  };

  read: ForeignSource['read'] = async ({ window, signal, dataset }, consume) => {
    this.#demandDataset(dataset);
    signal.throwIfAborted();
    const inspected = await this.#inspect(signal);
    const { version, chunks } = await this.#readWhole(inspected, window, signal);
    const sorted = sortWindow(datasetOf(this.#place.dataset), each(chunks, signal));
    return consume({ version, chunks: until(sorted, signal) });
  };

  async check(signal: AbortSignal): Promise<{ readonly server: string; readonly sample: number }> {
    // A person asks because something may have changed.
    this.#inspected = null;
    const { anchorType } = await this.#inspect(signal);
    const { anchorColumn, only, map, dataset } = this.#place;
    const anchor = quoted(anchorColumn);
    const [newest] = await this.#table.rows({
      select: selectTexts([anchorColumn]),
      conditions: [`${anchor}.not.is.null`, ...onlyConditions(only)],
      ...{ order: [anchorColumn], descending: true, limit: 1, signal },
    });
    const server = this.#table.server();
    if (newest === undefined) return { server, sample: 0 };
    const text = newest['c0'] ?? '';
    const start =
      anchorType === 'timestamptz' || map.zone === null
        ? parseInstant(text, anchorColumn)
        : new LocalClock(map.zone).instantOf(wallOf(text));
    const request = { tenantId: '', dataset, signal, window: { start, end: start + 1 } };
    const sample = await this.read(request, async ({ version }) => version.rows);
    return { server, sample };
  }

  async close(): Promise<void> {
    this.#table.close();
  }

  async #inspect(signal: AbortSignal): Promise<Inspected> {
    this.#inspected ??= await inspectPlace(this.#table, this.#place, signal);
    return this.#inspected;
  }

  /** Reads until the same version stands before and after, with as many rows as it counts. */
  async #readWhole(
    inspected: Inspected,
    window: Window,
    signal: AbortSignal,
  ): Promise<{ readonly version: WindowVersion; readonly chunks: readonly Chunk[] }> {
    let before = await this.#version(inspected, window, signal);
    for (let attempt = 1; ; attempt++) {
      this.#demandFew(before);
      const { chunks, rows } = await this.#pages(inspected, window, before.rows, signal);
      const after = await this.#version(inspected, window, signal);
      const unchanged = after.fingerprint === before.fingerprint;
      if (unchanged && rows === after.rows) return { version: after, chunks };
      if (attempt === ATTEMPTS) {
        if (unchanged) throw this.#notWhole(rows, after.rows);
        const reason = `rows of ${this.#place.from} changed each of ${ATTEMPTS} times that they were read`;
        throw new DaybookError('E_UNAVAILABLE', { what: this.#what, reason });
      }
      await wait(FIRST_WAIT_MS * 2 ** (attempt - 1), undefined, { signal }).catch((error) => {
        throw signal.aborted ? signal.reason : error;
      });
      before = after;
    }
  }

  /** A page that is shorter than asked is no end: servers cap them silently. */
  async #pages(
    { columns, anchorType }: Inspected,
    window: Window,
    expected: number,
    signal: AbortSignal,
  ): Promise<PageRows> {
    const rows = new PageRows(this.#place, columns, window);
    const { anchorColumn, keyColumn } = this.#place;
    const within = windowConditions(this.#place, anchorType, window);
    const order = [...new Set([anchorColumn, keyColumn])];
    while (rows.rows < expected) {
      const page = await this.#table.rows({
        select: selectTexts(columns),
        conditions: rows.last === null ? within : [...within, behind(this.#place, rows.last)],
        ...{ order, limit: PAGE_ROWS, signal },
      });
      if (page.length === 0) break;
      rows.add(page);
    }
    rows.end();
    return rows;
  }

  async #version(
    { anchorType }: Inspected,
    window: Window,
    signal: AbortSignal,
  ): Promise<WindowVersion> {
    const { updatedColumn, keyColumn } = this.#place;
    const { count, rows } = await this.#table.counted({
      select: selectTexts([updatedColumn ?? keyColumn]),
      conditions: windowConditions(this.#place, anchorType, window),
      ...{ order: [updatedColumn ?? keyColumn], descending: true, limit: 1, signal },
    });
    const newest = rows[0]?.['c0'] ?? null;
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([count, newest]))
      .digest('hex');
    return {
      fingerprint: fingerprint.slice(0, 32),
      changedAt: updatedColumn === null || newest === null ? null : instantIn(newest),
      rows: count,
    };
  }

  #demandFew({ rows }: WindowVersion): void {
    if (rows <= MOST_ROWS) return;
    throw new DaybookError('E_TOO_LARGE', {
      where: `a day of ${this.#place.from}`,
      got: `${rows} rows`,
      expected: `at most ${MOST_ROWS}: read so large a table by the database itself`,
    });
  }

  #notWhole(rows: number, counted: number): DaybookError {
    const { from, keyColumn } = this.#place;
    const reason = `pages gave ${rows} rows of ${counted} in ${from}: no two rows may share ${keyColumn}, and none may lack it`;
    return new DaybookError('E_SOURCE', { where: 'key column', reason });
  }

  #demandDataset(dataset: string): void {
    if (dataset === this.#place.dataset) return;
    const reason = `a source of ${this.#place.dataset} was asked for ${dataset}`;
    throw new DaybookError('E_INTERNAL', { reason });
  }
}

async function* each(chunks: readonly Chunk[], signal: AbortSignal): AsyncGenerator<Chunk> {
  for (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

async function* until(chunks: AsyncIterable<Chunk>, signal: AbortSignal): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** UTC epoch ms; null: the text says no instant. */
function instantIn(text: string): number | null {
  const reading = new WallReading();
  const bytes = Buffer.from(text);
  if (!readIso(bytes, 0, bytes.length, reading) || Number.isNaN(reading.offsetMs)) return null;
  return reading.wallMs - reading.offsetMs;
}

function wallOf(text: string): number {
  const reading = new WallReading();
  const bytes = Buffer.from(text);
  return readIso(bytes, 0, bytes.length, reading) ? reading.wallMs : Number.NaN;
}
