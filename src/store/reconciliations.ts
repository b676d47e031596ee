import type { LineClass } from '../billing/reconcile/classify.ts';
import {
  type LineState,
  moveReconciliation,
  type ReconciliationMove,
  type ReconciliationState,
} from '../billing/reconcile/moves.ts';
import { DaybookError } from '../errors.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';
import { lockPeriod, releaseLock } from './period-locks.ts';

/**
 * Reconciliations and how they are dealt with. What was found never changes; a sign-off locks the
 * period in the same transaction, and its release opens both. All functions work within a tenant.
 */

/** Money is exact text. */
export interface ClassSum {
  readonly rows: number;
  readonly ours: string;
  readonly theirs: string;
  readonly explains: string;
}

export interface NewReconciliation {
  /** That of the run that made it; absent: one of its own. */
  readonly id?: string;
  readonly tenantId: string;
  readonly period: Period;
  readonly zone: string;
  readonly carrier: string;
  /** Of the carrier's file, hex; null: it was made of loaded rows. */
  readonly carrierSha256: string | null;
  readonly currency: string;
  /** As it was asked for. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly ourRows: number;
  readonly theirRows: number;
  readonly ourTotal: string;
  readonly theirTotal: string;
  readonly classes: Readonly<Record<LineClass, ClassSum>>;
  readonly unrated: number;
  readonly requestedBy: string;
}

export interface Reconciliation extends Omit<NewReconciliation, 'tenantId' | 'id'> {
  readonly id: string;
  readonly state: ReconciliationState;
  /** Lines that are disputed now. */
  readonly disputed: number;
  readonly createdAt: Date;
  readonly createdAtMicros: string;
  readonly signedOffBy: string | null;
  readonly signedOffAt: Date | null;
  readonly lockId: string | null;
}

const COLUMNS = `r.id, json_build_object('from', to_char(r.period_from, 'YYYY-MM-DD'),
    'to', to_char(r.period_to, 'YYYY-MM-DD')) as period, r.zone, r.carrier,
  r.carrier_sha256 as "carrierSha256", r.currency, r.request, r.our_rows::float8 as "ourRows",
  r.their_rows::float8 as "theirRows", r.our_total::text as "ourTotal",
  r.their_total::text as "theirTotal", r.classes, r.unrated::float8 as unrated, r.state,
  r.requested_by as "requestedBy", r.created_at as "createdAt",
  (extract(epoch from r.created_at) * 1000000)::bigint::text as "createdAtMicros",
  r.signed_off_by as "signedOffBy", r.signed_off_at as "signedOffAt", r.lock_id as "lockId",
  (select count(*) from daybook.reconciliation_lines l where l.tenant_id = r.tenant_id
     and l.reconciliation_id = r.id and l.state = 'disputed')::float8 as disputed`;

/** @returns its id */
export async function insertReconciliation(tx: Tx, made: NewReconciliation): Promise<string> {
  const [{ id }] = await tx.query<{ id: string }>(
    `insert into daybook.reconciliations (tenant_id, period_from, period_to, zone, carrier,
       carrier_sha256, currency, request, our_rows, their_rows, our_total, their_total, classes,
       unrated, requested_by, id)
     values ($1, $2::date, $3::date, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
       coalesce($16::uuid, gen_random_uuid()))
     returning id`,
    [
      made.tenantId,
      made.period.from,
      made.period.to,
      made.zone,
      made.carrier,
      made.carrierSha256,
      made.currency,
      JSON.stringify(made.request),
      made.ourRows,
      made.theirRows,
      made.ourTotal,
      made.theirTotal,
      JSON.stringify(made.classes),
      made.unrated,
      made.requestedBy,
      made.id ?? null,
    ],
  );
  return id;
}

/** Newest first, after `after` where given. */
export async function listReconciliations(
  tx: Tx,
  page: {
    readonly tenantId: string;
    readonly limit: number;
    readonly after: { readonly createdAtMicros: string; readonly id: string } | null;
    readonly state?: ReconciliationState;
  },
): Promise<Reconciliation[]> {
  return tx.query<Reconciliation>(
    `select ${COLUMNS} from daybook.reconciliations r
     where r.tenant_id = $1 and ($2::text is null or r.state = $2)
       and ($3::bigint is null or (r.created_at, r.id) <
         (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::uuid))
     order by r.created_at desc, r.id desc limit $5`,
    [
      page.tenantId,
      page.state ?? null,
      page.after?.createdAtMicros ?? null,
      page.after?.id ?? null,
      page.limit,
    ],
  );
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireReconciliation(
  tx: Tx,
  tenantId: string,
  id: string,
): Promise<Reconciliation> {
  const [found] = await tx.query<Reconciliation>(
    `select ${COLUMNS} from daybook.reconciliations r where r.tenant_id = $1 and r.id = $2`,
    [tenantId, id],
  );
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'reconciliation', got: id });
  return found;
}

/** Who deals with a reconciliation, and what they say of it. */
export interface Deed {
  readonly tenantId: string;
  readonly id: string;
  readonly by: string;
  /** Null: nothing. */
  readonly note: string | null;
}

