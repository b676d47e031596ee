-- Forced row-level security on every table, evaluated once per statement.

create function daybook.claimed_tenant_id() returns uuid
  language sql stable set search_path = ''
  as $$ select (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid $$;

-- The tenant of the claims, if the claimed user is a member of it now; an ex-member gets null.
create function daybook.member_tenant_id() returns uuid
  language sql stable security definer set search_path = ''
  as $$
    select m.tenant_id from daybook.members m
    where m.user_id = (auth.jwt() ->> 'sub')::uuid
      and m.tenant_id = (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid
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
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);

    if t not in ('operators', 'leases') then
      owner_column := case t when 'tenants' then 'id' else 'tenant_id' end;
      execute format(
        'create policy tenant_rows on daybook.%I to daybook_tenant
           using (%I = (select daybook.claimed_tenant_id()))
           with check (%I = (select daybook.claimed_tenant_id()))', t, owner_column, owner_column);
      execute format('grant select, insert, update, delete on daybook.%I to daybook_tenant', t);
    end if;

    if t not in ('calls', 'order_lines', 'rejects') then
      execute format(
        'create policy system_rows on daybook.%I to daybook_system using (true) with check (true)', t);
      execute format('grant select, insert, update, delete on daybook.%I to daybook_system', t);
    end if;
  end loop;

  -- What a signed-in member may read with their own token, through PostgREST for example.
  foreach t in array array['tenants', 'tenant_zones', 'members', 'runs', 'files', 'calls', 'order_lines'] loop
    owner_column := case t when 'tenants' then 'id' else 'tenant_id' end;
    execute format(
      'create policy member_reads on daybook.%I for select to authenticated
         using (%I = (select daybook.member_tenant_id()))', t, owner_column);
    execute format('grant select on daybook.%I to authenticated', t);
  end loop;
end
$$;

-- A tenant's transaction reads its own record and keys; it neither creates nor removes tenants.
revoke insert, delete on daybook.tenants from daybook_tenant;

revoke all on function daybook.claimed_tenant_id(), daybook.member_tenant_id() from public;
grant execute on function daybook.claimed_tenant_id() to daybook_tenant, service_role;
grant execute on function daybook.member_tenant_id() to authenticated, service_role;
grant usage on all sequences in schema daybook to daybook_tenant, service_role;
