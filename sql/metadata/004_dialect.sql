-- How a file was read whose dialect was found by looking at it.

ALTER TABLE pghost.files ADD COLUMN dialect jsonb;

COMMENT ON COLUMN pghost.files.dialect IS
  'What dialect = "auto" found: the options it was read with, how sure that was, the warnings; null where the dialect was given';