/**
 * Signs it off and locks its period.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when it is signed off, or a line is disputed
 */
export async function signOff(tx: Tx, deed: Deed): Promise<Reconciliation> {
  const { period, carrier } = await beginMove(tx, deed, 'sign_off');
  const lock = await lockPeriod(tx, {
    tenantId: deed.tenantId,
    period,
    reason: `reconciled with ${carrier} and signed off`,
    lockedBy: deed.by,
  });
  await tx.run(
    `update daybook.reconciliations
     set state = 'signed_off', signed_off_by = $3, signed_off_at = now(), lock_id = $4
     where tenant_id = $1 and id = $2`,
    [deed.tenantId, deed.id, deed.by, lock.id],
  );
  await insertNote(tx, { ...deed, lineNo: null, kind: 'signed_off' });
  return requireReconciliation(tx, deed.tenantId, deed.id);
}

/**
 * Takes the sign-off back and releases the lock that it made.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when it is not signed off
 */
export async function unlock(tx: Tx, deed: Deed): Promise<Reconciliation> {
  const { lockId } = await beginMove(tx, deed, 'unlock');
  await tx.run(
    `update daybook.reconciliations
     set state = 'open', signed_off_by = null, signed_off_at = null, lock_id = null
     where tenant_id = $1 and id = $2`,
    [deed.tenantId, deed.id],
  );
  // Whoever has the right may have released the lock itself already.
  await releaseLock(tx, {
    tenantId: deed.tenantId,
    id: String(lockId),
    releasedBy: deed.by,
  }).catch((error: unknown) => {
    if (!(error instanceof DaybookError) || error.code !== 'E_NOT_FOUND') throw error;
  });
  await insertNote(tx, { ...deed, lineNo: null, kind: 'unlocked' });
  return requireReconciliation(tx, deed.tenantId, deed.id);
}

/**
 * Disputes a line, accepts it, or opens it again.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when the reconciliation is signed off
 */
export async function setLineState(
  tx: Tx,
  deed: Deed & { readonly lineNo: number; readonly state: LineState },
): Promise<void> {
  await beginMove(tx, deed, 'change_line');
  const changed = await tx.run(
    `update daybook.reconciliation_lines set state = $4, changed_by = $5, changed_at = now()
     where tenant_id = $1 and reconciliation_id = $2 and line_no = $3`,
    [deed.tenantId, deed.id, deed.lineNo, deed.state, deed.by],
  );
  if (changed === 0) throw new DaybookError('E_NOT_FOUND', { what: 'line', got: deed.lineNo });
  await insertNote(tx, { ...deed, kind: deed.state === 'open' ? 'reopened' : deed.state });
}

export interface Note {
  readonly id: string;
  /** Null: of the whole. */
  readonly lineNo: number | null;
  readonly kind: 'note' | 'disputed' | 'accepted' | 'reopened' | 'signed_off' | 'unlocked';
  readonly note: string | null;
  readonly writtenBy: string;
  readonly writtenAt: Date;
}

/** @throws DaybookError `E_NOT_FOUND` when there is no such reconciliation or line */
export async function addNote(
  tx: Tx,
  deed: Deed & { readonly lineNo: number | null },
): Promise<void> {
  await requireReconciliation(tx, deed.tenantId, deed.id);
  if (deed.lineNo !== null) {
    const [line] = await tx.query(
      `select from daybook.reconciliation_lines
       where tenant_id = $1 and reconciliation_id = $2 and line_no = $3`,
      [deed.tenantId, deed.id, deed.lineNo],
    );
    if (!line) throw new DaybookError('E_NOT_FOUND', { what: 'line', got: deed.lineNo });
  }
  await insertNote(tx, { ...deed, kind: 'note' });
}

/** Oldest first; at most 1,000. */
export async function listNotes(tx: Tx, tenantId: string, id: string): Promise<Note[]> {
  return tx.query<Note>(
    `select id::text, line_no::float8 as "lineNo", kind, note, written_by as "writtenBy",
       written_at as "writtenAt"
     from daybook.reconciliation_notes where tenant_id = $1 and reconciliation_id = $2
     order by daybook.reconciliation_notes.id limit 1000`,
    [tenantId, id],
  );
}

/** Deeds of one reconciliation take turns. */
async function beginMove(tx: Tx, deed: Deed, move: ReconciliationMove): Promise<Reconciliation> {
  await tx.query(
    'select from daybook.reconciliations where tenant_id = $1 and id = $2 for no key update',
    [deed.tenantId, deed.id],
  );
  const found = await requireReconciliation(tx, deed.tenantId, deed.id);
  moveReconciliation(move, found.state, found.disputed);
  return found;
}

async function insertNote(
  tx: Tx,
  deed: Deed & { readonly lineNo: number | null; readonly kind: Note['kind'] },
): Promise<void> {
  await tx.run(
    `insert into daybook.reconciliation_notes
       (tenant_id, reconciliation_id, line_no, kind, note, written_by)
     values ($1, $2, $3, $4, $5, $6)`,
    [deed.tenantId, deed.id, deed.lineNo, deed.kind, deed.note, deed.by],
  );
}
