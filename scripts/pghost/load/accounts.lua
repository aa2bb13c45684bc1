-- The accounts of a load: records = loaded + corrected + rejected + waived + filtered + duplicates, for each file and
-- for the table. What we read is compared with the server's counts: the rows of each COPY, the rejects, the rows left
-- after it removed duplicates. The run fails if they do not add up.

local check = require "pghost.check"
local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local primary_key = require "pghost.load.primary_key"
local log = require "pghost.lib.log"
local reject_counts = require "pghost.load.reject_counts"
local sys = require "pghost.native.sys"

local M = {}

-- Describes in readable lines what does not add up.
local Problems = {}
Problems.__index = Problems

function Problems:expect(where, what, expected, got)
  if expected ~= got then
    self[#self + 1] = ("%s: %s: %s expected, %s found"):format(where, what, log.count(expected), log.count(got))
  end
end

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

local kinds_of_line = { "records", "header", "preamble", "comments", "blank", "footer", "second_table", "earlier" }

local function sum_lines(lines)
  local total = 0
  for _, kind in ipairs(kinds_of_line) do
    total = total + (lines[kind] or 0)
  end
  return total
end

local function verify_file(problems, result, file)
  local id, counts, name = file.id, file.counts, file.file.name
  if file.file.size then
    problems:expect(name, "bytes", file.file.size, counts.input_bytes)
  end
  if counts.lines then
    problems:expect(name, "lines", counts.lines.all, sum_lines(counts.lines))
  end
  problems:expect(name, "records", counts.records, counts.loaded + counts.rejected + counts.filtered)
  problems:expect(name, "rejects", counts.rejected,
    (result.rejects.by_file[id] or 0) + (result.rejects.settled.rejects.by_file[id] or 0))
  if result.left_by_file then
    local duplicates = result.duplicates_by_file[id] or 0
    problems:expect(name, "duplicates", duplicates,
      (result.rejects.duplicates[id] or 0) + (result.rejects.settled.duplicates.by_file[id] or 0))
    problems:expect(name, "rows in the clean table", counts.loaded - duplicates, result.left_by_file[id] or 0)
  end
end

local function verify(plan, result)
  local problems, totals, targets = setmetatable({}, Problems), result.totals, plan.targets
  local function expect(what, expected, got)
    problems:expect("all files", what, expected, got)
  end
  if result.raw_by_file then
    expect("records", sum(result.raw_by_file), totals.records)
  end
  expect("records", totals.records, totals.loaded + totals.rejected + totals.filtered)
  if targets.raw then
    expect("rows in the raw table", totals.records - totals.unreadable, totals.raw_rows)
  end
  if targets.clean then
    expect("rows copied into the clean table", totals.loaded, totals.clean_rows)
  end
  if result.left_by_file then
    expect("rows in the clean table", totals.loaded - result.duplicates, sum(result.left_by_file))
  end
  if result.corrected then
    expect("corrected rows in the clean table", result.rejects.corrected.total - result.corrected_away,
      result.corrected)
  end
  for _, file in ipairs(result.files) do
    verify_file(problems, result, file)
  end
  return problems
end

local function quote_json(texts)
  return lists.map(texts, cjson.encode)
end

--- Proves the accounts of a load against the server; raises when they fail. Reads the rejects of the result.
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
function M.prove(run, plan, result)
  local started = sys.clock()
  result.rejects = reject_counts.read(run, plan.name)
  if plan.raw_source then
    result.raw_by_file = primary_key.count_by_file(run.conn, plan.raw_source, "_file_id")
  end
  local problems = verify(plan, result)
  check.record(run, { name = plan.name .. ": nothing lost, nothing twice", severity = "error" }, #problems,
    quote_json(problems), sys.clock() - started)
  if #problems > 0 then
    errors.raise(("table '%s': the accounts do not add up: %s; did a file change while it was read?"):format(plan.name,
      problems[1]), "account")
  end
end

return M
