import { join } from 'node:path';
import type { PartPlace, PartStore } from '../reports/ports.ts';
import { openFragmentWriter } from './fragment-part.ts';
import { openRowsPartWriter, readRowsPart } from './rows-part.ts';

/** Parts in files below a home folder: `parts/<tenant>/<2 digits>/<key>.<kind>`. */
export function createPartStore(home: string): PartStore {
  return {
    openRowsWriter: ({ place, dataset, dataAsOf }) =>
      openRowsPartWriter({
        home,
        path: pathOf(place, 'rows'),
        key: place.key,
        dataset,
        dataAsOf,
        durable: place.scratchDir === null,
      }),
    readRows: (ref, dataset, fields) => readRowsPart(home, ref, dataset, fields),
    openFragmentWriter: ({ place }) =>
      openFragmentWriter({
        home,
        path: pathOf(place, 'fragment'),
        key: place.key,
        durable: place.scratchDir === null,
      }),
  };
}

function pathOf(place: PartPlace, kind: 'rows' | 'fragment'): string {
  const folder = place.scratchDir ?? join('parts', place.tenantId, place.key.slice(0, 2));
  return join(folder, `${place.key}.${kind}`);
}
