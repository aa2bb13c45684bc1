-- Runs that resume where they were killed.

ALTER TABLE pghost.runs ADD COLUMN resumed integer NOT NULL DEFAULT 0;
ALTER TABLE pghost.files ADD COLUMN kept_at timestamptz;
ALTER TABLE pghost.files ADD COLUMN fingerprint text;

COMMENT ON COLUMN pghost.runs.resumed IS 'How often it was killed or interrupted and then went on; process, host and backend are of the last time';
COMMENT ON COLUMN pghost.files.kept_at IS 'When its records were committed in the build schema: a resumed run does not read it again';
COMMENT ON COLUMN pghost.files.fingerprint IS 'Hash of the rules and options it was loaded with: with others it is read again';
