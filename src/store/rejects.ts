import type { DatasetName } from '../reports/dataset.ts';
import type { Tx } from './database.ts';

/** Rows that were refused, kept with their reason until a mended one is loaded. */

export interface Reject {
  /** A whole number as text. */
  readonly id: string;
  readonly dataset: DatasetName;
  readonly loadId: string;
  readonly fileName: string;
  /** The map of the load; null: none. */
  readonly map: unknown;
  /** Counted from 1 after the header. */
  readonly rowNumber: number;
  readonly field: string | null;
  readonly code: string;
  readonly reason: string;
  readonly raw: {
    readonly columns: readonly string[];
    readonly values: readonly (string | null)[];
    readonly line?: string;
  };
  /** What was probably meant instead of the field's text. */
  readonly suggestion: string | null;
  readonly state: 'open' | 'resolved';
  readonly createdAt: Date;
}

export interface RejectFilter {
  readonly tenantId: string;
  readonly dataset?: DatasetName;
  readonly state?: Reject['state'];
  readonly ids?: readonly string[];
}

const MOST_PER_PAGE = 1000;

/** A page by ascending id, after `afterId` where given; at most 1,000. */
export async function listRejects(
  tx: Tx,
  filter: RejectFilter & { readonly afterId?: string; readonly limit?: number },
): Promise<Reject[]> {
  const rows = await tx.query<Omit<Reject, 'rowNumber'> & { rowNumber: string }>(
    `select r.id, r.dataset, r.load_id as "loadId", l.file_name as "fileName", l.map,
       r.row_number as "rowNumber", r.field, r.code, r.reason, r.raw, r.suggestion, r.state,
       r.created_at as "createdAt"
     from daybook.rejects r join daybook.loads l on l.id = r.load_id
     where ${WHERE} and r.id > $5 order by r.id limit $6`,
    [
      ...valuesOf(filter),
      filter.afterId ?? '0',
      Math.min(filter.limit ?? MOST_PER_PAGE, MOST_PER_PAGE),
    ],
  );
  return rows.map((row) => ({ ...row, rowNumber: Number(row.rowNumber) }));
}

/** All of them, a page at a time. */
export async function* eachReject(tx: Tx, filter: RejectFilter): AsyncGenerator<Reject> {
  let afterId = '0';
  for (;;) {
    const page = await listRejects(tx, { ...filter, afterId });
    yield* page;
    if (page.length < MOST_PER_PAGE) return;
    afterId = page[page.length - 1].id;
  }
}

/** The columns of all their raw rows, in order of appearance, the widest row, and if any has a suggestion. */
export async function rejectColumns(
  tx: Tx,
  filter: RejectFilter,
): Promise<{ columns: string[]; widest: number; hasSuggestions: boolean }> {
  const rows = await tx.query<{ columns: string[]; widest: number; suggested: boolean }>(
    `select r.raw -> 'columns' as columns, max(jsonb_array_length(r.raw -> 'values')) as widest,
       bool_or(r.suggestion is not null) as suggested
     from daybook.rejects r where ${WHERE} group by 1 order by min(r.id)`,
    valuesOf(filter),
  );
  return {
    columns: [...new Set(rows.flatMap((row) => row.columns))],
    widest: Math.max(0, ...rows.map((row) => row.widest)),
    hasSuggestions: rows.some((row) => row.suggested),
  };
}

export async function countRejects(tx: Tx, filter: RejectFilter): Promise<number> {
  const [{ count }] = await tx.query<{ count: string }>(
    `select count(*) as count from daybook.rejects r where ${WHERE}`,
    valuesOf(filter),
  );
  return Number(count);
}

const WHERE = `r.tenant_id = $1 and ($2::text is null or r.dataset = $2)
  and ($3::text is null or r.state = $3) and ($4::bigint[] is null or r.id = any ($4))`;

function valuesOf({ tenantId, dataset, state, ids }: RejectFilter): unknown[] {
  return [tenantId, dataset ?? null, state ?? null, ids ?? null];
}
