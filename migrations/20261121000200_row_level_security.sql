-- Forced row-level security on every table. Policies compare with a value that is computed once per
-- statement: `(select f())`, never `f()`, which would be called for every row.

create function daybook.claimed_tenant_id() returns uuid
  language sql stable set search_path = ''
  as $$ select (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid $$;

create function daybook.claimed_user_id() returns uuid
  language sql stable set search_path = ''
  as $$ select (auth.jwt() ->> 'sub')::uuid $$;

-- The tenant of the claims, if the claimed user is a member of it now; an ex-member gets null. It
-- runs with the caller's rights: the policy below lets a user see the own membership.
create function daybook.member_tenant_id() returns uuid
  language sql stable set search_path = ''
  as $$
    select m.tenant_id from daybook.members m
    where m.user_id = (select daybook.claimed_user_id())
      and m.tenant_id = (select daybook.claimed_tenant_id())
  $$;

do $$
declare
  t text;
  owner_column text;
begin
  foreach t in array array[
    'tenants', 'tenant_zones', 'members', 'operators', 'api_keys', 'runs', 'files', 'parts',
    'part_totals', 'idempotency_keys', 'leases', 'calls', 'order_lines', 'data_hours',
    'dataset_marks', 'loads', 'rejects'
  ] loop
    owner_column := case t when 'tenants' then 'id' else 'tenant_id' end;
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);

    -- A tenant's transaction: its own rows only.
    if t not in ('operators', 'leases') then
      execute format(
        'create policy tenant_rows on daybook.%I to daybook_tenant
           using (%I = (select daybook.claimed_tenant_id()))
           with check (%I = (select daybook.claimed_tenant_id()))', t, owner_column, owner_column);
      execute format('grant select, insert, update, delete on daybook.%I to daybook_tenant', t);
    end if;

    -- Across tenants: everything but the rows of reports.
    if t not in ('calls', 'order_lines', 'rejects') then
      execute format(
        'create policy system_rows on daybook.%I to daybook_system using (true) with check (true)', t);
      execute format('grant select, insert, update, delete on daybook.%I to daybook_system', t);
    end if;

    -- What signed-in members may read with their own token, through PostgREST for example.
    if t in ('tenants', 'tenant_zones', 'runs', 'files', 'calls', 'order_lines') then
      execute format(
        'create policy member_reads on daybook.%I for select to authenticated
           using (%I = (select daybook.member_tenant_id()))', t, owner_column);
      execute format('grant select on daybook.%I to authenticated', t);
    end if;
  end loop;
end
$$;

create policy own_membership on daybook.members for select to authenticated
  using (user_id = (select daybook.claimed_user_id()));
grant select on daybook.members to authenticated;

-- A tenant's transaction neither creates, removes nor renames tenants (a name that is taken would
-- tell of another tenant), and never reads the hash of a key.
revoke insert, update, delete on daybook.tenants from daybook_tenant;
grant update (title, locale, currency, settings) on daybook.tenants to daybook_tenant;
revoke select on daybook.api_keys from daybook_tenant;
grant select (id, tenant_id, name, scopes, created_by, created_at, expires_at, revoked_at, last_used_at)
  on daybook.api_keys to daybook_tenant;

revoke all on function
  daybook.claimed_tenant_id(), daybook.claimed_user_id(), daybook.member_tenant_id() from public;
grant execute on function daybook.claimed_tenant_id() to daybook_tenant;
grant execute on function
  daybook.claimed_tenant_id(), daybook.claimed_user_id(), daybook.member_tenant_id()
  to authenticated, service_role;
