-- Profiles of raw tables.

COMMENT ON TABLE pghost.profiles IS
  'Profiles of columns as the load has seen them: a row a run, table and column';
COMMENT ON COLUMN pghost.profiles.table_name IS
  'Clean table, or raw table: all its columns where it was staged alone, else those that no rule takes';
COMMENT ON COLUMN pghost.profiles.place IS 'Its place among those profiled, from 1';
COMMENT ON COLUMN pghost.profiles.records IS
  'Records that this load has brought: those that passed the rules, before a key removed duplicates; of a raw table all that were readable';
