-- Bounded parts. A row of the index is one file: a path is written once, recorded once, removed
-- once, so a key may have several files, such as when two runs made one day at the same time.

-- Whoever applies this may be bound by the policies of a table it owns.
alter table daybook.parts no force row level security;
alter table daybook.parts add column path text;
update daybook.parts set path = coalesce(manifest ->> 'path', manifest #>> '{pieces,0,path}',
  format('parts/%s/%s/%s.%s', tenant_id, left(key, 2), key, kind));
alter table daybook.parts
  alter column path set not null,
  drop constraint parts_pkey,
  add primary key (tenant_id, path);
alter table daybook.parts force row level security;
create index parts_key on daybook.parts (tenant_id, key);

-- The files that an attempt of a run found or made. They hold as long as its lease does; the token
-- tells attempts apart, so that the pins of one that ended never come to life again.
create table daybook.part_pins (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  run_id uuid not null,
  lease_token bigint not null,
  paths text[] not null,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, run_id) references daybook.runs (tenant_id, id) on delete cascade
);
create index part_pins_run on daybook.part_pins (tenant_id, run_id);

alter table daybook.part_pins enable row level security;
alter table daybook.part_pins force row level security;
revoke all on daybook.part_pins from public, anon, authenticated;
grant all on daybook.part_pins to service_role;
create policy tenant_rows on daybook.part_pins to daybook_tenant
  using (tenant_id = (select daybook.claimed_tenant_id()))
  with check (tenant_id = (select daybook.claimed_tenant_id()));
create policy system_rows on daybook.part_pins to daybook_system using (true) with check (true);
grant select, insert, update, delete on daybook.part_pins to daybook_tenant, daybook_system;

-- What totals are of, so that those of superseded rows can be told; null: from before this.
alter table daybook.part_totals
  add column dataset text,
  add column window_start timestamptz,
  add column window_end timestamptz,
  add column last_used_at timestamptz not null default now();
create index part_totals_window
  on daybook.part_totals (tenant_id, dataset, window_start, window_end, created_at);
create index part_totals_used on daybook.part_totals (last_used_at);

create index files_expiring on daybook.files (expires_at) where removed_at is null;
create index files_path on daybook.files (tenant_id, path) where removed_at is null;
create index idempotency_keys_created on daybook.idempotency_keys (created_at);
