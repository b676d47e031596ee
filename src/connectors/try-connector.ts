import type { TargetRules } from '../delivery/outbound/target.ts';
import { loadRows } from '../ingest/load-rows.ts';
import type { StoreLoad } from '../ingest/staging.ts';
import type { Calendar } from '../time/calendar.ts';
import type { ConnectorSpec } from './connector-spec.ts';
import { fetchPages } from './fetch-pages.ts';
import { sinceOf } from './since.ts';

/** What the first page of a connector would become; nothing is stored, and its place stays. */
export interface TriedConnector {
  readonly rows: number;
  readonly good: number;
  readonly rejected: number;
  readonly firstReject: string | null;
  /** The first row as the API sent it; null: the page is empty. */
  readonly sample: string | null;
}

/** @throws DaybookError `E_UNAVAILABLE` where trying again may help, else `E_INPUT` and such */
export async function tryConnector(
  of: {
    readonly tenant: { readonly id: string; readonly calendar: Calendar };
    readonly spec: ConnectorSpec;
    /** How far it has read; null: nothing yet. */
    readonly since: string | null;
    readonly secret: string | null;
  },
  deps: { readonly rules: TargetRules; readonly signal: AbortSignal },
): Promise<TriedConnector> {
  const { tenant, spec, secret } = of;
  const { rules, signal } = deps;
  const since = sinceOf(spec.since, of.since);
  for await (const { rows, lines } of fetchPages({ spec, since, secret, rules, signal })) {
    const loaded = await loadRows(
      onePiece(lines),
      {
        ...{ tenant, dataset: spec.dataset, name: 'the first page', format: 'ndjson' },
        ...{ map: spec.map ?? null, requestedBy: '', completeThrough: null },
      },
      { store: counted, signal },
    );
    return {
      rows: rows.length,
      good: loaded.loaded,
      ...{ rejected: loaded.rejected, firstReject: loaded.first_reject },
      sample: rows.length === 0 ? null : JSON.stringify(rows[0]),
    };
  }
  throw new Error('a connector has no first page');
}

/** Takes rows as a store does, and keeps none. */
const counted: StoreLoad = async (_load, _columns, fill) => {
  const { good } = await fill(async () => {});
  return {
    ...{ loadId: '', loaded: good, updated: 0, unchanged: 0, superseded: 0, removed: 0 },
    ...{ legs: null, completeThrough: null },
  };
};

async function* onePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
