-- Whoever changes rows of reports, by whatever statement, bumps the version of every UTC hour that
-- the change touches: the hour of a row's old anchor and that of its new one. Statement-level, so
-- that a load of a million rows costs one pass per statement.
--
-- A version is never used twice for an hour, also when its counter was deleted and made again, or
-- the database restored to an older state: it grows, and is at least the clock in microseconds.

create function daybook.note_changed_hours() returns trigger
  language plpgsql set search_path = ''
as $$
declare
  -- The arguments of the trigger: the dataset and the column of its anchor.
  per_row constant text := 'select tenant_id, date_bin(''1 hour'', %1$I, ''1900-01-01 00:00:00+00'') as hour, %2$s as n from %3$s';
  changed text;
begin
  changed := case tg_op
    when 'INSERT' then format(per_row, tg_argv[1], '1', 'new_rows')
    when 'DELETE' then format(per_row, tg_argv[1], '-1', 'old_rows')
    else format(per_row, tg_argv[1], '1', 'new_rows') || ' union all ' ||
         format(per_row, tg_argv[1], '-1', 'old_rows')
  end;
  if tg_op = 'DELETE' then
    -- Never an insert: the tenant itself may be on its way out, and its counters with it.
    execute format(
      'update daybook.data_hours h
       set row_count = h.row_count + t.n, version = daybook.version_after(h.version),
           changed_at = statement_timestamp()
       from (select tenant_id, hour, sum(n) as n from (%s) r group by 1, 2) t
       where h.tenant_id = t.tenant_id and h.dataset = %L and h.hour = t.hour',
      changed, tg_argv[0]);
  else
    execute format(
      'insert into daybook.data_hours as h
         (tenant_id, dataset, hour, version, row_count, changed_at)
       select tenant_id, %L, hour, daybook.version_after(0), sum(n), statement_timestamp()
       from (%s) r group by tenant_id, hour order by tenant_id, hour
       on conflict (tenant_id, dataset, hour) do update
       set row_count = h.row_count + excluded.row_count, version = daybook.version_after(h.version),
           changed_at = excluded.changed_at', tg_argv[0], changed);
  end if;
  return null;
end
$$;

create function daybook.version_after(version bigint) returns bigint
  language sql volatile set search_path = ''
  as $$ select greatest($1 + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint) $$;

revoke all on function daybook.note_changed_hours(), daybook.version_after(bigint) from public;
grant execute on function daybook.note_changed_hours(), daybook.version_after(bigint)
  to daybook_tenant, service_role;
-- Who removes a tenant removes its rows with it, and so changes their hours.
grant execute on function daybook.version_after(bigint) to daybook_system;

do $$
declare
  d text[];
begin
  foreach d slice 1 in array array[['calls', 'started_at'], ['order_lines', 'ordered_at']] loop
    execute format(
      'create trigger hours_of_inserts after insert on daybook.%I
         referencing new table as new_rows
         for each statement execute function daybook.note_changed_hours(%L, %L)', d[1], d[1], d[2]);
    execute format(
      'create trigger hours_of_updates after update on daybook.%I
         referencing old table as old_rows new table as new_rows
         for each statement execute function daybook.note_changed_hours(%L, %L)', d[1], d[1], d[2]);
    execute format(
      'create trigger hours_of_deletes after delete on daybook.%I
         referencing old table as old_rows
         for each statement execute function daybook.note_changed_hours(%L, %L)', d[1], d[1], d[2]);
  end loop;
end
$$;
