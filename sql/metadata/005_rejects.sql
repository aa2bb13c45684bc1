-- What became of rejects, and what it takes to write them as a file again and to run them again.

ALTER TABLE pghost.files ADD COLUMN header text[], ADD COLUMN read_as jsonb;

COMMENT ON COLUMN pghost.files.header IS 'Names of its columns as they were read; NULL: not known';
COMMENT ON COLUMN pghost.files.read_as IS 'How the bytes of its records are to be read where not as by default: delimiter, quote, encoding, ...';

ALTER TABLE pghost.rejects
  ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'waived')),
  ADD COLUMN replayed_by bigint,
  ADD COLUMN note text;

COMMENT ON COLUMN pghost.rejects.state IS 'open, replayed (a later run took it in, or left it out on purpose) or waived (somebody decided to leave it out)';
COMMENT ON COLUMN pghost.rejects.replayed_by IS 'The run that replayed it';
COMMENT ON COLUMN pghost.rejects.note IS 'Why it was waived, or why it is still open after a replay';

ALTER TABLE pghost.runs
  ADD COLUMN script text,
  ADD COLUMN given text[],
  ADD COLUMN replay_of bigint;

COMMENT ON COLUMN pghost.runs.script IS 'Path of the script on the machine it ran on';
COMMENT ON COLUMN pghost.runs.given IS 'Settings that came from its command line; their values are in config';
COMMENT ON COLUMN pghost.runs.replay_of IS 'The run whose rejects it ran again';
