import { createHash } from 'node:crypto';
import { DaybookError } from '../../errors.ts';
import { LocalClock } from '../../mapping/local-clock.ts';
import type { Chunk } from '../../reports/chunk.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { WindowVersion } from '../../reports/ports.ts';
import { checkPlace } from '../check-place.ts';
import type {
  ForeignConnection,
  ForeignPlace,
  ForeignSource,
  OpenForeign,
} from '../foreign-source.ts';
import { copyChunks } from '../postgres/copy-chunks.ts';
import { sortWindow } from '../sort-window.ts';
import { RowFinisher } from './finish-rows.ts';
import { planReading, type ReadingPlan } from './plan-reading.ts';
import { boundsOf, copyQuery, onlyOf, SET_ONLY, versionsQuery } from './queries.ts';
import { parseServer } from './server.ts';
import { openSnapshots, type Snapshot } from './snapshots.ts';
import { type ForeignTable, inspectTable } from './table.ts';

/** Sorting a day without an index takes its time; no byte comes meanwhile. */
const SILENCE_MS = 120_000;

type Window = { readonly start: number; readonly end: number };

interface Prepared {
  readonly table: ForeignTable;
  readonly plan: ReadingPlan;
}

interface VersionRow {
  readonly index: number;
  readonly rows: string;
  readonly key: string | null;
  readonly newest: string | null;
  readonly sum: string | null;
  readonly newest_ms: string | null;
}

/** One tenant's rows in a foreign Postgres: read in snapshots, by COPY, never written. */
export const openForeignPostgres: OpenForeign = (connection, place) => {
  checkPlace(place);
  return new ForeignPostgres(connection, place);
};

class ForeignPostgres implements ForeignSource {
  readonly #place: ForeignPlace;
  readonly #what: string;
  readonly #snapshots: ReturnType<typeof openSnapshots>;
  /** What the table was like when it was last looked at. */
  #prepared: Prepared | null = null;

  constructor(connection: ForeignConnection, place: ForeignPlace) {
    const server = parseServer(connection);
    this.#place = place;
    this.#what = `the database at ${server.host}`;
    this.#snapshots = openSnapshots(server, { reach: connection.reach, what: this.#what });
  }

