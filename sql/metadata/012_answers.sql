-- Which published tables are answers of analytics, so that one whose file is gone can be told of.

CREATE TABLE pghost.answers (
  target_schema text NOT NULL,
  table_name text NOT NULL,
  pipeline text NOT NULL,
  folder text NOT NULL,
  file text NOT NULL,
  run_id bigint NOT NULL,
  PRIMARY KEY (target_schema, table_name)
);

COMMENT ON TABLE pghost.answers IS 'Tables that analytics filled: the last run that answered each question';
COMMENT ON COLUMN pghost.answers.target_schema IS 'Schema it is published into';
COMMENT ON COLUMN pghost.answers.table_name IS 'Name of the table, that of the file without .sql';
COMMENT ON COLUMN pghost.answers.pipeline IS 'Pipeline that ran the file';
COMMENT ON COLUMN pghost.answers.folder IS 'Folder given to run:analyse';
COMMENT ON COLUMN pghost.answers.file IS 'Path of the file; bytes that are no text are escaped as \xe9';
COMMENT ON COLUMN pghost.answers.run_id IS 'The last run that ran it, published or not';
COMMENT ON COLUMN pghost.files.name IS 'File name as used in messages; bytes that are no text are escaped as \xe9, characters that the database cannot hold as \u{20AC}';
COMMENT ON COLUMN pghost.files.path IS 'Path as opened, escaped in the same way, - for standard input; of the zip for a member';
