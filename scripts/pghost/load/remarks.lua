-- What a load reports about its records: the kinds of rejects, and what was repaired.

local dialect = require "pghost.input.dialect"
local log = require "pghost.lib.log"
local sql = require "pghost.lib.sql"

local M = {}

local most_kinds = 12 -- of rejects that are logged for one table

-- "a.csv:3: not a bigint 'x'" by reject_id.
local function examples(run, kinds)
  local ids, texts = {}, {}
  for i = 1, math.min(#kinds, most_kinds) do
    ids[i] = kinds[i].first
  end
  for row in run.conn:query([[
      SELECT r.reject_id, pg_catalog.concat(pg_catalog.concat_ws(':', f.name, r.line), ': ', r.reason) AS text
      FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
      WHERE r.reject_id = ANY ($1::pg_catalog.int8[])]], sql.array(ids)):rows() do
    texts[row.reject_id] = row.text
  end
  return texts
end

--- Logs what was rejected and why, one line a kind with an example.
---@param run pghost.Run
---@param name string of the table
---@param kinds pghost.rejects.Kind[]
function M.rejects(run, name, kinds)
  local texts = #kinds > 0 and examples(run, kinds)
  for i, kind in ipairs(kinds) do
    if i > most_kinds then
      run.log:warn("reject", name, ("and %s"):format(log.counted(#kinds - most_kinds, "more kind")))
      break
    end
    local example = texts[kind.first]
    run.log:warn("reject", name, ("%s %s (%s), first %s"):format(log.count(kind.records),
      kind.column or "whole record", kind.rule, example),
      { rejected = kind.records, column = kind.column, rule = kind.rule, example = example })
  end
end

--- Which lines of a file are not records, as one line with its name; nil: only the header.
---@param file pghost.FileResult
---@return string?
function M.other_lines(file)
  local text = file.counts.lines and dialect.describe_lines(file.counts.lines)
  return text and ("%s: %s"):format(file.file.name, text)
end

--- Tells what was repaired in a file, in lines with its name: counts what the user has decided, and warns of the rest.
---@param file pghost.FileResult
---@param given pghost.Dialect options of the user
---@param say fun(level: "info"|"warn", text: string)
function M.repaired(file, given, say)
  local decided, other = dialect.describe(file.counts.repairs, given)
  if decided then
    say("info", ("%s: %s"):format(file.file.name, decided))
  end
  if other then
    say("warn", ("%s: %s"):format(file.file.name, other))
  end
end

return M
