-- What pghost itself made of each published table, to tell it from what its users added.

CREATE TABLE pghost.published (
  schema_name text NOT NULL,
  table_name text NOT NULL,
  relation oid NOT NULL,
  logging text NOT NULL,
  primary_key text,
  not_null text[] NOT NULL,
  defaults text[] NOT NULL,
  PRIMARY KEY (schema_name, table_name)
);

COMMENT ON TABLE pghost.published IS 'Published tables as they were built; what they have beside this, users added, and publishing carries it over';
COMMENT ON COLUMN pghost.published.schema_name IS 'Schema it is published in';
COMMENT ON COLUMN pghost.published.table_name IS 'Name of the table';
COMMENT ON COLUMN pghost.published.relation IS 'Its oid: a table of the same name with another one was not made by pghost';
COMMENT ON COLUMN pghost.published.logging IS 'p: logged, u: unlogged';
COMMENT ON COLUMN pghost.published.primary_key IS 'Definition of the primary key it was built with';
COMMENT ON COLUMN pghost.published.not_null IS 'Columns it was built NOT NULL';
COMMENT ON COLUMN pghost.published.defaults IS 'Columns it was built with a default';
