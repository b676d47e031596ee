-- How deliveries went: an attempt a row; who gets nothing any more; links to files that were too
-- large to attach; and what a tenant wants of all that.

alter table daybook.deliveries
  -- Times that a person had it sent again: another Message-ID each.
  add column resends integer not null default 0,
  -- A server said that the message was too large: from then on the file goes as a link.
  add column by_link boolean not null default false,
  -- Since when it is tried; what does not work for days is given up.
  add column owed_since timestamptz not null default now();
drop index daybook.deliveries_open;
create index deliveries_open on daybook.deliveries (not_before)
  where state in ('pending', 'sending', 'in_doubt');
create index deliveries_digest on daybook.deliveries (tenant_id, digest_id)
  where digest_id is not null;

-- Written before anything goes out, and closed when it is known what became of it.
create table daybook.delivery_attempts (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  delivery_id uuid not null,
  attempt integer not null,
  lease_token bigint not null,
  message_id text not null,
  -- Where it went: a server's name, `outbox`, or the host of a hook.
  via text not null,
  began_at timestamptz not null default now(),
  -- When the first byte of the message was about to go: from then on a copy may exist.
  data_at timestamptz,
  ended_at timestamptz,
  -- `lost`: whoever was at it did not come back to say.
  outcome text check (outcome in ('sent', 'temporary', 'permanent', 'ambiguous', 'lost')),
  stage text,
  code text,
  reply text,
  unique (tenant_id, delivery_id, attempt),
  check ((outcome is null) = (ended_at is null)),
  foreign key (tenant_id, delivery_id) references daybook.deliveries (tenant_id, id)
    on delete cascade
);

-- Who gets nothing any more: of one schedule, or (null) of the tenant at all.
create table daybook.suppressions (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- The address in lower case.
  recipient text not null,
  schedule_id uuid,
  reason text not null check (reason in ('unsubscribed', 'bounced')),
  -- What a server said, for example.
  detail text,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, schedule_id) references daybook.schedules (tenant_id, id)
    on delete cascade
);
create unique index suppressions_recipient on daybook.suppressions
  (tenant_id, recipient, coalesce(schedule_id, '00000000-0000-0000-0000-000000000000'));
create index suppressions_schedule on daybook.suppressions (tenant_id, schedule_id);

-- A recipient's way to one sealed file. Of the token only its SHA-256 is kept.
create table daybook.download_links (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  delivery_id uuid not null,
  report_file_id uuid not null,
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  downloads integer not null default 0,
  last_download_at timestamptz,
  unique (tenant_id, delivery_id, report_file_id, token_sha256),
  foreign key (tenant_id, delivery_id) references daybook.deliveries (tenant_id, id)
    on delete cascade,
  foreign key (tenant_id, report_file_id) references daybook.report_files (tenant_id, id)
    on delete cascade
);
create index download_links_file on daybook.download_links (tenant_id, report_file_id);

-- What a tenant wants of its deliveries: the newest row counts, the others say what was so before.
-- A tenant without one has the defaults.
create table daybook.delivery_settings (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- `example.com`, `*.example.com`; null: any.
  allowed_domains text[],
  -- What may have arrived is not sent again by itself.
  hold_ambiguous boolean not null default false,
  link_days integer not null default 14 check (link_days between 1 and 90),
  -- Of a message as it is sent, encoded.
  max_attachment_bytes bigint not null default 15000000
    check (max_attachment_bytes between 0 and 100000000),
  -- Which of the tenant's webhook keys signs; the one before does too for a day.
  webhook_key integer not null default 1,
  webhook_key_since timestamptz not null default now(),
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index delivery_settings_newest on daybook.delivery_settings (tenant_id, changed_at desc, id);

do $$
declare
  t text;
begin
  foreach t in array array[
    'delivery_attempts', 'suppressions', 'download_links', 'delivery_settings'
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
