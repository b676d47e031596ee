import { DaybookError } from '../errors.ts';
import { CALL_LEGS } from '../mapping/call-legs.ts';
import { type LoadMap, NO_MAP } from '../mapping/load-map.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import type { RowReader } from '../mapping/row.ts';
import { type Dataset, type DatasetName, datasetOf } from '../reports/dataset.ts';
import type { MirrorOrder, StageColumn, Staged } from '../store/loads.ts';
import type { Calendar } from '../time/calendar.ts';
import type { Bytes } from './byte-source.ts';
import { CopyWriter } from './copy-writer.ts';
import { DayCounter } from './day-counter.ts';
import type { InputFormat } from './input-format.ts';
import type { KnownSkus } from './known-skus.ts';
import { columnsOf, openRows } from './open-rows.ts';
import { RowEncoder, stageColumns } from './row-encoder.ts';
import type { StoreLoad } from './staging.ts';

/** Loading: bytes from anywhere, through a map, into the store, all of it or nothing. */

export interface LoadRequest {
  readonly tenant: { readonly id: string; readonly calendar: Calendar };
  readonly dataset: DatasetName;
  /** Of the file, for messages, for its ending and for the record. */
  readonly name: string;
  /** Null: by the name's ending, else by the first bytes. */
  readonly format: InputFormat | null;
  /** As it was written; null: none. */
  readonly map: unknown;
  readonly requestedBy: string;
  /** UTC epoch ms; null: not said. */
  readonly completeThrough: number | null;
  /** The rows are all there are; what stands besides is removed. Left out: none is. */
  readonly mirror?: MirrorOrder | null;
  /** Null, or left out: any sku is taken. */
  readonly knownSkus?: KnownSkus | null;
}

export interface LoadResult {
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** Tenant-local days that the rows taken fall on. */
  readonly days: number;
  /** Rows that a later row of the same file with the same key replaced; none of the above. */
  readonly superseded: number;
  /** Rows that were not in a mirror's snapshot any more. */
  readonly removed: number;
  /** Where rows are legs of calls: how many were folded. The other numbers are of calls then. */
  readonly legs?: number;
  /** Rows taken with a remark: see `_flags` in their `extra`. */
  readonly flagged: { readonly ambiguous: number; readonly not_utf8: number };
  /** Why the first row that was rejected was. */
  readonly first_reject: string | null;
  readonly complete_through: string | null;
  readonly load_id: string;
}

export interface LoadProgress {
  readonly rows: number;
  readonly rejected: number;
  /** All rows are read; the database merges them. */
  readonly merging: boolean;
}

/** What is written at once to the database. */
const PIECE_BYTES = 1 << 18;

/**
 * @param onOpened is told what is being read before the first row is
 * @throws DaybookError `E_MAP`, `E_INPUT`; `E_MIRROR_REFUSED`; what else the store throws
 */
export async function loadRows(
  bytes: Bytes,
  request: LoadRequest,
  surroundings: {
    readonly store: StoreLoad;
    readonly signal: AbortSignal;
    readonly onOpened?: (description: string) => void;
    readonly onProgress?: (progress: LoadProgress) => void;
  },
): Promise<LoadResult> {
  const dataset = datasetOf(request.dataset);
  const map = request.map === null ? NO_MAP : parseLoadMap(request.map, dataset);
  let reader: RowReader | null = null;
  try {
    const opened = await openRows(bytes, { ...request, map, dataset });
    reader = opened.reader;
    surroundings.onOpened?.(opened.description);
    const columns = columnsOf(reader, map, dataset);
    const { map: rawMap } = request;
    const result = await storeRows(reader, { ...request, map, columns, rawMap }, surroundings);
    await reader.close();
    return result;
  } catch (error) {
    // Not awaited: a source that says nothing more, such as a pipe, may never close by itself.
    reader?.close().catch(() => {});
    throw toLoadError(error, request.name, surroundings.signal);
  }
}

