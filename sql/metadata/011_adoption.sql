-- Which tables are pghost's to replace: those it has published, or that somebody has let it adopt.

ALTER TABLE pghost.published ADD COLUMN history oid;

UPDATE pghost.published SET history = 'pghost.published'::pg_catalog.regclass::pg_catalog.oid;

-- Versions that did not keep this table yet: what their runs have published is theirs, as it is now.
INSERT INTO pghost.published (schema_name, table_name, relation, logging, not_null, defaults, history)
SELECT DISTINCT n.nspname, c.relname, c.oid, c.relpersistence::pg_catalog.text, '{}'::pg_catalog.text[],
  '{}'::pg_catalog.text[], 'pghost.published'::pg_catalog.regclass::pg_catalog.oid
FROM pghost.runs AS r
LEFT JOIN pghost.steps AS s ON s.run_id OPERATOR(pg_catalog.=) r.run_id AND s.state OPERATOR(pg_catalog.=) 'done'
  AND s.kind OPERATOR(pg_catalog.=) ANY ('{load,stage,clean}'::pg_catalog.text[])
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.array_cat(r.published_tables,
  ARRAY[s.name, pg_catalog.textcat(s.name, '_raw')])) AS t (name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) r.target_schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) t.name
WHERE r.state OPERATOR(pg_catalog.=) 'published' AND c.relkind OPERATOR(pg_catalog.=) 'r'
ON CONFLICT (schema_name, table_name) DO NOTHING;

ALTER TABLE pghost.published ALTER COLUMN history SET NOT NULL;

COMMENT ON TABLE pghost.published IS 'Tables that pghost may replace, as it built them; what they have beside this, users added, and publishing carries it over';
COMMENT ON COLUMN pghost.published.history IS 'oid of this table when the row was written: with another one, the database was restored from a dump, and relation says nothing';

CREATE TABLE pghost.told (
  topic text PRIMARY KEY,
  told_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

COMMENT ON TABLE pghost.told IS 'Warnings that are given once';
COMMENT ON COLUMN pghost.told.topic IS 'What it was about';
COMMENT ON COLUMN pghost.told.told_at IS 'When it was given';
