-- Runs that were retried, and what a run has published.

ALTER TABLE pghost.runs
  ADD COLUMN attempt integer NOT NULL DEFAULT 1,
  ADD COLUMN retry_of bigint,
  ADD COLUMN published_tables text[] NOT NULL DEFAULT '{}';

COMMENT ON COLUMN pghost.runs.attempt IS 'How often the script had been started, this time included: above 1 it is a retry';
COMMENT ON COLUMN pghost.runs.retry_of IS 'The run whose failure made it try again';
COMMENT ON COLUMN pghost.runs.published_tables IS 'Tables it has published, set in the transaction that does so; with publish = per_table also of a run that failed later';

CREATE INDEX runs_building ON pghost.runs (build_schema) WHERE state = 'running';
