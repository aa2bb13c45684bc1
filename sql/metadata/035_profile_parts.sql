-- Profiles of parts of a load, for those that resume or share it.

CREATE TABLE pghost.profile_parts (
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  first_file bigint NOT NULL,
  file_ids bigint[] NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (run_id, table_name, first_file)
);

-- Sketches do not get smaller, and compressing them takes longer than writing them.
ALTER TABLE pghost.profile_parts ALTER COLUMN state SET STORAGE EXTERNAL;

COMMENT ON TABLE pghost.profile_parts IS
  'What the commits of a load with the setting resume or share have found in its columns; merged into pghost.profiles and deleted when all is loaded';
COMMENT ON COLUMN pghost.profile_parts.run_id IS 'The run';
COMMENT ON COLUMN pghost.profile_parts.table_name IS 'Clean or raw table, as in pghost.profiles';
COMMENT ON COLUMN pghost.profile_parts.first_file IS 'The first of the files';
COMMENT ON COLUMN pghost.profile_parts.file_ids IS 'The files that the commit has loaded';
COMMENT ON COLUMN pghost.profile_parts.state IS
  'Counts, sums, sketch and sample of each column, in a form of pghost''s own with a version';
