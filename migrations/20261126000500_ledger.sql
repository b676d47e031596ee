-- The ledger: append-only, double entry. An entry moves an amount between the account of a payer
-- and one of the tenant's own, so all accounts of a currency add up to zero. Triggers keep the
-- balances, refuse what falls into a locked period, and note an account that runs low.

create table daybook.ledger_accounts (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  -- `payer`: what a payer has left, or owes where it is negative. The others are the tenant's own.
  kind text not null check (kind in ('payer', 'revenue', 'cash', 'corrections')),
  -- Empty: the account is the tenant's own.
  payer text collate "C" not null default '',
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  balance numeric not null default 0,
  entry_count bigint not null default 0,
  -- A balance that falls below it is noted; null: none is.
  low_balance numeric,
  opened_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, kind, payer, currency),
  check ((kind = 'payer') = (payer <> ''))
);

create table daybook.ledger_entries (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Names what the entry is of; a second one of the same source is not made.
  source text collate "C" not null check (source <> '' and length(source) <= 500),
  kind text not null check (kind in ('charge', 'credit', 'adjustment', 'refund', 'reversal')),
  -- When it counts, and the tenant's local date of that.
  effective_at timestamptz not null,
  booked_on date not null,
  account_id uuid not null,
  -- The tenant's own account that the amount comes from.
  contra_id uuid not null,
  payer text collate "C" not null,
  currency text not null,
  -- Added to the payer's account: negative for a charge.
  amount numeric not null check (amount <> 0),
  -- The sum of charges made it, and only re-rating changes it.
  of_charges boolean not null default false,
  -- The source that it takes back; at most once.
  reverses text collate "C",
  note text,
  posted_by text not null,
  posted_at timestamptz not null default now(),
  primary key (tenant_id, source),
  unique (tenant_id, reverses),
  check ((kind = 'reversal') = (reverses is not null)),
  check (account_id <> contra_id),
  foreign key (tenant_id, account_id) references daybook.ledger_accounts (tenant_id, id),
  foreign key (tenant_id, contra_id) references daybook.ledger_accounts (tenant_id, id),
  foreign key (tenant_id, reverses) references daybook.ledger_entries (tenant_id, source)
);
create index ledger_entries_day on daybook.ledger_entries (tenant_id, effective_at, source);
create index ledger_entries_booked on daybook.ledger_entries (tenant_id, booked_on);
create index ledger_entries_account on daybook.ledger_entries (tenant_id, account_id, effective_at);
create index ledger_entries_contra on daybook.ledger_entries (tenant_id, contra_id);

-- Days whose charges and entries stand. A lock that is released stays here, as the record of it.
create table daybook.period_locks (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  from_date date not null,
  to_date date not null check (to_date >= from_date),
  reason text not null,
  locked_by text not null,
  locked_at timestamptz not null default now(),
  released_by text,
  released_at timestamptz,
  primary key (tenant_id, id),
  check ((released_by is null) = (released_at is null))
);

-- An account whose balance fell below its bound; once, until it has been above it again.
create table daybook.ledger_notices (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  account_id uuid not null,
  balance numeric not null,
  low_balance numeric not null,
  noticed_at timestamptz not null default now(),
  foreign key (tenant_id, account_id) references daybook.ledger_accounts (tenant_id, id)
    on delete cascade
);
create index ledger_notices_account on daybook.ledger_notices (tenant_id, account_id);

do $$
declare
  t text;
begin
  foreach t in array array['ledger_accounts', 'ledger_entries', 'period_locks', 'ledger_notices'] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
    -- Nothing here is ever deleted, and entries are not changed either.
    execute format('grant select, insert on daybook.%I to daybook_tenant', t);
  end loop;
end
$$;
grant update (balance, entry_count, low_balance) on daybook.ledger_accounts to daybook_tenant;
grant update (released_by, released_at) on daybook.period_locks to daybook_tenant;

-- Locking a period and writing into it take turns; writers do not wait for each other.
create function daybook.refuse_locked_days() returns trigger
  language plpgsql set search_path = ''
as $$
declare
  locked record;
  touched text;
