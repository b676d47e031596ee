-- What a tenant sells: its customers, products, what discounts there are and who may grant how
-- much, proposals, and what an approved one activates, once.

create table daybook.customers (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Also the key of the payer that its calls and credits are booked on, which is made with it;
  -- never changes.
  key text collate "C" not null check (key <> '' and length(key) <= 200),
  title text not null,
  email text,
  state text not null check (state in ('trial', 'active', 'closed')),
  -- From then on a trial is over, whatever `state` says.
  trial_until timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key),
  check (state <> 'trial' or trial_until is not null)
);

create table daybook.products (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  sku text collate "C" not null check (sku <> '' and length(sku) <= 200),
  title text not null,
  list_price numeric not null check (list_price >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- A licence comes with it.
  licensed boolean not null default false,
  -- How long the licence runs; null: without end.
  licence_days integer check (licence_days > 0),
  active boolean not null default true,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, sku),
  check (licensed or licence_days is null)
);

create table daybook.discount_policies (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  key text collate "C" not null check (key <> '' and length(key) <= 200),
  title text not null,
  kind text not null check (kind in ('percent', 'fixed', 'tiers')),
  -- Percent of the list amount, or money off the line.
  value numeric check (value >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  -- [[quantity from which on, percent], …], ascending.
  tiers jsonb,
  -- Null: of any product.
  sku text collate "C",
  -- The tenant's local dates, inclusive.
  valid_from date not null default '0001-01-01',
  valid_to date check (valid_to >= valid_from),
  -- It may be given beside others that may, too.
  stacks boolean not null default false,
  -- The most that a line it is part of may be given in all, percent.
  limit_percent numeric not null check (limit_percent between 0 and 100),
  -- Role → the most percent of a line that it may grant; who is not in it grants nothing.
  grants jsonb not null,
  active boolean not null default true,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, key),
  check ((kind = 'tiers') = (tiers is not null) and (kind = 'tiers') = (value is null)),
  check ((kind = 'fixed') = (currency is not null)),
  check (kind <> 'percent' or value <= 100)
);

create table daybook.proposals (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id text collate "C" not null default gen_random_uuid()::text,
  customer text collate "C" not null,
  title text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  state text not null default 'draft'
    check (state in ('draft', 'sent', 'approved', 'rejected', 'expired')),
  -- The last local date on which it can be approved.
  valid_until date not null,
  salesperson text not null,
  created_at timestamptz not null default now(),
  sent_by text,
  sent_at timestamptz,
  decided_by text,
  decided_at timestamptz,
  reason text,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer) references daybook.customers (tenant_id, key),
  check ((state in ('draft', 'sent')) = (decided_at is null))
);
create index proposals_newest on daybook.proposals (tenant_id, created_at desc, id);
create index proposals_customer on daybook.proposals (tenant_id, customer);
create index proposals_open on daybook.proposals (tenant_id, valid_until)
  where state in ('draft', 'sent');

-- Rows of the report `proposals`: what a line says of its proposal stands in it.
create table daybook.proposal_lines (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  proposal_id text collate "C" not null,
  line_no bigint not null check (line_no > 0),
  proposed_at timestamptz not null,
  status text not null,
  customer text not null,
  sku text not null,
  description text,
  quantity numeric not null check (quantity > 0),
  -- Of one.
  list_price numeric not null,
  list_amount numeric not null,
  -- Keys of its policies.
  policy text,
  -- The most that they give.
  allowed_discount numeric not null,
  discount numeric not null check (discount >= 0 and discount <= allowed_discount),
  net numeric not null check (net = list_amount - discount and net >= 0),
  currency text not null,
  salesperson text,
  decided_at timestamptz,
  primary key (tenant_id, proposal_id, line_no),
  foreign key (tenant_id, proposal_id) references daybook.proposals (tenant_id, id)
    on delete cascade
);
create index proposal_lines_day
  on daybook.proposal_lines (tenant_id, proposed_at, proposal_id, line_no);

-- What approved lines brought, each once.
create table daybook.customer_products (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  proposal_id text collate "C" not null,
  line_no bigint not null,
  customer text collate "C" not null,
  sku text collate "C" not null,
  quantity numeric not null,
  activated_at timestamptz not null default now(),
  primary key (tenant_id, proposal_id, line_no),
  foreign key (tenant_id, proposal_id) references daybook.proposals (tenant_id, id),
  foreign key (tenant_id, customer) references daybook.customers (tenant_id, key)
);
create index customer_products_customer on daybook.customer_products (tenant_id, customer);

create table daybook.licences (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  customer text collate "C" not null,
  sku text collate "C" not null,
  seats numeric not null check (seats > 0),
  valid_from timestamptz not null,
  -- Null: without end.
  valid_until timestamptz check (valid_until > valid_from),
  -- Null: of a trial.
  proposal_id text collate "C",
  line_no bigint,
  granted_by text not null,
  revoked_by text,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, proposal_id, line_no),
  foreign key (tenant_id, proposal_id) references daybook.proposals (tenant_id, id),
  foreign key (tenant_id, customer) references daybook.customers (tenant_id, key),
  foreign key (tenant_id, sku) references daybook.products (tenant_id, sku),
  check ((proposal_id is null) = (line_no is null))
);
create index licences_customer on daybook.licences (tenant_id, customer);
create index licences_sku on daybook.licences (tenant_id, sku);

do $$
declare
  t text;
begin
  foreach t in array array[
    'customers', 'products', 'discount_policies', 'proposals', 'proposal_lines',
    'customer_products', 'licences'
  ] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
    execute format('grant select, insert, update on daybook.%I to daybook_tenant', t);
  end loop;
  -- What was activated stays; lines of a draft are written anew.
  revoke update on daybook.customer_products from daybook_tenant;
  grant delete on daybook.proposal_lines to daybook_tenant;
end
$$;

create trigger hours_of_inserts after insert on daybook.proposal_lines
  referencing new table as new_rows
  for each statement execute function daybook.note_changed_hours('proposal_lines', 'proposed_at');
create trigger hours_of_updates after update on daybook.proposal_lines
  referencing old table as old_rows new table as new_rows
  for each statement execute function daybook.note_changed_hours('proposal_lines', 'proposed_at');
create trigger hours_of_deletes after delete on daybook.proposal_lines
  referencing old table as old_rows
  for each statement execute function daybook.note_changed_hours('proposal_lines', 'proposed_at');
