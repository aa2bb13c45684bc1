-- What made each table of a run, kept for the report and the catalogue: rules in words, SQL, lineage.
--
-- The lineage of an answer is what the server says a view of its SQL depends on, so it is right
-- whatever the SQL looks like. Not for reading it back: report/recorded_run.lua.

local cjson = require "cjson"
local describe = require "pghost.rules.describe"
local lineage = require "pghost.run.lineage"
local recordable = require "pghost.run.recordable"
local whole_file = require "pghost.lib.whole_file"

local M = {}

local upsert <const> = [[
  INSERT INTO pghost.definitions (run_id, table_name, kind, definition, reads)
  VALUES ($1, $2, $3, $4, $5::pg_catalog.jsonb)
  ON CONFLICT (run_id, table_name) DO UPDATE
  SET kind = excluded.kind, definition = excluded.definition, reads = excluded.reads]]

-- Relations and columns that the rewrite rule of a view depends on; column 0 is the relation itself.
local depends <const> = [[
  SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS table,
    pg_catalog.array_to_json(pg_catalog.array_remove(
      pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum), NULL))::pg_catalog.text AS columns
  FROM pg_catalog.pg_rewrite AS w
  JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    AND d.objid OPERATOR(pg_catalog.=) w.oid
    AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.refobjid OPERATOR(pg_catalog.<>) w.ev_class
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) d.refobjid
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog."char"[])
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
    AND a.attnum OPERATOR(pg_catalog.=) d.refobjsubid AND a.attnum OPERATOR(pg_catalog.>) 0
  WHERE w.ev_class OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass
  GROUP BY 1, 2 ORDER BY 1, 2]]

--- What a view reads.
---@param conn pghost.Connection
---@param view string quoted name
---@return { schema: string, table: string, columns: string[] }[]
function M.reads(conn, view)
  local list = {}
  for row in conn:query(depends, view):rows() do
    list[#list + 1] = { schema = row.schema, table = row.table, columns = cjson.decode(row.columns) }
  end
  return list
end

--- Remembers the rules that a clean table was made by.
---@param run pghost.Run
---@param name string
---@param rules? pghost.Rules
function M.remember_rules(run, name, rules)
  local described, text = pcall(describe, rules) -- what is wrong with them, the load says
  if rules and described then
    run.conn:query(upsert, run.id, name, "rules", recordable.text(run.conn, text), nil)
    lineage.remember(run, name, lineage.of_rules(rules, run.target, name))
  end
end

--- Remembers the SQL of an answer and what it reads; a table of this run is in its target schema then.
---@param run pghost.Run
---@param name string
---@param path string of the SQL file
---@param reads table[] from reads
---@param rows integer
---@param seconds number
function M.remember_answer(run, name, path, reads, rows, seconds)
  local texts = {}
  for i, one in ipairs(reads) do
    texts[i] = ('{"schema":%s,"table":%s,"columns":%s}'):format(
      cjson.encode(one.schema == run.build and run.target or one.schema), cjson.encode(one.table),
      #one.columns > 0 and cjson.encode(one.columns) or "[]")
  end
  run.conn:query(upsert, run.id, name, "answer", recordable.text(run.conn, whole_file.read(path)),
    "[" .. table.concat(texts, ",") .. "]")
  run.conn:query("UPDATE pghost.definitions SET rows = $3, seconds = $4 WHERE run_id = $1 AND table_name = $2", run.id,
    name, rows, seconds)
end

return M
