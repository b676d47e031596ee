import { DaybookError } from '../errors.ts';
import type { DatasetName } from './dataset.ts';
import type { ReportKind } from './define-report.ts';
import { agents } from './kinds/agents.ts';
import { billing } from './kinds/billing.ts';
import { calls } from './kinds/calls.ts';
import { charges } from './kinds/charges.ts';
import { products } from './kinds/products.ts';
import { proposals } from './kinds/proposals.ts';
import { queues } from './kinds/queues.ts';
import { reconciliation } from './kinds/reconciliation.ts';
import { sales } from './kinds/sales.ts';
import { salesDaily } from './kinds/sales-daily.ts';
import { statement } from './kinds/statement.ts';
import { traffic } from './kinds/traffic.ts';
import { suggestion } from './suggest.ts';

const KINDS: readonly ReportKind[] = [
  calls,
  queues,
  agents,
  traffic,
  sales,
  salesDaily,
  products,
  proposals,
  billing,
  charges,
  statement,
  reconciliation,
];

const BY_NAME: ReadonlyMap<string, ReportKind> = new Map(KINDS.map((kind) => [kind.name, kind]));

/** @throws DaybookError `E_UNKNOWN_REPORT` */
export function reportKind(name: string): ReportKind {
  const kind = BY_NAME.get(name);
  if (kind === undefined) {
    const names = [...BY_NAME.keys()];
    throw new DaybookError('E_UNKNOWN_REPORT', {
      got: JSON.stringify(name.slice(0, 64)),
      expected: names.join(', ') + suggestion(name, names),
    });
  }
  return kind;
}

/** The report of a dataset that has a line per row. */
export function rowReportOf(dataset: DatasetName): ReportKind {
  const kind = KINDS.find((each) => each.dataset === dataset && each.shape === 'rows');
  if (kind === undefined) throw new RangeError(`no report has a line per row of ${dataset}`);
  return kind;
}

export function listReportKinds(): readonly ReportKind[] {
  return KINDS;
}
