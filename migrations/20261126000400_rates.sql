-- What a call costs, who pays it, and what was charged. Money is numeric, never a float.

-- Who pays: the tenant itself (made when it is first charged) or a customer of the tenant.
create table daybook.payers (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Stands in charges and in the ledger, so it never changes.
  key text collate "C" not null check (key <> '' and length(key) <= 200),
  kind text not null check (kind in ('tenant', 'customer')),
  title text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key)
);
create unique index payers_self on daybook.payers (tenant_id) where kind = 'tenant';

create table daybook.rate_plans (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  name text collate "C" not null check (name <> '' and length(name) <= 200),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Of its windows and of dates without a time; null: that of the tenant's day.
  zone text,
  -- Calls that it is for, where no assignment says more.
  direction text not null default 'outbound'
    check (direction in ('outbound', 'inbound', 'internal', 'agent')),
  -- The party whose number the prefixes are of.
  prefix_of text not null default 'callee' check (prefix_of in ('callee', 'caller')),
  rounding text not null default 'half_up' check (rounding in ('up', 'down', 'half_up', 'half_even')),
  -- Digits after the point that an amount is rounded to, once.
  rounding_scale smallint not null default 4 check (rounding_scale between 0 and 12),
  -- Seconds at the start of each call that cost nothing.
  free_seconds integer not null default 0 check (free_seconds >= 0),
  minimum_charge numeric check (minimum_charge >= 0),
  maximum_charge numeric check (maximum_charge >= minimum_charge or minimum_charge is null),
  -- Names that rates may use in place of a window: {"peak": "mon-fri 08:00-20:00"}.
  windows jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);

-- One price list of a plan, from an instant until the next one's. It holds whole or not at all.
create table daybook.rate_versions (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  plan text collate "C" not null,
  valid_from timestamptz not null,
  row_count bigint not null,
  -- SHA-256 of its rows in canonical form: the same list once more changes nothing.
  content_sha256 text not null,
  file_name text not null,
  loaded_by text not null,
  loaded_at timestamptz not null default now(),
  primary key (tenant_id, plan, valid_from),
  foreign key (tenant_id, plan) references daybook.rate_plans (tenant_id, name) on delete cascade
);

create table daybook.rates (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  plan text collate "C" not null,
  valid_from timestamptz not null,
  -- Leading digits of a number; '*': of any.
  prefix text collate "C" not null check (prefix ~ '^([0-9]{1,32}|\*)$'),
  -- When it holds; empty: whenever nothing more special does.
  time_window text collate "C" not null default '',
  from_second bigint not null default 0 check (from_second >= 0),
  description text,
  -- Of the call; bears on the group that the call begins with.
  connect_fee numeric not null default 0 check (connect_fee >= 0),
  rate numeric not null check (rate >= 0),
  rate_unit_seconds bigint not null default 60 check (rate_unit_seconds > 0),
  increment_seconds bigint not null default 1 check (increment_seconds > 0),
  minimum_seconds bigint not null default 0 check (minimum_seconds >= 0),
  primary key (tenant_id, plan, valid_from, prefix, time_window, from_second),
  foreign key (tenant_id, plan, valid_from)
    references daybook.rate_versions (tenant_id, plan, valid_from) on delete cascade
);

-- Which payer a call is billed to, from an instant on; no rule: the tenant itself.
create table daybook.payer_rules (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  -- `number`: the caller of an outbound call, the callee of any other.
  match_by text not null check (match_by in ('number', 'trunk', 'agent')),
  match_value text collate "C" not null check (match_value <> ''),
  valid_from timestamptz not null default '-infinity',
  -- Null: the tenant again.
  payer text collate "C",
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, match_by, match_value, valid_from),
  foreign key (tenant_id, payer) references daybook.payers (tenant_id, key)
);
create index payer_rules_payer on daybook.payer_rules (tenant_id, payer);

-- Which plan calls are rated by, from an instant on; the most special assignment counts.
create table daybook.plan_assignments (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  -- Null: any payer.
  payer text collate "C",
  direction text not null check (direction in ('outbound', 'inbound', 'internal', 'agent')),
  -- With direction `agent`: calls of this agent; null: of any agent.
  agent text collate "C",
  valid_from timestamptz not null default '-infinity',
  plan text collate "C" not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, payer, direction, agent, valid_from),
  check (agent is null or direction = 'agent'),
  foreign key (tenant_id, payer) references daybook.payers (tenant_id, key),
  foreign key (tenant_id, plan) references daybook.rate_plans (tenant_id, name) on delete cascade
);
create index plan_assignments_payer on daybook.plan_assignments (tenant_id, payer);
create index plan_assignments_plan on daybook.plan_assignments (tenant_id, plan);

