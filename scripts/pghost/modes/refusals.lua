-- New rows that the published table would refuse, as rejects: found once they are loaded, so that checks and analytics
-- see the table as it will be, and publishing does not fail because of one record.

local authority = require "pghost.publish.authority"
local constraints = require "pghost.modes.constraints"
local errors = require "pghost.lib.errors"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"

local M = {}

-- Whether runs of this pipeline load a table, so that it may get its new rows later in this run.
local function is_loaded_by(run, name)
  return run.conn:query(qualified [[
    SELECT EXISTS (
      SELECT 1 FROM pghost.files AS f JOIN pghost.runs AS r USING (run_id)
      WHERE r.pipeline = $1 AND r.target_schema = $2 AND f.table_name = $3) AS loaded]],
    run.name, run.target, name)[1].loaded
end

-- Where the rows are that a foreign key refers to: in what this run has built of the table; in the table itself.
local function parents_of(run, plan, request)
  return function(row)
    if row.of_itself then
      return plan.missing == "keep" and { request.published, request.new } or nil
    elseif row.parent_schema ~= run.target then
      return { relations.quoted(row.parent_schema, row.parent_name) }
    end
    local built = run:qualified(row.parent_name)
    if relations.find(run.conn, built) then
      return { built }
    end
    return not is_loaded_by(run, row.parent_name) and { relations.quoted(row.parent_schema, row.parent_name) } or nil
  end
end

local function request_of(run, plan)
  local request = { new = run:qualified(plan.clean_table), published = relations.quoted(run.target, plan.name),
    mode = plan.mode, missing = plan.missing, key = plan.key }
  request.parent = parents_of(run, plan, request)
  return request
end

-- Classes of SQLSTATE of an expression that cannot be evaluated: of a CHECK that divides by zero.
local not_evaluated = { ["22"] = true, P0 = true }

-- If the role may not read the referenced table, or a type has no equality, the check is left to the server.
local left_to_server = { ["42501"] = true, ["42883"] = true }

-- Records the rows that a constraint refuses, and removes them from the new ones; returns how many.
local function take_out(conn, names, constraint)
  local done, count = pcall(conn.transaction, conn, function()
    return conn:query(([[
      INSERT INTO %s (file_id, line, column_name, rule, reason)
      SELECT n._file_id, n._line, $1, $2, %s FROM %s AS n WHERE %s]]):format(names.refused, constraint.why, names.new,
      constraint.where), #constraint.columns == 1 and constraint.columns[1] or nil, constraint.rule).affected
  end)
  if not done and errors.is(count) and left_to_server[count.code] then
    return 0
  elseif not done and errors.is(count) and not_evaluated[tostring(count.code):sub(1, 2)] then
    names.unsure = true
    return 0
  elseif not done then
    error(count, 0)
  end
  if count > 0 then
    conn:query(("DELETE FROM %s AS t WHERE (t._file_id, t._line) IN (SELECT d.file_id, d.line FROM %s AS d)")
      :format(names.new, names.refused))
  end
  return count
end

local function reject(conn, run, plan, refused)
  local counts, total = {}, 0
  for row in conn:query(([[
      WITH told AS (
        INSERT INTO pghost.rejects (run_id, table_name, file_id, line, column_name, rule, reason)
        SELECT $1, $2, file_id, line, column_name, rule, reason FROM %s ORDER BY file_id, line RETURNING file_id
      ) SELECT file_id, pg_catalog.count(*) AS records FROM told GROUP BY 1]]):format(refused), run.id,
      plan.name):rows() do
    counts[row.file_id], total = row.records, total + row.records
  end
  return counts, total
end

local function look(conn, run, plan, names)
  for _, constraint in ipairs(constraints.read(conn, request_of(run, plan))) do
    repeat
      local count = take_out(conn, names, constraint)
    until count == 0 or not constraint.of_itself
  end
  return reject(conn, run, plan, names.refused)
end

--- Moves what the published table would refuse from the new rows to the rejects; must run inside run:transaction, with
--- positions in the table of new rows.
---@param conn pghost.Connection
---@param run pghost.Run
---@param plan pghost.Plan
---@return table<integer, integer> rejected by file id
---@return integer total
---@return boolean unsure a constraint could not be evaluated: it is left to the server
function M.settle(conn, run, plan)
  local names = { new = run:qualified(plan.clean_table), refused = run:qualified "pghost_refused", unsure = false }
  local published = relations.quoted(run.target, plan.name)
  conn:query(("LOCK TABLE %s IN ACCESS SHARE MODE"):format(published)) -- its definition stays as it is read
  authority.check_added(conn, { published })
  conn:query "SET LOCAL search_path = pg_catalog"
  conn:query(("CREATE TABLE %s (file_id pg_catalog.int8, line pg_catalog.int8, column_name pg_catalog.text, "
    .. "rule pg_catalog.text, reason pg_catalog.text)"):format(names.refused))
  local counts, total = look(conn, run, plan, names)
  conn:query("DROP TABLE " .. names.refused)
  return counts, total, names.unsure
end

return M
