import type { Tx } from './database.ts';
import type { NoticeTopic } from './deliveries.ts';

export interface Notice {
  readonly occurrenceId: string;
  readonly topic: Exclude<NoticeTopic, ''>;
  /** What it says besides the occurrence's own state and reason. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Owes each notice to the owner of its occurrence, if that is a member with an address, else to the
 * members with the role of an owner, else to the administrators. One of a topic and occurrence is
 * owed once. Where nobody has an address none is: the state of the occurrence still tells. System
 * transaction.
 */
export async function oweNotices(tx: Tx, notices: readonly Notice[]): Promise<number> {
  if (notices.length === 0) return 0;
  return tx.run(
    `insert into daybook.deliveries
       (tenant_id, occurrence_id, recipient_kind, recipient, purpose, topic, detail)
     select o.tenant_id, o.id, 'email', told.email, 'notice', n."topic", n."detail"
     from jsonb_to_recordset($1::jsonb) as n ("occurrenceId" uuid, "topic" text, "detail" jsonb)
     join daybook.occurrences o on o.id = n."occurrenceId"
     cross join lateral (
       select m.email, dense_rank() over (order by case
           when o.owner = 'member:' || m.user_id then 0
           when 'owner' = any (m.roles) then 1 else 2 end) as rank
       from daybook.members m
       where m.tenant_id = o.tenant_id and m.email is not null
         and (o.owner = 'member:' || m.user_id or m.roles && array['owner', 'admin'])) told
     where told.rank = 1
     on conflict do nothing`,
    [JSON.stringify(notices)],
  );
}