-- What decides prices and payers, and each change of it. A tenant whose calls are rated has some;
-- the newest version tells whether unrated calls are worth another try.
create table daybook.rate_changes (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  version bigint not null,
  -- Such as `rates of standard from 2026-01-01T00:00:00.000Z`.
  what text not null,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, version)
);

-- A line per call that somebody has to pay. What was rated has an amount; what could not be has a
-- reason and no amount.
create table daybook.charges (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Of the call.
  external_id text collate "C" not null,
  started_at timestamptz not null,
  -- The tenant's local date of the start, as it was when the call was charged.
  billed_on date not null,
  status text not null check (status in ('rated', 'unrated')),
  reason text,
  -- Of daybook.payers; not declared so, since a million checks would cost as much as the rating.
  payer text collate "C" not null,
  direction text,
  caller text,
  callee text,
  agent text,
  trunk text,
  actual_seconds bigint,
  billed_seconds bigint,
  plan text collate "C",
  -- The version of the plan.
  plan_from timestamptz,
  prefix text collate "C",
  -- Of the group that the call began with.
  rate numeric,
  rate_unit_seconds bigint,
  increment_seconds bigint,
  minimum_seconds bigint,
  connect_fee numeric,
  -- A line per group where there were several:
  -- [[second it began, seconds, rate, unit, increment, window], …].
  lines jsonb,
  rounding text,
  -- The amount is a multiple of it, such as 0.0001.
  rounding_step numeric,
  amount numeric,
  currency text,
  rated_at timestamptz not null default now(),
  primary key (tenant_id, external_id),
  check (case status
    when 'rated' then reason is null and amount is not null and currency is not null
      and billed_seconds is not null and plan is not null and prefix is not null
    else reason is not null and amount is null and billed_seconds is null end)
);
create index charges_day on daybook.charges (tenant_id, started_at, external_id);
create index charges_billed on daybook.charges (tenant_id, billed_on);
create index charges_unrated on daybook.charges (tenant_id, started_at) where status = 'unrated';

-- Which state of an hour's calls has been rated, and after which change of rates.
create table daybook.rated_hours (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  hour timestamptz not null,
  calls_version bigint not null,
  rates_version bigint not null,
  -- Calls that could not be rated.
  unrated bigint not null,
  rated_at timestamptz not null default now(),
  primary key (tenant_id, hour)
);

-- Each time that charges changed: what was rated, and the money that it made.
create table daybook.ratings (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null,
  -- `new`: calls that came or changed; `again`: a period was rated once more.
  kind text not null check (kind in ('new', 'again')),
  period_from date not null,
  period_to date not null,
  added bigint not null,
  changed bigint not null,
  removed bigint not null,
  unrated bigint not null,
  -- Currency → what the sum of charges grew by, as text.
  difference jsonb not null,
  requested_by text not null,
  finished_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index ratings_finished on daybook.ratings (tenant_id, finished_at desc, id);

do $$
declare
  t text;
begin
  foreach t in array array[
    'payers', 'rate_plans', 'rate_versions', 'rates', 'payer_rules', 'plan_assignments',
    'rate_changes', 'charges', 'rated_hours', 'ratings'
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
  end loop;
  -- Charges and the ledger speak of payers for ever.
  revoke delete on daybook.payers from daybook_tenant;
  revoke update, delete on daybook.rate_changes from daybook_tenant;
  -- What a pass over all tenants needs in order to see whose calls are new.
  foreach t in array array['rate_changes', 'rated_hours'] loop
    execute format(
      'create policy system_rows on daybook.%I for select to daybook_system using (true)', t);
    execute format('grant select on daybook.%I to daybook_system', t);
  end loop;
end
$$;

create trigger hours_of_inserts after insert on daybook.charges
  referencing new table as new_rows
  for each statement execute function daybook.note_changed_hours('charges', 'started_at');
create trigger hours_of_updates after update on daybook.charges
  referencing old table as old_rows new table as new_rows
  for each statement execute function daybook.note_changed_hours('charges', 'started_at');
create trigger hours_of_deletes after delete on daybook.charges
  referencing old table as old_rows
  for each statement execute function daybook.note_changed_hours('charges', 'started_at');
