-- What made each table of a run: its rules in words, or the SQL of the answer, and what that reads.

CREATE TABLE pghost.definitions (
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('rules', 'answer')),
  place bigint GENERATED ALWAYS AS IDENTITY,
  definition text NOT NULL,
  reads jsonb,
  PRIMARY KEY (run_id, table_name)
);

COMMENT ON TABLE pghost.definitions IS 'What made each table of a run, in the words of its author, and what it reads';
COMMENT ON COLUMN pghost.definitions.run_id IS 'The run that made it';
COMMENT ON COLUMN pghost.definitions.table_name IS 'Clean table, or table of an answer';
COMMENT ON COLUMN pghost.definitions.kind IS 'rules (a clean table) or answer (analytics)';
COMMENT ON COLUMN pghost.definitions.place IS 'Rising in the order the tables were made';
COMMENT ON COLUMN pghost.definitions.definition IS 'The rules in words, or the SQL with its comments';
COMMENT ON COLUMN pghost.definitions.reads IS
  'Of an answer: [{"schema", "table", "columns"}] as the server resolved its SQL; NULL: a clean table reads its raw table';
