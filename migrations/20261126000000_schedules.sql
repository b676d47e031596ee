-- Schedules, their due times, the files that were sealed for them, and what is owed to whom.

create table daybook.schedules (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  name text not null,
  -- The principal as whom its runs act.
  owner text not null,
  -- As it was saved, with all defaults filled in.
  spec jsonb not null,
  -- 1, then one more at each edit; an occurrence keeps the one that it was planned with.
  version integer not null default 1,
  state text not null default 'active' check (state in ('active', 'paused')),
  -- Of the next occurrence: the zone that the spec names, or the tenant's on that date.
  zone text not null,
  -- 'YYYY-MM-DD HH:MM' by the clocks of the zone, and when that is; null: it never comes again.
  next_nominal text check (next_nominal ~ '^\d{4}-\d\d-\d\d \d\d:\d\d$'),
  next_due timestamptz,
  -- While due times that were missed are made up for: what their mails are gathered under.
  catching_up uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Not null: gone for people, kept for what it sent.
  removed_at timestamptz,
  unique (tenant_id, id),
  check ((next_nominal is null) = (next_due is null))
);
create unique index schedules_name on daybook.schedules (tenant_id, name) where removed_at is null;
create index schedules_due on daybook.schedules (next_due)
  where state = 'active' and removed_at is null;

create table daybook.occurrences (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  schedule_id uuid not null,
  -- What it was planned with: a later edit changes nothing here.
  schedule_version integer not null,
  spec jsonb not null,
  owner text not null,
  zone text not null,
  -- 'YYYY-MM-DD HH:MM'; of one that a person asked for, to the millisecond.
  nominal text not null,
  due_at timestamptz not null,
  -- The report's period, inclusive local dates.
  period_from date not null,
  period_to date not null,
  -- A person asked for it.
  manual boolean not null default false,
  -- It was planned so long after it was due that people are told.
  late boolean not null default false,
  -- Its mails wait for those of its kind and go as one.
  digest_id uuid,
  state text not null default 'planned' check (state in
    ('planned', 'held', 'processing', 'sealed', 'sent', 'skipped', 'missed', 'failed')),
  -- Why it is held, skipped, missed or failed: a sentence for its owner, and a code of errors.
  reason text,
  error_code text,
  -- Until then it waits for its data; afterwards the spec's `if_incomplete` decides.
  hold_until timestamptz,
  -- Not looked at before.
  look_at timestamptz,
  -- Days that were not complete when the runs were queued all the same.
  incomplete_days text[] not null default '{}',
  created_at timestamptz not null default now(),
  sealed_at timestamptz,
  finished_at timestamptz,
  unique (schedule_id, nominal),
  unique (tenant_id, id),
  foreign key (tenant_id, schedule_id) references daybook.schedules (tenant_id, id) on delete cascade
);
create index occurrences_schedule on daybook.occurrences (tenant_id, schedule_id, due_at desc, id);
create index occurrences_open on daybook.occurrences (state, due_at)
  where state in ('planned', 'held', 'processing', 'sealed');
create index occurrences_digest on daybook.occurrences (tenant_id, digest_id)
  where digest_id is not null;

-- A run of an occurrence makes the file of one set of effective parameters and filters.
alter table daybook.runs
  add column occurrence_id uuid,
  -- SHA-256 of the request, hex: recipients with the same one share a file.
  add column variant text,
  -- The sealed file that this one amends.
  add column amends uuid,
  -- Days that the file has to say are not complete.
  add column incomplete_days text[] not null default '{}',
  add foreign key (tenant_id, occurrence_id) references daybook.occurrences (tenant_id, id)
    on delete set null (occurrence_id);
create unique index runs_variant on daybook.runs
  (tenant_id, occurrence_id, variant, coalesce(amends, '00000000-0000-0000-0000-000000000000'))
  where occurrence_id is not null and state not in ('failed', 'cancelled');
create index runs_occurrence on daybook.runs (occurrence_id) where occurrence_id is not null;

-- What a scheduled file is made of: [[date, rows part key], …], so that changes can be told.
alter table daybook.files add column day_keys jsonb, add unique (tenant_id, id);

