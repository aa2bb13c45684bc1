-- Views of the history for BI tools, with stable names and columns (docs/HISTORY.md), and where each column came from.

ALTER TABLE pghost.definitions ADD COLUMN rows bigint, ADD COLUMN seconds double precision;

COMMENT ON COLUMN pghost.definitions.rows IS 'Rows of an answer';
COMMENT ON COLUMN pghost.definitions.seconds IS 'Duration of an answer by the client''s clock';

CREATE TABLE pghost.lineage (
  lineage_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- a table without a key cannot be published
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  column_name text,
  source_schema text NOT NULL,
  source_table text NOT NULL,
  source_column text NOT NULL,
  how text NOT NULL CHECK (
    how IN ('identity', 'transformation', 'aggregation', 'filter', 'join', 'group_by', 'sort', 'window')
  )
);

CREATE INDEX lineage_of_run ON pghost.lineage (run_id, table_name);

COMMENT ON TABLE pghost.lineage IS 'Which columns each column of a table came from: of a clean table by its rules, of an answer as the server resolved its SQL';
COMMENT ON COLUMN pghost.lineage.lineage_id IS 'Number of the entry';
COMMENT ON COLUMN pghost.lineage.run_id IS 'The run that made it';
COMMENT ON COLUMN pghost.lineage.table_name IS 'Clean table, or table of an answer';
COMMENT ON COLUMN pghost.lineage.column_name IS 'Its column; NULL: source_column decides which rows there are, and not a value';
COMMENT ON COLUMN pghost.lineage.source_schema IS 'Schema of the table it is read from, as published';
COMMENT ON COLUMN pghost.lineage.source_table IS 'The table it is read from';
COMMENT ON COLUMN pghost.lineage.source_column IS 'The column it is read from';
COMMENT ON COLUMN pghost.lineage.how IS 'identity (the value as it is), transformation, aggregation; or of rows: filter, join, group_by, sort, window';

CREATE VIEW pghost.v_runs AS
SELECT r.run_id, r.pipeline, r.target_schema, r.state,
  r.state = 'running' AND NOT EXISTS (
    SELECT 1 FROM pg_stat_activity AS a
    WHERE a.pid = r.backend_pid AND (a.backend_start IS NULL OR a.backend_start <= r.started_at)
  ) AS gone,
  r.started_at, r.finished_at, t.seconds, r.as_of,
  coalesce((r.config ->> 'dry_run')::boolean, false) AS dry_run,
  coalesce(f.files, 0) AS files, coalesce(f.bytes, 0) AS bytes, n.records,
  coalesce(f.loaded, s.loaded, 0) AS loaded, coalesce(f.corrected, s.corrected, 0) AS corrected,
  coalesce(f.rejected, s.rejected, 0) AS rejected, coalesce(f.waived, s.waived, 0) AS waived,
  coalesce(f.filtered, s.filtered, 0) AS filtered, coalesce(f.duplicates, s.duplicates, 0) AS duplicates,
  coalesce(f.rejected, s.rejected, 0)::double precision / nullif(n.records, 0) AS rejected_share,
  n.records / nullif(t.seconds, 0) AS records_per_second,
  coalesce(f.bytes, 0) / nullif(t.seconds, 0) AS bytes_per_second,
  c.checks, c.checks_failed, c.checks_warned, c.checks_vacuous,
  r.published_tables, r.attempt, r.retry_of, r.replay_of, r.resumed, r.error_code, r.error, r.script, r.version,
  r.host_user, r.host_name, r.database_user
