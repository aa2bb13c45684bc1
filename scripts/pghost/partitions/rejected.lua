-- Records that have no partition, as rejects: found when all are loaded, so that each is reported with its position
-- and no COPY fails because of one.

local ways = require "pghost.partitions.ways"
local relations = require "pghost.catalog.relations"
local session = require "pghost.publish.session"

local M = {}

local longest_value <const> = 200 -- characters of it shown in a reason

local statement <const> = [[
  WITH gone AS (
    DELETE FROM %s AS n WHERE (%s) IS NOT TRUE RETURNING n._file_id, n._line, n.%s::pg_catalog.text AS value
  ), told AS (
    INSERT INTO pghost.rejects (run_id, table_name, file_id, line, column_name, rule, reason)
    SELECT $1, $2, _file_id, _line, $3, 'partition', CASE WHEN value IS NULL THEN 'no partition for null'
      ELSE pg_catalog.concat('no partition by ', $4::pg_catalog.text, ' for ''', pg_catalog.left(value, %d), '''') END
    FROM gone ORDER BY _file_id, _line RETURNING file_id
  ) SELECT file_id, pg_catalog.count(*) AS records FROM told GROUP BY 1]]

--- Moves records without a partition from a loaded table to the rejects; where there is a default partition it takes
--- them. The table has positions.
---@param conn pghost.Connection in a transaction
---@param run pghost.Run
---@param plan pghost.Plan
---@return table<integer, integer> rejected by file id
---@return integer total
function M.settle(conn, run, plan)
  local declared, counts, total = plan.partition, {}, 0
  if declared.default and plan.mode ~= "partitions" then
    return counts, total
  end
  local column = relations.quote(declared.column.name)
  session.with(conn, function()
    for row in conn:query(statement:format(run:qualified(plan.clean_table),
        ways.has_partition(declared.way, declared.column, "n." .. column), column, longest_value), run.id, plan.name,
        declared.column.name, declared.way.name):rows() do
      counts[row.file_id], total = row.records, total + row.records
    end
  end)
  return counts, total
end

return M
