-- What a load has to say about its records: the kinds of rejects, and what was repaired.

local dialect = require "pghost.input.dialect"
local log = require "pghost.lib.log"

local M = {}

local most_groups = 12 -- kinds of rejects that are logged for one table

--- Logs what was rejected and why, one line a kind with an example.
---@param run pghost.Run
---@param name string
function M.rejects(run, name)
  local kinds = run.conn:query([[
    SELECT k.column_name, k.rule, k.records, concat_ws(':', f.name, r.line) || ': ' || r.reason AS example
    FROM (
      SELECT column_name, rule, count(*) AS records, min(reject_id) AS first_id FROM pghost.rejects
      WHERE run_id = $1 AND table_name = $2 AND rule <> 'key' GROUP BY column_name, rule
    ) AS k
    JOIN pghost.rejects AS r ON r.reject_id = k.first_id
    LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    ORDER BY k.records DESC, k.column_name, k.rule]], run.id, name)
  for i, kind in ipairs(kinds) do
    if i > most_groups then
      run.log:warn("reject", name, ("and %s more"):format(log.counted(#kinds - most_groups, "kind")))
      break
    end
    run.log:warn("reject", name, ("%s %s (%s), first %s"):format(log.count(kind.records),
      kind.column_name or "whole record", kind.rule, kind.example),
      { rejected = kind.records, column = kind.column_name, rule = kind.rule, example = kind.example })
  end
end

--- Logs the lines that are no records and what was repaired, one line a file.
---@param run pghost.Run
---@param plan pghost.Plan
function M.repairs(run, plan)
  for _, file in ipairs(plan.files) do
    local others = file.counts.lines and dialect.describe_lines(file.counts.lines)
    if others then
      run.log:info("lines", plan.name, ("%s: %s"):format(file.name, others),
        { file = file.name, lines = file.counts.lines })
    end
    local text = dialect.describe(file.counts.repairs)
    if text then
      run.log:warn("repair", plan.name, ("%s: %s"):format(file.name, text),
        { file = file.name, repairs = file.counts.repairs })
    end
  end
end

return M