FROM pghost.runs AS r
CROSS JOIN LATERAL (
  SELECT extract(epoch FROM coalesce(r.finished_at, clock_timestamp()) - r.started_at)::double precision AS seconds
) AS t
LEFT JOIN LATERAL (
  SELECT count(*) AS files, sum(size)::bigint AS bytes, sum(records)::bigint AS records,
    sum(loaded + corrected)::bigint AS loaded, sum(corrected)::bigint AS corrected, sum(rejected)::bigint AS rejected,
    sum(waived)::bigint AS waived, sum(filtered)::bigint AS filtered, sum(duplicates)::bigint AS duplicates
  FROM pghost.files WHERE run_id = r.run_id AND state <> 'skipped' HAVING count(*) > 0
) AS f ON true
LEFT JOIN LATERAL (
  SELECT sum((counts ->> 'records')::bigint)::bigint AS records, sum((counts ->> 'loaded')::bigint)::bigint AS loaded,
    sum((counts ->> 'corrected')::bigint)::bigint AS corrected, sum((counts ->> 'rejected')::bigint)::bigint AS rejected,
    sum((counts ->> 'waived')::bigint)::bigint AS waived, sum((counts ->> 'filtered')::bigint)::bigint AS filtered,
    sum((counts ->> 'duplicates')::bigint)::bigint AS duplicates
  FROM pghost.steps WHERE run_id = r.run_id AND kind = 'replay'
) AS s ON true
CROSS JOIN LATERAL (SELECT coalesce(f.records, s.records, 0) AS records) AS n
CROSS JOIN LATERAL (
  SELECT count(*) AS checks, count(*) FILTER (WHERE NOT passed AND severity = 'error') AS checks_failed,
    count(*) FILTER (WHERE NOT passed AND severity = 'warn') AS checks_warned,
    count(*) FILTER (WHERE vacuous IS NOT NULL) AS checks_vacuous
  FROM pghost.checks WHERE run_id = r.run_id
) AS c;

CREATE VIEW pghost.v_steps AS
SELECT s.run_id, r.pipeline, r.target_schema, s.step_id,
  row_number() OVER (PARTITION BY s.run_id ORDER BY s.step_id) AS place,
  s.kind, s.name, s.state, s.started_at, s.finished_at, s.seconds,
  (s.counts ->> 'records')::bigint AS records, (s.counts ->> 'loaded')::bigint AS loaded,
  (s.counts ->> 'corrected')::bigint AS corrected, (s.counts ->> 'rejected')::bigint AS rejected,
  (s.counts ->> 'waived')::bigint AS waived, (s.counts ->> 'filtered')::bigint AS filtered,
  (s.counts ->> 'duplicates')::bigint AS duplicates,
  (s.counts ->> 'records')::bigint / nullif(s.seconds, 0) AS records_per_second, s.counts, s.error
FROM pghost.steps AS s JOIN pghost.runs AS r ON r.run_id = s.run_id;

CREATE VIEW pghost.v_files AS
SELECT f.file_id, f.run_id, r.pipeline, r.target_schema, f.table_name, f.name, f.path, f.member, f.state, f.mode,
  f.size AS bytes, f.input_size AS input_bytes, f.sha256, f.encoding, (f.lines ->> 'all')::bigint AS lines, f.records,
  f.loaded + f.corrected AS loaded, f.corrected, f.rejected, f.waived, f.filtered, f.duplicates,
  f.rejected::double precision / nullif(f.records, 0) AS rejected_share,
  f.started_at, f.finished_at, t.seconds, f.records / nullif(t.seconds, 0) AS records_per_second,
  f.size / nullif(t.seconds, 0) AS bytes_per_second, f.published_at, f.same_as
FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
CROSS JOIN LATERAL (
  SELECT extract(epoch FROM f.finished_at - f.started_at)::double precision AS seconds
) AS t;

CREATE VIEW pghost.v_tables AS
SELECT t.run_id, r.pipeline, r.target_schema, r.started_at, t.table_name, t.kind, t.mode, t.files, t.bytes, t.records,
  t.loaded, t.corrected, t.rejected, t.waived, t.filtered, t.duplicates,
  t.rejected::double precision / nullif(t.records, 0) AS rejected_share, t.rows, t.seconds,
  t.records / nullif(t.seconds, 0) AS records_per_second, c.cells_cleaned, k.checks, k.checks_failed, k.checks_warned,
  t.table_name = ANY (r.published_tables) AS published, t.table_name = ANY (r.published_tables) AND NOT EXISTS (
    SELECT 1 FROM pghost.runs AS later
    WHERE later.target_schema = r.target_schema AND later.run_id > r.run_id
      AND t.table_name = ANY (later.published_tables)
  ) AS is_current
