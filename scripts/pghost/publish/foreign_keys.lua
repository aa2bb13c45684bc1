-- Foreign keys from and to published tables.
--
-- Those from the table are made on the built one, where checking them blocks no readers. Those to it, from tables that
-- the run does not replace, are made beside the old ones under a temporary name and checked there, again without
-- blocking readers; in the short transaction only names change.

local errors = require "pghost.lib.errors"
local statements = require "pghost.publish.script"

local M = {}

local foreign_key_violation = "23503" -- SQLSTATE

local passing_name = "pghost_publish_%d"

-- $1 published tables. The text that pg_get_constraintdef starts with, up to the table's name, is
-- known exactly, so the name can be replaced.
local query = [[
WITH fk AS (
  SELECT c.*, format('%I.%I', n.nspname, r.relname) AS referenced, f.relkind AS from_kind,
    format('%I.%I', fn.nspname, f.relname) AS referencing,
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
     FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
     FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS keys,
    (SELECT string_agg(format('f.%I', a.attname), ', ' ORDER BY k.n)
     FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS from_list,
    (SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY k.n)
     FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS to_list
  FROM pg_constraint AS c
  JOIN pg_class AS r ON r.oid = c.confrelid JOIN pg_namespace AS n ON n.oid = r.relnamespace
  JOIN pg_class AS f ON f.oid = c.conrelid JOIN pg_namespace AS fn ON fn.oid = f.relnamespace
  WHERE c.contype = 'f' AND c.conparentid = 0
    AND (c.conrelid = ANY ($1::oid[]) OR c.confrelid = ANY ($1::oid[])) AND fn.nspname <> $2
)
SELECT conname::text AS name, quote_ident(conname) AS quoted, conrelid AS from_oid, confrelid AS to_oid,
  referencing, referenced, columns, keys, from_list, to_list, convalidated AS is_valid, from_kind::text AS from_kind,
  format('FOREIGN KEY (%s) REFERENCES ', columns) AS head,
  substr(pg_get_constraintdef(oid), 1 + length(format('FOREIGN KEY (%s) REFERENCES %s', columns, referenced))) AS tail,
  quote_literal(obj_description(oid, 'pg_constraint')) AS comment
FROM fk ORDER BY referencing, conname]]

---@class pghost.publish.ForeignKey
---@field name string
---@field from_oid string
---@field to_oid string

--- All foreign keys from or to these tables.
---@param conn pghost.Connection
---@param oids string array literal
---@param build string schema whose tables are left out
---@return pghost.publish.ForeignKey[]
function M.read(conn, oids, build)
  local list = {}
  for row in conn:query(query, oids, build):rows() do
    list[#list + 1] = row
  end
  return list
end

-- FROM and WHERE of the records that refer to nothing.
local function orphans_of(key, referencing, referenced)
  return ("FROM %s AS f WHERE ROW(%s) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS t WHERE ROW(%s) = ROW(%s))")
    :format(referencing, key.from_list, referenced, key.to_list, key.from_list)
end

-- Reports how many records refer to nothing, and the first of them.
local function raise_orphans(conn, key, referencing, referenced, problem)
  local found, row = pcall(function()
    return conn:query(("SELECT count(*) AS orphans, min(ROW(%s)::text) AS sample %s")
      :format(key.from_list, orphans_of(key, referencing, referenced)))[1]
  end)
  if not found then
    error(problem, 0)
  end
  errors.raise(("cannot publish '%s': %d %s of '%s' would refer to no record of '%s' (foreign key '%s' on %s, %s)")
    :format(key.to_published and key.referenced or key.referencing, row.orphans,
      row.orphans == 1 and "record" or "records", key.referencing, key.referenced, key.name, key.columns,
      "such as " .. tostring(row.sample)), foreign_key_violation)
end

local function add(conn, key, name, referencing, referenced)
  local ok, problem = pcall(conn.transaction, conn, function()
    conn:query(("ALTER TABLE %s ADD CONSTRAINT %s %s%s%s"):format(referencing, name, key.head, referenced, key.tail))
  end)
  if ok then
    return
  elseif errors.is(problem) and problem.code == foreign_key_violation then
    raise_orphans(conn, key, referencing, referenced, problem)
  end
  statements.raise(problem, key.referencing, ("foreign key '%s'"):format(key.name))
end

--- Makes those from published tables on the built ones.
---@param conn pghost.Connection
---@param keys pghost.publish.ForeignKey[]
---@param built table<string, string> quoted name of the built table, by the oid of the published one
function M.add_own(conn, keys, built)
  for _, key in ipairs(keys) do
    local rel = built[key.from_oid]
    if rel and not conn:query("SELECT FROM pg_constraint WHERE conrelid = $1::regclass AND quote_ident(conname) = $2",
        rel, key.quoted)[1] then
      add(conn, key, key.quoted, rel, built[key.to_oid] or key.referenced)
      if key.comment then
        conn:query(("COMMENT ON CONSTRAINT %s ON %s IS %s"):format(key.quoted, rel, key.comment))
      end
    end
  end
end

--- Those from tables that stay.
---@return pghost.publish.ForeignKey[]
function M.from_outside(keys, built)
  local list = {}
  for _, key in ipairs(keys) do
    if not built[key.from_oid] then
      key.to_published = true
      list[#list + 1] = key
    end
  end
  return list
end

-- Constraints of distributed tables cannot be renamed, and those of partitioned ones have parts
-- with names of their own: these are made and checked in the short transaction.
local function can_rename(conn, key)
  return key.from_kind == "r"
    and not conn:query("SELECT FROM pg_extension WHERE extname = 'citus'")[1]
end

--- Says how many records of tables that stay would lose what they refer to, before anything is locked.
function M.check_outside(conn, keys, built)
  for _, key in ipairs(M.from_outside(keys, built)) do
    if key.is_valid then
      local known, orphan = pcall(conn.query, conn,
        ("SELECT %s LIMIT 1"):format(orphans_of(key, key.referencing, built[key.to_oid])))
      if not known then
        statements.raise(orphan, key.referencing, ("foreign key '%s'"):format(key.name))
      elseif orphan[1] then
        raise_orphans(conn, key, key.referencing, built[key.to_oid])
      end
    end
  end
end

--- Makes those to published tables a second time, to the built ones.
---@return pghost.publish.Statements before the old tables go
---@return pghost.publish.Statements after the new ones have their place
function M.add_outside(conn, keys, built)
  local before, after = statements.new(), statements.new()
  for i, key in ipairs(M.from_outside(keys, built)) do
    local what = ("foreign key '%s' of '%s'"):format(key.name, key.referencing)
    before:add(what, "ALTER TABLE %s DROP CONSTRAINT %s", key.referencing, key.quoted)
    if can_rename(conn, key) then
      local name = passing_name:format(i)
      add(conn, key, name, key.referencing, built[key.to_oid])
      after:add(what, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", key.referencing, name, key.quoted)
    else
      after:add(what, "ALTER TABLE %s ADD CONSTRAINT %s %s%s%s", key.referencing, key.quoted, key.head, key.referenced,
        key.tail)
    end
    if key.comment then
      after:add(what, "COMMENT ON CONSTRAINT %s ON %s IS %s", key.quoted, key.referencing, key.comment)
    end
  end
  return before, after
end

return M
