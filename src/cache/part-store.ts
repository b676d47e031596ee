import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { PartPlace, PartStore } from '../reports/ports.ts';
import { openFragmentWriter } from './fragment-part.ts';
import type { PartTarget } from './part-file.ts';
import { openRowsPartWriter, readRowsPart } from './rows-part.ts';
import { makingFolder } from './unfinished.ts';

/**
 * Parts in files below a home folder: `parts/<tenant>/<2 digits>/<key>.<nonce>.<kind>`. Each making
 * has a place of its own, so that nobody ever writes where somebody removes.
 */
export function createPartStore(home: string): PartStore {
  return {
    openRowsWriter: ({ place, dataset, dataAsOf }) => {
      const path = pathOf(place, 'rows');
      const target = targetOf(home, path, place);
      return openRowsPartWriter({ target, path, key: place.key, dataset, dataAsOf });
    },
    readRows: (ref, dataset) => readRowsPart(home, ref, dataset),
    openFragmentWriter: ({ place }) => {
      const path = pathOf(place, 'fragment');
      return openFragmentWriter({ target: targetOf(home, path, place), path, key: place.key });
    },
  };
}

function pathOf(place: PartPlace, kind: 'rows' | 'fragment'): string {
  const folder = place.scratchDir ?? join('parts', place.tenantId, place.key.slice(0, 2));
  return join(folder, `${place.key}.${randomBytes(4).toString('hex')}.${kind}`);
}

function targetOf(home: string, path: string, { scratchDir }: PartPlace): PartTarget {
  return {
    path: join(home, path),
    makingFolder: join(home, scratchDir ?? makingFolder('parts')),
    where: `DAYBOOK_HOME/${scratchDir === null ? 'parts' : 'tmp'}`,
  };
}
