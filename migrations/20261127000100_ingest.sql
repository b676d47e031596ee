-- Batches that senders sign: their keys, the queue in which batches stand until they are loaded, and
-- the bytes. A batch that is loaded stays as a row without bytes, so that it is known again.

create table daybook.ingest_keys (
  id text primary key,
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  name text not null check (name <> ''),
  -- Who sends. Ids of messages are unique within a source, whichever of its keys signed: a new key
  -- of the same source takes over from an old one.
  source text not null check (source <> ''),
  scheme text not null check (scheme in ('standard', 'hmac', 'token')),
  -- AES-256-GCM under a key that is derived from the secret of the installation.
  sealed_secret bytea not null,
  -- Of schemes that are not standard: where the signature, and perhaps an id, stands.
  header text,
  prefix text not null default '',
  id_header text,
  datasets text[] not null check (cardinality(datasets) > 0),
  -- Dataset → map, for rows whose fields have other names.
  maps jsonb not null default '{}',
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  unique (tenant_id, id),
  check ((scheme = 'standard') = (header is null))
);

create table daybook.ingest_batches (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  -- Batches of one tenant and dataset are loaded in this order.
  seq bigint generated always as identity,
  dataset text not null,
  -- `mark`: no rows, but the word that all rows up to an instant have been sent.
  kind text not null default 'rows' check (kind in ('rows', 'mark')),
  source text not null,
  message_id text not null,
  -- Of dataset, kind and the body as it was sent: the same id with another one is refused.
  content_sha256 bytea not null check (length(content_sha256) = 32),
  key_id text not null,
  complete_through timestamptz,
  -- In the queue, and unpacked.
  stored_bytes bigint not null,
  raw_bytes bigint not null,
  row_count bigint not null,
  state text not null default 'queued'
    check (state in ('queued', 'loading', 'loaded', 'dead', 'discarded')),
  -- Grows with each start, so that a process that was given up writes nothing.
  starts integer not null default 0,
  -- Starts of which nobody came back to say what became of them.
  lost integer not null default 0,
  failures integer not null default 0,
  not_before timestamptz not null default now(),
  received_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  load_id uuid,
  loaded bigint,
  updated bigint,
  unchanged bigint,
  superseded bigint,
  rejected bigint,
  days integer,
  first_reject text,
  error_code text,
  error_message text,
  unique (tenant_id, source, message_id),
  unique (tenant_id, id),
  foreign key (tenant_id, key_id) references daybook.ingest_keys (tenant_id, id),
  check ((kind = 'mark') = (complete_through is not null)),
  check ((state in ('loaded', 'dead', 'discarded')) = (ended_at is not null))
);
create index ingest_batches_waiting on daybook.ingest_batches (tenant_id, dataset, seq)
  where state in ('queued', 'loading');
create index ingest_batches_dead on daybook.ingest_batches (tenant_id, dataset, seq)
  where state = 'dead';
create index ingest_batches_newest on daybook.ingest_batches (tenant_id, seq desc);
create index ingest_batches_ended on daybook.ingest_batches (ended_at)
  where state in ('loaded', 'discarded');
create index ingest_batches_key on daybook.ingest_batches (tenant_id, key_id);

-- What a batch holds: NDJSON in gzip, cut into pieces.
create table daybook.ingest_pieces (
  tenant_id uuid not null references daybook.tenants (id) on delete cascade,
  batch_id uuid not null,
  piece_no integer not null,
  bytes bytea not null,
  primary key (tenant_id, batch_id, piece_no),
  foreign key (tenant_id, batch_id) references daybook.ingest_batches (tenant_id, id)
    on delete cascade
);
-- They are compressed already.
alter table daybook.ingest_pieces alter column bytes set storage external;

do $$
declare
  t text;
begin
  foreach t in array array['ingest_keys', 'ingest_batches', 'ingest_pieces'] loop
    execute format('alter table daybook.%I enable row level security', t);
    execute format('alter table daybook.%I force row level security', t);
    execute format('revoke all on daybook.%I from public, anon, authenticated', t);
    execute format('grant all on daybook.%I to service_role', t);
    execute format(
      'create policy tenant_rows on daybook.%I to daybook_tenant
         using (tenant_id = (select daybook.claimed_tenant_id()))
         with check (tenant_id = (select daybook.claimed_tenant_id()))', t);
    execute format('grant insert on daybook.%I to daybook_tenant', t);
    -- Across tenants: whose key it is, and what waits. Never the bytes.
    if t <> 'ingest_pieces' then
      execute format(
        'create policy system_rows on daybook.%I to daybook_system using (true) with check (true)', t);
      execute format('grant select on daybook.%I to daybook_system', t);
    end if;
  end loop;
end
$$;
-- A tenant's transaction never reads a secret.
grant select (id, tenant_id, name, source, scheme, header, prefix, id_header, datasets, maps,
    created_by, created_at, expires_at, revoked_at, last_used_at),
  update (maps, expires_at, revoked_at, last_used_at) on daybook.ingest_keys to daybook_tenant;
grant select, update on daybook.ingest_batches to daybook_tenant;
-- Those that ended long ago.
grant delete on daybook.ingest_batches to daybook_system;
grant select, delete on daybook.ingest_pieces to daybook_tenant;
