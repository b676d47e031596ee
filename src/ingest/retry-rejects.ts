import { DaybookError } from '../errors.ts';
import { NO_MAP } from '../mapping/load-map.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { type DatasetName, datasetOf } from '../reports/dataset.ts';
import { acceptSuggestion } from './accept-suggestion.ts';
import type { Bytes } from './byte-source.ts';
import type { KnownSkus } from './known-skus.ts';
import { type LoadRequest, storeRows } from './load-rows.ts';
import {
  type MendedLine,
  type MendedRow,
  mend,
  mendedRows,
  readMendedFile,
} from './mended-rows.ts';
import type { StoreLoad } from './staging.ts';

/** Refused rows once more: those of one load together, through that load's map. */

export interface StoredReject {
  readonly id: string;
  readonly dataset: DatasetName;
  readonly loadId: string;
  readonly fileName: string;
  readonly map: unknown;
  readonly rowNumber: number;
  readonly state: 'open' | 'resolved';
  readonly field: string | null;
  readonly suggestion: string | null;
  readonly raw: {
    readonly columns: readonly string[];
    readonly values: readonly (string | null)[];
  };
}

export interface RetryResult {
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly superseded: number;
  readonly rejected: number;
  readonly still_rejected: readonly { readonly reject_id: string; readonly reason: string }[];
}

interface Group {
  readonly like: StoredReject;
  readonly rows: MendedRow[];
}

/**
 * Rows that are taken settle their rejects, in the same transaction; the others stay open as they
 * were. Rows of one load and one set of columns are one transaction.
 * @param options.mended null: the rows as they came, for another map
 * @param options.map undefined: each load's own
 * @throws DaybookError `E_INPUT` for an id that is no open reject here, before anything is loaded
 */
export async function retryRejects(options: {
  readonly tenant: LoadRequest['tenant'];
  readonly requestedBy: string;
  readonly mended: { readonly bytes: Bytes; readonly name: string } | null;
  readonly map: unknown;
  /** Null: all open ones. */
  readonly rejectsOf: (ids: readonly string[] | null) => Promise<readonly StoredReject[]>;
  /** What was probably meant is taken, where nobody wrote anything else. Left out: it is not. */
  readonly acceptSuggestions?: boolean;
  /** Left out: any sku is taken. */
  readonly knownSkusOf?: (dataset: DatasetName) => Promise<KnownSkus | null>;
  readonly store: StoreLoad;
  readonly signal: AbortSignal;
}): Promise<RetryResult> {
  const { mended } = options;
  const lines = mended === null ? null : await readMendedFile(mended.bytes, mended.name);
  const rejects = await options.rejectsOf(lines?.map((line) => line.rejectId) ?? null);
  const rows = lines === null ? rejects.map(asTheyCame) : mendedOnes(lines, rejects, mended?.name);
  const byId = new Map(rejects.map((reject) => [reject.id, reject]));
  const total = { loaded: 0, updated: 0, unchanged: 0, superseded: 0, rejected: 0 };
  const still: { reject_id: string; reason: string }[] = [];
  for (const { like, rows: members } of groupsOf(rejects, rows)) {
    const rawMap = options.map === undefined ? like.map : options.map;
    const map = rawMap === null ? NO_MAP : parseLoadMap(rawMap, datasetOf(like.dataset));
    const taken = options.acceptSuggestions
      ? members.map((row) => acceptSuggestion(row, byId.get(row.rejectId), map))
      : members;
    const knownSkus = (await options.knownSkusOf?.(like.dataset)) ?? null;
    const result = await storeRows(
      mendedRows(like.raw.columns, taken),
      {
        tenant: options.tenant,
        dataset: like.dataset,
        name: mended?.name ?? like.fileName,
        map,
        rawMap,
        columns: like.raw.columns,
        requestedBy: options.requestedBy,
        completeThrough: null,
        knownSkus,
        onlyRejects: true,
      },
      {
        store: options.store,
        signal: options.signal,
        onReject: (rejectId, reason) => still.push({ reject_id: rejectId ?? '', reason }),
      },
    );
    total.loaded += result.loaded;
    total.updated += result.updated;
    total.unchanged += result.unchanged;
    total.superseded += result.superseded;
    total.rejected += result.rejected;
  }
  return { ...total, still_rejected: still };
}

function asTheyCame(reject: StoredReject): MendedRow {
  return { rejectId: reject.id, rowNumber: reject.rowNumber, texts: reject.raw.values, dates: [] };
}

function mendedOnes(
  lines: readonly MendedLine[],
  rejects: readonly StoredReject[],
  name = '',
): MendedRow[] {
  const byId = new Map(rejects.map((reject) => [reject.id, reject]));
  return lines.map((line) => {
    const reject = byId.get(line.rejectId);
    if (reject?.state === 'open') return mend(line, reject);
    throw new DaybookError('E_INPUT', {
      where: name,
      reason: `reject ${line.rejectId} is ${reject ? 'settled already' : 'not one of this tenant'}`,
    });
  });
}

function groupsOf(rejects: readonly StoredReject[], rows: readonly MendedRow[]): Group[] {
  const byId = new Map(rejects.map((reject) => [reject.id, reject]));
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const like = byId.get(row.rejectId);
    if (!like) continue;
    const key = JSON.stringify([like.loadId, like.raw.columns]);
    const group = groups.get(key) ?? { like, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => ({
    ...group,
    // In the order of their file, so that of two rows with one key the later one wins again.
    rows: group.rows.sort((a, b) => a.rowNumber - b.rowNumber),
  }));
}