FROM (
  SELECT f.run_id, f.table_name, 'clean' AS kind, min(f.mode) AS mode, count(*) AS files, sum(f.size)::bigint AS bytes,
    sum(f.records)::bigint AS records, sum(f.loaded + f.corrected)::bigint AS loaded,
    sum(f.corrected)::bigint AS corrected, sum(f.rejected)::bigint AS rejected, sum(f.waived)::bigint AS waived,
    sum(f.filtered)::bigint AS filtered, sum(f.duplicates)::bigint AS duplicates, NULL::bigint AS rows,
    (SELECT sum(s.seconds) FROM pghost.steps AS s WHERE s.run_id = f.run_id AND s.name = f.table_name
      AND s.kind IN ('load', 'stage', 'clean')) AS seconds
  FROM pghost.files AS f WHERE f.state <> 'skipped' GROUP BY f.run_id, f.table_name
  UNION ALL
  SELECT d.run_id, d.table_name, 'answer', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.rows,
    d.seconds
  FROM pghost.definitions AS d WHERE d.kind = 'answer'
) AS t
JOIN pghost.runs AS r ON r.run_id = t.run_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(cells), 0)::bigint AS cells_cleaned FROM pghost.cleaning
  WHERE run_id = t.run_id AND table_name = t.table_name
) AS c
CROSS JOIN LATERAL (
  SELECT count(*) AS checks, count(*) FILTER (WHERE NOT passed AND severity = 'error') AS checks_failed,
    count(*) FILTER (WHERE NOT passed AND severity = 'warn') AS checks_warned
  FROM pghost.checks WHERE run_id = t.run_id AND table_name = t.table_name
) AS k;

CREATE VIEW pghost.v_checks AS
SELECT c.check_id, c.run_id, r.pipeline, r.target_schema, r.started_at, c.name, c.kind, c.table_name, c.column_names,
  c.severity, c.passed,
  CASE WHEN c.passed THEN 'passed' WHEN c.severity = 'warn' THEN 'warned' ELSE 'failed' END AS outcome,
  c.violations, c.rows_checked, c.violations::double precision / nullif(c.rows_checked, 0) AS violation_share,
  c.measured, c.vacuous, c.samples, c.query, c.description, c.tags, c.owner, c.seconds, c.checked_at
FROM pghost.checks AS c JOIN pghost.runs AS r ON r.run_id = c.run_id;

CREATE VIEW pghost.v_rejects AS
SELECT j.reject_id, j.run_id, r.pipeline, r.target_schema, r.started_at, j.table_name, j.file_id, f.name AS file_name,
  j.line, j.byte_offset, j.byte_length, j.column_name, j.rule, j.reason, j.state, j.replayed_by, j.note,
  encode(j.original, 'escape') AS original_text, j.original
FROM pghost.rejects AS j JOIN pghost.runs AS r ON r.run_id = j.run_id
LEFT JOIN pghost.files AS f ON f.file_id = j.file_id;

CREATE VIEW pghost.v_reject_rules AS
SELECT j.run_id, r.pipeline, r.target_schema, r.started_at, j.table_name, j.column_name, j.rule, j.rejects, j.open,
  j.rejects::double precision / nullif(f.records, 0) AS share
FROM (
  SELECT run_id, table_name, column_name, rule, count(*) AS rejects, count(*) FILTER (WHERE state = 'open') AS open
  FROM pghost.rejects GROUP BY run_id, table_name, column_name, rule
) AS j
JOIN pghost.runs AS r ON r.run_id = j.run_id
CROSS JOIN LATERAL (
  SELECT sum(records)::bigint AS records FROM pghost.files
  WHERE run_id = j.run_id AND table_name = j.table_name AND state <> 'skipped'
) AS f;

CREATE VIEW pghost.v_cleaning AS
SELECT c.run_id, r.pipeline, r.target_schema, r.started_at, c.table_name, c.column_name, c.rule, c.cells,
  c.cells::double precision / nullif(f.records, 0) AS share, c.samples
FROM pghost.cleaning AS c JOIN pghost.runs AS r ON r.run_id = c.run_id
CROSS JOIN LATERAL (
  SELECT sum(records)::bigint AS records FROM pghost.files
  WHERE run_id = c.run_id AND table_name = c.table_name AND state <> 'skipped'
) AS f;

CREATE VIEW pghost.v_lineage AS
SELECT l.run_id, r.pipeline, r.target_schema, r.started_at, l.table_name, l.column_name, l.source_kind,
  l.source_schema, l.source_name, l.source_column, l.how
FROM (
  SELECT run_id, table_name, column_name, 'table' AS source_kind, source_schema, source_table AS source_name,
    source_column, how
  FROM pghost.lineage
  UNION ALL
  SELECT run_id, table_name || '_raw', NULL, 'file', NULL, name, NULL, 'identity' FROM pghost.files
  WHERE state <> 'skipped'
) AS l
JOIN pghost.runs AS r ON r.run_id = l.run_id;

