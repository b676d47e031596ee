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
  /** Before its end; null: it never came so far, and nobody took it. */
  readonly finalAt: number | null;
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
    `with ${heldWhere('d.lease_until >= now()')},
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
 * Writes down that the message is about to be ended, after which it may have been taken. False: a
 * lease is lost, and it must not be ended. A lease that is about to run out counts as lost: the
 * record of how it ended would come too late.
 */
export async function noteEnding(tx: Tx, leases: readonly DeliveryLease[]): Promise<boolean> {
  const noted = await tx.run(
    `with ${heldWhere("d.lease_until >= now() + interval '5 seconds'")}
     update daybook.delivery_attempts a set final_at = now()
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

/**
 * Closes the attempts and moves the deliveries, of one message all or none. False: a lease is lost,
 * and nothing was written.
 */
export async function endDeliveries(
  tx: Tx,
  leases: readonly DeliveryLease[],
  end: DeliveryEnd,
): Promise<boolean> {
  const moved = await tx.run(
    `with ${heldWhere('true')},
     whole as materialized (
       select * from held where (select count(*) from held) = cardinality($1::uuid[])),
     closed as (
       update daybook.delivery_attempts a
       set outcome = $8, ended_at = now(), stage = $9, code = $4, reply = $5
       from whole w
       where $8::text is not null and a.tenant_id = w.tenant_id and a.delivery_id = w.id
         and a.lease_token = w.lease_token and a.outcome is null)
     update daybook.deliveries d
     set state = $3, lease_owner = null, lease_until = null, last_code = $4, last_reply = $5,
         not_before = coalesce(
           timestamptz 'epoch' + $6::float8 * interval '1 millisecond', d.not_before),
         by_link = d.by_link or $7, sent_at = case when $3 = 'sent' then now() else d.sent_at end
     from whole w where d.id = w.id`,
    [
      ...columnsOf(leases),
      ...[end.state, end.code, end.reply, end.notBefore, end.byLink, end.outcome, end.stage],
    ],
  );
  return moved === leases.length;
}

/** Oldest first. */
export async function listAttempts(tx: Tx, deliveryId: string): Promise<DeliveryAttempt[]> {
  return tx.query(
    `select attempt, message_id as "messageId", via,
       floor(extract(epoch from began_at) * 1000)::float8 as "beganAt",
       floor(extract(epoch from final_at) * 1000)::float8 as "finalAt",
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

/** Those of the leases in $1 and $2 that are held still, and for which something else is true. */
function heldWhere(condition: string): string {
  return `held as materialized (
       select d.id, d.tenant_id, d.attempts, d.lease_token
       from unnest($1::uuid[], $2::bigint[]) as h (id, token)
       join daybook.deliveries d on d.id = h.id
       where d.lease_token = h.token and d.state = 'sending' and ${condition}
       for update of d)`;
}

function columnsOf(leases: readonly DeliveryLease[]): [string[], string[]] {
  return [leases.map(({ id }) => id), leases.map(({ leaseToken }) => leaseToken)];
}
