-- What policies changed while a file was read.

ALTER TABLE pghost.files ADD COLUMN repairs jsonb;

COMMENT ON COLUMN pghost.files.repairs IS 'Records that were repaired while reading, by kind: {"padded": 3, "quotes": 1}; null: none. second_table: lines not read';
COMMENT ON COLUMN pghost.files.filtered IS 'Records left out on purpose, by a filter rule or because they repeat the header';
COMMENT ON COLUMN pghost.files.unreadable IS 'Records that no raw table can hold: rejected (wrong number of fields, stray quote, ...) or repeating the header';
