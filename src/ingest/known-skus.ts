import { nearest } from '../reports/suggest.ts';
import type { Tx } from '../store/database.ts';
import { readDatasetSettings } from '../store/dataset-settings.ts';
import { listSkus } from '../store/products.ts';

/** The products that order lines may name, where a tenant wants only those. */
export interface KnownSkus {
  has(sku: string): boolean;
  /** What was probably meant; null: nothing is near. */
  suggest(sku: string): string | null;
}

/** Looking through all products takes time: so many different unknown ones are looked for. */
const MOST_SUGGESTED = 2_000;

/**
 * A suggestion is the product that differs by capitals, blanks, hyphens or leading zeros alone, else
 * the nearest by edit distance, if a third of its letters at most differ.
 */
export function knownSkus(skus: readonly string[]): KnownSkus {
  const known = new Set(skus);
  const alike = new Map<string, string>();
  for (const sku of skus) if (!alike.has(plain(sku))) alike.set(plain(sku), sku);
  const suggested = new Map<string, string | null>();
  return {
    has: (sku) => known.has(sku),
    suggest(sku) {
      const earlier = suggested.get(sku);
      if (earlier !== undefined || suggested.size >= MOST_SUGGESTED) return earlier ?? null;
      const found = alike.get(plain(sku)) ?? nearest(sku, skus);
      suggested.set(sku, found);
      return found;
    },
  };
}

function plain(sku: string): string {
  return sku
    .toLowerCase()
    .replace(/[\s\-_./]/g, '')
    .replace(/^0+(?=.)/, '');
}

/** Null: the tenant takes any sku, or the dataset has none. */
export async function readKnownSkus(
  tx: Tx,
  tenantId: string,
  dataset: string,
): Promise<KnownSkus | null> {
  if (dataset !== 'order_lines') return null;
  const settings = await readDatasetSettings(tx, tenantId, dataset);
  return settings.knownSkus ? knownSkus(await listSkus(tx, tenantId)) : null;
}