COMMENT ON VIEW pghost.v_runs IS 'Runs with their totals, durations and throughput: a row a run';
COMMENT ON COLUMN pghost.v_runs.run_id IS 'Number of the run, rising';
COMMENT ON COLUMN pghost.v_runs.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_runs.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_runs.state IS 'running, published, unpublished (a dry run too), failed, interrupted or killed';
COMMENT ON COLUMN pghost.v_runs.gone IS 'Its state is running, but its server process is gone: it died';
COMMENT ON COLUMN pghost.v_runs.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_runs.finished_at IS 'End of the run; NULL while it is running';
COMMENT ON COLUMN pghost.v_runs.seconds IS 'How long it took, or has taken so far';
COMMENT ON COLUMN pghost.v_runs.as_of IS 'Moment that its analytics look back from';
COMMENT ON COLUMN pghost.v_runs.dry_run IS 'It was not to publish';
COMMENT ON COLUMN pghost.v_runs.files IS 'Files read, skipped ones left out';
COMMENT ON COLUMN pghost.v_runs.bytes IS 'Bytes read, after decompression';
COMMENT ON COLUMN pghost.v_runs.records IS 'Records read';
COMMENT ON COLUMN pghost.v_runs.loaded IS 'Records in the clean table, the corrected ones included';
COMMENT ON COLUMN pghost.v_runs.corrected IS 'Records loaded as somebody had corrected them before';
COMMENT ON COLUMN pghost.v_runs.rejected IS 'Records that could not be read or broke a rule';
COMMENT ON COLUMN pghost.v_runs.waived IS 'Records that somebody had waived before';
COMMENT ON COLUMN pghost.v_runs.filtered IS 'Records left out on purpose by a filter rule';
COMMENT ON COLUMN pghost.v_runs.duplicates IS 'Records whose key was seen before';
COMMENT ON COLUMN pghost.v_runs.rejected_share IS 'rejected / records, from 0 to 1; NULL without records';
COMMENT ON COLUMN pghost.v_runs.records_per_second IS 'records / seconds';
COMMENT ON COLUMN pghost.v_runs.bytes_per_second IS 'bytes / seconds';
COMMENT ON COLUMN pghost.v_runs.checks IS 'Checks that ran';
COMMENT ON COLUMN pghost.v_runs.checks_failed IS 'Checks of severity error that failed';
COMMENT ON COLUMN pghost.v_runs.checks_warned IS 'Checks of severity warn that failed';
COMMENT ON COLUMN pghost.v_runs.checks_vacuous IS 'Checks that passed and prove nothing';
COMMENT ON COLUMN pghost.v_runs.published_tables IS 'Tables it has published';
COMMENT ON COLUMN pghost.v_runs.attempt IS 'How often the script had been started, this time included';
COMMENT ON COLUMN pghost.v_runs.retry_of IS 'The run it retries';
COMMENT ON COLUMN pghost.v_runs.replay_of IS 'The run whose rejects it ran again';
COMMENT ON COLUMN pghost.v_runs.resumed IS 'How often it was killed and resumed';
COMMENT ON COLUMN pghost.v_runs.error_code IS 'Code of the error that ended it';
COMMENT ON COLUMN pghost.v_runs.error IS 'The error that ended it';
COMMENT ON COLUMN pghost.v_runs.script IS 'Path of the script';
COMMENT ON COLUMN pghost.v_runs.version IS 'Version of pghost';
COMMENT ON COLUMN pghost.v_runs.host_user IS 'User of the operating system';
COMMENT ON COLUMN pghost.v_runs.host_name IS 'Machine it ran on';
COMMENT ON COLUMN pghost.v_runs.database_user IS 'Role it was connected as';

