-- A carrier's rows against our charges: what was compared, what each row that differs explains of
-- the difference, what people said of it, and who signed it off, whereby the period is locked.

create table daybook.reconciliations (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  id uuid not null default gen_random_uuid(),
  period_from date not null,
  period_to date not null check (period_to >= period_from),
  zone text not null,
  -- Name of the carrier's file, and what it was.
  carrier text not null check (carrier <> ''),
  carrier_sha256 text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Tolerances, which charges, and the map, as they were asked for.
  request jsonb not null,
  our_rows bigint not null,
  their_rows bigint not null,
  our_total numeric not null,
  their_total numeric not null,
  -- Class → {rows, ours, theirs, explains}; money as text.
  classes jsonb not null,
  -- Charges of the period that had no amount.
  unrated bigint not null,
  state text not null default 'open' check (state in ('open', 'signed_off')),
  requested_by text not null,
  created_at timestamptz not null default now(),
  signed_off_by text,
  signed_off_at timestamptz,
  -- That holds because of it.
  lock_id uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, lock_id) references daybook.period_locks (tenant_id, id),
  check ((state = 'signed_off') = (signed_off_by is not null and signed_off_at is not null
    and lock_id is not null))
);
create index reconciliations_newest on daybook.reconciliations (tenant_id, created_at desc, id);
create index reconciliations_lock on daybook.reconciliations (tenant_id, lock_id);

-- Every row that is not simply matched. `explains` is theirs less ours.
create table daybook.reconciliation_lines (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  reconciliation_id uuid not null,
  line_no bigint not null check (line_no > 0),
  class text not null
    check (class in ('only_ours', 'only_theirs', 'duration', 'rate', 'rounding', 'duplicate')),
  caller text,
  callee text,
  call_id text collate "C",
  started_at timestamptz,
  billed_seconds bigint,
  amount numeric,
  their_row bigint,
  their_id text collate "C",
  their_started_at timestamptz,
  their_billed_seconds bigint,
  their_amount numeric,
  explains numeric not null check (explains = coalesce(their_amount, 0) - coalesce(amount, 0)),
  state text not null default 'open' check (state in ('open', 'disputed', 'accepted')),
  changed_by text,
  changed_at timestamptz,
  primary key (tenant_id, reconciliation_id, line_no),
  foreign key (tenant_id, reconciliation_id) references daybook.reconciliations (tenant_id, id)
    on delete cascade
);
create index reconciliation_lines_disputed
  on daybook.reconciliation_lines (tenant_id, reconciliation_id) where state = 'disputed';

-- What people said, and what they did; never changed.
create table daybook.reconciliation_notes (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  reconciliation_id uuid not null,
  -- Null: of the whole.
  line_no bigint,
  -- `note`, or what was done.
  kind text not null
    check (kind in ('note', 'disputed', 'accepted', 'reopened', 'signed_off', 'unlocked')),
  note text,
  written_by text not null,
  written_at timestamptz not null default now(),
  foreign key (tenant_id, reconciliation_id) references daybook.reconciliations (tenant_id, id)
    on delete cascade,
  foreign key (tenant_id, reconciliation_id, line_no)
    references daybook.reconciliation_lines (tenant_id, reconciliation_id, line_no)
    on delete cascade
);
create index reconciliation_notes_of
  on daybook.reconciliation_notes (tenant_id, reconciliation_id, line_no, id);

do $$
declare
  t text;
begin
  foreach t in array array['reconciliations', 'reconciliation_lines', 'reconciliation_notes'] loop
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
-- What was found stands; only how it is dealt with changes.
grant update (state, signed_off_by, signed_off_at, lock_id) on daybook.reconciliations
  to daybook_tenant;
grant update (state, changed_by, changed_at) on daybook.reconciliation_lines to daybook_tenant;
