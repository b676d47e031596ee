import type { LineClass } from '../billing/reconcile/classify.ts';
import type { LineState } from '../billing/reconcile/moves.ts';
import type { Tx } from './database.ts';

/** The lines of a reconciliation that are not simply matched. All functions work within a tenant. */

export type KeptClass = Exclude<LineClass, 'matched'>;

/** Money is exact text, instants are UTC epoch ms; null where that side has no row. */
export interface NewLine {
  readonly lineNo: number;
  readonly class: KeptClass;
  readonly caller: string | null;
  readonly callee: string | null;
  readonly callId: string | null;
  readonly startedAt: number | null;
  readonly billedSeconds: number | null;
  readonly amount: string | null;
  readonly theirRow: number | null;
  readonly theirId: string | null;
  readonly theirStartedAt: number | null;
  readonly theirBilledSeconds: number | null;
  readonly theirAmount: string | null;
  /** Theirs less ours. */
  readonly explains: string;
}

export interface Line extends NewLine {
  readonly state: LineState;
  readonly changedBy: string | null;
  readonly changedAt: Date | null;
}

export async function insertLines(
  tx: Tx,
  tenantId: string,
  reconciliationId: string,
  lines: readonly NewLine[],
): Promise<void> {
  const of = <K extends keyof NewLine>(key: K) => lines.map((line) => line[key]);
  await tx.run(
    `insert into daybook.reconciliation_lines (tenant_id, reconciliation_id, line_no, class, caller,
       callee, call_id, started_at, billed_seconds, amount, their_row, their_id, their_started_at,
       their_billed_seconds, their_amount, explains)
     select $1, $2, l.line_no, l.class, l.caller, l.callee, l.call_id,
       timestamptz 'epoch' + l.started_ms * interval '1 millisecond', l.billed_seconds, l.amount,
       l.their_row, l.their_id, timestamptz 'epoch' + l.their_started_ms * interval '1 millisecond',
       l.their_billed_seconds, l.their_amount, l.explains
     from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
       $9::bigint[], $10::numeric[], $11::bigint[], $12::text[], $13::float8[], $14::bigint[],
       $15::numeric[], $16::numeric[])
     as l (line_no, class, caller, callee, call_id, started_ms, billed_seconds, amount, their_row,
       their_id, their_started_ms, their_billed_seconds, their_amount, explains)`,
    [
      tenantId,
      reconciliationId,
      of('lineNo'),
      of('class'),
      of('caller'),
      of('callee'),
      of('callId'),
      of('startedAt'),
      of('billedSeconds'),
      of('amount'),
      of('theirRow'),
      of('theirId'),
      of('theirStartedAt'),
      of('theirBilledSeconds'),
      of('theirAmount'),
      of('explains'),
    ],
  );
}

/** In their order, after `afterLine`. */
export async function listLines(
  tx: Tx,
  page: {
    readonly tenantId: string;
    readonly reconciliationId: string;
    readonly afterLine: number;
    readonly limit: number;
    readonly class?: KeptClass;
    readonly state?: LineState;
  },
): Promise<Line[]> {
  return tx.query<Line>(
    `select line_no::float8 as "lineNo", class, caller, callee, call_id as "callId",
       floor(extract(epoch from started_at) * 1000)::float8 as "startedAt",
       billed_seconds::float8 as "billedSeconds", amount::text, their_row::float8 as "theirRow",
       their_id as "theirId", floor(extract(epoch from their_started_at) * 1000)::float8
         as "theirStartedAt", their_billed_seconds::float8 as "theirBilledSeconds",
       their_amount::text as "theirAmount", explains::text, state, changed_by as "changedBy",
       changed_at as "changedAt"
     from daybook.reconciliation_lines
     where tenant_id = $1 and reconciliation_id = $2 and line_no > $3
       and ($4::text is null or class = $4) and ($5::text is null or state = $5)
     order by line_no limit $6`,
    [
      page.tenantId,
      page.reconciliationId,
      page.afterLine,
      page.class ?? null,
      page.state ?? null,
      page.limit,
    ],
  );
}