  versions: ForeignSource['versions'] = ({ windows, signal, dataset }) => {
    this.#demandDataset(dataset);
    if (windows.length === 0) return Promise.resolve([]);
    return this.#within(signal, (snapshot, prepared) =>
      this.#versions(snapshot, prepared, windows),
    );
  };

  read: ForeignSource['read'] = ({ window, signal, dataset }, consume) => {
    this.#demandDataset(dataset);
    return this.#within(signal, async (snapshot, prepared) => {
      const [version] = await this.#versions(snapshot, prepared, [window]);
      await snapshot.query(SET_ONLY, [this.#onlyValue ?? '']);
      return consume({
        version,
        chunks: this.#chunks(snapshot, prepared, window, version, signal),
      });
    });
  };

  async check(signal: AbortSignal): Promise<{ readonly server: string; readonly sample: number }> {
    const { server, newest } = await this.#within(signal, async (snapshot, { table, plan }) => {
      const [about] = await snapshot.query<{ version: string }>('show server_version');
      const { anchor } = plan;
      const only = this.#onlyValue;
      const [found] = await snapshot.query<{ ms: string }>(
        `select floor(extract(epoch from ${anchor.quoted}) * 1000)::text as ms from ${table.quoted}
         where ${anchor.quoted} is not null${onlyOf(this.#place, table, '$1::text')}
         order by ${anchor.quoted} desc limit 1`,
        only === null ? [] : [only],
      );
      const ms = found ? Number(found.ms) : null;
      const { zone } = this.#place.map;
      return {
        server: `PostgreSQL ${(about as unknown as { server_version: string }).server_version}`,
        newest:
          ms === null || anchor.type === 'timestamptz' || zone === null
            ? ms
            : new LocalClock(zone).instantOf(ms),
      };
    });
    if (newest === null) return { server, sample: 0 };
    const request = {
      ...{ tenantId: '', dataset: this.#place.dataset, signal },
      window: { start: newest, end: newest + 1 },
    };
    const sample = await this.read(request, async ({ chunks }) => {
      let rows = 0;
      for await (const chunk of chunks) rows += chunk.rows;
      return rows;
    });
    return { server, sample };
  }

  close(): Promise<void> {
    return this.#snapshots.close();
  }

  get #onlyValue(): string | null {
    const { only } = this.#place;
    if (only === null) return null;
    return 'startsWith' in only ? only.startsWith : only.equals;
  }

  /** A snapshot, and the table as it is; what turned out to be wrong about it is forgotten. */
  async #within<T>(
    signal: AbortSignal,
    work: (snapshot: Snapshot, prepared: Prepared) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#snapshots.read(async (snapshot) => {
        this.#prepared ??= await prepare(snapshot, this.#place);
        return work(snapshot, this.#prepared);
      }, signal);
    } catch (error) {
      if (error instanceof DaybookError && error.code === 'E_SOURCE') this.#prepared = null;
      throw error;
    }
  }

  async #versions(
    snapshot: Snapshot,
    { table, plan }: Prepared,
    windows: readonly Window[],
  ): Promise<WindowVersion[]> {
    const bounds = windows.map((window) => boundsOf(plan.anchor, this.#place, window));
    const only = this.#onlyValue;
    const rows = await snapshot.query<VersionRow>(versionsQuery(this.#place, table, plan), [
      windows.map((_, index) => index),
      bounds.map(([start]) => start),
      bounds.map(([, end]) => end),
      ...(only === null ? [] : [only]),
    ]);
    return rows.map(({ rows: count, key, newest, sum, newest_ms }) => ({
      fingerprint: createHash('sha256')
        .update(JSON.stringify([count, key, newest, sum]))
        .digest('hex')
        .slice(0, 32),
      changedAt: newest_ms === null ? null : Number(newest_ms),
      rows: Number(count),
    }));
  }

  async *#chunks(
    snapshot: Snapshot,
    { table, plan }: Prepared,
    window: Window,
    version: WindowVersion,
    signal: AbortSignal,
  ): AsyncGenerator<Chunk> {
    const query = copyQuery(this.#place, table, plan, window);
    const options = { signal, silenceMs: SILENCE_MS, what: this.#what };
    const copied = copyChunks(snapshot, query, plan.selected, options);
    const finished = finishedChunks(copied, new RowFinisher(this.#place, plan), window);
    const dataset = datasetOf(this.#place.dataset);
    let rows = 0;
    for await (const chunk of plan.sortTies ? sortWindow(dataset, finished) : finished) {
      rows += chunk.rows;
      yield chunk;
    }
    if (rows === version.rows) return;
    // One snapshot gave both: whatever it is that differs, it is no whole day.
    const reason = `it gave ${rows} rows of ${version.rows}`;
    throw new DaybookError('E_UNAVAILABLE', { what: this.#what, reason });
  }

  #demandDataset(dataset: string): void {
    if (dataset === this.#place.dataset) return;
    const reason = `a source of ${this.#place.dataset} was asked for ${dataset}`;
    throw new DaybookError('E_INTERNAL', { reason });
  }
}

async function prepare(snapshot: Snapshot, place: ForeignPlace): Promise<Prepared> {
  const table = await inspectTable(snapshot, place.from);
  const plan = planReading(place, table);
  // What has no window yet can be checked all the same: the columns that only queries name.
  onlyOf(place, table, '');
  versionsQuery(place, table, plan);
  return { table, plan };
}

async function* finishedChunks(
  chunks: AsyncIterable<Chunk>,
  finisher: RowFinisher,
  window: Window,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) yield finisher.finish(chunk, window);
}
