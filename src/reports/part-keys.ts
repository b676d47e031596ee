import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { Dataset } from './dataset.ts';
import type { FragmentSpec } from './fragment.ts';
import { reportKind } from './registry.ts';
import type { Filter, Grain, ParamValue, ReportName } from './request.ts';
import type { FoldSpec } from './totals.ts';

/**
 * Names of parts, as SHA-256 in hex over everything that decides their content. The version
 * numbers are raised when the code that makes a part changes what it makes.
 */

const ROWS_VERSION = 2;
const FRAGMENT_VERSION = 2;
const TOTALS_VERSION = 1;

export function rowsPartKey(of: {
  tenantId: string;
  dataset: Dataset;
  window: { readonly start: number; readonly end: number };
  /** Data versions of the window, as read in the snapshot of its rows. */
  fingerprint: string;
}): string {
  return digest({
    kind: 'rows',
    version: ROWS_VERSION,
    tenantId: of.tenantId,
    dataset: of.dataset.name,
    fields: of.dataset.fields.map((field) => [field.name, field.type]),
    start: of.window.start,
    end: of.window.end,
    fingerprint: of.fingerprint,
  });
}

export function fragmentKey(of: {
  rowsKey: string;
  zone: string;
  date: string;
  report: ReportName;
  grain: Grain;
  where: readonly Filter[];
  params: Readonly<Record<string, ParamValue>>;
  spec: FragmentSpec;
}): string {
  return digest({ kind: 'fragment', version: FRAGMENT_VERSION, ...of });
}

/** A report's measures belong to the key: totals hold their values by position. */
export function totalsKey(of: { rowsKey: string; zone: string; fold: FoldSpec }): string {
  const measures = reportKind(of.fold.report).measures.map((measure) => measure.key);
  return digest({ kind: 'totals', version: TOTALS_VERSION, measures, ...of });
}

function digest(value: object): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
