-- The file ledger: which files a published table holds, for loads that append or merge.

ALTER TABLE pghost.files ADD COLUMN mode text NOT NULL DEFAULT 'replace'
  CHECK (mode IN ('replace', 'append', 'merge', 'history'));
ALTER TABLE pghost.files ADD COLUMN published_at timestamptz;
ALTER TABLE pghost.files ADD COLUMN same_as bigint;
ALTER TABLE pghost.files DROP CONSTRAINT files_state_check;
ALTER TABLE pghost.files ADD CONSTRAINT files_state_check CHECK (state IN ('loading', 'staged', 'loaded', 'skipped'));

UPDATE pghost.files AS f SET published_at = r.finished_at
FROM pghost.runs AS r WHERE r.run_id = f.run_id AND r.state = 'published' AND f.state IN ('staged', 'loaded');

COMMENT ON COLUMN pghost.files.state IS 'loading, staged (in the raw table), loaded (in the clean table) or skipped (its content was in the table already)';
COMMENT ON COLUMN pghost.files.mode IS 'What the load did to the published table; the first load of a table always replaces';
COMMENT ON COLUMN pghost.files.published_at IS 'When its records became visible; NULL: never';
COMMENT ON COLUMN pghost.files.same_as IS 'Of a skipped file: the file whose content it has, file_id';

CREATE INDEX files_of_table ON pghost.files (table_name, sha256);