function toLoadError(error: unknown, name: string, signal: AbortSignal): unknown {
  if (signal.aborted) {
    return new DaybookError('E_CANCELLED', { what: 'the load of', got: name }, error);
  }
  const { syscall, code, message } = error as NodeJS.ErrnoException;
  if (error instanceof DaybookError || syscall === undefined || code === 'ENOSPC') return error;
  return new DaybookError('E_IO', { where: name, reason: message }, error);
}

/** {@link loadRows} for rows that are open already, such as rejects that were mended. */
export async function storeRows(
  reader: RowReader,
  request: Omit<LoadRequest, 'map' | 'format'> & {
    readonly map: LoadMap;
    readonly rawMap: unknown;
    readonly columns: readonly string[];
    /** Rows are rejects that are sent once more: those that are taken are settled. */
    readonly onlyRejects?: boolean;
  },
  surroundings: {
    readonly store: StoreLoad;
    readonly signal: AbortSignal;
    readonly onProgress?: (progress: LoadProgress) => void;
    readonly onReject?: (rejectId: string | null, reason: string) => void;
  },
): Promise<LoadResult> {
  const dataset = datasetOf(request.dataset);
  const shape = request.map.legs ? CALL_LEGS : dataset;
  const writer = new CopyWriter(PIECE_BYTES * 2);
  const encoder = new RowEncoder({
    dataset: shape,
    map: request.map,
    columns: request.columns,
    fixedCount: reader.columns !== null,
    writer,
    knownSkus: request.knownSkus ?? null,
  });
  const staging = stageFrom(reader, encoder, writer, request, surroundings);
  const { stored, staged, firstReject } = await staging(stageColumns(shape), dataset);
  return {
    loaded: stored.loaded,
    updated: stored.updated,
    unchanged: stored.unchanged,
    rejected: staged.rejected,
    days: staged.days,
    superseded: stored.superseded,
    removed: stored.removed,
    ...(stored.legs === null ? {} : { legs: stored.legs }),
    flagged: { ambiguous: encoder.ambiguous, not_utf8: encoder.notUtf8 },
    first_reject: firstReject,
    complete_through:
      stored.completeThrough === null ? null : new Date(stored.completeThrough).toISOString(),
    load_id: stored.loadId,
  };
}

function stageFrom(
  reader: RowReader,
  encoder: RowEncoder,
  writer: CopyWriter,
  request: Parameters<typeof storeRows>[1],
  surroundings: Parameters<typeof storeRows>[2],
) {
  const { store, signal } = surroundings;
  return async (columns: StageColumn[], dataset: Dataset) => {
    const days = new DayCounter(request.tenant.calendar);
    const settled: string[] = [];
    let good = 0;
    let rejected = 0;
    let firstReject: string | null = null;

    const fill = async (write: (bytes: Buffer) => Promise<void>): Promise<Staged> => {
      let more = true;
      while (more) {
        signal.throwIfAborted();
        more = await reader.next((row) => {
          if (encoder.encode(row)) {
            good++;
            days.add(encoder.anchorMs);
            if (row.rejectId !== null) settled.push(row.rejectId);
            return;
          }
          rejected++;
          const refusal = encoder.lastRefusal;
          const reason = `${refusal?.field === null ? '' : `${refusal?.field}: `}${refusal?.reason}`;
          firstReject ??= `row ${row.number}: ${reason}`;
          surroundings.onReject?.(row.rejectId, reason);
        });
        if (writer.length >= PIECE_BYTES) await write(writer.take());
        surroundings.onProgress?.({ rows: good + rejected, rejected, merging: !more });
      }
      writer.endOfRows();
      await write(writer.take());
      return { good, rejected, days: days.count, settledRejects: settled, firstReject };
    };

    const plan = {
      tenantId: request.tenant.id,
      dataset: dataset.name,
      fileName: request.name,
      map: request.rawMap,
      requestedBy: request.requestedBy,
      completeThrough: request.completeThrough,
      keepRejects: request.onlyRejects !== true,
      mirror: request.mirror ?? null,
      legs: request.map.legs,
    };
    const stored = await store(plan, columns, fill, signal);
    return { stored, staged: { good, rejected, days: days.count }, firstReject };
  };
}
