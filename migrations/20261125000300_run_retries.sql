-- A run that its holder gave back waits for a reason that passes: a full disk, a database away, a
-- runner that goes. Such attempts are no fault of the run's own.

alter table daybook.runs
  -- Attempts that were given back; the others ended with their holder.
  add column setbacks integer not null default 0,
  -- When the first of them failed; a runner that merely goes away sets nothing.
  add column setback_at timestamptz,
  -- Not claimed before.
  add column not_before timestamptz;
