-- Totals are also found by what they are: totals by queue and agent give those by queue.
-- `family` names everything that decides them but the rows and the dimensions.

alter table daybook.part_totals add column family text, add column dimensions text[];
create index part_totals_rows on daybook.part_totals (tenant_id, rows_key);

-- Which summaries were asked for: they leave no run. A line per form, period and UTC date.
create table daybook.summary_uses (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  asked_on date not null,
  -- SHA-256 of form and period, hex.
  key text not null,
  -- The request without its period, and what it was asked by.
  form jsonb not null,
  period_from date not null,
  period_to date not null,
  uses bigint not null,
  last_asked_at timestamptz not null,
  primary key (tenant_id, asked_on, key)
);
create index summary_uses_asked on daybook.summary_uses (asked_on);

-- Days made ahead of demand: one line per day, with the version of its rows that was made last.
create table daybook.days_ahead (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  dataset text not null,
  -- Empty: the days are those of the tenant's own calendar.
  zone text not null,
  local_date date not null,
  -- The rows part that was planned; it contains the data versions of the day.
  rows_key text not null,
  -- What is made of it.
  forms jsonb not null,
  run_id uuid,
  planned_at timestamptz not null,
  -- When its versions were compared last.
  looked_at timestamptz not null,
  primary key (tenant_id, dataset, zone, local_date),
  foreign key (tenant_id, run_id) references daybook.runs (tenant_id, id)
    on delete set null (run_id)
);
create index days_ahead_run on daybook.days_ahead (tenant_id, run_id);
create index days_ahead_date on daybook.days_ahead (local_date);
create index runs_asked on daybook.runs (created_at);

do $$
declare
  t text;
begin
  foreach t in array array['summary_uses', 'days_ahead'] loop
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
