-- What a check is about, what it has looked at, and the rows that break it where they are kept.

ALTER TABLE pghost.checks
  ADD COLUMN kind text,
  ADD COLUMN table_name text,
  ADD COLUMN column_names text[],
  ADD COLUMN rows_checked bigint,
  ADD COLUMN measured text,
  ADD COLUMN vacuous text,
  ADD COLUMN query text,
  ADD COLUMN description text,
  ADD COLUMN tags text[],
  ADD COLUMN owner text;

COMMENT ON COLUMN pghost.checks.passed IS 'Whether it stayed within its thresholds';
COMMENT ON COLUMN pghost.checks.violations IS 'Rows that break it; of a measured value 1 when it is out of bounds';
COMMENT ON COLUMN pghost.checks.kind IS 'Kind of check: not_null, references, ...; NULL: one of pghost''s own';
COMMENT ON COLUMN pghost.checks.table_name IS 'Table it looks at';
COMMENT ON COLUMN pghost.checks.column_names IS 'Columns it looks at';
COMMENT ON COLUMN pghost.checks.rows_checked IS 'Rows it looked at';
COMMENT ON COLUMN pghost.checks.measured IS 'The value it measured';
COMMENT ON COLUMN pghost.checks.vacuous IS 'Why a check that passed proves nothing: empty table, always-null column, ...';
COMMENT ON COLUMN pghost.checks.query IS 'SELECT of every row that breaks it, over the tables as they are published';
COMMENT ON COLUMN pghost.checks.description IS 'Its description';
COMMENT ON COLUMN pghost.checks.tags IS 'Its tags';
COMMENT ON COLUMN pghost.checks.owner IS 'Whom to ask';

CREATE TABLE pghost.check_rows (
  check_id bigint NOT NULL REFERENCES pghost.checks ON DELETE CASCADE,
  row jsonb NOT NULL
);

CREATE INDEX check_rows_of_check ON pghost.check_rows (check_id);

COMMENT ON TABLE pghost.check_rows IS 'Rows that break checks with store = true';
COMMENT ON COLUMN pghost.check_rows.check_id IS 'The check they break';
COMMENT ON COLUMN pghost.check_rows.row IS 'The row';
