-- Mode `partitions`: replaces exactly the partitions of a published table that the files touch.
--
-- What was loaded is routed into a tree of its own, in the build schema, with the bounds that the published table has.
-- When everything is checked, the partitions of that tree are given the indexes and foreign keys of the published table
-- (ready), and publishing exchanges them (publish/partition_subjects.lua).

local adoption = require "pghost.publish.adoption"
local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local indexes = require "pghost.publish.indexes"
local log = require "pghost.lib.log"
local existing = require "pghost.partitions.existing"
local relations = require "pghost.catalog.relations"
local session = require "pghost.publish.session"
local tree = require "pghost.partitions.tree"

local M = {}

---@class pghost.partitions.Exchanged one partition that is to take its place
---@field name string
---@field bounds string SQL
---@field replaces? string oid of the published partition
---@field records integer

---@class pghost.partitions.Exchange partitions of one published table
---@field name string
---@field published string quoted name
---@field tree string quoted name
---@field oid string of the published table
---@field parts pghost.partitions.Exchanged[]

local references_query <const> = [[
  SELECT k.conname::pg_catalog.text AS name, k.conrelid::pg_catalog.regclass::pg_catalog.text AS of
  FROM pg_catalog.pg_constraint AS k
  WHERE k.confrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid
    AND k.contype OPERATOR(pg_catalog.=) 'f' AND k.conparentid OPERATOR(pg_catalog.=) 0 ORDER BY 1 LIMIT 1]]

--- Raises what cannot be done, before anything is loaded.
---@param run pghost.Run
---@param request table draft of a plan
function M.check(run, request)
  local name = relations.quoted(run.target, request.name)
  local key = run.conn:query(references_query, name)[1]
  if key then
    errors.raise(("table '%s': mode 'partitions' cannot replace a partition that records refer to: drop foreign key "
      .. "'%s' of '%s', or load with mode = 'merge'"):format(request.name, key.name, key.of), "data", { exit = 1 })
  end
  adoption.check(run, { request.name }, request.options.adopt)
end

local function raise_shared(plan, part, other)
  errors.raise(("table '%s': partition '%s' (%s) holds more or less than %s: mode 'partitions' would replace other "
    .. "records than those of the files: divide it as the options say, or load with mode = 'merge'"):format(plan.name,
      other.name, other.bounds, part.bounds), "data")
end

-- The published partition that has records of a built one, though its bounds are others.
local function find_other(conn, part, others)
  for _, other in ipairs(others) do
    if conn:query(("SELECT 1 FROM %s AS n WHERE %s LIMIT 1"):format(part.qualified, other.condition))[1] then
      return other
    end
  end
end

local function check_place(run, plan, place)
  local why = place.kind ~= "r" and "is not a plain table"
    or place.schema ~= run.target and ("is in schema '%s'"):format(place.schema)
  if why then
    errors.raise(("table '%s': partition '%s' %s: mode 'partitions' cannot replace it"):format(plan.name, place.name,
      why), "data")
  end
end

-- A built partition has the name of the one that it replaces.
local function match(run, plan, part, by_bounds, others)
  local conn, place = run.conn, by_bounds[part.bounds]
  local records = conn:query("SELECT pg_catalog.count(*) AS records FROM " .. part.qualified)[1].records
  if place then
    check_place(run, plan, place)
    if place.name ~= part.name then
      conn:query(("ALTER TABLE %s RENAME TO %s"):format(part.qualified, relations.quote(place.name)))
    end
  else
    local other = find_other(conn, part, others)
    if other then
      raise_shared(plan, part, other)
    end
  end
  return { name = place and place.name or part.name, bounds = part.bounds, replaces = place and place.oid,
    records = records }
end

local function match_all(run, plan, whole, built)
  local others, by_bounds, list = existing.parts(run.conn, whole), {}, {}
  for _, other in ipairs(others) do
    by_bounds[other.bounds] = other
  end
  for i, part in ipairs((existing.parts(run.conn, built))) do
    list[i] = match(run, plan, part, by_bounds, others)
  end
  return list
