-- Carries over to the built tables everything that takes time, before anything is locked.

local as_built = require "pghost.publish.as_built"
local authority = require "pghost.publish.authority"
local columns = require "pghost.publish.attributes"
local dependents = require "pghost.publish.dependents"
local distribute = require "pghost.distribute"
local foreign_keys = require "pghost.publish.foreign_keys"
local indexes = require "pghost.publish.indexes"
local rights = require "pghost.publish.rights"
local statistics = require "pghost.load.statistics"
local subjects = require "pghost.publish.subjects"
local views = require "pghost.publish.views"

local M = {}

-- The owner comes first: the server builds indexes and statistics with the owner's rights.
local function carry_over(conn, subject, quoted_build, gone)
  rights.owner(conn, subject.oid, subject.built, subject.build):run(conn, subject.qualified)
  if not subject.partitioned then
    columns.storage(conn, subject, subject.built, subject.new):run(conn, subject.qualified)
  end
  local list, missing = columns.columns(conn, subject, subject.built, subject.new)
  list:run(conn, subject.qualified)
  indexes.indexes(conn, subject, subject.built, quoted_build, subject.new):run(conn, subject.qualified)
  indexes.statistics(conn, subject, subject.built, quoted_build):run(conn, subject.qualified)
  columns.comment(conn, subject, subject.built, subject.new):run(conn, subject.qualified)
  gone[subject.name] = #missing > 0 and not subject.part_of and missing or nil
end

-- Tables that stay and whose foreign keys or policies have to be recreated: oids and quoted names.
local function outsiders(conn, found, keys, built)
  local oids = {}
  for _, key in ipairs(foreign_keys.from_outside(keys, built)) do
    oids[#oids + 1] = key.from_oid
  end
  local rows = conn:query([[
    SELECT DISTINCT c.oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1::oid[]) OR c.oid IN (SELECT polrelid FROM pg_policy WHERE oid = ANY ($2::oid[]))
    ORDER BY 2]], dependents.literal(oids), dependents.literal(found.policies))
  local all, list = {}, {}
  for row in rows:rows() do
    all[#all + 1], list[#list + 1] = row.oid, row.name
  end
  return all, list
end

local function check_rights(conn, oids, found, outside)
  local relations, functions = { table.unpack(oids) }, {}
  for _, object in ipairs(found.objects) do
    local list = object.kind == "f" and functions or relations
    list[#list + 1] = object.oid
  end
  rights.check(conn, dependents.literal(relations), dependents.literal(functions), dependents.literal(outside))
  authority.check(conn, dependents.literal(oids), dependents.literal(relations))
  return dependents.literal(relations)
end

-- Not analysed, or not since it changed, or it gained something that only ANALYZE fills.
local lacks_statistics = [[
  SELECT pg_stat_get_last_analyze_time(c.oid) IS NULL OR pg_stat_get_mod_since_analyze(c.oid) > 0
    OR EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indexprs IS NOT NULL)
    OR EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = c.oid)
    OR EXISTS (SELECT FROM pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0) AS yes
  FROM pg_class AS c WHERE c.oid = $1::oid]]

local function analyze(conn, list)
  for _, subject in ipairs(list) do
    if (not subject.part_of or subject.attach) and conn:query(lacks_statistics, subject.new)[1].yes then
      statistics.analyse(conn, subject.built)
    end
  end
end

--- Must run inside a transaction, with an empty search path.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared
function M.prepare(conn, options)
  local list = subjects.read(conn, options)
  local oids, built, by_name = subjects.published(list)
  local found = dependents.read(conn, oids, options.build)
  local prepared = {
    subjects = list,
    found = found,
    state = dependents.state(conn, oids, options.build),
    keys = foreign_keys.read(conn, dependents.literal(oids), options.build),
    quoted_build = conn:query("SELECT quote_ident($1) AS name", options.build)[1].name,
    gone = {},
  }
  if options.cluster and #prepared.keys > 0 then -- Citus makes one to a reference table only so
    distribute.one_connection_per_node { cluster = true, conn = conn }
  end
  prepared.outside, prepared.outside_names = outsiders(conn, found, prepared.keys, built)
  local relations = check_rights(conn, oids, found, prepared.outside)
  local row_security = false
  for _, subject in ipairs(list) do
    row_security = row_security or subject.row_security
    subject.facts = as_built.facts(conn, subject.new)
    if subject.oid then
      subject.as_built = subject.part_of and { not_null = {}, defaults = {} }
        or as_built.read(conn, options.target, subject)
      carry_over(conn, subject, prepared.quoted_build, prepared.gone)
    elseif subject.part_of and subject.part_of.oid then
      rights.owner(conn, subject.part_of.oid, subject.built, subject.build):run(conn, subject.qualified)
    end
  end
  foreign_keys.add_own(conn, prepared.keys, built)
  foreign_keys.check_outside(conn, prepared.keys, built)
  analyze(conn, list)
  local give, take = rights.lend_usage(conn, relations, options.build)
  give:run(conn, options.build)
  for _, subject in ipairs(list) do
    if subject.oid then
      rights.of(conn, "TABLE", subject.oid, subject.built, subject.new, subject.build):run(conn, subject.qualified)
    end
  end
  prepared.views = views.prepare(conn, found, options.build, by_name, row_security)
  take:run(conn, options.build)
  return prepared
end

return M
