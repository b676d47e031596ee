-- Rows of reports, what was refused, and the versions that tell which days changed.

create table daybook.calls (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  external_id text collate "C" not null check (external_id <> ''),
  started_at timestamptz not null,
  queued_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz not null,
  direction text,
  caller text,
  callee text,
  queue text,
  agent text,
  trunk text,
  disposition text not null,
  wait_seconds bigint,
  talk_seconds bigint,
  extra jsonb,
  primary key (tenant_id, external_id)
);
create index calls_day on daybook.calls (tenant_id, started_at, external_id);

create table daybook.order_lines (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  order_id text collate "C" not null check (order_id <> ''),
  line_no bigint not null,
  ordered_at timestamptz not null,
  status text,
  kind text,
  customer text,
  sku text not null,
  description text,
  quantity numeric not null,
  unit_price numeric not null,
  discount numeric,
  tax numeric,
  currency text,
  region text,
  salesperson text,
  extra jsonb,
  primary key (tenant_id, order_id, line_no)
);
create index order_lines_day on daybook.order_lines (tenant_id, ordered_at, order_id, line_no);

-- Bumped by the transaction that writes rows, for every UTC hour that it touched.
create table daybook.data_hours (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  hour timestamptz not null,
  version bigint not null,
  row_count bigint not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, dataset, hour)
);

-- How far a dataset of a source is known to be complete.
create table daybook.dataset_marks (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  source text not null default 'daybook',
  complete_through timestamptz not null,
  marked_at timestamptz not null default now(),
  primary key (tenant_id, dataset, source)
);

create table daybook.loads (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  file_name text not null,
  map jsonb,
  loaded bigint not null,
  updated bigint not null,
  unchanged bigint not null,
  rejected bigint not null,
  days integer not null,
  requested_by text not null,
  finished_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index loads_tenant on daybook.loads (tenant_id, finished_at desc);

create table daybook.rejects (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  load_id uuid not null,
  row_number bigint not null,
  field text,
  code text not null,
  reason text not null,
  -- The row as it came, by column where the columns are known.
  raw jsonb not null,
  -- The same bad row of the same place is kept once, however often it is loaded.
  fingerprint bytea not null,
  state text not null default 'open' check (state in ('open', 'resolved')),
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  unique (tenant_id, dataset, fingerprint),
  foreign key (tenant_id, load_id) references daybook.loads (tenant_id, id) on delete cascade
);
create index rejects_tenant on daybook.rejects (tenant_id, dataset, state, id);
create index rejects_load on daybook.rejects (tenant_id, load_id);
