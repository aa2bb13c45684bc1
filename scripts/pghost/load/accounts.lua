-- The accounts of a load: records = loaded + rejected + filtered + duplicates, for each file and
-- for the table. What we read is held against what the server counted: the rows of each COPY, the
-- rejects, the rows left where it removed duplicates. What does not add up fails the run.

local check = require "pghost.check"
local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local file_records = require "pghost.load.file_records"
local keys = require "pghost.load.keys"
local log = require "pghost.lib.log"
local sys = require "pghost.native.sys"

local M = {}

-- Notes where a count of ours and one of the server's differ.
local function expect(plan, where, what, expected, got)
  if expected ~= got then
    plan.problems[#plan.problems + 1] = ("%s: %s: %s expected, %s found"):format(where, what, log.count(expected),
      log.count(got))
  end
end

local kinds_of_line = { "records", "header", "preamble", "comments", "blank", "footer", "second_table", "earlier" }

local function sum_lines(lines)
  local total = 0
  for _, kind in ipairs(kinds_of_line) do
    total = total + (lines[kind] or 0)
  end
  return total
end

local function expect_size(plan, file)
  if file.size then
    expect(plan, file.name, "bytes", file.size, file.counts.input_bytes)
  end
  local counts = file.counts
  if counts.lines then
    expect(plan, file.name, "lines", counts.lines.all, sum_lines(counts.lines))
  end
  expect(plan, file.name, "records", counts.records, counts.loaded + counts.rejected + counts.filtered)
end

-- Rejects of this table on the server, per file: by rules and readers, and by the key.
local function count_rejects(run, name)
  local by_rule, by_key = {}, {}
  local rows = run.conn:query([[
    SELECT file_id, rule = 'key' AS by_key, count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND table_name = $2 GROUP BY 1, 2]], run.id, name)
  for row in rows:rows() do
    (row.by_key and by_key or by_rule)[row.file_id] = row.records
  end
  return by_rule, by_key
end

local function verify_file(plan, file, server)
  expect_size(plan, file)
  local id, counts = file.id, file.counts
  expect(plan, file.name, "rejects", counts.rejected, server.rejects[id] or 0)
  if plan.left_by_file then
    local duplicates = plan.duplicates_by_file[id] or 0
    expect(plan, file.name, "duplicates", duplicates, server.duplicates[id] or 0)
    expect(plan, file.name, "rows in the clean table", counts.loaded - duplicates, plan.left_by_file[id] or 0)
  end
end

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

local function verify(run, plan)
  plan.problems = {}
  local totals, targets, server = plan.totals, plan.targets, {}
  server.rejects, server.duplicates = count_rejects(run, plan.name)
  if plan.raw_source then
    server.raw = keys.count_by_file(run.conn, plan.raw_source, "_file_id")
    expect(plan, "all files", "records", sum(server.raw), totals.records)
  end
  expect(plan, "all files", "records", totals.records, totals.loaded + totals.rejected + totals.filtered)
  if targets.raw then
    expect(plan, "all files", "rows in the raw table", totals.records - totals.unreadable, totals.raw_rows)
  end
  if targets.clean then
    expect(plan, "all files", "rows copied into the clean table", totals.loaded, totals.clean_rows)
  end
  if plan.left_by_file then
    expect(plan, "all files", "rows in the clean table", totals.loaded - plan.duplicates, sum(plan.left_by_file))
  end
  for _, file in ipairs(plan.files) do
    verify_file(plan, file, server)
  end
  return server
end

local total_names = { "records", "loaded", "rejected", "filtered", "unreadable", "bytes" }

--- Adds the totals of a load, or the counts of a file that was loaded earlier, to those of the plan.
---@param plan pghost.Plan
---@param counts table
---@param targets? table of an earlier load: rows are what its counts say
function M.add_totals(plan, counts, targets)
  local totals = plan.totals or { raw_rows = 0, clean_rows = 0 }
  for _, name in ipairs(total_names) do
    totals[name] = (totals[name] or 0) + counts[name]
  end
  totals.raw_rows = totals.raw_rows + (counts.raw_rows or (targets.raw and counts.records - counts.unreadable or 0))
  totals.clean_rows = totals.clean_rows + (counts.clean_rows or (targets.clean and counts.loaded or 0))
  plan.totals = totals
end

local function quote_json(texts)
  local out = {}
  for i, text in ipairs(texts) do
    out[i] = cjson.encode(text)
  end
  return out
end

--- Proves the accounts of a load against the server and records them; raises when they fail.
---@param run pghost.Run
---@param plan pghost.Plan
---@return table counts of the whole step
function M.settle(run, plan)
  local started = sys.clock()
  local server = verify(run, plan)
  check.record(run, { name = plan.name .. ": nothing lost, nothing twice", severity = "error" }, #plan.problems,
    quote_json(plan.problems), sys.clock() - started)
  if #plan.problems > 0 then
    errors.raise(("table '%s': the accounts do not add up: %s; did a file change while it was read?"):format(plan.name,
      plan.problems[1]), "account")
  end
  file_records.settle(run, plan, server)
  local totals = plan.totals
  return {
    records = totals.records,
    loaded = totals.loaded - plan.duplicates,
    rejected = totals.rejected,
    filtered = totals.filtered,
    duplicates = plan.duplicates,
    bytes = totals.bytes,
    files = #plan.files,
  }
end

--- The default check of every stage: something is left.
function M.check_not_empty(run, name)
  check.evaluate(run, check.not_empty(name))
end

return M
