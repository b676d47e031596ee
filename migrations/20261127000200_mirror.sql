-- Mirrors: full snapshots of what another system holds, sent in parts and applied whole or not at
-- all. And what a tenant wants of its datasets' rows.

-- One row per change; the newest counts.
create table daybook.dataset_settings (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  -- A mirror that would delete more than this share of the rows in its scope, and more than so many
  -- rows, deletes nothing.
  mirror_delete_share numeric not null check (mirror_delete_share between 0 and 1),
  mirror_delete_rows bigint not null check (mirror_delete_rows >= 0),
  -- So many refused rows a mirror may have.
  mirror_rejects bigint not null check (mirror_rejects >= 0),
  -- Rows whose sku is no product of the tenant's are refused.
  known_skus boolean not null,
  changed_by text not null,
  changed_at timestamptz not null default now()
);
create index dataset_settings_newest on daybook.dataset_settings (tenant_id, dataset, id desc);

create table daybook.snapshots (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  -- Who sends it, for people.
  source text not null,
  map jsonb,
  -- Of which rows it is the whole: those with an anchor in the window, whose key begins so; null: all.
  window_start timestamptz,
  window_end timestamptz check (window_end > window_start),
  prefix text check (prefix <> ''),
  -- `refused`: the guard held it back. It waits for missing parts, or for a person.
  state text not null default 'open' check (state in ('open', 'refused', 'committed', 'discarded')),
  part_count integer not null default 0,
  row_count bigint not null default 0,
  stored_bytes bigint not null default 0,
  opened_by text not null,
  opened_at timestamptz not null default now(),
  -- The row goes then, and its parts with it.
  expires_at timestamptz not null,
  ended_by text,
  ended_at timestamptz,
  -- What the guard said last, and what was done.
  refusal text,
  result jsonb,
  unique (tenant_id, id),
  check ((window_start is null) = (window_end is null)),
  check ((state in ('committed', 'discarded')) = (ended_at is not null))
);
create index snapshots_newest on daybook.snapshots (tenant_id, opened_at desc, id);
create index snapshots_expired on daybook.snapshots (expires_at);

-- Parts in the order of their numbers, however they came: NDJSON in gzip, cut into pieces.
create table daybook.snapshot_parts (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  snapshot_id uuid not null,
  part_no integer not null check (part_no >= 0),
  -- Of the body as it was sent: the same number with another one is refused.
  body_sha256 bytea not null check (length(body_sha256) = 32),
  row_count bigint not null,
  stored_bytes bigint not null,
  primary key (tenant_id, snapshot_id, part_no),
  foreign key (tenant_id, snapshot_id) references daybook.snapshots (tenant_id, id)
    on delete cascade
);

create table daybook.snapshot_pieces (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  snapshot_id uuid not null,
  part_no integer not null,
  piece_no integer not null,
  bytes bytea not null,
  primary key (tenant_id, snapshot_id, part_no, piece_no),
  foreign key (tenant_id, snapshot_id, part_no)
    references daybook.snapshot_parts (tenant_id, snapshot_id, part_no) on delete cascade
);
-- They are compressed already.
alter table daybook.snapshot_pieces alter column bytes set storage external;

-- Legs of calls, as switches write them: what calls are folded from. A leg that comes later finds
-- the others of its call here.
create table daybook.call_legs (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  call_id text collate "C" not null check (call_id <> ''),
  leg_id text collate "C" not null check (leg_id <> ''),
  -- What it called its call, and another's such name that it says it was joined with. Null: no leg
  -- was joined by such names, and `call_id` is the name.
  own_id text collate "C",
  joins text collate "C",
  leg_order bigint not null,
  -- Whom the leg reached; null: nobody but the exchange itself.
  reached text,
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
  primary key (tenant_id, call_id, leg_id),
  foreign key (tenant_id, call_id) references daybook.calls (tenant_id, external_id)
    on delete cascade
);

create index call_legs_own on daybook.call_legs (tenant_id, own_id) where own_id is not null;
create index call_legs_joins on daybook.call_legs (tenant_id, joins) where joins is not null;

-- Rows that a mirror removed.
alter table daybook.loads add column removed bigint not null default 0;
-- What was probably meant where the field is refused.
alter table daybook.rejects add column suggestion text;

do $$
declare
  t text;
begin
  foreach t in array array[
    'dataset_settings', 'snapshots', 'snapshot_parts', 'snapshot_pieces', 'call_legs'
  ] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
    execute format('grant select, insert on daybook.%I to daybook_tenant', t);
  end loop;
end
$$;
grant update on daybook.snapshots to daybook_tenant;
-- A snapshot that ended needs its bytes no more.
grant delete on daybook.snapshot_parts to daybook_tenant;
grant update, delete on daybook.call_legs to daybook_tenant;
-- Those whose time is over.
create policy system_rows on daybook.snapshots to daybook_system using (true) with check (true);
grant select, delete on daybook.snapshots to daybook_system;
