-- Loads of a run that several processes share: what there is to load, and who has it.

CREATE TABLE pghost.shared_loads (
  run_id bigint NOT NULL REFERENCES pghost.runs ON DELETE CASCADE,
  table_name text NOT NULL,
  step text NOT NULL CHECK (step IN ('load', 'stage')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  fingerprint text,
  plan bytea,
  PRIMARY KEY (run_id, table_name, step)
);

COMMENT ON TABLE pghost.shared_loads IS 'Loads of runs with the setting share: a row a run:load or run:stage';
COMMENT ON COLUMN pghost.shared_loads.run_id IS 'The run';
COMMENT ON COLUMN pghost.shared_loads.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.shared_loads.step IS 'load or stage';
COMMENT ON COLUMN pghost.shared_loads.state IS 'open: its files are in pghost.work; closed: nothing is left to load';
COMMENT ON COLUMN pghost.shared_loads.fingerprint IS 'Of rules and options: a loader that has others does not load';
COMMENT ON COLUMN pghost.shared_loads.plan IS 'What a loader must know of the tables, as JSON';

CREATE TABLE pghost.work (
  run_id bigint NOT NULL,
  table_name text NOT NULL,
  step text NOT NULL,
  place integer NOT NULL,
  file text NOT NULL,
  plan bytea NOT NULL,
  file_ids bigint[] NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'leased', 'loaded')),
  attempt integer NOT NULL DEFAULT 0,
  owner text,
  taken_at timestamptz,
  lease_until timestamptz,
  loaded_at timestamptz,
  bytes bigint,
  records bigint,
  counts jsonb,
  refusals jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (run_id, table_name, step, place),
  FOREIGN KEY (run_id, table_name, step) REFERENCES pghost.shared_loads ON DELETE CASCADE
);

COMMENT ON TABLE pghost.work IS 'What there is to load in runs with the setting share: a row a file, leased to one loader at a time';
COMMENT ON COLUMN pghost.work.run_id IS 'The run';
COMMENT ON COLUMN pghost.work.table_name IS 'Clean table';
COMMENT ON COLUMN pghost.work.step IS 'load or stage';
COMMENT ON COLUMN pghost.work.place IS 'Place among the files of the load, from 1';
COMMENT ON COLUMN pghost.work.file IS 'Name of the file';
COMMENT ON COLUMN pghost.work.plan IS 'How the file is read, as JSON';
COMMENT ON COLUMN pghost.work.file_ids IS '_file_id of each attempt; they rise with the place, so the first record of a key is the same whoever loads it';
COMMENT ON COLUMN pghost.work.state IS 'open; leased: a loader has it until lease_until; loaded: committed, and counted';
COMMENT ON COLUMN pghost.work.attempt IS 'Which attempt has it or has loaded it; what other attempts have loaded is deleted';
COMMENT ON COLUMN pghost.work.owner IS 'Loader that has it or has loaded it: host, process, and a random word';
COMMENT ON COLUMN pghost.work.taken_at IS 'When that attempt began';
COMMENT ON COLUMN pghost.work.lease_until IS 'When another loader may take it, unless its owner extends the lease';
COMMENT ON COLUMN pghost.work.loaded_at IS 'When it was loaded';
COMMENT ON COLUMN pghost.work.bytes IS 'Bytes that were read so far';
COMMENT ON COLUMN pghost.work.records IS 'Records that were read so far';
COMMENT ON COLUMN pghost.work.counts IS 'Its accounts, once it is loaded';
COMMENT ON COLUMN pghost.work.refusals IS 'Loaders that cannot load it, each with the reason';
