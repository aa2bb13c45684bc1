-- What people decided on rejects: kept by what was rejected, so that it holds whenever the same record comes again.

CREATE TABLE pghost.corrections (
  correction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('corrected', 'waived')),
  target_schema text NOT NULL,
  table_name text NOT NULL,
  file_sha256 text NOT NULL,
  line bigint NOT NULL,
  original_sha256 bytea NOT NULL,
  original bytea NOT NULL,
  columns jsonb,
  fields jsonb,
  bytes bytea,
  note text,
  reject_id bigint NOT NULL,
  made_by text,
  database_user text NOT NULL DEFAULT current_user,
  made_in bigint,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reverted_by text,
  reverted_at timestamptz,
  CHECK (kind = 'waived' OR num_nonnulls(fields, bytes) = 1)
);

CREATE UNIQUE INDEX corrections_in_force ON pghost.corrections
  (target_schema, table_name, file_sha256, line, original_sha256) WHERE reverted_at IS NULL;

COMMENT ON TABLE pghost.corrections IS 'Corrections and waivers of rejects, kept by content of the file, line and original bytes';
COMMENT ON COLUMN pghost.corrections.correction_id IS 'Number of the correction';
COMMENT ON COLUMN pghost.corrections.kind IS 'corrected (loaded with other fields or bytes) or waived (left out on purpose)';
COMMENT ON COLUMN pghost.corrections.target_schema IS 'Schema of the table';
COMMENT ON COLUMN pghost.corrections.table_name IS 'Clean table that the record is meant for';
COMMENT ON COLUMN pghost.corrections.file_sha256 IS 'SHA-256 of the file, hexadecimal, as in pghost.files';
COMMENT ON COLUMN pghost.corrections.line IS 'Physical line that the record starts on, from 1';
COMMENT ON COLUMN pghost.corrections.original_sha256 IS 'SHA-256 of the original bytes';
COMMENT ON COLUMN pghost.corrections.original IS 'The original bytes';
COMMENT ON COLUMN pghost.corrections.columns IS 'Names of the columns of fields';
COMMENT ON COLUMN pghost.corrections.fields IS 'The new fields, one for each column; null is an empty field, "" an empty string';
COMMENT ON COLUMN pghost.corrections.bytes IS 'The new bytes, where they cannot be taken apart into the columns of the file';
COMMENT ON COLUMN pghost.corrections.note IS 'Reason of a waiver';
COMMENT ON COLUMN pghost.corrections.reject_id IS 'The reject that it was made for';
COMMENT ON COLUMN pghost.corrections.made_by IS 'User of the operating system who made it';
COMMENT ON COLUMN pghost.corrections.database_user IS 'Role that recorded it';
COMMENT ON COLUMN pghost.corrections.made_in IS 'The run that took it in; NULL: a waiver';
COMMENT ON COLUMN pghost.corrections.made_at IS 'When, by the server''s clock';
COMMENT ON COLUMN pghost.corrections.reverted_by IS 'User of the operating system who reverted it';
COMMENT ON COLUMN pghost.corrections.reverted_at IS 'When it was reverted; NULL: it is in force';

ALTER TABLE pghost.rejects DROP CONSTRAINT rejects_state_check;
ALTER TABLE pghost.rejects ADD CONSTRAINT rejects_state_check
  CHECK (state IN ('open', 'replayed', 'corrected', 'waived'));

COMMENT ON COLUMN pghost.rejects.state IS 'open, replayed (a later run took it in, or left it out on purpose), corrected (taken in as somebody corrected it) or waived (somebody will do without)';
COMMENT ON COLUMN pghost.rejects.replayed_by IS 'The run that replayed it, or took in its correction';

ALTER TABLE pghost.files
  ADD COLUMN corrected bigint NOT NULL DEFAULT 0,
  ADD COLUMN waived bigint NOT NULL DEFAULT 0;

COMMENT ON TABLE pghost.files IS 'The files a run read: records = loaded + corrected + rejected + waived + filtered + duplicates';
COMMENT ON COLUMN pghost.files.rejected IS 'Records that could not be read or broke a rule, the unreadable ones included, those corrected or waived not';
COMMENT ON COLUMN pghost.files.corrected IS 'Rejected records that were loaded as somebody had corrected them before';
COMMENT ON COLUMN pghost.files.waived IS 'Rejected records that were waived before';
