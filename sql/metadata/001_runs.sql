-- What pghost knows of its runs: who ran what, over which files, what was refused and why.

CREATE TABLE pghost.runs (
  run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline text NOT NULL,
  target_schema text NOT NULL,
  build_schema text,
  state text NOT NULL DEFAULT 'running' CHECK (
    state IN ('running', 'published', 'unpublished', 'failed', 'interrupted', 'killed')
  ),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  as_of timestamp,
  version text,
  host_user text,
  host_name text,
  process_id bigint,
  database_user text NOT NULL DEFAULT current_user,
  backend_pid bigint NOT NULL DEFAULT pg_backend_pid(),
  config jsonb,
  error_code text,
  error text
);

COMMENT ON TABLE pghost.runs IS 'One execution of a pipeline; everything else in this schema is recorded under one';
COMMENT ON COLUMN pghost.runs.run_id IS 'Number of the run, rising';
COMMENT ON COLUMN pghost.runs.pipeline IS 'Name the script gave to pipeline.start';
COMMENT ON COLUMN pghost.runs.target_schema IS 'Schema that the tables are published into';
COMMENT ON COLUMN pghost.runs.build_schema IS 'Schema that the tables were built in; gone when the run has ended';
COMMENT ON COLUMN pghost.runs.state IS 'running, published, unpublished (ended without publishing), failed, interrupted, or killed (found dead by a later run)';
COMMENT ON COLUMN pghost.runs.started_at IS 'Start of the run by the server''s clock; also _loaded_at of its raw tables';
COMMENT ON COLUMN pghost.runs.finished_at IS 'End of the run; of a killed run: when it was found dead';
COMMENT ON COLUMN pghost.runs.as_of IS 'Moment that the analytics look back from, the parameter as_of';
COMMENT ON COLUMN pghost.runs.version IS 'Version of pghost';
COMMENT ON COLUMN pghost.runs.host_user IS 'User of the operating system who started it';
COMMENT ON COLUMN pghost.runs.host_name IS 'Machine it ran on';
COMMENT ON COLUMN pghost.runs.process_id IS 'Process on that machine';
COMMENT ON COLUMN pghost.runs.database_user IS 'Role it was connected as';
COMMENT ON COLUMN pghost.runs.backend_pid IS 'Server process of its control connection, which holds the lock';
COMMENT ON COLUMN pghost.runs.config IS 'Configuration it ran with, without anything secret';
COMMENT ON COLUMN pghost.runs.error_code IS 'SQLSTATE, errno name or word of the error that ended it';
COMMENT ON COLUMN pghost.runs.error IS 'The error that ended it, one line';

CREATE INDEX runs_running ON pghost.runs (pipeline, target_schema) WHERE state = 'running';

CREATE TABLE pghost.steps (
  step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  kind text NOT NULL,
  name text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  seconds double precision,
  counts jsonb,
  error text
);

COMMENT ON TABLE pghost.steps IS 'What a run did, in order of step_id';
COMMENT ON COLUMN pghost.steps.step_id IS 'Number of the step, rising within a run';
COMMENT ON COLUMN pghost.steps.run_id IS 'The run it belongs to';
COMMENT ON COLUMN pghost.steps.kind IS 'stage, load, clean, check, analyse or publish';
COMMENT ON COLUMN pghost.steps.name IS 'Table, folder or schema it worked on';
COMMENT ON COLUMN pghost.steps.state IS 'running, done or failed; running in a run that has ended: it ended here';
COMMENT ON COLUMN pghost.steps.started_at IS 'Start by the server''s clock';
COMMENT ON COLUMN pghost.steps.finished_at IS 'End by the server''s clock';
COMMENT ON COLUMN pghost.steps.seconds IS 'Duration by the client''s clock';
COMMENT ON COLUMN pghost.steps.counts IS 'What it counted: records, loaded, rejected, duplicates, rows, ...';
COMMENT ON COLUMN pghost.steps.error IS 'The error it failed with, one line';

CREATE INDEX steps_of_run ON pghost.steps (run_id);

CREATE TABLE pghost.files (
  file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  name text NOT NULL,
  path text NOT NULL,
  state text NOT NULL DEFAULT 'loading' CHECK (state IN ('loading', 'staged', 'loaded')),
  size bigint,
  sha256 text,
  records bigint,
  unreadable bigint,
  loaded bigint,
  rejected bigint,
  filtered bigint,
  duplicates bigint,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
);

