import { datasetOf } from '../reports/dataset.ts';
import type { Tx } from './database.ts';
import { dropJoinedCalls, linkLegs } from './link-legs.ts';

/**
 * Legs into calls, by sets. What is staged as legs, together with what is known of the same calls
 * from earlier, becomes staged calls; the merge of calls then goes on as ever. The order in which
 * legs come, and how they are spread over files, makes no difference.
 *
 * - started: the first leg's; ended: the last one's.
 * - A leg counts as answered when somebody was reached, or when nobody was called at all: that an
 *   exchange answers to play music while phones ring is no answer.
 * - The disposition is the best of all legs; agent and callee are those of the leg that was
 *   answered first, one with talk before one without; caller and trunk are the first leg's.
 * - Talk is the time in which at least one answered leg stood. Legs that overlap are counted once:
 *   by the one that spans them all, in its own seconds, else by the clock.
 */

const FIELDS = datasetOf('calls')
  .fields.map(({ name }) => name)
  .filter((name) => name !== 'external_id');
const KEPT = ['own_id', 'joins', 'leg_order', 'reached', ...FIELDS, 'extra'];

const incoming = (columns: readonly string[]) => `
  select distinct on (call_id, leg_id) ${columns.join(', ')}
  from pg_temp.daybook_legs where reject is null
  order by call_id, leg_id, row_number desc`;

/**
 * Makes the stage of calls from that of legs. The merge's lock is held.
 * @param alone the staged legs are all there are: earlier ones do not count
 * @returns how many calls that are, and how many staged legs were replaced by later ones
 */
export async function foldLegs(
  tx: Tx,
  tenantId: string,
  alone: boolean,
): Promise<{ readonly calls: number; readonly superseded: number }> {
  await tx.run('alter table pg_temp.daybook_legs add column own_id text collate "C"');
  await tx.run('analyze pg_temp.daybook_legs');
  await linkLegs(tx, tenantId, KEPT, alone);
  await tx.run(foldSql(), [tenantId, alone]);
  await tx.run(
    `insert into pg_temp.daybook_stage (row_number, external_id, reject)
     select row_number, call_id, reject from pg_temp.daybook_legs where reject is not null`,
  );
  const [counts] = await tx.query<{ calls: number; superseded: number }>(
    `select (select count(*) from pg_temp.daybook_stage where reject is null)::float8 as calls,
       (select count(*) from pg_temp.daybook_legs where reject is null and row_number > 0)::float8 -
       (select count(*) from (select distinct call_id, leg_id from pg_temp.daybook_legs
          where reject is null and row_number > 0) k)::float8 as superseded`,
  );
  return counts;
}

/**
 * Keeps the staged legs for those that come later. Their calls stand.
 * @returns calls that are gone, since they turned out to be part of others
 */
export async function keepLegs(tx: Tx, tenantId: string, alone: boolean): Promise<number> {
  if (alone) {
    await tx.run(
      `delete from daybook.call_legs k
       where k.tenant_id = $1
         and k.call_id in (select call_id from pg_temp.daybook_legs where reject is null)
         and not exists (select from pg_temp.daybook_legs i
           where i.call_id = k.call_id and i.leg_id = k.leg_id)`,
      [tenantId],
    );
  }
  const set = KEPT.map((name) => `${name} = excluded.${name}`).join(', ');
  await tx.run(
    `insert into daybook.call_legs as k (tenant_id, call_id, leg_id, ${KEPT.join(', ')})
     select $1::uuid, i.* from (${incoming(['call_id', 'leg_id', ...KEPT])}) i
     on conflict (tenant_id, call_id, leg_id) do update set ${set}
     where (${KEPT.map((name) => `k.${name}`).join(', ')})
       is distinct from (${KEPT.map((name) => `excluded.${name}`).join(', ')})`,
    [tenantId],
  );
  return alone ? 0 : dropJoinedCalls(tx, tenantId);
}

/** `$1` is the tenant; `$2`: without what is known from earlier. */
export function foldSql(): string {
  const columns = ['call_id', 'leg_id', ...KEPT];
  const first = (name: string) =>
    `(array_agg(${name} order by place) filter (where ${name} is not null))[1]`;
  return `
    create temporary table daybook_stage on commit drop as
    with incoming as (${incoming(['row_number', ...columns])}
    ), legs as (
      select row_number, ${columns.join(', ')} from incoming
      union all
      select null, ${columns.map((name) => `k.${name}`).join(', ')} from daybook.call_legs k
      where not $2::boolean and k.tenant_id = $1
        and k.call_id in (select call_id from incoming)
        and not exists (
          select from incoming i where i.leg_id = k.leg_id
            and coalesce(i.own_id, i.call_id) = coalesce(k.own_id, k.call_id))
    ), placed as (
      select *, bool_or(reached is not null) over (partition by call_id) as is_dialled,
        row_number() over (partition by call_id order by started_at, leg_order, leg_id) as place
      from legs
    ), judged as (
      select *, case
          when disposition = 'answered' then case when reached is null and is_dialled then 0 else 7 end
          when disposition = 'voicemail' then 6
          when disposition = 'abandoned' then 5
          when disposition = 'no_answer' then 4
          when disposition = 'busy' then 3
          when disposition = 'failed' then 2
          else 1 end as worth,
        row_number() over (partition by call_id
          order by coalesce(talk_seconds, 0) = 0, answered_at, talk_seconds desc, place) as heard
      from placed
    ), talks as (
      select call_id, talk_seconds, answered_at as a,
        greatest(ended_at, answered_at + make_interval(secs => talk_seconds)) as b
      from judged where worth = 7 and answered_at is not null
    ), cuts as (
      select *, a >= max(b) over (partition by call_id order by a, b desc
        rows between unbounded preceding and 1 preceding) as is_apart
      from talks where b > a
    ), numbered as (
      select *, count(*) filter (where is_apart) over (partition by call_id order by a, b desc
        rows unbounded preceding) as stretch
      from cuts
    ), stretches as (
      select *, min(a) over (partition by call_id, stretch) as since,
        max(b) over (partition by call_id, stretch) as until
      from numbered
    ), spoken as (
      select call_id, sum(seconds)::bigint as seconds from (
        select call_id, coalesce(max(talk_seconds) filter (where a = since and b = until),
            floor(extract(epoch from max(until) - min(since)))) as seconds
        from stretches group by call_id, stretch) s
      group by call_id
    )
    select min(j.row_number) as row_number, call_id as external_id, min(started_at) as started_at,
      min(queued_at) as queued_at, min(answered_at) filter (where worth = 7) as answered_at,
      max(ended_at) as ended_at, ${first('direction')} as direction, ${first('caller')} as caller,
      coalesce((array_agg(callee order by heard) filter (where worth = 7))[1], ${first('callee')})
        as callee,
      ${first('queue')} as queue,
      (array_agg(agent order by heard) filter (where worth = 7 and agent is not null))[1] as agent,
      ${first('trunk')} as trunk,
      (array_agg(disposition order by worth desc, place))[1] as disposition,
      ${first('wait_seconds')} as wait_seconds,
      coalesce(min(s.seconds), 0) as talk_seconds,
      coalesce((array_agg(extra order by place))[1], '{}') || jsonb_build_object('legs', count(*))
        as extra,
      null::jsonb as reject
    from judged j left join spoken s using (call_id)
    group by call_id`;
}
