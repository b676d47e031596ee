import { balancesTable } from '../reports/balances.ts';
import type { ReportDocument, Table } from '../reports/document.ts';
import type { Filter } from '../reports/request.ts';
import type { Database } from '../store/database.ts';
import { balancesBefore } from '../store/money-proof.ts';
import type { ReportJob } from './report-job.ts';

/**
 * Opening and closing balances of a statement. None where a filter leaves out lines of a payer: then
 * its lines do not lead from one balance to the other.
 */
export async function describeBalances(
  { request, tenant }: Pick<ReportJob, 'request' | 'tenant'>,
  document: ReportDocument,
  { database }: { readonly database: Database },
): Promise<Table | null> {
  const payers = payersOf(request.where);
  if (request.report !== 'statement' || payers === undefined) return null;
  const { start } = document.window;
  const openings = await database.asTenant(
    tenant.id,
    (tx) => balancesBefore(tx, { tenantId: tenant.id, instant: start, payers }),
    { readOnly: true },
  );
  return balancesTable(document, openings);
}

/** Null: of all; undefined: of parts of payers. */
function payersOf(where: readonly Filter[]): readonly string[] | null | undefined {
  if (where.length === 0) return null;
  const [only] = where;
  return where.length === 1 && only.field === 'payer' && only.op === '=' ? only.values : undefined;
}