COMMENT ON TABLE pghost.files IS 'The files a run read: records = loaded + rejected + filtered + duplicates';
COMMENT ON COLUMN pghost.files.file_id IS 'Number of the file, _file_id in raw tables; in one load it rises with the file''s name';
COMMENT ON COLUMN pghost.files.run_id IS 'The run that read it';
COMMENT ON COLUMN pghost.files.table_name IS 'Clean table it was loaded for; its raw table is <table_name>_raw';
COMMENT ON COLUMN pghost.files.name IS 'File name as used in messages';
COMMENT ON COLUMN pghost.files.path IS 'Path as opened, - for standard input';
COMMENT ON COLUMN pghost.files.state IS 'loading, staged (in the raw table) or loaded (in the clean table); only a published run makes them visible';
COMMENT ON COLUMN pghost.files.size IS 'Bytes read';
COMMENT ON COLUMN pghost.files.sha256 IS 'SHA-256 of those bytes, hexadecimal';
COMMENT ON COLUMN pghost.files.records IS 'Records read, the header left out';
COMMENT ON COLUMN pghost.files.unreadable IS 'Rejected records that no raw table can hold (wrong number of fields, stray quote, ...)';
COMMENT ON COLUMN pghost.files.loaded IS 'Records in the clean table; after a stage without rules: in the raw table';
COMMENT ON COLUMN pghost.files.rejected IS 'Records that could not be read or broke a rule, the unreadable ones included';
COMMENT ON COLUMN pghost.files.filtered IS 'Records left out on purpose by a filter rule';
COMMENT ON COLUMN pghost.files.duplicates IS 'Records whose key was seen before';
COMMENT ON COLUMN pghost.files.started_at IS 'Start of reading by the server''s clock';
COMMENT ON COLUMN pghost.files.finished_at IS 'End of reading by the server''s clock';

CREATE INDEX files_of_run ON pghost.files (run_id, table_name);

-- No foreign key: it would be looked up for each of what may be millions of rejects.
CREATE TABLE pghost.rejects (
  reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL,
  table_name text NOT NULL,
  file_id bigint,
  line bigint,
  byte_offset bigint,
  byte_length bigint,
  column_name text,
  rule text NOT NULL,
  reason text NOT NULL,
  original bytea
);

COMMENT ON TABLE pghost.rejects IS 'Records that did not make it into a clean table, with their original bytes';
COMMENT ON COLUMN pghost.rejects.reject_id IS 'Number of the reject';
COMMENT ON COLUMN pghost.rejects.run_id IS 'The run that refused it';
COMMENT ON COLUMN pghost.rejects.table_name IS 'Clean table it was meant for';
COMMENT ON COLUMN pghost.rejects.file_id IS 'File it is from';
COMMENT ON COLUMN pghost.rejects.line IS 'Physical line it starts on, from 1';
COMMENT ON COLUMN pghost.rejects.byte_offset IS 'Offset of its first byte in the file, from 0';
COMMENT ON COLUMN pghost.rejects.byte_length IS 'Its length in bytes, the line end left out';
COMMENT ON COLUMN pghost.rejects.column_name IS 'Column that broke the rule; NULL: the record as a whole';
COMMENT ON COLUMN pghost.rejects.rule IS 'Short stable name of the rule: fields, quote, type, required, compare, key, ...';
COMMENT ON COLUMN pghost.rejects.reason IS 'The reason for people, with the offending value';
COMMENT ON COLUMN pghost.rejects.original IS 'The record''s bytes as they are in the file; NULL where the source could not be read again';

CREATE INDEX rejects_of_run ON pghost.rejects (run_id, table_name);

CREATE TABLE pghost.checks (
  check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  name text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('warn', 'error')),
  passed boolean NOT NULL,
  violations bigint NOT NULL,
  samples jsonb,
  seconds double precision,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE pghost.checks IS 'Every check of a run, passed or not';
COMMENT ON COLUMN pghost.checks.check_id IS 'Number of the check, rising within a run';
COMMENT ON COLUMN pghost.checks.run_id IS 'The run it belongs to';
COMMENT ON COLUMN pghost.checks.name IS 'What it asserts';
COMMENT ON COLUMN pghost.checks.severity IS 'warn: reported; error: nothing is published when it fails';
COMMENT ON COLUMN pghost.checks.passed IS 'Whether there was no violation';
COMMENT ON COLUMN pghost.checks.violations IS 'Rows its query returned';
COMMENT ON COLUMN pghost.checks.samples IS 'The first few of those rows';
COMMENT ON COLUMN pghost.checks.seconds IS 'Duration by the client''s clock';
COMMENT ON COLUMN pghost.checks.checked_at IS 'When, by the server''s clock';

CREATE INDEX checks_of_run ON pghost.checks (run_id);

CREATE TABLE pghost.cleaning (
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  column_name text NOT NULL,
  rule text NOT NULL,
  cells bigint NOT NULL,
  sample_before text,
  sample_after text,
  PRIMARY KEY (run_id, table_name, column_name, rule)
);

COMMENT ON TABLE pghost.cleaning IS 'How many cells each cleaning rule of a run changed';
COMMENT ON COLUMN pghost.cleaning.run_id IS 'The run it belongs to';
COMMENT ON COLUMN pghost.cleaning.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.cleaning.column_name IS 'Column';
COMMENT ON COLUMN pghost.cleaning.rule IS 'Operation: trim, null_if, ... or a rule that warned';
COMMENT ON COLUMN pghost.cleaning.cells IS 'Cells it changed, or warned about';
COMMENT ON COLUMN pghost.cleaning.sample_before IS 'One such cell before';
COMMENT ON COLUMN pghost.cleaning.sample_after IS 'The same cell after; NULL: it became null';
