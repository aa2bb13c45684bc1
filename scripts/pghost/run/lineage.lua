-- Which columns each column of a run's tables came from, recorded in pghost.lineage.
--
-- For an answer it is how the server resolved its SQL, for a clean table what its rules say.

local cjson = require "cjson"
local column_lineage = require "pghost.catalog.column_lineage"
local lists = require "pghost.lib.lists"
local recordable = require "pghost.run.recordable"

local M = {}

---@class pghost.lineage.Source
---@field column? string of the table; nil: it decides which rows there are
---@field schema string
---@field table string
---@field source string column
---@field how string as in pghost.Lineage

local names_query <const> = [[
  SELECT r.oid::pg_catalog.int8 AS relation, n.nspname::pg_catalog.text AS schema, r.relname::pg_catalog.text AS name,
    a.attnum AS attribute, a.attname::pg_catalog.text AS column
  FROM pg_catalog.pg_class AS r
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) r.oid AND NOT a.attisdropped
    AND a.attnum OPERATOR(pg_catalog.>) 0
  WHERE r.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
  ORDER BY a.attnum]]

-- Names of the columns by relation and number.
local function names_of(conn, lineage)
  local set, ids, names = {}, {}, {}
  for _, one in ipairs(lineage) do
    if not set[one.relation] then
      set[one.relation] = true
      ids[#ids + 1] = ("%d"):format(one.relation)
    end
  end
  for row in conn:query(names_query, "{" .. table.concat(ids, ",") .. "}"):rows() do
    names[row.relation] = names[row.relation] or { schema = row.schema, table = row.name, columns = {} }
    names[row.relation].columns[row.attribute] = row.column
  end
  return names
end

local tree_query <const> = [[
  SELECT ev_action::pg_catalog.text AS tree FROM pg_catalog.pg_rewrite
  WHERE ev_class OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass]]

--- The lineage of a view, with names; nil where the server's tree is one that is not known here.
---@param conn pghost.Connection
---@param view string quoted name
---@return pghost.lineage.Source[]?
function M.of_view(conn, view)
  local known, lineage = pcall(column_lineage.of, conn:query(tree_query, view)[1].tree)
  if not known then
    return nil
  end
  local names, out = names_of(conn, lineage), {}
  for _, one in ipairs(lineage) do
    local from = names[one.relation]
    for number, name in pairs(from and from.columns or {}) do
      if one.attribute == 0 or one.attribute == number then
        out[#out + 1] = { column = one.column, schema = from.schema, table = from.table, source = name, how = one.how }
      end
    end
  end
  return out
end


-- Columns whose values a row rule gets: all of them for a function over the whole record.
local function read_by(rule, rules)
  if rule.record then
    return lists.map(rules, function(column)
      return column.name
    end)
  end
  return rule.columns or rule.left and { rule.left, rule.right } or { rule.column }
end

local function is_as_it_came(column)
  return column.type == "text" and #column.operations == 0 and column.failure == nil
end

--- The lineage of a clean table: its columns come from those of its raw table.
---@param rules pghost.Rules
---@param schema string
---@param name string of the clean table
---@return pghost.lineage.Source[]
function M.of_rules(rules, schema, name)
  local out = {}
  local function add(column, source, how)
    out[#out + 1] = { column = column, schema = schema, table = name .. "_raw", source = source, how = how }
  end
  for _, column in ipairs(rules) do
    add(column.name, column.name, is_as_it_came(column) and "identity" or "transformation")
  end
  for _, rule in ipairs(rules.row) do
    for _, source in ipairs(read_by(rule, rules)) do
      if rule.rule ~= "set" then
        add(nil, source, "filter")
      elseif source ~= rule.column then
        add(rule.column, source, "transformation")
      end
    end
  end
  for _, source in ipairs(rules.key) do
    add(nil, source, "group_by")
  end
  return out
end

--- Records the lineage of a table; what was recorded of it in this run before is replaced.
---@param run pghost.Run
---@param name string
---@param sources pghost.lineage.Source[] a table of this run is in its target schema then
function M.remember(run, name, sources)
  for _, one in ipairs(sources) do
    one.schema = one.schema == run.build and run.target or one.schema
  end
  run.conn:query("DELETE FROM pghost.lineage WHERE run_id = $1 AND table_name = $2", run.id, name)
  if #sources > 0 then
    run.conn:query([[
      INSERT INTO pghost.lineage (run_id, table_name, column_name, source_schema, source_table, source_column, how)
      SELECT DISTINCT $1::pg_catalog.int8, $2, s."column", s.schema, s."table", s.source, s.how
      FROM pg_catalog.jsonb_to_recordset($3::pg_catalog.jsonb) AS s ("column" text, schema text, "table" text,
        source text, how text)]], run.id, name, cjson.encode(recordable.value(run.conn, sources)))
  end
end

return M
