-- Carriers' calls as rows, and carriers' files as bytes: both may be held against our charges.

create table daybook.carrier_calls (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Names the row: the carrier's id, or the row's own content; of equal ones the second is `…#2`.
  row_key text collate "C" not null check (row_key <> ''),
  -- As the carrier has it, who may bill one id twice.
  external_id text collate "C",
  started_at timestamptz not null,
  caller text,
  callee text not null,
  billed_seconds bigint not null,
  amount numeric not null,
  currency text,
  -- Ours that the calls went over; tells one carrier's rows from another's.
  trunk text,
  extra jsonb,
  primary key (tenant_id, row_key)
);
create index carrier_calls_day on daybook.carrier_calls (tenant_id, started_at, row_key);

-- What was uploaded to be reconciled, byte for byte as it came; kept as the record of it.
create table daybook.carrier_files (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  name text not null check (name <> '' and length(name) <= 200),
  -- Relative to the home folder.
  path text not null,
  bytes bigint not null check (bytes > 0),
  sha256 text not null,
  -- Tolerances, which charges, the map: as they were asked for.
  request jsonb not null,
  uploaded_by text not null,
  uploaded_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index carrier_files_path on daybook.carrier_files (tenant_id, path);

alter table daybook.reconciliations
  -- Null: made of rows of `carrier_calls`.
  alter column carrier_sha256 drop not null;

do $$
declare
  t text;
begin
  foreach t in array array['carrier_calls', 'carrier_files'] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
  end loop;
end
$$;
grant select, insert, update, delete on daybook.carrier_calls to daybook_tenant;
-- What came stands.
grant select, insert on daybook.carrier_files to daybook_tenant;
-- The pass that removes files of which no row knows asks for all tenants.
create policy system_rows on daybook.carrier_files for select to daybook_system using (true);
grant select on daybook.carrier_files to daybook_system;

create trigger hours_of_inserts after insert on daybook.carrier_calls
  referencing new table as new_rows
  for each statement execute function daybook.note_changed_hours('carrier_calls', 'started_at');
create trigger hours_of_updates after update on daybook.carrier_calls
  referencing old table as old_rows new table as new_rows
  for each statement execute function daybook.note_changed_hours('carrier_calls', 'started_at');
create trigger hours_of_deletes after delete on daybook.carrier_calls
  referencing old table as old_rows
  for each statement execute function daybook.note_changed_hours('carrier_calls', 'started_at');

-- Who is told by mail that an account ran low: the tenant's owners and administrators, and the
-- customer whose account it is. Owed in the transaction of the entry that crossed the bound.

alter table daybook.ledger_notices
  add column key uuid not null default gen_random_uuid(),
  add unique (tenant_id, key);

create table daybook.low_balance_mails (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  notice_key uuid not null,
  recipient text not null,
  -- To a member of the tenant, or to its customer.
  audience text not null check (audience in ('member', 'customer')),
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed', 'suppressed')),
  -- Fences: who records an end names the attempt that it was at.
  attempts integer not null default 0,
  -- Of an attempt under way: when another may take it for lost.
  not_before timestamptz not null default now(),
  last_code text,
  last_reply text,
  owed_at timestamptz not null default now(),
  sent_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, notice_key, recipient),
  foreign key (tenant_id, notice_key) references daybook.ledger_notices (tenant_id, key)
    on delete cascade
);
create index low_balance_mails_open on daybook.low_balance_mails (not_before)
  where state = 'pending';

alter table daybook.low_balance_mails enable row level security;
alter table daybook.low_balance_mails force row level security;
revoke all on daybook.low_balance_mails from public, anon, authenticated;
grant all on daybook.low_balance_mails to service_role;
create policy tenant_rows on daybook.low_balance_mails to daybook_tenant
  using (tenant_id = (select daybook.claimed_tenant_id()))
  with check (tenant_id = (select daybook.claimed_tenant_id()));
grant select, insert on daybook.low_balance_mails to daybook_tenant;
grant update (state, last_code, last_reply, sent_at, not_before) on daybook.low_balance_mails
  to daybook_tenant;
-- A sender works for all tenants; claims what is owed and learns whose it is.
create policy system_rows on daybook.low_balance_mails to daybook_system
  using (true) with check (true);
grant select, update on daybook.low_balance_mails to daybook_system;

create function daybook.owe_low_balance_mails() returns trigger
  language plpgsql set search_path = ''
as $$
begin
  insert into daybook.low_balance_mails (tenant_id, notice_key, recipient, audience)
  select n.tenant_id, n.key, m.email, 'member' from new_rows n
  join daybook.members m on m.tenant_id = n.tenant_id
    and m.email is not null and m.roles && array['owner', 'admin']
  union all
  select n.tenant_id, n.key, c.email, 'customer' from new_rows n
  join daybook.ledger_accounts a on a.tenant_id = n.tenant_id and a.id = n.account_id
  join daybook.customers c on c.tenant_id = a.tenant_id and c.key = a.payer and c.email is not null
  on conflict do nothing;
  return null;
end
$$;
create trigger mails_of_notices after insert on daybook.ledger_notices
  referencing new table as new_rows
  for each statement execute function daybook.owe_low_balance_mails();

revoke all on function daybook.owe_low_balance_mails() from public;
grant execute on function daybook.owe_low_balance_mails() to daybook_tenant, service_role;
