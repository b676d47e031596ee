-- How a finished file stands on disk: text is stored gzip-coded, and served with or without the
-- coding. `bytes` and `sha256` stay those of the file as people get it.

alter table daybook.files
  add column coding text not null default 'identity' check (coding in ('identity', 'gzip')),
  -- Null: as many as `bytes`.
  add column stored_bytes bigint,
  -- [[stored bytes, bytes they inflate to, CRC-32 of the stored bytes], …]; null: never entered.
  add column blocks jsonb;