COMMENT ON VIEW pghost.v_steps IS 'What runs did and how long it took: a row a step';
COMMENT ON COLUMN pghost.v_steps.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_steps.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_steps.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_steps.step_id IS 'Number of the step';
COMMENT ON COLUMN pghost.v_steps.place IS 'Its place in the run, from 1';
COMMENT ON COLUMN pghost.v_steps.kind IS 'load, stage, clean, replay, check, analyse, publish or dry run';
COMMENT ON COLUMN pghost.v_steps.name IS 'Table or schema it worked on';
COMMENT ON COLUMN pghost.v_steps.state IS 'running, done or failed';
COMMENT ON COLUMN pghost.v_steps.started_at IS 'Start of the step';
COMMENT ON COLUMN pghost.v_steps.finished_at IS 'End of the step';
COMMENT ON COLUMN pghost.v_steps.seconds IS 'Duration by the client''s clock';
COMMENT ON COLUMN pghost.v_steps.records IS 'Records read';
COMMENT ON COLUMN pghost.v_steps.loaded IS 'Records in the clean table, the corrected ones included';
COMMENT ON COLUMN pghost.v_steps.corrected IS 'Records loaded as somebody had corrected them before';
COMMENT ON COLUMN pghost.v_steps.rejected IS 'Records that could not be read or broke a rule';
COMMENT ON COLUMN pghost.v_steps.waived IS 'Records that somebody had waived before';
COMMENT ON COLUMN pghost.v_steps.filtered IS 'Records left out on purpose by a filter rule';
COMMENT ON COLUMN pghost.v_steps.duplicates IS 'Records whose key was seen before';
COMMENT ON COLUMN pghost.v_steps.records_per_second IS 'records / seconds';
COMMENT ON COLUMN pghost.v_steps.counts IS 'All that it counted';
COMMENT ON COLUMN pghost.v_steps.error IS 'The error it failed with';

COMMENT ON VIEW pghost.v_files IS 'Files that runs read: a row a file';
COMMENT ON COLUMN pghost.v_files.file_id IS 'Number of the file';
COMMENT ON COLUMN pghost.v_files.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_files.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_files.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_files.table_name IS 'Clean table it was loaded for';
COMMENT ON COLUMN pghost.v_files.name IS 'File name as used in messages';
COMMENT ON COLUMN pghost.v_files.path IS 'Path as opened';
COMMENT ON COLUMN pghost.v_files.member IS 'Name in the zip at path';
COMMENT ON COLUMN pghost.v_files.state IS 'loading, staged, loaded, or skipped (its content was in the table already)';
COMMENT ON COLUMN pghost.v_files.mode IS 'What the load did to the published table';
COMMENT ON COLUMN pghost.v_files.bytes IS 'Bytes read, after decompression';
COMMENT ON COLUMN pghost.v_files.input_bytes IS 'Size of the file itself';
COMMENT ON COLUMN pghost.v_files.sha256 IS 'SHA-256 of the bytes after decompression';
COMMENT ON COLUMN pghost.v_files.encoding IS 'Encoding it was read in';
COMMENT ON COLUMN pghost.v_files.lines IS 'Physical lines';
COMMENT ON COLUMN pghost.v_files.records IS 'Records read';
COMMENT ON COLUMN pghost.v_files.loaded IS 'Records in the clean table, the corrected ones included';
COMMENT ON COLUMN pghost.v_files.corrected IS 'Records loaded as somebody had corrected them before';
COMMENT ON COLUMN pghost.v_files.rejected IS 'Records that could not be read or broke a rule';
COMMENT ON COLUMN pghost.v_files.waived IS 'Records that somebody had waived before';
COMMENT ON COLUMN pghost.v_files.filtered IS 'Records left out on purpose by a filter rule';
COMMENT ON COLUMN pghost.v_files.duplicates IS 'Records whose key was seen before';
COMMENT ON COLUMN pghost.v_files.rejected_share IS 'rejected / records, from 0 to 1; NULL without records';
COMMENT ON COLUMN pghost.v_files.started_at IS 'Start of reading';
COMMENT ON COLUMN pghost.v_files.finished_at IS 'End of reading';
COMMENT ON COLUMN pghost.v_files.seconds IS 'How long it was read; files of one load are read side by side';
COMMENT ON COLUMN pghost.v_files.records_per_second IS 'records / seconds';
COMMENT ON COLUMN pghost.v_files.bytes_per_second IS 'bytes / seconds';
COMMENT ON COLUMN pghost.v_files.published_at IS 'When its records became visible; NULL: never';
COMMENT ON COLUMN pghost.v_files.same_as IS 'Of a skipped file: the file whose content it has';

