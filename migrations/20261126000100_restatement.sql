-- Sealed files whose days changed are found from the hours that changed; amendments are runs.
create index data_hours_changed on daybook.data_hours (changed_at);
create index report_files_window on daybook.report_files (tenant_id, dataset, window_start)
  where removed_at is null;
create index runs_amends on daybook.runs (created_at) where amends is not null;
