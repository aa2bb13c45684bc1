-- \d and similar commands: list what is in the database, as psql does. One relation in detail is relation_details.lua.

local database = require "pghost.prompt.live_connection"
local errors = require "pghost.lib.errors"
local name_pattern = require "pghost.prompt.name_pattern"
local nearest = require "pghost.lib.nearest"
local relation_details = require "pghost.prompt.relation_details"
local rows = require "pghost.prompt.shown_rows"

local M = {}

local kind_words <const> = [[
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index'
    WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table'
    WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END]]

-- $1 a list of kinds, $2 schema, $3 name.
local chosen <const> = [[
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) i.indrelid
  WHERE c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
    AND CASE WHEN $2::pg_catalog.text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
      ELSE n.nspname::pg_catalog.text OPERATOR(pg_catalog.~) $2 END
    AND c.relname::pg_catalog.text OPERATOR(pg_catalog.~) $3::pg_catalog.text
    AND ($4::pg_catalog.bool
      OR n.nspname OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema}'::pg_catalog.name[])
      AND n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_toast')]]

local function parameters(kinds, pattern, all)
  return "{" .. kinds:gsub(".", "%0,"):gsub(",$", "") .. "}", pattern.schema, pattern.name, all
end

local function show_or_say(result, what, word)
  if #result == 0 then
    print(word and ("no %s matches '%s'"):format(what, word) or "no " .. what)
    return
  end
  rows.result(result, { plain = true })
end

local function list(kinds, word, what, verbose)
  local conn = database.get()
  local is_index = kinds:find("i", 1, true)
  local sql = ([[
    SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name, %s AS type,
      pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner%s%s %s ORDER BY 1, 2]]):format(kind_words,
    is_index and ', t.relname::pg_catalog.text AS "table"' or "", verbose and [[,
      pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) AS size,
      pg_catalog.obj_description(c.oid, 'pg_class') AS description]] or "", chosen)
  show_or_say(conn:query(sql, parameters(kinds, name_pattern.read(word), word ~= nil)), what, word)
end

local function lister(kinds, what)
  return function(_, words, _, verbose)
    list(kinds, words[1], what, verbose)
  end
end

local functions <const> = [[
  SELECT n.nspname::pg_catalog.text AS schema, p.proname::pg_catalog.text AS name,
    pg_catalog.pg_get_function_result(p.oid) AS result, pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
    CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END AS type
  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  WHERE CASE WHEN $1::pg_catalog.text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid)
      ELSE n.nspname::pg_catalog.text OPERATOR(pg_catalog.~) $1 END
    AND p.proname::pg_catalog.text OPERATOR(pg_catalog.~) $2::pg_catalog.text
    AND ($3::pg_catalog.bool
      OR n.nspname OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema}'::pg_catalog.name[]))
  ORDER BY 1, 2, 4]]

local function list_functions(_, words)
  local pattern = name_pattern.read(words[1])
  show_or_say(database.get():query(functions, pattern.schema, pattern.name, words[1] ~= nil), "function", words[1])
end

local databases <const> = [[
  SELECT d.datname::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text AS owner,
    pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding, d.datcollate::pg_catalog.text AS collate,
    d.datctype::pg_catalog.text AS ctype, pg_catalog.array_to_string(d.datacl, ' ') AS privileges
  FROM pg_catalog.pg_database AS d WHERE d.datname::pg_catalog.text OPERATOR(pg_catalog.~) $1::pg_catalog.text
  ORDER BY 1]]

local function list_databases(_, words)
  show_or_say(database.get():query(databases, name_pattern.read(words[1]).name), "database", words[1])
end

local schemas <const> = [[
  SELECT n.nspname::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner
  FROM pg_catalog.pg_namespace AS n WHERE n.nspname::pg_catalog.text OPERATOR(pg_catalog.~) $1::pg_catalog.text
    AND ($2::pg_catalog.bool OR n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_'
      AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema')
  ORDER BY 1]]

local function list_schemas(_, words)
  show_or_say(database.get():query(schemas, name_pattern.read(words[1]).name, words[1] ~= nil), "schema", words[1])
end

-- Names that need no quotes, for the hint.
local function visible_names(conn)
  local names = {}
  local sql = "SELECT c.relname::pg_catalog.text AS name " .. chosen
  for row in conn:query(sql, parameters("rvmfpS", name_pattern.read(), false)):rows() do
    names[#names + 1] = row.name
  end
  return names
end

local function details(word, verbose)
  local conn = database.get()
  local sql = "SELECT c.oid::pg_catalog.int8 AS oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text "
    .. chosen .. " ORDER BY 2, 3"
  local found = conn:query(sql, parameters("rvmfpSiIc", name_pattern.read(word), true))
  if #found == 0 then
    errors.raise(("no relation '%s'%s"):format(word, nearest.hint(word:lower(), visible_names(conn))), "42P01",
      { exit = 1 })
  end
  for i = 1, #found do
    relation_details.show(conn, found[i].oid, verbose)
  end
end

local function describe(_, words, _, verbose)
  if words[1] then
    details(words[1], verbose)
  else
    list("rvmSfp", nil, "relation", verbose)
  end
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "d", words = "[NAME]", most = 1, plus = true, run = describe,
    help = "tables and views; of a NAME (* ? as patterns) columns, keys" },
  { name = "dt", words = "[NAME]", most = 1, plus = true, run = lister("rp", "table"),
    help = "tables; \\dt+ with sizes, comments" },
  { name = "di", words = "[NAME]", most = 1, plus = true, run = lister("iI", "index"), help = "indexes" },
  { name = "dv", words = "[NAME]", most = 1, plus = true, run = lister("vm", "view"), help = "views" },
  { name = "df", words = "[NAME]", most = 1, run = list_functions, help = "functions" },
  { name = "dn", words = "[NAME]", most = 1, run = list_schemas, help = "schemas" },
  { name = "l", words = "[NAME]", most = 1, run = list_databases, help = "databases" },
}

return M
