-- Records of rejects files that were taken in are corrections, too: found by what they are of, and undone.

ALTER TABLE pghost.taken_in ADD COLUMN reverted_by text, ADD COLUMN reverted_at timestamptz;

CREATE INDEX taken_in_record ON pghost.taken_in (substr(reject, 10)) WHERE reverted_at IS NULL;

COMMENT ON COLUMN pghost.taken_in.reverted_by IS 'User of the operating system who reverted it';
COMMENT ON COLUMN pghost.taken_in.reverted_at IS 'When it was reverted: it is not applied to the same record any more; NULL: it is';

CREATE INDEX corrections_of_file ON pghost.corrections (file_sha256) WHERE reverted_at IS NULL;