end

-- The table as it will be, for checks and analytics.
local function create_view(run, plan, exchange)
  local oids = {}
  for _, part in ipairs(exchange.parts) do
    oids[#oids + 1] = part.replaces
  end
  local list = columns.list(plan.clean_columns)
  run.conn:query(("CREATE VIEW %s AS SELECT %s FROM %s AS p WHERE p.tableoid OPERATOR(pg_catalog.<>) ALL "
    .. "('{%s}'::pg_catalog.oid[]) UNION ALL SELECT %s FROM %s"):format(run:qualified(plan.name), list,
    exchange.published, table.concat(oids, ","), list, exchange.tree))
end

local function counts_of(parts)
  local replaced, new = 0, 0
  for _, part in ipairs(parts) do
    replaced, new = replaced + (part.replaces and 1 or 0), new + (part.replaces and 0 or 1)
  end
  return replaced, new
end

--- What an exchange does, for the log: "2 partitions replaced, 1 new: item_p2026_03, ...".
---@param exchange pghost.partitions.Exchange
---@return string text
---@return { replaced: integer, new: integer, records: integer } counts
function M.described(exchange)
  local replaced, new = counts_of(exchange.parts)
  local records = 0
  for _, part in ipairs(exchange.parts) do
    records = records + part.records
  end
  local parts = #exchange.parts > 0 and ": " .. existing.names(exchange.parts) or ""
  return ("%s replaced, %s new%s (%s)"):format(log.counted(replaced, "partition"), log.count(new), parts,
    log.counted(records, "record")), { replaced = replaced, new = new, records = records }
end

--- Builds the partitions that replace published ones.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.partitions.Exchange
function M.build(run, plan)
  local whole, exchange = relations.quoted(run.target, plan.name), nil
  session.transaction(run.conn, function()
    existing.check(run.conn, plan, whole)
    local built = tree.of_flat(run, plan, function(name)
      return existing.like(name, whole)
    end, columns.list(plan.clean_columns))
    exchange = { name = plan.name, published = whole, tree = built,
      oid = run.conn:query("SELECT $1::regclass::oid::text AS oid", whole)[1].oid,
      parts = match_all(run, plan, whole, built) }
    create_view(run, plan, exchange)
  end)
  return exchange
end

local keys_query <const> = [[
  SELECT pg_catalog.quote_ident(k.conname) AS name, pg_catalog.pg_get_constraintdef(k.oid) AS definition,
    c.relname::pg_catalog.text AS parent, n.nspname::pg_catalog.text AS schema
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) k.confrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE k.conrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid
    AND k.contype OPERATOR(pg_catalog.=) 'f' AND k.convalidated ORDER BY k.conname]]

-- A key to a table that this run replaces is made when that one has its place (publish/foreign_keys.lua).
local function add_keys(run, exchange)
  for row in run.conn:query(keys_query, exchange.published):rows() do
    local is_replaced = row.schema == run.target and relations.find(run.conn, run:qualified(row.parent))
    if not is_replaced then
      run.conn:query(("ALTER TABLE %s ADD CONSTRAINT %s %s"):format(exchange.tree, row.name, row.definition))
    end
  end
end

--- Makes the built partitions ready to be attached: what the server would build or check under its locks is built and
--- checked here. They are tables of their own then.
---@param run pghost.Run
---@param exchange pghost.partitions.Exchange
function M.ready(run, exchange)
  session.transaction(run.conn, function()
    local conn = run.conn
    local new = conn:query("SELECT $1::regclass::oid::text AS oid", exchange.tree)[1].oid
    local subject = { oid = exchange.oid, kind = "r", as_built = { not_null = {}, defaults = {} } }
    indexes.indexes(conn, subject, exchange.tree, relations.quote(run.build), new):run(conn, exchange.name)
    add_keys(run, exchange)
    for _, part in ipairs((existing.parts(conn, exchange.tree))) do
      conn:query(("ALTER TABLE %s DETACH PARTITION %s"):format(exchange.tree, part.qualified))
    end
  end)
end

return M
