-- Foreign databases that rows are read from, and whose rows stand where.

create table daybook.sources (
  id uuid primary key default gen_random_uuid(),
  -- Null: the operator's, for bindings of any tenant. Else that tenant's own: its credential shows
  -- this tenant's rows and no others.
  tenant_id uuid references daybook.tenants (id) on delete cascade,
  scope text not null generated always as (coalesce(tenant_id::text, 'all')) stored,
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  kind text not null check (kind in ('postgres', 'mongodb', 'supabase')),
  -- Texts by name; nothing secret.
  settings jsonb not null,
  -- AES-256-GCM under a key of the installation's secret; `key_id` says of which one.
  credentials bytea not null,
  key_id text not null,
  -- `public`: saved by a tenant, so that addresses inside are refused.
  reach text not null check (reach in ('any', 'public')),
  version integer not null default 1,
  created_by text not null,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  unique (id, scope),
  unique (scope, name)
);
create index sources_tenant on daybook.sources (tenant_id);

create table daybook.source_bindings (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  source_id uuid not null,
  source_scope text not null,
  dataset text not null check (dataset in ('calls', 'order_lines')),
  -- Table, view or collection.
  reads_from text not null,
  map jsonb not null,
  anchor_column text not null,
  key_column text not null,
  -- Which rows are the tenant's: exactly this text, or texts that begin with it.
  only_column text,
  only_equals text check (only_equals <> ''),
  only_prefix text check (only_prefix <> ''),
  updated_column text,
  -- Local dates of the tenant that it answers for, both inclusive; null: without end.
  from_date date,
  to_date date,
  created_by text not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  -- Another tenant's source is nobody's business.
  check (source_scope in ('all', tenant_id::text)),
  -- Either the credential shows this tenant's rows alone, or every query says whose it wants.
  check (source_scope <> 'all' or only_column is not null),
  check (num_nonnulls(only_equals, only_prefix) = num_nonnulls(only_column)),
  check (from_date <= to_date),
  foreign key (source_id, source_scope) references daybook.sources (id, scope) on delete cascade
);
create index source_bindings_dataset on daybook.source_bindings (tenant_id, dataset);
create index source_bindings_source on daybook.source_bindings (source_id, source_scope);

do $$
declare
  t text;
begin
  foreach t in array array['sources', 'source_bindings'] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
    execute format('grant select, insert, update, delete on daybook.%I to daybook_tenant', t);
    execute format(
      'create policy system_rows on daybook.%I to daybook_system using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on daybook.%I to daybook_system', t);
  end loop;
end
$$;

-- A tenant's transaction never reads a credential, not even the tenant's own.
revoke select on daybook.sources from daybook_tenant;
grant select (id, tenant_id, scope, name, kind, settings, key_id, reach, version, created_by,
  created_at, changed_at) on daybook.sources to daybook_tenant;

-- How far the rows of a dataset are known to be complete. What is loaded into our tables says nothing
-- of days that another database answers for: where one does so without end, its own mark counts, or
-- the grace.
create view daybook.completeness with (security_invoker = true) as
  select m.tenant_id, m.dataset, m.source, m.complete_through
  from daybook.dataset_marks m
  where exists (
      select from daybook.source_bindings b
      where b.tenant_id = m.tenant_id and b.dataset = m.dataset and b.to_date is null
        and (b.from_date is null or b.from_date <= current_date)
        and (m.source = 'daybook' or m.source = b.source_id::text))
    = (m.source <> 'daybook');
revoke all on daybook.completeness from public, anon, authenticated;
grant select on daybook.completeness to daybook_tenant, daybook_system, service_role;
