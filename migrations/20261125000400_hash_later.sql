-- The SHA-256 of a file is entered when somebody has read it, soon after it stands: who waits for
-- the file does not wait for its hash.

alter table daybook.files alter column sha256 drop not null;
create index files_unhashed on daybook.files (created_at) where sha256 is null and removed_at is null;
