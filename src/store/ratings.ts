import type { Tx } from './database.ts';

/** What was rated when, and which hours of calls that covers. */

export interface Rating {
  readonly id: string;
  readonly kind: 'new' | 'again';
  /** Inclusive local dates. */
  readonly from: string;
  readonly to: string;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unrated: number;
  /** Currency → what the sum of charges grew by, exact text. */
  readonly difference: Readonly<Record<string, string>>;
  readonly requestedBy: string;
}

export async function insertRating(tx: Tx, tenantId: string, rating: Rating): Promise<void> {
  await tx.run(
    `insert into daybook.ratings (tenant_id, id, kind, period_from, period_to, added, changed,
       removed, unrated, difference, requested_by)
     values ($1, $2, $3, $4::date, $5::date, $6, $7, $8, $9, $10, $11)`,
    [
      tenantId,
      rating.id,
      rating.kind,
      rating.from,
      rating.to,
      rating.added,
      rating.changed,
      rating.removed,
      rating.unrated,
      JSON.stringify(rating.difference),
      rating.requestedBy,
    ],
  );
}

/** One rating of a tenant at a time, whichever process does it: waits until the transaction may. */
export async function lockRating(tx: Tx, tenantId: string): Promise<void> {
  await tx.run(`select pg_advisory_xact_lock(hashtextextended('daybook rating ' || $1, 0))`, [
    tenantId,
  ]);
}

/** An hour of calls, UTC, and which state of it is meant. */
export interface CallHour {
  /** UTC epoch ms. */
  readonly hour: number;
  /** Of `data_hours`, decimal. */
  readonly version: string;
  readonly rows: number;
}

/**
 * Hours whose calls came or changed since they were rated, or that hold calls which could not be
 * rated before the newest change of rates. Ascending.
 * @param since UTC epoch ms: earlier hours are not looked at
 */
export async function hoursToRate(
  tx: Tx,
  of: { readonly tenantId: string; readonly since: number; readonly ratesVersion: number },
  limit: number,
): Promise<CallHour[]> {
  return tx.query<CallHour>(
    `select floor(extract(epoch from h.hour) * 1000)::float8 as hour, h.version::text as version,
       h.row_count::float8 as rows
     from daybook.data_hours h
     left join daybook.rated_hours r on r.tenant_id = h.tenant_id and r.hour = h.hour
     where h.tenant_id = $1 and h.dataset = 'calls' and h.hour >= $2
       and (r.hour is null or r.calls_version <> h.version
         or r.unrated > 0 and r.rates_version < $3)
     order by h.hour limit $4`,
    [of.tenantId, new Date(of.since), of.ratesVersion, limit],
  );
}

/** Versions of all hours in a window. */
export async function hoursIn(
  tx: Tx,
  of: { readonly tenantId: string; readonly start: number; readonly end: number },
): Promise<CallHour[]> {
  return tx.query<CallHour>(
    `select floor(extract(epoch from h.hour) * 1000)::float8 as hour, h.version::text as version,
       h.row_count::float8 as rows
     from daybook.data_hours h
     where h.tenant_id = $1 and h.dataset = 'calls' and h.hour >= $2 and h.hour < $3
     order by h.hour`,
    [of.tenantId, new Date(of.start), new Date(of.end)],
  );
}

/** @param pending hour → calls that could not be rated, or wait for a lock to be released */
export async function noteRatedHours(
  tx: Tx,
  of: { readonly tenantId: string; readonly ratesVersion: number },
  hours: readonly CallHour[],
  pending: ReadonlyMap<number, number>,
): Promise<void> {
  await tx.run(
    `insert into daybook.rated_hours as r
       (tenant_id, hour, calls_version, rates_version, unrated, rated_at)
     select $1, timestamptz 'epoch' + h.hour * interval '1 millisecond', h.version, $2, h.unrated, now()
     from unnest($3::float8[], $4::bigint[], $5::bigint[]) as h (hour, version, unrated)
     on conflict (tenant_id, hour) do update
     set calls_version = excluded.calls_version, rates_version = excluded.rates_version,
       unrated = excluded.unrated, rated_at = excluded.rated_at`,
    [
      of.tenantId,
      of.ratesVersion,
      hours.map(({ hour }) => hour),
      hours.map(({ version }) => version),
      hours.map(({ hour }) => pending.get(hour) ?? 0),
    ],
  );
}

/**
 * Tenants that have rates and calls which are not rated as they are now. A system transaction.
 * @param since UTC epoch ms: only what changed later is looked at; null: everything
 */
export async function tenantsToRate(tx: Tx, since: number | null): Promise<string[]> {
  const rows = await tx.query<{ tenantId: string }>(
    `with changed as (
       select tenant_id, hour from daybook.data_hours
       where dataset = 'calls' and changed_at > $1::timestamptz
       union
       select h.tenant_id, h.hour from daybook.data_hours h
       where h.dataset = 'calls' and h.tenant_id in (
         select tenant_id from daybook.rate_changes where changed_at > $1::timestamptz))
     select distinct h.tenant_id as "tenantId"
     from changed c
     join daybook.data_hours h on h.tenant_id = c.tenant_id and h.dataset = 'calls' and h.hour = c.hour
     join (select tenant_id, max(version) as version from daybook.rate_changes group by tenant_id) t
       on t.tenant_id = h.tenant_id
     left join daybook.rated_hours r on r.tenant_id = h.tenant_id and r.hour = h.hour
     where r.hour is null or r.calls_version <> h.version
       or r.unrated > 0 and r.rates_version < t.version`,
    [since === null ? '-infinity' : new Date(since)],
  );
  return rows.map(({ tenantId }) => tenantId);
}

/** Tenants that have rates and whose calls of these days stand in another's database. A system transaction. */
export async function tenantsRatedElsewhere(tx: Tx): Promise<string[]> {
  const rows = await tx.query<{ tenantId: string }>(
    `select distinct b.tenant_id as "tenantId" from daybook.source_bindings b
     where b.dataset = 'calls' and (b.from_date is null or b.from_date <= current_date + 1)
       and (b.to_date is null or b.to_date >= current_date - 4)
       and exists (select from daybook.rate_changes c where c.tenant_id = b.tenant_id)`,
  );
  return rows.map(({ tenantId }) => tenantId);
}
