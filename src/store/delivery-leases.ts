import type { Tx } from './database.ts';
import { DELIVERY_COLUMNS, type DeliveryRow } from './deliveries.ts';

/**
 * Deliveries are sent under leases, as runs are executed: a claim takes some for a while and gives
 * them a new token, every later write names the token, so that who lost its lease records nothing.
 * Leases are by the database's clock. System transactions.
 */

export interface ClaimedDelivery extends DeliveryRow {
  readonly leaseToken: string;
  readonly resends: number;
  readonly byLink: boolean;
  /** As its schedule names who it is of, such as `member:…`. */
  readonly owner: string;
  /** UTC epoch ms. */
  readonly owedSince: number;
  /** Since then, this one included. */
  readonly tries: number;
  /** Attempts since then that may have arrived, and of which nobody knows. */
  readonly doubts: number;
}

/** Deliveries of a digest are owed from when it is whole, as `releaseDigests` says. */
const READY = `d.state in ('pending', 'in_doubt') and d.not_before <= due.now`;

/**
 * Claims up to `limit` messages: a delivery, or all those of one digest to one recipient. Those of
 * the tenants with the fewest under way first. A hook gets one message at a time.
 */
export async function claimDeliveries(
  tx: Tx,
  options: {
    readonly holder: string;
    /** UTC epoch ms: what is due as of then. */
    readonly now: number;
    readonly limit: number;
    /** Messages of one tenant under way, these included. */
    readonly mostOfTenant: number;
    readonly leaseSeconds: number;
    /** The mail server is left alone for now. */
    readonly withoutMail: boolean;
    /** This delivery and no other. */
    readonly only?: string | undefined;
  },
): Promise<ClaimedDelivery[]> {
  return tx.query(
    `with due as materialized (
       select timestamptz 'epoch' + $2::float8 * interval '1 millisecond' as now),
     under_way as materialized (
       select tenant_id, count(distinct (coalesce(digest_id, id), recipient)) as messages
       from daybook.deliveries where state = 'sending' and lease_until >= now()
       group by tenant_id),
     messages as materialized (
       select d.tenant_id, coalesce(d.digest_id, d.id) as message, d.recipient_kind, d.recipient,
         min(d.not_before) as since
       from daybook.deliveries d, due
       where ${READY} and not ($6 and d.recipient_kind = 'email')
         and ($7::uuid is null or d.id = $7)
       group by 1, 2, 3, 4),
     in_turn as materialized (
       select m.*, coalesce(u.messages, 0) + row_number() over (
           partition by m.tenant_id order by m.since, m.message) as turn,
         row_number() over (partition by m.tenant_id, m.recipient_kind, m.recipient
           order by m.since, m.message) as of_recipient
       from messages m left join under_way u using (tenant_id)
       where m.recipient_kind = 'email' or not exists (
         select from daybook.deliveries b where b.tenant_id = m.tenant_id
           and b.recipient = m.recipient and b.recipient_kind = m.recipient_kind
           and b.state = 'sending' and b.lease_until >= now())),
     chosen as materialized (
       select * from in_turn
       where turn <= $4 and (recipient_kind = 'email' or of_recipient = 1)
       order by turn, since, message limit $3),
     locked as materialized (
       -- Looked at again under the lock: another may have claimed it in between.
       select d.id from daybook.deliveries d
       join chosen c on d.tenant_id = c.tenant_id and coalesce(d.digest_id, d.id) = c.message
         and d.recipient_kind = c.recipient_kind and d.recipient = c.recipient
       cross join due
       where ${READY}
       for update of d skip locked)
     update daybook.deliveries d
     set state = 'sending', lease_owner = $1, lease_token = d.lease_token + 1,
         lease_until = now() + make_interval(secs => $5), attempts = d.attempts + 1
     from locked where d.id = locked.id
     returning ${DELIVERY_COLUMNS}, d.lease_token::text as "leaseToken", d.resends,
       d.by_link as "byLink",
       (select o.owner from daybook.occurrences o
        where o.tenant_id = d.tenant_id and o.id = d.occurrence_id) as owner,
       floor(extract(epoch from d.owed_since) * 1000)::float8 as "owedSince",
       1 + (select count(*)::int from daybook.delivery_attempts a
        where a.tenant_id = d.tenant_id and a.delivery_id = d.id
          and a.began_at >= d.owed_since) as tries,
       (select count(*)::int from daybook.delivery_attempts a
        where a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.final_at >= d.owed_since
          and a.outcome in ('ambiguous', 'lost')) as doubts`,
    [
      options.holder,
      options.now,
      options.limit,
      options.mostOfTenant,
      options.leaseSeconds,
      options.withoutMail,
      options.only ?? null,
    ],
  );
}

