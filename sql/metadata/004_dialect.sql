-- How a file was read whose dialect was found by looking at it.

ALTER TABLE pghost.files ADD COLUMN IF NOT EXISTS dialect jsonb, ADD COLUMN sniffed jsonb;

COMMENT ON COLUMN pghost.files.dialect IS 'How it was read where not as by default: delimiter, quote, ...';
COMMENT ON COLUMN pghost.files.sniffed IS
  'What dialect = "auto" found: options, confidence, what was looked at, warnings; null where the dialect was given';