COMMENT ON VIEW pghost.v_tables IS 'Tables that runs made, clean ones and answers: a row a run and table';
COMMENT ON COLUMN pghost.v_tables.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_tables.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_tables.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_tables.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_tables.table_name IS 'Clean table, or table of an answer';
COMMENT ON COLUMN pghost.v_tables.kind IS 'clean or answer';
COMMENT ON COLUMN pghost.v_tables.mode IS 'What the load did to the published table';
COMMENT ON COLUMN pghost.v_tables.files IS 'Files read';
COMMENT ON COLUMN pghost.v_tables.bytes IS 'Bytes read, after decompression';
COMMENT ON COLUMN pghost.v_tables.records IS 'Records read';
COMMENT ON COLUMN pghost.v_tables.loaded IS 'Records in the clean table, the corrected ones included';
COMMENT ON COLUMN pghost.v_tables.corrected IS 'Records loaded as somebody had corrected them before';
COMMENT ON COLUMN pghost.v_tables.rejected IS 'Records that could not be read or broke a rule';
COMMENT ON COLUMN pghost.v_tables.waived IS 'Records that somebody had waived before';
COMMENT ON COLUMN pghost.v_tables.filtered IS 'Records left out on purpose by a filter rule';
COMMENT ON COLUMN pghost.v_tables.duplicates IS 'Records whose key was seen before';
COMMENT ON COLUMN pghost.v_tables.rejected_share IS 'rejected / records, from 0 to 1; NULL without records';
COMMENT ON COLUMN pghost.v_tables.rows IS 'Rows of an answer';
COMMENT ON COLUMN pghost.v_tables.seconds IS 'How long it took to load or answer';
COMMENT ON COLUMN pghost.v_tables.records_per_second IS 'records / seconds';
COMMENT ON COLUMN pghost.v_tables.cells_cleaned IS 'Cells that cleaning changed';
COMMENT ON COLUMN pghost.v_tables.checks IS 'Checks of this table';
COMMENT ON COLUMN pghost.v_tables.checks_failed IS 'Checks of severity error that failed';
COMMENT ON COLUMN pghost.v_tables.checks_warned IS 'Checks of severity warn that failed';
COMMENT ON COLUMN pghost.v_tables.published IS 'Whether this run has published it';
COMMENT ON COLUMN pghost.v_tables.is_current IS 'Whether what is published is of this run';

COMMENT ON VIEW pghost.v_checks IS 'Checks of runs, the passed ones too: a row a check';
COMMENT ON COLUMN pghost.v_checks.check_id IS 'Number of the check';
COMMENT ON COLUMN pghost.v_checks.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_checks.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_checks.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_checks.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_checks.name IS 'What it asserts';
COMMENT ON COLUMN pghost.v_checks.kind IS 'Kind of check; NULL: one of pghost''s own';
COMMENT ON COLUMN pghost.v_checks.table_name IS 'Table it looks at';
COMMENT ON COLUMN pghost.v_checks.column_names IS 'Columns it looks at';
COMMENT ON COLUMN pghost.v_checks.severity IS 'warn or error';
COMMENT ON COLUMN pghost.v_checks.passed IS 'Whether it stayed within its thresholds';
COMMENT ON COLUMN pghost.v_checks.outcome IS 'passed, warned or failed';
COMMENT ON COLUMN pghost.v_checks.violations IS 'Rows that break it';
COMMENT ON COLUMN pghost.v_checks.rows_checked IS 'Rows it looked at';
COMMENT ON COLUMN pghost.v_checks.violation_share IS 'violations / rows_checked, from 0 to 1';
COMMENT ON COLUMN pghost.v_checks.measured IS 'The value it measured';
COMMENT ON COLUMN pghost.v_checks.vacuous IS 'Why a check that passed proves nothing';
COMMENT ON COLUMN pghost.v_checks.samples IS 'Some of the rows that break it';
COMMENT ON COLUMN pghost.v_checks.query IS 'SELECT of all rows that break it';
COMMENT ON COLUMN pghost.v_checks.description IS 'Its description';
COMMENT ON COLUMN pghost.v_checks.tags IS 'Its tags';
COMMENT ON COLUMN pghost.v_checks.owner IS 'Whom to ask';
COMMENT ON COLUMN pghost.v_checks.seconds IS 'Duration by the client''s clock';
COMMENT ON COLUMN pghost.v_checks.checked_at IS 'When, by the server''s clock';

