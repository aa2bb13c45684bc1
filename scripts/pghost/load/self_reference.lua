-- A foreign key of a table to itself: the server checks it when all records are in, at the end of the COPY or at the
-- COMMIT, and then the line of the dangling record is unknown.
--
-- So the records go into a temporary table first, with the checks and unique constraints of the table and with their
-- lines. Those whose key exists already are removed, then those that refer to nothing, then those that refer to these,
-- and so on; the rest is inserted.

local cjson = require "cjson"
local columns = require "pghost.catalog.columns"
local inputs = require "pghost.load.inputs"
local lists = require "pghost.lib.lists"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"
local statistics = require "pghost.load.statistics"
local tables = require "pghost.load.tables"

local M = {}

---@class pghost.load.Constraint
---@field name string
---@field columns string[]
---@field same string SQL: p is the row that s refers to; p and s have the same key

---@class pghost.load.SelfReference
---@field conn pghost.Connection
---@field relation pghost.load.Relation
---@field keys pghost.load.Constraint[] foreign keys of the table to itself
---@field unique pghost.load.Constraint[]
---@field copied { names: string[], files: integer[] }[] columns and files of each COPY
local SelfReference = {}
SelfReference.__index = SelfReference

-- Anything that COPY does and INSERT does not, or that changes a row before its key is checked, needs the table itself.
local possible_query = qualified [[
  SELECT c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::integer & 4 = 4
    ) AND NOT pg_catalog.row_security_active(c.oid) AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
      AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP') AS possible
  FROM pg_catalog.pg_class AS c WHERE c.oid = $1::regclass::oid]]

local keys_query = qualified [[
  SELECT o.conname AS name, pg_catalog.json_agg(a.attname ORDER BY k.place)::text AS columns,
    pg_catalog.string_agg(pg_catalog.concat('p.', pg_catalog.quote_ident(b.attname), ' OPERATOR(',
      pg_catalog.quote_ident(n.nspname), '.', y.oprname, ') s.', pg_catalog.quote_ident(a.attname)), ' AND '
      ORDER BY k.place) AS same
  FROM pg_catalog.pg_constraint AS o
    CROSS JOIN ROWS FROM (pg_catalog.unnest(o.conkey), pg_catalog.unnest(o.confkey), pg_catalog.unnest(o.conpfeqop))
      WITH ORDINALITY AS k (child, parent, operator, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.conrelid AND a.attnum = k.child
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = o.conrelid AND b.attnum = k.parent
    JOIN pg_catalog.pg_operator AS y ON y.oid = k.operator
    JOIN pg_catalog.pg_namespace AS n ON n.oid = y.oprnamespace
  WHERE o.conrelid = $1::regclass::oid AND o.confrelid = o.conrelid AND o.contype = 'f'
  GROUP BY o.conname ORDER BY o.conname]]

local unique_query = qualified [[
  SELECT o.conname AS name, pg_catalog.json_agg(a.attname ORDER BY k.place)::text AS columns
  FROM pg_catalog.pg_constraint AS o
    CROSS JOIN ROWS FROM (pg_catalog.unnest(o.conkey)) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.conrelid AND a.attnum = k.number
  WHERE o.conrelid = $1::regclass::oid AND o.contype IN ('p', 'u')
  GROUP BY o.conname ORDER BY o.conname]]

local function read(conn, relation, query)
  local list = {}
  for row in conn:query(query, relation.qualified):rows() do
    local names = cjson.decode(row.columns)
    list[#list + 1] = { name = row.name, columns = names,
      same = row.same or columns.same_key(columns.key(conn, relation.qualified, names), "p", "s") }
  end
  return list
end

--- What a load into a table with such keys goes through; nil: it has none, or its records must go into the table
--- itself, as where this role may not see who refers to whom.
---@param conn pghost.Connection in a transaction
---@param relation pghost.load.Relation
---@param read_once? pghost.File whose records cannot be looked at again
---@return pghost.load.SelfReference?
function M.of(conn, relation, read_once)
  if not relation.of_statement or read_once or not conn:query(possible_query, relation.qualified)[1].possible then
    return nil
  end
  local keys = read(conn, relation, keys_query)
  return #keys > 0 and setmetatable({ conn = conn, relation = relation, keys = keys, copied = {},
    unique = read(conn, relation, unique_query), name = "pg_temp." .. relations.quote(relation.name) },
    SelfReference) or nil
end

-- It has the name of the table, for the server's messages about refused records. Columns that a file does not give have
-- no value in it.
local function create(self, batches)
  local conn = self.conn
  conn:query(("CREATE TEMPORARY TABLE %s (LIKE %s INCLUDING CONSTRAINTS INCLUDING INDEXES, %s) ON COMMIT DROP"):format(
    relations.quote(self.relation.name), self.relation.qualified, tables.position))
  for _, column in ipairs(self.relation.columns) do
    for _, batch in ipairs(batches) do
      if not lists.set(batch.names)[column.name] then
        conn:query(("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL"):format(self.name, relations.quote(column.name)))
      end
    end
  end
