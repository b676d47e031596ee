-- Each pass of the rating looks for hours and rates that changed lately; hours have their index.

create index rate_changes_changed on daybook.rate_changes (changed_at);
