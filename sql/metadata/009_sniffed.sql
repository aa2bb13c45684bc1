-- How a file was read whose dialect was found by looking at it.

ALTER TABLE pghost.files ADD COLUMN sniffed jsonb;

COMMENT ON COLUMN pghost.files.sniffed IS
  'What dialect = "auto" found: options, confidence, what was looked at, warnings; NULL where the dialect was given';
