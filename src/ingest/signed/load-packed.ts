import { Readable } from 'node:stream';
import { NO_MAP } from '../../mapping/load-map.ts';
import { parseLoadMap } from '../../mapping/parse-load-map.ts';
import { datasetOf } from '../../reports/dataset.ts';
import { asUtf8, unzipped } from '../byte-source.ts';
import { type LoadRequest, type LoadResult, storeRows } from '../load-rows.ts';
import { columnsOf, openObjects } from '../open-rows.ts';
import type { StoreLoad } from '../staging.ts';

/**
 * Loads what `packBody` packed. Nothing is guessed from the bytes: whatever looks like another
 * format is a row that is refused.
 * @throws DaybookError `E_MAP`, `E_INPUT`; what the store throws
 */
export async function loadPacked(
  pieces: readonly Buffer[],
  request: Omit<LoadRequest, 'format'>,
  surroundings: { readonly store: StoreLoad; readonly signal: AbortSignal },
): Promise<LoadResult> {
  const dataset = datasetOf(request.dataset);
  const map = request.map === null ? NO_MAP : parseLoadMap(request.map, dataset);
  const plain = await unzipped(Readable.from(pieces), request.name);
  const bytes = asUtf8(plain.head, plain.bytes);
  const columns = columnsOf({ columns: null }, map, dataset);
  const reader = openObjects(bytes, map, dataset);
  try {
    return await storeRows(reader, { ...request, map, columns, rawMap: request.map }, surroundings);
  } finally {
    await reader.close();
  }
}
