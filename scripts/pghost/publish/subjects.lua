-- The tables of one publish: the published ones and the built ones that replace them. What cannot
-- be replaced is refused here.

local errors = require "pghost.lib.errors"
local partitions = require "pghost.publish.partition_subjects"

local M = {}

---@class pghost.publish.Subject
---@field name string
---@field qualified string quoted name of the published table
---@field built string quoted name of the built one
---@field build string
---@field kind "r"
---@field oid? string of the published table, nil when there is none
---@field new string oid of the built table
---@field facts table what the built table is before anything is carried over
---@field as_built pghost.publish.AsBuilt what the published one was then
---@field partitioned boolean
---@field part_of? { qualified: string, oid?: string } it is a partition of that table
---@field attach? string bounds with which it becomes a partition of that table, which stays
---@field gone? string[] oids of the published table's partitions that are not replaced by one of the same name

local subject_query = [[
SELECT o.oid, n.oid AS new,
  format('%I.%I', $2::text, $3::text) AS qualified, format('%I.%I', $1::text, $3::text) AS built,
  o.relkind::text AS kind, n.relkind::text AS new_kind, coalesce(o.relispartition, false) AS is_partition,
  coalesce(o.relrowsecurity, false) AS row_security, coalesce(o.reloftype, 0) <> 0 AS is_typed,
  EXISTS (SELECT FROM pg_inherits WHERE inhparent = o.oid) AS is_parent,
  EXISTS (SELECT FROM pg_inherits WHERE inhrelid = o.oid) AS is_child,
  EXISTS (SELECT FROM pg_trigger WHERE tgrelid = o.oid AND tgname = 'ts_insert_blocker') OR EXISTS (
    SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
      JOIN pg_namespace AS s ON s.oid = c.relnamespace
    WHERE i.inhparent = o.oid AND s.nspname = '_timescaledb_internal') AS is_hypertable,
  (SELECT e.extname::text FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
   WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.deptype = 'e') AS extension,
  EXISTS (SELECT FROM pg_seclabel WHERE classoid = 'pg_class'::regclass AND objoid = o.oid) AS is_labelled
FROM (
  SELECT to_regclass(format('%I.%I', $2::text, $3::text)) AS old,
    to_regclass(format('%I.%I', $1::text, $3::text)) AS new
) AS name
LEFT JOIN pg_class AS o ON o.oid = name.old LEFT JOIN pg_class AS n ON n.oid = name.new]]

-- The kinds of tables that cannot be replaced, and what to do about them.
local function refusal(row)
  if row.kind == "p" and row.new_kind ~= "p" then
    return "it is a partitioned table: load it with the option partition, or into a table of its own, and attach that",
      "0A000"
  elseif row.is_partition then
    return "it is a partition: publish into a table of its own, and attach that", "0A000"
  elseif row.is_hypertable then
    return "it is a hypertable of TimescaleDB: load it with mode = 'append' or 'merge', which add to it; or drop it, "
      .. "publish the table, and make it a hypertable again", "0A000"
  elseif row.is_parent and row.kind ~= "p" or row.is_child then
    return "it inherits or is inherited from: end that with alter table ... no inherit", "0A000"
  elseif row.is_typed then
    return "it is a typed table: end that with alter table ... not of", "0A000"
  elseif row.extension then
    return ("it belongs to the extension '%s'"):format(row.extension), "0A000"
  elseif row.is_labelled then
    return "it has security labels: they cannot be carried over", "0A000"
  end
end

local function read_subject(conn, options, name)
  local row = conn:query(subject_query, options.build, options.target, name)[1]
  if row.new_kind ~= "r" and row.new_kind ~= "p" then
    errors.raise(("cannot publish '%s': there is no table %s"):format(name, row.built), "42P01")
  end
  if row.kind and row.kind ~= "r" and row.kind ~= "p" then
    errors.raise(("'%s' exists and is not a table: rename it or publish into another schema"):format(row.qualified),
      "42809")
  end
  local why, code = refusal(row)
  if why then
    errors.raise(("cannot publish '%s': %s"):format(row.qualified, why), code)
  end
  return {
    name = name,
    qualified = row.qualified,
    built = row.built,
    build = options.build,
    kind = "r",
    oid = row.oid,
    new = row.new,
    row_security = row.row_security,
    partitioned = row.new_kind == "p",
  }
end

-- Partitions follow their tables: what is carried over to a table may reach its partitions.
local function with_partitions(conn, options, list)
  local all = {}
  for _, subject in ipairs(list) do
    all[#all + 1] = subject
    local parts = subject.partitioned and partitions.of(conn, options, subject) or {}
    table.move(parts, 1, #parts, #all + 1, all)
    subject.gone = subject.oid and partitions.gone(conn, subject.oid, parts) or {}
  end
  return all
end

--- Reads the tables, sorted by name: the order of locks is the same for everyone. Each is followed by its partitions.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Subject[]
function M.read(conn, options)
  local list = {}
  for i, name in ipairs(options.tables) do
    list[i] = read_subject(conn, options, name)
  end
  table.sort(list, function(a, b)
    return a.qualified < b.qualified
  end)
  list = with_partitions(conn, options, list)
  for _, exchange in ipairs(options.exchanges or {}) do
    local parts = partitions.exchanged(conn, options, exchange)
    table.move(parts, 1, #parts, #list + 1, list)
  end
  return list
end

--- The published ones among them.
---@param subjects pghost.publish.Subject[]
---@return string[] oids with those of partitions that go
---@return table<string, string> built quoted names of built tables by the oid of the published one
---@return table<string, string> by_name the same by its quoted name
function M.published(subjects)
  local oids, built, by_name = {}, {}, {}
  for _, subject in ipairs(subjects) do
    if subject.oid then
      oids[#oids + 1] = subject.oid
      built[subject.oid], by_name[subject.qualified] = subject.built, subject.built
      table.move(subject.gone or {}, 1, #(subject.gone or {}), #oids + 1, oids)
    end
  end
  return oids, built, by_name
end

return M