begin
  -- A tenant that is on its way out takes its locked days along.
  if tg_op = 'DELETE' then
    if not exists (
      select from daybook.tenants t where t.id in (select tenant_id from old_rows)) then
      return null;
    end if;
  end if;
  touched := case tg_op
    when 'INSERT' then 'select tenant_id, booked from new_rows'
    when 'DELETE' then 'select tenant_id, booked from old_rows'
    else 'select tenant_id, booked from new_rows union select tenant_id, booked from old_rows'
  end;
  touched := replace(touched, 'booked', quote_ident(tg_argv[0]) || ' as booked');
  execute format(
    'select pg_advisory_xact_lock_shared(hashtextextended(''daybook locks '' || t.tenant_id, 0))
     from (select distinct tenant_id from (%s) r order by 1) t', touched);
  execute format(
    'select r.booked, l.reason from (select distinct tenant_id, booked from (%s) d) r
     join daybook.period_locks l on l.tenant_id = r.tenant_id
       and r.booked between l.from_date and l.to_date and l.released_at is null
     order by r.booked limit 1', touched) into locked;
  if locked.booked is not null then
    raise exception 'the day % is locked: %', locked.booked, locked.reason using errcode = 'DB001';
  end if;
  return null;
end
$$;

create function daybook.await_writers() returns trigger
  language plpgsql set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('daybook locks ' || new.tenant_id, 0));
  return new;
end
$$;

create trigger locks_await_writers before insert on daybook.period_locks
  for each row execute function daybook.await_writers();
create trigger entries_in_locked_days after insert on daybook.ledger_entries
  referencing new table as new_rows
  for each statement execute function daybook.refuse_locked_days('booked_on');
create trigger charges_in_locked_days_inserted after insert on daybook.charges
  referencing new table as new_rows
  for each statement execute function daybook.refuse_locked_days('billed_on');
create trigger charges_in_locked_days_updated after update on daybook.charges
  referencing old table as old_rows new table as new_rows
  for each statement execute function daybook.refuse_locked_days('billed_on');
create trigger charges_in_locked_days_deleted after delete on daybook.charges
  referencing old table as old_rows
  for each statement execute function daybook.refuse_locked_days('billed_on');

-- Both sides of each entry, all accounts of a statement at once and in one order, so that posters
-- wait for each other and never in a circle.
create function daybook.keep_balances() returns trigger
  language plpgsql set search_path = ''
as $$
begin
  -- The accounts of an entry are what it says they are.
  if exists (
    select from new_rows n where not exists (
      select from daybook.ledger_accounts a
      join daybook.ledger_accounts c on c.tenant_id = n.tenant_id and c.id = n.contra_id
      where a.tenant_id = n.tenant_id and a.id = n.account_id
        and a.kind = 'payer' and a.payer = n.payer and a.currency = n.currency
        and c.kind <> 'payer' and c.currency = n.currency))
  then
    raise exception 'the accounts of an entry are not those of its payer and its currency'
      using errcode = 'check_violation';
  end if;
  perform from daybook.ledger_accounts a
    where (a.tenant_id, a.id) in (
      select tenant_id, account_id from new_rows union select tenant_id, contra_id from new_rows)
    order by a.tenant_id, a.id for no key update;
  with moved as (
    select tenant_id, id, sum(amount) as amount, sum(n) as n
    from (select tenant_id, account_id as id, amount, 1 as n from new_rows
          union all select tenant_id, contra_id, -amount, 1 from new_rows) m
    group by tenant_id, id),
  kept as (
    update daybook.ledger_accounts a
    set balance = a.balance + m.amount, entry_count = a.entry_count + m.n
    from moved m where a.tenant_id = m.tenant_id and a.id = m.id
    returning a.tenant_id, a.id, a.balance, a.balance - m.amount as before, a.low_balance)
  insert into daybook.ledger_notices (tenant_id, account_id, balance, low_balance)
  select tenant_id, id, balance, low_balance from kept
  where balance < low_balance and before >= low_balance;
  return null;
end
$$;

create trigger balances_of_entries after insert on daybook.ledger_entries
  referencing new table as new_rows
  for each statement execute function daybook.keep_balances();

-- Who may write an account may still not write a balance: only entries do.
create function daybook.refuse_change() returns trigger
  language plpgsql set search_path = ''
as $$
begin
  raise exception '% of % is kept by entries and never changed', tg_argv[0], tg_table_name
    using errcode = 'insufficient_privilege';
end
$$;
create trigger balances_are_kept before update of balance, entry_count on daybook.ledger_accounts
  for each row when (pg_trigger_depth() < 1)
  execute function daybook.refuse_change('a balance');
create trigger accounts_begin_empty before insert on daybook.ledger_accounts
  for each row when (new.balance <> 0 or new.entry_count <> 0)
  execute function daybook.refuse_change('a balance');
create trigger entries_are_kept before update on daybook.ledger_entries
  for each row execute function daybook.refuse_change('an entry');

revoke all on function
  daybook.refuse_locked_days(), daybook.await_writers(), daybook.keep_balances(),
  daybook.refuse_change() from public;
grant execute on function
  daybook.refuse_locked_days(), daybook.await_writers(), daybook.keep_balances(),
  daybook.refuse_change() to daybook_tenant, service_role;

create trigger hours_of_inserts after insert on daybook.ledger_entries
  referencing new table as new_rows
  for each statement execute function daybook.note_changed_hours('ledger_entries', 'effective_at');
