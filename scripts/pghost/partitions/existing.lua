-- A published partitioned table: whether it is divided as a load declares, which partitions it has, and how it gets
-- further ones without making anybody wait.

local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local relations = require "pghost.catalog.relations"
local script = require "pghost.publish.script"
local session = require "pghost.publish.session"
local tree = require "pghost.partitions.tree"

local M = {}

local strategies <const> = { r = "RANGE", l = "LIST", h = "HASH" }

local table_query <const> = [[
  SELECT c.relkind::pg_catalog.text AS kind, p.partstrat::pg_catalog.text AS strategy, p.partnatts AS columns,
    a.attname::pg_catalog.text AS column_name,
    pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) AS owner,
    pg_catalog.pg_get_userbyid(c.relowner) OPERATOR(pg_catalog.=) current_user AS mine,
    pg_catalog.pg_get_partkeydef(c.oid) AS definition
  FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_partitioned_table AS p
    ON p.partrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
    AND a.attnum OPERATOR(pg_catalog.=) p.partattrs[0] AND a.attnum OPERATOR(pg_catalog.>) 0
  WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid]]

local parts_query <const> = [[
  SELECT c.oid::pg_catalog.text AS oid, c.relname::pg_catalog.text AS name, c.relkind::pg_catalog.text AS kind,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS qualified, n.nspname::pg_catalog.text AS schema,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bounds,
    pg_catalog.pg_get_partition_constraintdef(c.oid) AS condition
  FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE i.inhparent OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid ORDER BY c.relname]]

---@class pghost.partitions.PublishedPart
---@field oid string
---@field name string
---@field kind string pg_class.relkind
---@field qualified string
---@field schema string
---@field bounds string as the server prints them
---@field condition string SQL of the records that it holds

--- The partitions of a published table, without its default one, and that one.
---@param conn pghost.Connection with a search_path of pg_catalog
---@param published string quoted name
---@return pghost.partitions.PublishedPart[]
---@return pghost.partitions.PublishedPart? default
function M.parts(conn, published)
  local parts, default = {}, nil
  for row in conn:query(parts_query, published):rows() do
    local part = { oid = row.oid, name = row.name, kind = row.kind, qualified = row.qualified, schema = row.schema,
      bounds = row.bounds, condition = row.condition }
    default = part.bounds == "DEFAULT" and part or default
    parts[#parts + 1] = part.bounds ~= "DEFAULT" and part or nil
  end
  return parts, default
end

--- Raises unless a published table is divided as a load declares.
---@param conn pghost.Connection
---@param plan { name: string, mode: string, partition: pghost.partitions.Declared }
---@param published string quoted name
function M.check(conn, plan, published)
  local row, declared = conn:query(table_query, published)[1], plan.partition
  local why
  if row.kind ~= "p" then
    why = "is not partitioned"
  elseif strategies[row.strategy] ~= declared.way.strategy or row.columns ~= 1
    or row.column_name ~= declared.column.name then
    why = ("is partitioned by %s, the options say %s (%s)"):format(row.definition, declared.way.strategy,
      declared.column.name)
  end
  if why then
    errors.raise(("table '%s': %s %s: change the options, or load once with mode = 'replace'"):format(plan.name,
      published, why), "data", { exit = 1 })
  end
end

--- The partitions that new records need and a published table does not have.
---@param conn pghost.Connection
---@param plan pghost.Plan
---@param published string quoted name
---@param new string quoted name of the table of new records
---@return pghost.partitions.Part[]
function M.missing(conn, plan, published, new)
  if plan.partition.way.strategy == "HASH" then
    return {} -- what is published has all of them, or the server says which one is not there
  end
  return session.transaction(conn, function()
    local conditions = {}
    for i, part in ipairs((M.parts(conn, published))) do
      conditions[i] = "(" .. part.condition .. ")"
    end
    return tree.wanted(conn, plan, new, #conditions > 0 and ("NOT (%s)"):format(table.concat(conditions, " OR ")))
  end)
end

--- The definition of a table that can become a partition of a published one. An identity stays with the whole table.
---@param name string quoted
---@param published string quoted name of the whole
---@return string
function M.like(name, published)
  return ("CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE "
    .. "INCLUDING COMPRESSION)"):format(name, published)
end

local function is_part(conn, published, name)
  return conn:query([[
    SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_inherits WHERE inhparent OPERATOR(pg_catalog.=)
          $1::pg_catalog.regclass::pg_catalog.oid
        AND inhrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)::pg_catalog.oid) AS yes]],
    published, name)[1].yes
end

--- Gives a published table further partitions: they are attached empty, so nobody waits who uses others.
---@param run pghost.Run
---@param change pghost.modes.Change in the transaction that publishes it
function M.extend(run, change)
  local conn, list = run.conn, script.new()
  if #(change.parts or {}) == 0 then
    return
  end
  session.with(conn, function()
    local whole = conn:query(table_query, change.published)[1]
    for _, part in ipairs(change.parts) do
      local name = relations.quoted(run.target, part.name)
      if not is_part(conn, change.published, name) then -- another run may have made it
        local what = ("partition '%s'"):format(part.name)
        list:add(what, M.like(name, change.published))
        if not whole.mine then
          list:add(what, "ALTER TABLE %s OWNER TO %s", name, whole.owner)
        end
        list:add(what, ("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES %s"):format(change.published, name, part.bounds))
      end
    end
    list:run(conn, change.name)
  end)
  run.log:info("partitions", change.name, ("%s: %s"):format(log.counted(#change.parts, "new partition"),
    M.names(change.parts)), { partitions = #change.parts })
end

--- Their names, for the log: the first ones.
---@param parts { name: string }[]
---@return string
function M.names(parts)
  local names = {}
  for i = 1, math.min(#parts, 5) do
    names[i] = parts[i].name
  end
  return table.concat(names, ", ") .. (#parts > 5 and ", ..." or "")
end

return M