end

--- The table that the records of a COPY go into, quoted.
---@param plan pghost.Plan
---@param batch pghost.Batch
---@return string
function SelfReference:stage(plan, batch)
  if #self.copied == 0 then
    create(self, plan.batches)
  end
  local numbers = {}
  for i, file in ipairs(plan.files) do
    numbers[#numbers + 1] = lists.set(batch.files)[file] and i or nil
  end
  self.copied[#self.copied + 1] = { names = batch.names, files = numbers }
  return self.name
end

-- Removes the records that meet a condition.
local function take(self, constraint, condition, reason, refused)
  local key = relations.list(constraint.columns, "s.%s")
  local rows = self.conn:query(("DELETE FROM %s AS s WHERE %s RETURNING s._file_id, s._line, "
    .. "pg_catalog.concat_ws(', ', %s) AS key"):format(self.name, condition, key))
  for row in rows:rows() do
    refused[#refused + 1] = { file_id = row._file_id, line = row._line, rule = "server",
      reason = reason:format(table.concat(constraint.columns, ", "), row.key) }
  end
  return rows.affected or 0
end

-- Those whose key is in the table. A key with a null does not count.
local function take_duplicates(self, refused)
  for _, one in ipairs(self.unique) do
    take(self, one, ("EXISTS (SELECT 1 FROM %s AS p WHERE %s)"):format(self.relation.qualified, one.same),
      ('duplicate key value violates unique constraint "%s": Key (%%s)=(%%s) already exists.'):format(
        one.name:gsub("%%", "%%%%")), refused)
  end
end

local function take_orphans(self, refused)
  local taken = 0
  for _, key in ipairs(self.keys) do
    local given = relations.list(key.columns, "s.%s IS NOT NULL"):gsub(" NOT NULL, ", " NOT NULL AND ")
    local parent = "NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)"
    taken = taken + take(self, key, ("%s AND %s AND %s"):format(given, parent:format(self.relation.qualified, key.same),
      parent:format(self.name, key.same)), ('insert or update on table "%s" violates foreign key constraint "%s": '
        .. 'Key (%%s)=(%%s) is not present in table "%s".'):format(self.relation.name:gsub("%%", "%%%%"),
        key.name:gsub("%%", "%%%%"), self.relation.name:gsub("%%", "%%%%")), refused)
  end
  return taken
end

local function by_place(a, b)
  if a.file_id ~= b.file_id then
    return a.file_id < b.file_id
  end
  return a.line < b.line
end

-- Offset and bytes of the records of one file, from the one at `first` on; returns the first of the next file.
local function find_originals(plan, refused, first)
  local file_id, at = refused[first].file_id, first
  local source <close> = inputs.open(plan.files[file_id])
  while refused[at] and refused[at].file_id == file_id do
    local one = refused[at]
    one.offset, one.original = source:find(one.line)
    one.original = one.original or ""
    one.length = #one.original
    at = at + 1
  end
  return at
end

-- In one statement, at whose end the keys are checked.
local function insert(self)
  local parts, counts = {}, {}
  for i, one in ipairs(self.copied) do
    local list = relations.list(one.names)
    parts[i] = ("i%d AS (INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s WHERE _file_id = ANY "
      .. "(ARRAY[%s]::pg_catalog.int8[]) ORDER BY _file_id, _line RETURNING 1)"):format(i, self.relation.qualified,
      list, list, self.name, table.concat(one.files, ", "))
    counts[i] = ("(SELECT pg_catalog.count(*) FROM i%d)"):format(i)
  end
  return self.conn:query(("WITH %s SELECT (%s) AS records"):format(table.concat(parts, ", "),
    table.concat(counts, " + ")))[1].records
end

--- Takes out the records that the table would refuse, and inserts the others.
---@param plan pghost.Plan
---@return pghost.SpooledReject[] refused in the order of the files
---@return integer inserted
function SelfReference:settle(plan)
  local refused, at = {}, 1
  if #self.copied == 0 then
    return refused, 0
  end
  local staged = "pghost_staged" -- what runs below finds the table itself by its name
  self.conn:query(("ALTER TABLE %s RENAME TO %s"):format(self.name, staged))
  self.name = "pg_temp." .. staged
  statistics.analyse(self.conn, self.name)
  take_duplicates(self, refused)
  repeat
    local taken = take_orphans(self, refused)
  until taken == 0
  table.sort(refused, by_place)
  while refused[at] do
    at = find_originals(plan, refused, at)
  end
  local inserted = insert(self)
  self.conn:query("DROP TABLE " .. self.name)
  return refused, inserted
end

return M
