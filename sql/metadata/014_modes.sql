-- What a load did to keys that its files did not have: the same files with another answer are not a snapshot that is loaded already.

ALTER TABLE pghost.files ADD COLUMN IF NOT EXISTS missing text
  CHECK (missing IN ('keep', 'delete', 'mark', 'close'));

COMMENT ON COLUMN pghost.files.missing IS 'What the load did to keys of the published table that its files had not; NULL: not known';
