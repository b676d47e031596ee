import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { Chunk } from '../reports/chunk.ts';
import type { DatasetName } from '../reports/dataset.ts';
import type { RowSource, WindowVersion } from '../reports/ports.ts';
import type { ForeignSource } from './foreign-source.ts';

/**
 * One source of rows over all places where a tenant's rows stand: Daybook's own tables, and for
 * some dates others' databases. Who answers for an instant is a matter of the tenant's bindings; a
 * window is parted only where the answer changes, which is at a midnight of the tenant.
 */

/** That a source answers for a tenant's rows of a dataset, within `[start, end)`. */
export interface Binding {
  /** Another one for everything that decides what is read, so that no part of before is taken. */
  readonly key: string;
  /** UTC epoch ms; may be infinite. */
  readonly start: number;
  readonly end: number;
  /** Opens it for the length of `work`, or gives one that is open. */
  use<T>(work: (source: ForeignSource) => Promise<T>): Promise<T>;
}

type Window = { readonly start: number; readonly end: number };
interface Segment extends Window {
  /** Null: our own tables. */
  readonly binding: Binding | null;
}
type Request = Parameters<RowSource['read']>[0];
type Rows = { readonly version: WindowVersion; readonly chunks: AsyncIterable<Chunk> };

/** Datasets that may stand elsewhere; the others Daybook makes itself. */
const MAY_BE_BOUND: readonly DatasetName[] = ['calls', 'order_lines'];

export function createBoundSource(deps: {
  readonly own: RowSource;
  /** Ascending, none overlapping. */
  readonly bindingsOf: (tenantId: string, dataset: DatasetName) => Promise<readonly Binding[]>;
}): RowSource {
  const { own } = deps;

  async function segmentsOf(
    tenantId: string,
    dataset: DatasetName,
    windows: readonly Window[],
  ): Promise<Segment[][] | null> {
    if (!MAY_BE_BOUND.includes(dataset)) return null;
    const bindings = await deps.bindingsOf(tenantId, dataset);
    return bindings.length === 0 ? null : windows.map((window) => partWindow(window, bindings));
  }

  return {
    async versions(request) {
      const { tenantId, dataset, windows } = request;
      const parted = await segmentsOf(tenantId, dataset, windows);
      if (parted === null) return own.versions(request);
      const all = parted.flat();
      const found = new Map<Segment, WindowVersion>();
      for (const binding of new Set(all.map((segment) => segment.binding))) {
        const segments = all.filter((segment) => segment.binding === binding);
        const asked = { ...request, windows: segments };
        const versions = binding
          ? await binding.use((source) => source.versions(asked))
          : await own.versions(asked);
        segments.forEach((segment, index) => {
          found.set(segment, versionOf(segment, versions[index]));
        });
      }
      return parted.map((segments) =>
        together(segments.map((segment) => found.get(segment) as WindowVersion)),
      );
    },

    async read(request, consume) {
      const { tenantId, dataset, window } = request;
      const parted = await segmentsOf(tenantId, dataset, [window]);
      if (parted === null) return own.read(request, consume);
      const [segments] = parted;
      if (segments.filter(({ binding }) => binding === null).length > 1) {
        const reason = 'a binding begins and ends within this window; ask for less at once';
        throw new DaybookError('E_SOURCE', { where: 'dates', reason });
      }
      return readAll(segments, [], request, consume);
    },
  };

  /** Each segment in a snapshot of its own, all open until the rows are consumed. */
  function readAll<T>(
    [first, ...rest]: readonly Segment[],
    opened: readonly Rows[],
    request: Request,
    consume: (rows: Rows) => Promise<T>,
  ): Promise<T> {
    const go = (rows: Rows): Promise<T> => {
      const all = [...opened, { ...rows, version: versionOf(first, rows.version) }];
      if (rest.length > 0) return readAll(rest, all, request, consume);
      return consume({
        version: together(all.map(({ version }) => version)),
        chunks: all.length === 1 ? all[0].chunks : inTurn(all.map(({ chunks }) => chunks)),
      });
    };
    const asked = { ...request, window: { start: first.start, end: first.end } };
    return first.binding
      ? first.binding.use((source) => source.read(asked, go))
      : own.read(asked, go);
  }
}

/** The window in pieces, ascending, each with who answers for it. */
export function partWindow({ start, end }: Window, bindings: readonly Binding[]): Segment[] {
  const segments: Segment[] = [];
  let at = start;
  for (const binding of bindings) {
    const from = Math.max(start, binding.start);
    const until = Math.min(end, binding.end);
    if (from >= until) continue;
    if (at < from) segments.push({ binding: null, start: at, end: from });
    segments.push({ binding, start: from, end: until });
    at = until;
  }
  if (at < end || segments.length === 0) segments.push({ binding: null, start: at, end });
  return segments;
}

/** Whose version it is belongs to it: two databases may say the same of different rows. */
function versionOf({ binding }: Segment, version: WindowVersion): WindowVersion {
  if (binding === null) return version;
  return { ...version, fingerprint: digest([binding.key, version.fingerprint]) };
}

/** Of a window in one piece as it is, of several all of it. */
function together(versions: readonly WindowVersion[]): WindowVersion {
  if (versions.length === 1) return versions[0];
  const changes = versions.flatMap(({ changedAt }) => changedAt ?? []);
  return {
    fingerprint: digest(versions.map(({ fingerprint }) => fingerprint)),
    changedAt: changes.length === 0 ? null : Math.max(...changes),
    rows: versions.reduce((sum, { rows }) => sum + rows, 0),
  };
}

async function* inTurn(all: readonly AsyncIterable<Chunk>[]): AsyncGenerator<Chunk> {
  for (const chunks of all) yield* chunks;
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
