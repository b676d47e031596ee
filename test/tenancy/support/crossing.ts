/** Statements of system transactions → why they may look across tenants. */
export const CROSSING: Readonly<Record<string, string>> = {
  [`select from daybook.operators where user_id = $1`]:
    'who asks is known by the token alone; operators belong to no tenant',
  [`select m.tenant_id as "tenantId", t.name as "tenantName", m.roles from daybook.members m join daybook.tenants t on t.id = m.tenant_id where m.user_id = $1 order by t.name collate "C"`]:
    'who asks is known by the token alone; only the own memberships are looked for, before a tenant is chosen',
  [`select t.id, t.name, t.title, t.locale, t.currency, ( select json_agg(json_build_object( 'from', to_char(z.valid_from, 'YYYY-MM-DD'), 'zone', z.zone) order by z.valid_from) from daybook.tenant_zones z where z.tenant_id = t.id) as calendar from daybook.tenants t where t.id = $1`]:
    'one tenant by the id that a membership, a key or a claimed run gave',
  [`select tenant_id as "tenantId", scopes, secret_sha256 as hash, revoked_at is null and (expires_at is null or expires_at > now()) as usable, (last_used_at is null or last_used_at < now() - interval '1 minute') and current_setting('transaction_read_only') = 'off' as stale from daybook.api_keys where id = $1`]:
    'a key says whose it is; found by its own id, then compared by its hash',
  [`update daybook.api_keys set last_used_at = now() where id = $1`]:
    'notes the use of the one key that was just shown',
  [`update daybook.runs r set lease_until = now() + make_interval(secs => $3) from unnest($1::uuid[], $2::bigint[]) as held (id, token) where r.id = held.id and r.lease_token = held.token and r.state = 'running' returning r.id, r.lease_token::text as "leaseToken", r.cancel_requested as "cancelRequested"`]:
    'a runner works for all tenants; prolongs exactly the leases that it holds, by token',
  [`with under_way as materialized ( select tenant_id, work_class, count(*) as runs from daybook.runs where state = 'running' and lease_until >= now() group by tenant_id, work_class), candidates as materialized ( select r.id, array_position(array['interactive', 'scheduled', 'precache'], r.work_class) as class, coalesce(u.runs, 0) + row_number() over (partition by r.tenant_id, r.work_class order by r.created_at, r.id) as turn, r.created_at from daybook.runs r left join under_way u using (tenant_id, work_class) where (r.state = 'queued' or (r.state = 'running' and r.lease_until < now())) and ($4::uuid is null or r.id = $4)), chosen as materialized ( select id from candidates where turn <= $5 order by class, turn, created_at, id limit $2), due as materialized ( -- Looked at again under the lock: another may have claimed it in between. select id from daybook.runs where id in (select id from chosen) and (state = 'queued' or (state = 'running' and lease_until < now())) for update skip locked) update daybook.runs r set state = 'running', lease_owner = $1, lease_token = r.lease_token + 1, lease_until = now() + make_interval(secs => $3), attempts = r.attempts + 1, started_at = coalesce(r.started_at, now()) from due where r.id = due.id returning r.id, r.tenant_id as "tenantId", r.work_class as "workClass", r.request, r.lease_token::text as "leaseToken", r.attempts`]:
    'a runner works for all tenants; claims what waits and learns whose it is',
};
