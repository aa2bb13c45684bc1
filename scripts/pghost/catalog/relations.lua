-- Names of tables: read as SQL reads them, quoted, looked up in the catalog.
--
-- Catalog names are always written with their schema here, so that a function or operator that somebody puts into a
-- schema of the search_path is never called. Not for columns (columns.lua) or for the names that a header proposes.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"

local M = {}

--- The longest identifier in bytes; the server cuts longer ones silently (NAMEDATALEN - 1).
M.longest_name = 63

--- An identifier quoted for SQL.
---@param name string
---@return string
function M.quote(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

--- The quoted name of a table.
---@param schema? string nil: the search_path finds or places it
---@param name string
---@return string
function M.quoted(schema, name)
  return (schema and M.quote(schema) .. "." or "") .. M.quote(name)
end

--- A list of quoted identifiers for SQL.
---@param names string[]
---@param format? string with one "%s" for each name; default "%s"
---@return string
function M.list(names, format)
  local out = lists.map(names, function(name)
    return (format or "%s"):format(M.quote(name))
  end)
  return table.concat(out, ", ")
end

-- One identifier at `at`: its value and the position after it; nil when there is none.
local function read_identifier(text, at)
  local quoted, after = text:match('^"(.-)"()', at)
  while quoted and text:sub(after, after) == '"' do -- "" inside
    local more, more_after = text:match('^"(.-)"()', after)
    if not more then
      return nil
    end
    quoted, after = quoted .. '"' .. more, more_after
  end
  if quoted then
    return quoted ~= "" and quoted or nil, after
  end
  local plain, plain_after = text:match("^([%a_\x80-\xff][%w_$\x80-\xff]*)()", at)
  return plain and plain:lower(), plain_after
end

local function raise_name(text)
  errors.raise(("'%s' is not a table name: name, schema.name or \"Name\" expected"):format(text), "usage")
end

--- Schema and name from a table's name as SQL has it: t, s.t, "S"."T". Unquoted letters (ASCII) are
--- made lower case. Raises code "usage" for anything else.
---@param text string
---@param default_schema? string for a name without one
---@return string? schema nil: the server's search_path finds or places it
---@return string name
function M.parse(text, default_schema)
  local parts, at = {}, 1
  repeat
    local part, after = read_identifier(text, at)
    if not part then
      raise_name(text)
    end
    parts[#parts + 1] = part
    local dot = text:sub(after, after) == "."
    at = dot and after + 1 or after
  until not dot
  if at <= #text or #parts > 2 then
    raise_name(text)
  end
  return parts[2] and parts[1] or default_schema, parts[2] or parts[1]
end

---@class pghost.catalog.Relation
---@field oid integer
---@field schema string
---@field name string
---@field kind string as pg_class.relkind has it
---@field owner string
---@field qualified string schema and name, quoted: for statements

local find_query = [[
  SELECT c.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
    pg_catalog.pg_get_userbyid(c.relowner) AS owner
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid]]

--- What the catalog says of a table, view, sequence, ...
---@param conn pghost.Connection
---@param quoted string its name as SQL has it: from M.quoted, or with the search_path's schema
---@return pghost.catalog.Relation? relation nil: there is none
function M.find(conn, quoted)
  local row = conn:query(find_query, quoted)[1]
  return row and { oid = row.oid, schema = row.schema, name = row.name, kind = row.kind, owner = row.owner,
    qualified = M.quoted(row.schema, row.name) }
end

return M