create table daybook.report_files (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  occurrence_id uuid not null,
  run_id uuid not null,
  file_id uuid not null,
  -- The effective request that made it, and SHA-256 of that.
  request jsonb not null,
  variant text not null,
  -- SHA-256 of what revisions are counted by: report, parameters, filter, zone and period.
  subject text not null,
  -- Whose it is: [{"kind", "recipient"}, …].
  recipients jsonb not null,
  name text not null,
  media_type text not null,
  -- Of the bytes as they go out.
  bytes bigint not null,
  sha256 text not null,
  row_count bigint not null,
  data_as_of timestamptz,
  revision integer not null,
  amendment_of uuid,
  incomplete_days text[] not null default '{}',
  -- [[date, rows part key], …] as it was made.
  day_keys jsonb not null,
  window_start timestamptz not null,
  window_end timestamptz not null,
  dataset text not null,
  -- Days whose rows are others now, as of the last look; null: it was not looked yet.
  changed_days text[],
  looked_at timestamptz,
  sealed_at timestamptz not null default now(),
  retained_until timestamptz not null,
  -- When its bytes left the disk.
  removed_at timestamptz,
  unique (tenant_id, id),
  foreign key (tenant_id, occurrence_id) references daybook.occurrences (tenant_id, id)
    on delete cascade,
  foreign key (tenant_id, run_id) references daybook.runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, file_id) references daybook.files (tenant_id, id) on delete cascade,
  foreign key (tenant_id, amendment_of) references daybook.report_files (tenant_id, id)
    on delete cascade
);
create index report_files_tenant on daybook.report_files (tenant_id, sealed_at desc, id);
create index report_files_subject on daybook.report_files (tenant_id, subject, revision desc);
-- Of an occurrence, one file of each kind, and one amendment of each.
create unique index report_files_variant on daybook.report_files (tenant_id, occurrence_id, variant,
  coalesce(amendment_of, '00000000-0000-0000-0000-000000000000'));
create index report_files_run on daybook.report_files (tenant_id, run_id);
create index report_files_file on daybook.report_files (tenant_id, file_id);
create index report_files_amends on daybook.report_files (tenant_id, amendment_of)
  where amendment_of is not null;

-- Rows parts that sealed files were made of: never evicted before their time, since only they can
-- tell what changed.
create table daybook.sealed_parts (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  key text not null,
  retained_until timestamptz not null,
  primary key (tenant_id, key)
);
create index sealed_parts_until on daybook.sealed_parts (retained_until);

create table daybook.deliveries (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  occurrence_id uuid not null,
  -- Null: a notice, which has no file.
  report_file_id uuid,
  recipient_kind text not null check (recipient_kind in ('email', 'webhook', 'discord', 'slack')),
  -- One address or one URL.
  recipient text not null,
  purpose text not null check (purpose in ('report', 'amendment', 'notice', 'test', 'digest')),
  -- Of a notice: what about.
  topic text not null default '' check (topic in
    ('', 'held', 'overdue', 'failed', 'missed', 'skipped', 'changed')),
  -- What a notice says besides.
  detail jsonb not null default '{}',
  -- Deliveries of purpose `digest` to one recipient under one id go as one message.
  digest_id uuid,
  state text not null default 'pending' check (state in
    ('pending', 'sending', 'sent', 'failed', 'in_doubt', 'held', 'suppressed', 'cancelled')),
  attempts integer not null default 0,
  message_id text,
  not_before timestamptz not null default now(),
  lease_token bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  last_code text,
  last_reply text,
  sent_at timestamptz,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  check ((purpose = 'digest') = (digest_id is not null)),
  check ((purpose = 'notice') = (topic <> '')),
  foreign key (tenant_id, occurrence_id) references daybook.occurrences (tenant_id, id)
    on delete cascade,
  foreign key (tenant_id, report_file_id) references daybook.report_files (tenant_id, id)
    on delete cascade
);
-- One file is owed once to one recipient, and one notice once.
create unique index deliveries_file on daybook.deliveries
  (tenant_id, report_file_id, recipient_kind, recipient)
  where purpose in ('report', 'amendment', 'digest');
create unique index deliveries_notice on daybook.deliveries
  (tenant_id, occurrence_id, topic, recipient_kind, recipient) where purpose = 'notice';
create index deliveries_tenant on daybook.deliveries (tenant_id, created_at desc, id);
create index deliveries_occurrence on daybook.deliveries (tenant_id, occurrence_id);
create index deliveries_open on daybook.deliveries (not_before)
  where state in ('pending', 'sending');

do $$
declare
  t text;
begin
  foreach t in array array[
    'schedules', 'occurrences', 'report_files', 'sealed_parts', 'deliveries'
  ] loop
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
