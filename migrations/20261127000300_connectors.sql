-- Pull connectors: what is fetched from whose API, when; each fetch a run. And triggers: secret
-- addresses that start a connector or a schedule.

create table daybook.connectors (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  name text not null check (name <> ''),
  -- Checked by the code that wrote it; never a secret.
  spec jsonb not null,
  -- AES-256-GCM under a key that is derived from the secret of the installation; null: none.
  sealed_secret bytea,
  active boolean not null default true,
  -- Null: only when somebody says so.
  next_due timestamptz,
  next_nominal text,
  -- How far it has read, as the API writes it.
  since text,
  created_by text not null,
  created_at timestamptz not null default now(),
  changed_by text not null,
  changed_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, name),
  check ((next_due is null) = (next_nominal is null))
);
create index connectors_due on daybook.connectors (next_due) where active and next_due is not null;

create table daybook.connector_runs (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  connector_id uuid not null,
  cause text not null check (cause in ('schedule', 'person', 'trigger')),
  requested_by text not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
  queued_at timestamptz not null default clock_timestamp(),
  not_before timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  attempts integer not null default 0,
  lease_until timestamptz,
  -- Grows with each start, so that a process that was given up writes nothing.
  lease_token bigint not null default 0,
  pages integer not null default 0,
  row_count bigint not null default 0,
  loaded bigint not null default 0,
  updated bigint not null default 0,
  unchanged bigint not null default 0,
  rejected bigint not null default 0,
  first_reject text,
  since_before text,
  since_after text,
  error_code text,
  error_message text,
  unique (tenant_id, id),
  foreign key (tenant_id, connector_id) references daybook.connectors (tenant_id, id)
    on delete cascade,
  check ((state in ('done', 'failed')) = (ended_at is not null))
);
-- One waits at most: who asks meanwhile is answered with that one. And one works.
create unique index connector_runs_waiting on daybook.connector_runs (tenant_id, connector_id)
  where state = 'queued';
create unique index connector_runs_working on daybook.connector_runs (tenant_id, connector_id)
  where state = 'running';
create index connector_runs_open on daybook.connector_runs (not_before)
  where state in ('queued', 'running');
create index connector_runs_newest on daybook.connector_runs
  (tenant_id, connector_id, queued_at desc, id);

create table daybook.triggers (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  name text not null check (name <> ''),
  connector_id uuid,
  schedule_id uuid,
  -- Of the token; the token itself is told once and stands nowhere.
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  created_by text not null,
  created_at timestamptz not null default now(),
  fires bigint not null default 0,
  last_fired_at timestamptz,
  unique (tenant_id, id),
  foreign key (tenant_id, connector_id) references daybook.connectors (tenant_id, id)
    on delete cascade,
  foreign key (tenant_id, schedule_id) references daybook.schedules (tenant_id, id)
    on delete cascade,
  check ((connector_id is null) <> (schedule_id is null))
);
create index triggers_connector on daybook.triggers (tenant_id, connector_id);
create index triggers_schedule on daybook.triggers (tenant_id, schedule_id);

do $$
declare
  t text;
begin
  foreach t in array array['connectors', 'connector_runs', 'triggers'] loop
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
    execute format('grant select on daybook.%I to daybook_system', t);
  end loop;
end
$$;
