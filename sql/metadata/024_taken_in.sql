-- Records of rejects files that only `pghost load --rejects FILE` knows: which of them were taken in, so that each is
-- loaded once.

CREATE TABLE pghost.taken_in (
  target_schema text NOT NULL,
  table_name text NOT NULL,
  reject text NOT NULL,
  file text,
  line bigint,
  columns jsonb,
  fields jsonb,
  bytes bytea,
  run_id bigint,
  made_by text,
  database_user text NOT NULL DEFAULT current_user,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (target_schema, table_name, reject)
);

COMMENT ON TABLE pghost.taken_in IS 'Records of rejects files of pghost load that were taken into a table, each once';
COMMENT ON COLUMN pghost.taken_in.target_schema IS 'Schema of the table';
COMMENT ON COLUMN pghost.taken_in.table_name IS 'Table that the record went into';
COMMENT ON COLUMN pghost.taken_in.reject IS 'What column _reject of the rejects file says: h, the load, and a hash of content, line and original bytes';
COMMENT ON COLUMN pghost.taken_in.file IS 'Name of the file that the record is of';
COMMENT ON COLUMN pghost.taken_in.line IS 'Physical line that the record starts on, from 1';
COMMENT ON COLUMN pghost.taken_in.columns IS 'Names of the columns of fields';
COMMENT ON COLUMN pghost.taken_in.fields IS 'The fields that were taken in; null is an empty field, "" an empty string';
COMMENT ON COLUMN pghost.taken_in.bytes IS 'The bytes that were taken in, where they could not be taken apart';
COMMENT ON COLUMN pghost.taken_in.run_id IS 'The run that took it in; NULL: a pghost load';
COMMENT ON COLUMN pghost.taken_in.made_by IS 'User of the operating system who took it in';
COMMENT ON COLUMN pghost.taken_in.database_user IS 'Role that took it in';
COMMENT ON COLUMN pghost.taken_in.made_at IS 'When, by the server''s clock';
