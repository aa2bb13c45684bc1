-- What loads have found in the columns of clean tables.

CREATE TABLE pghost.profiles (
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  column_name text NOT NULL,
  place integer NOT NULL,
  type text NOT NULL,
  records bigint NOT NULL,
  left_out bigint NOT NULL,
  nulls bigint NOT NULL,
  distinct_values bigint NOT NULL,
  distinct_exact boolean NOT NULL,
  least text,
  greatest text,
  mean double precision,
  stddev double precision,
  exact boolean NOT NULL,
  details jsonb NOT NULL,
  PRIMARY KEY (run_id, table_name, column_name)
);

COMMENT ON TABLE pghost.profiles IS
  'Profiles of columns as the load has seen them: a row a run, clean table and column';
COMMENT ON COLUMN pghost.profiles.run_id IS 'The run that loaded the table';
COMMENT ON COLUMN pghost.profiles.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.profiles.column_name IS 'Its column';
COMMENT ON COLUMN pghost.profiles.place IS 'Its place in the rules, from 1';
COMMENT ON COLUMN pghost.profiles.type IS 'Its type';
COMMENT ON COLUMN pghost.profiles.records IS
  'Records that this load has brought: those that passed the rules, before a key removed duplicates';
COMMENT ON COLUMN pghost.profiles.left_out IS
  'Further records, which are in no profile: they have values that only the server can read';
COMMENT ON COLUMN pghost.profiles.nulls IS 'Of records, those where the column is NULL; exact';
COMMENT ON COLUMN pghost.profiles.distinct_values IS 'Different values';
COMMENT ON COLUMN pghost.profiles.distinct_exact IS 'false: they are estimated (HyperLogLog, standard error 1.15 %)';
COMMENT ON COLUMN pghost.profiles.least IS 'Least value as text, of texts by their bytes; exact';
COMMENT ON COLUMN pghost.profiles.greatest IS 'Greatest value; exact';
COMMENT ON COLUMN pghost.profiles.mean IS 'Mean of numbers that are finite; exact but for rounding';
COMMENT ON COLUMN pghost.profiles.stddev IS 'Standard deviation of a sample; likewise';
COMMENT ON COLUMN pghost.profiles.exact IS
  'Whether values, quantiles and histogram of details are of all records; false: of a sample of them';
COMMENT ON COLUMN pghost.profiles.details IS
  'values, quantiles, histogram, length, not_finite, looked_at: docs/PROFILE.md';
