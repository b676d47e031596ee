import type { Tx } from './database.ts';

/**
 * Legs that say which other leg they were joined with, instead of which call they belong to. All that
 * are joined, however far, become legs of one call: that of the earliest. A leg may tell so late: then
 * calls that were two become one.
 */

/** Longer chains of transfers are cut. */
const MOST_STEPS = 20;

/**
 * Gives staged legs the call of the legs that they are joined with, and stages those that are known
 * from earlier beside them, with row number 0. The merge's lock is held.
 * @param kept columns of legs besides call and leg
 * @param alone the staged legs are all there are: earlier ones do not count
 */
export async function linkLegs(
  tx: Tx,
  tenantId: string,
  kept: readonly string[],
  alone: boolean,
): Promise<void> {
  await tx.run(
    `create temporary table daybook_touched (call_id text collate "C" primary key) on commit drop`,
  );
  const [{ needed }] = await tx.query<{ needed: boolean }>(
    `select exists (select from pg_temp.daybook_legs where joins is not null)
       or not $2::boolean and exists (
         select from daybook.call_legs k join pg_temp.daybook_legs l on l.call_id = k.joins
         where k.tenant_id = $1 and k.joins is not null)
       or not $2::boolean and exists (
         select from daybook.call_legs k join pg_temp.daybook_legs l on l.call_id = k.own_id
         where k.tenant_id = $1 and k.own_id is not null) as needed`,
    [tenantId, alone],
  );
  if (!needed) return;
  await tx.run('update pg_temp.daybook_legs set own_id = call_id where reject is null');
  if (!alone) await stageKnown(tx, tenantId, kept);
  await tx.run('analyze pg_temp.daybook_legs');
  for (let step = 0; step < MOST_STEPS; step++) if ((await tx.run(TO_EARLIER)) === 0) break;
}

/** All legs of the calls that a staged leg names, is named by, or is a leg of. */
async function stageKnown(tx: Tx, tenantId: string, kept: readonly string[]): Promise<void> {
  await tx.run(
    `insert into pg_temp.daybook_touched
     select k.call_id from daybook.call_legs k
     join (select own_id as id from pg_temp.daybook_legs
           union select joins from pg_temp.daybook_legs) n on n.id = k.own_id
     where k.tenant_id = $1 and k.own_id is not null
     union
     select k.call_id from daybook.call_legs k
     join (select own_id as id from pg_temp.daybook_legs
           union select joins from pg_temp.daybook_legs) n on n.id = k.call_id
     where k.tenant_id = $1
     union
     select k.call_id from daybook.call_legs k
     join pg_temp.daybook_legs l on l.own_id = k.joins
     where k.tenant_id = $1 and k.joins is not null`,
    [tenantId],
  );
  const own = 'coalesce(k.own_id, k.call_id)';
  await tx.run(
    `insert into pg_temp.daybook_legs (row_number, call_id, leg_id, ${kept.join(', ')})
     select 0, ${own}, k.leg_id, ${kept.map((name) => (name === 'own_id' ? own : `k.${name}`)).join(', ')}
     from daybook.call_legs k join pg_temp.daybook_touched t on t.call_id = k.call_id
     where k.tenant_id = $1`,
    [tenantId],
  );
}

/** One step: each leg goes to the call of the earliest one before it that it is joined with. */
const TO_EARLIER = `
  with nodes as (
    select own_id, min(started_at) as since, min(call_id) as call_id
    from pg_temp.daybook_legs where reject is null group by own_id
  ), pairs as (
    select own_id as a, joins as b from pg_temp.daybook_legs where joins is not null
    union
    select joins, own_id from pg_temp.daybook_legs where joins is not null
  ), nearer as (
    select distinct on (l.own_id) l.own_id, e.call_id
    from pairs p join nodes l on l.own_id = p.a join nodes e on e.own_id = p.b
    where (e.since, e.own_id) < (l.since, l.own_id)
    order by l.own_id, e.since, e.own_id
  )
  update pg_temp.daybook_legs l set call_id = n.call_id
  from nearer n where l.own_id = n.own_id and l.call_id <> n.call_id`;

/** Removes calls that turned out to be part of others, and where their legs stood; how many calls. */
export async function dropJoinedCalls(tx: Tx, tenantId: string): Promise<number> {
  await tx.run(
    `delete from daybook.call_legs k using pg_temp.daybook_touched t
     where k.tenant_id = $1 and k.call_id = t.call_id and not exists (
       select from pg_temp.daybook_legs l
       where l.call_id = k.call_id and l.leg_id = k.leg_id and l.reject is null)`,
    [tenantId],
  );
  return tx.run(
    `delete from daybook.calls c using pg_temp.daybook_touched t
     where c.tenant_id = $1 and c.external_id = t.call_id and not exists (
       select from pg_temp.daybook_legs l where l.call_id = t.call_id and l.reject is null)`,
    [tenantId],
  );
}
