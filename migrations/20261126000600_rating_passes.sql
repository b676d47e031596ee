-- Each pass of the rating looks for hours and rates that changed lately.

create index data_hours_changed on daybook.data_hours (changed_at) where dataset = 'calls';
create index rate_changes_changed on daybook.rate_changes (changed_at);
