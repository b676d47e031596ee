-- The control plane: tenants and their calendars, principals, runs, files, parts.
-- Roles: daybook_tenant works on one tenant's rows (claims set per transaction), daybook_system
-- across tenants on everything but the rows of reports, authenticated reads as a member.

create schema daybook;

do $$
begin
  if not exists (select from pg_roles where rolname = 'daybook_tenant') then
    create role daybook_tenant nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'daybook_system') then
    create role daybook_system nologin;
  end if;
  -- Who connects must be able to set these roles. Roles belong to the whole server: where another
  -- login made them, it also has to grant them.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    begin
      execute format('grant daybook_tenant, daybook_system to %I', current_user);
    exception when insufficient_privilege then
      raise exception 'the roles daybook_tenant and daybook_system are there, but not for %', current_user
        using errcode = 'insufficient_privilege',
          hint = format('As their owner: grant daybook_tenant, daybook_system to %I', current_user);
    end;
  end if;
end
$$;

grant usage on schema daybook to daybook_tenant, daybook_system, authenticated, service_role;
grant usage on schema auth to daybook_tenant, daybook_system;

create table daybook.tenants (
  id uuid primary key default gen_random_uuid(),
  -- Short, and never like an id, since either may stand for a tenant.
  name text not null unique check (
    name ~ '^[a-z0-9][a-z0-9-]{0,62}$'
    and name !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  ),
  title text not null,
  locale text not null default 'en' check (locale in ('en', 'pt-BR', 'es')),
  currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

-- A tenant's zone from a local date on; changing it never moves past days.
create table daybook.tenant_zones (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  valid_from date not null default '0001-01-01',
  zone text not null,
  primary key (tenant_id, valid_from)
);

create table daybook.members (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  user_id uuid not null,
  email text,
  roles text[] not null check (
    roles <@ array['owner', 'admin', 'analyst', 'viewer'] and cardinality(roles) > 0
  ),
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index members_user on daybook.members (user_id);

create table daybook.operators (
  user_id uuid primary key,
  email text,
  created_at timestamptz not null default now()
);

-- tenant_id null: an operator's key.
create table daybook.api_keys (
  id text primary key,
  tenant_id uuid references daybook.tenants (id) on delete cascade,
  name text not null,
  scopes text[] not null,
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
create index api_keys_tenant on daybook.api_keys (tenant_id);

create table daybook.runs (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  work_class text not null default 'interactive'
    check (work_class in ('interactive', 'scheduled', 'precache')),
  report text not null,
  request jsonb not null,
  state text not null default 'queued'
    check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  error_code text,
  error_message text,
  days_total integer not null default 0,
  days_done integer not null default 0,
  days_cached integer not null default 0,
  rows_read bigint not null default 0,
  requested_by text not null,
  cancel_requested boolean not null default false,
  attempts integer not null default 0,
  lease_token bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (tenant_id, id)
);
create index runs_tenant on daybook.runs (tenant_id, created_at desc, id);
create index runs_open on daybook.runs (work_class, created_at)
  where state in ('queued', 'running');

create table daybook.files (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  run_id uuid not null,
  name text not null,
  format text not null,
  media_type text not null,
  -- Relative to the home folder.
  path text not null,
  bytes bigint not null,
  sha256 text not null,
  row_count bigint not null,
  document jsonb not null,
  data_as_of timestamptz,
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  removed_at timestamptz,
  -- With the tenant, so that nobody can learn of, or hang a file on, another tenant's run.
  foreign key (tenant_id, run_id) references daybook.runs (tenant_id, id) on delete cascade
);
create index files_tenant on daybook.files (tenant_id, created_at desc);
create index files_run on daybook.files (tenant_id, run_id);

-- What stands in the part store. `manifest` is the plain form that the reports read.
create table daybook.parts (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  key text not null,
  kind text not null check (kind in ('rows', 'fragment')),
  dataset text not null,
  local_date date not null,
  window_start timestamptz not null,
  window_end timestamptz not null,
  bytes bigint not null,
  manifest jsonb not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  primary key (tenant_id, key)
);
create index parts_used on daybook.parts (last_used_at);

-- Totals live outside the store and its eviction.
create table daybook.part_totals (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  key text not null,
  rows_key text not null,
  totals jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key)
);

create table daybook.idempotency_keys (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  key text not null,
  principal text not null,
  request_sha256 text not null,
  status integer,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, principal, key)
);

-- One holder per name, by the database's clock.
create table daybook.leases (
  name text primary key,
  holder text not null,
  token bigint not null default 1,
  until timestamptz not null,
  detail jsonb not null default '{}'
);