COMMENT ON VIEW pghost.v_rejects IS 'Records that were left out, with their bytes: a row a reject';
COMMENT ON COLUMN pghost.v_rejects.reject_id IS 'Number of the reject';
COMMENT ON COLUMN pghost.v_rejects.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_rejects.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_rejects.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_rejects.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_rejects.table_name IS 'Clean table it was meant for';
COMMENT ON COLUMN pghost.v_rejects.file_id IS 'File it is from';
COMMENT ON COLUMN pghost.v_rejects.file_name IS 'Name of that file';
COMMENT ON COLUMN pghost.v_rejects.line IS 'Physical line it starts on, from 1';
COMMENT ON COLUMN pghost.v_rejects.byte_offset IS 'Offset of its first byte in the file';
COMMENT ON COLUMN pghost.v_rejects.byte_length IS 'Its length in bytes';
COMMENT ON COLUMN pghost.v_rejects.column_name IS 'Column that broke the rule; NULL: the record as a whole';
COMMENT ON COLUMN pghost.v_rejects.rule IS 'Short name of the rule';
COMMENT ON COLUMN pghost.v_rejects.reason IS 'The reason, with the offending value';
COMMENT ON COLUMN pghost.v_rejects.state IS 'open, replayed, corrected or waived';
COMMENT ON COLUMN pghost.v_rejects.replayed_by IS 'The run that took it in';
COMMENT ON COLUMN pghost.v_rejects.note IS 'Why it was waived, or is still open';
COMMENT ON COLUMN pghost.v_rejects.original_text IS 'The record as text; bytes that are no ASCII are escaped as \303';
COMMENT ON COLUMN pghost.v_rejects.original IS 'The original bytes';

COMMENT ON VIEW pghost.v_reject_rules IS 'Rejects counted by table, column and rule: a row a run and reason';
COMMENT ON COLUMN pghost.v_reject_rules.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_reject_rules.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_reject_rules.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_reject_rules.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_reject_rules.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.v_reject_rules.column_name IS 'Column that broke the rule; NULL: the record as a whole';
COMMENT ON COLUMN pghost.v_reject_rules.rule IS 'Short name of the rule';
COMMENT ON COLUMN pghost.v_reject_rules.rejects IS 'Rejected records';
COMMENT ON COLUMN pghost.v_reject_rules.open IS 'Those still open';
COMMENT ON COLUMN pghost.v_reject_rules.share IS 'rejects / records of the table, from 0 to 1';

COMMENT ON VIEW pghost.v_cleaning IS 'What cleaning changed: a row a run, column and operation';
COMMENT ON COLUMN pghost.v_cleaning.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_cleaning.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_cleaning.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_cleaning.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_cleaning.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.v_cleaning.column_name IS 'Its column';
COMMENT ON COLUMN pghost.v_cleaning.rule IS 'Operation, or a rule that warned';
COMMENT ON COLUMN pghost.v_cleaning.cells IS 'Cells it changed, or warned about';
COMMENT ON COLUMN pghost.v_cleaning.share IS 'cells / records of the table, from 0 to 1';
COMMENT ON COLUMN pghost.v_cleaning.samples IS 'Up to three cells before and after';

COMMENT ON VIEW pghost.v_lineage IS 'Where the columns of tables came from: a row a column and source';
COMMENT ON COLUMN pghost.v_lineage.run_id IS 'The run';
COMMENT ON COLUMN pghost.v_lineage.pipeline IS 'Name of the pipeline';
COMMENT ON COLUMN pghost.v_lineage.target_schema IS 'Schema that it publishes into';
COMMENT ON COLUMN pghost.v_lineage.started_at IS 'Start of the run by the server''s clock';
COMMENT ON COLUMN pghost.v_lineage.table_name IS 'Raw table, clean table, or table of an answer';
COMMENT ON COLUMN pghost.v_lineage.column_name IS 'Its column; NULL: the source decides which rows there are';
COMMENT ON COLUMN pghost.v_lineage.source_kind IS 'file or table';
COMMENT ON COLUMN pghost.v_lineage.source_schema IS 'Schema of the source, a table';
COMMENT ON COLUMN pghost.v_lineage.source_name IS 'Name of the file or table';
COMMENT ON COLUMN pghost.v_lineage.source_column IS 'Column of the source; NULL: a file';
COMMENT ON COLUMN pghost.v_lineage.how IS 'identity (the value as it is), transformation, aggregation; or of rows: filter, join, group_by, sort, window';