/**
 * Takes back deliveries whose holder did not come back. Where the message was about to be ended it is
 * in doubt whether it was taken: it is tried once more, or held where the tenant wants that, or where
 * it is in doubt for the second time. Else it is simply due again. The number of those in doubt.
 */
export async function recoverDeliveries(
  tx: Tx,
): Promise<{ readonly recovered: number; readonly inDoubt: number }> {
  const [row] = await tx.query<{ recovered: number; inDoubt: number }>(
    `with expired as materialized (
       select id, tenant_id, lease_token, owed_since from daybook.deliveries
       where state = 'sending' and lease_until < now()
       for update skip locked),
     closed as (
       update daybook.delivery_attempts a set outcome = 'lost', ended_at = now()
       from expired e
       where a.tenant_id = e.tenant_id and a.delivery_id = e.id and a.outcome is null
       returning a.tenant_id, a.delivery_id, a.lease_token, a.final_at),
     doubts as materialized (
       select e.id, count(c.final_at) as now_in_doubt,
         (select count(*) from daybook.delivery_attempts a
          where a.tenant_id = e.tenant_id and a.delivery_id = e.id and a.final_at >= e.owed_since
            and a.outcome in ('ambiguous', 'lost')) as before
       from expired e left join closed c on c.tenant_id = e.tenant_id and c.delivery_id = e.id
         and c.lease_token = e.lease_token
       group by e.id, e.tenant_id, e.owed_since),
     moved as (
       update daybook.deliveries d
       set lease_owner = null, lease_until = null,
           state = case when n.now_in_doubt = 0 then 'pending'
             when n.before > 0 or coalesce(s.hold_ambiguous, false) then 'held'
             else 'in_doubt' end,
           last_code = case when n.now_in_doubt = 0 then d.last_code else 'E_IN_DOUBT' end,
           last_reply = case when n.now_in_doubt = 0 then d.last_reply
             else 'the process ended while the message was' end
       from doubts n
       join daybook.deliveries held on held.id = n.id
       left join lateral (
         select hold_ambiguous from daybook.delivery_settings s
         where s.tenant_id = held.tenant_id order by changed_at desc, id limit 1) s on true
       where d.id = n.id
       returning n.now_in_doubt)
     select count(*)::int as recovered,
       count(*) filter (where now_in_doubt > 0)::int as "inDoubt" from moved`,
  );
  return row;
}

/** Milliseconds until something that is owed may go, 0 or less for now; null: nothing waits. */
export async function nextDeliveryInMs(tx: Tx): Promise<number | null> {
  const [row] = await tx.query<{ ms: number | null }>(
    `select floor(extract(epoch from min(not_before) - now()) * 1000)::float8 as ms
     from daybook.deliveries where state in ('pending', 'in_doubt') and not_before < 'infinity'`,
  );
  return row?.ms ?? null;
}

/** Ends the leases of holders whose names start so, but for one's own: they are known to be dead. */
export function endDeliveryLeases(
  tx: Tx,
  holders: { readonly prefix: string; readonly butFor: string },
): Promise<number> {
  return tx.run(
    `update daybook.deliveries set lease_until = now() - interval '1 microsecond'
     where state = 'sending' and starts_with(lease_owner, $1) and lease_owner <> $2
       and lease_until >= now()`,
    [holders.prefix, holders.butFor],
  );
}

export interface DeliveryLease {
  readonly id: string;
  readonly leaseToken: string;
}

/** Prolongs the leases that are still ours; the ids of those that are. */
export async function renewDeliveryLeases(
  tx: Tx,
  leases: readonly DeliveryLease[],
  leaseSeconds: number,
): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `update daybook.deliveries d set lease_until = now() + make_interval(secs => $3)
     from unnest($1::uuid[], $2::bigint[]) as held (id, token)
     where d.id = held.id and d.lease_token = held.token and d.state = 'sending'
     returning d.id`,
    [leases.map(({ id }) => id), leases.map(({ leaseToken }) => leaseToken), leaseSeconds],
  );
  return new Set(rows.map(({ id }) => id));
}
