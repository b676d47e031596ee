import type { Tx } from './database.ts';
import type { DeliveryState } from './deliveries.ts';
import type { DeliveryLease } from './delivery-leases.ts';

/**
 * Attempts to deliver, and how they ended. Each write names the lease: whoever lost it writes
 * nothing and is told so. Tenant transactions.
 */

/** Times are UTC epoch ms. */
export interface DeliveryAttempt {
  readonly attempt: number;
  readonly messageId: string;
  readonly via: string;
  readonly beganAt: number;
  /** Null: nothing of the message went out. */
  readonly dataAt: number | null;
  readonly endedAt: number | null;
  readonly outcome: 'sent' | 'temporary' | 'permanent' | 'ambiguous' | 'lost' | null;
  readonly stage: string | null;
  readonly code: string | null;
  readonly reply: string | null;
}

/** Writes down that attempts begin, one for each delivery of a message. False: a lease is lost. */
export async function beginAttempts(
  tx: Tx,
  leases: readonly DeliveryLease[],
  of: { readonly messageId: string; readonly via: string },
): Promise<boolean> {
  const begun = await tx.run(
    `with held as materialized (
       select d.id, d.tenant_id, d.attempts, d.lease_token
       from unnest($1::uuid[], $2::bigint[]) as h (id, token)
       join daybook.deliveries d on d.id = h.id
       where d.lease_token = h.token and d.state = 'sending' and d.lease_until >= now()
       for update of d),
     named as (
       update daybook.deliveries d set message_id = $3 from held where d.id = held.id)
     insert into daybook.delivery_attempts
       (tenant_id, delivery_id, attempt, lease_token, message_id, via)
     select tenant_id, id, attempts, lease_token, $3, $4 from held`,
    [...columnsOf(leases), of.messageId, of.via],
  );
  return begun === leases.length;
}

/**
 * Writes down that the message begins to go out. False: a lease is lost, and nothing may go. A lease
 * that is about to end counts as lost: the record would come too late.
 */
export async function noteDataBegun(tx: Tx, leases: readonly DeliveryLease[]): Promise<boolean> {
  const noted = await tx.run(
    `with held as materialized (
       select d.id, d.tenant_id, d.lease_token
       from unnest($1::uuid[], $2::bigint[]) as h (id, token)
       join daybook.deliveries d on d.id = h.id
       where d.lease_token = h.token and d.state = 'sending'
         and d.lease_until >= now() + interval '5 seconds'
       for update of d)
     update daybook.delivery_attempts a set data_at = now()
     from held where a.tenant_id = held.tenant_id and a.delivery_id = held.id
       and a.lease_token = held.lease_token and a.outcome is null`,
    columnsOf(leases),
  );
  return noted === leases.length;
}

/** How an attempt ended and where the delivery goes from there. */
export interface DeliveryEnd {
  readonly state: Exclude<DeliveryState, 'sending'>;
  /** Of an attempt that was begun; null: none was, as where a right was missing. */
  readonly outcome: Exclude<DeliveryAttempt['outcome'], 'lost' | null> | null;
  readonly stage: string | null;
  readonly code: string;
  readonly reply: string;
  /** UTC epoch ms, for what is tried again. */
  readonly notBefore: number | null;
  /** The next attempt sends a link. */
  readonly byLink: boolean;
}

/** Closes the attempts and moves the deliveries. False: a lease is lost, and nothing was written. */
export async function endDeliveries(
  tx: Tx,
  leases: readonly DeliveryLease[],
  end: DeliveryEnd,
): Promise<boolean> {
  const moved = await tx.query<{ id: string }>(
    `update daybook.deliveries d
     set state = $3, lease_owner = null, lease_until = null, last_code = $4, last_reply = $5,
         not_before = coalesce(
           timestamptz 'epoch' + $6::float8 * interval '1 millisecond', d.not_before),
         by_link = d.by_link or $7, sent_at = case when $3 = 'sent' then now() else d.sent_at end
     from unnest($1::uuid[], $2::bigint[]) as h (id, token)
     where d.id = h.id and d.lease_token = h.token and d.state = 'sending'
     returning d.id`,
    [...columnsOf(leases), end.state, end.code, end.reply, end.notBefore, end.byLink],
  );
  if (moved.length !== leases.length) return false;
  if (end.outcome === null) return true;
  await tx.run(
    `update daybook.delivery_attempts a
     set outcome = $3, ended_at = now(), stage = $4, code = $5, reply = $6
     from unnest($1::uuid[], $2::bigint[]) as h (id, token)
     where a.delivery_id = h.id and a.lease_token = h.token and a.outcome is null`,
    [...columnsOf(leases), end.outcome, end.stage, end.code, end.reply],
  );
  return true;
}

/** Oldest first. */
export async function listAttempts(tx: Tx, deliveryId: string): Promise<DeliveryAttempt[]> {
  return tx.query(
    `select attempt, message_id as "messageId", via,
       floor(extract(epoch from began_at) * 1000)::float8 as "beganAt",
       floor(extract(epoch from data_at) * 1000)::float8 as "dataAt",
       floor(extract(epoch from ended_at) * 1000)::float8 as "endedAt",
       outcome, stage, code, reply
     from daybook.delivery_attempts where delivery_id = $1::uuid order by attempt`,
    [deliveryId],
  );
}

/** Whom a hook asked to be left alone gets none of its other messages before then, either. */
export function putOffRecipient(
  tx: Tx,
  of: { readonly kind: string; readonly recipient: string; readonly until: number },
): Promise<number> {
  return tx.run(
    `update daybook.deliveries
     set not_before = timestamptz 'epoch' + $3::float8 * interval '1 millisecond'
     where recipient_kind = $1 and recipient = $2 and state in ('pending', 'in_doubt')
       and not_before < timestamptz 'epoch' + $3::float8 * interval '1 millisecond'`,
    [of.kind, of.recipient, of.until],
  );
}

function columnsOf(leases: readonly DeliveryLease[]): [string[], string[]] {
  return [leases.map(({ id }) => id), leases.map(({ leaseToken }) => leaseToken)];
}
