-- The outcome of a run in one sentence, and what needs attention: the same for the page, for Markdown and for the
-- index.

local html = require "pghost.report.html"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"

local M = {}

---@class pghost.report.Remark
---@field level "bad"|"warn"|"note"
---@field text string plain
---@field section string of the page that has more

-- What came in and where it went, as the end of a sentence.
local function balance(run)
  if run.records == 0 then
    return "no records were read"
  end
  local out = run.rejected + run.duplicates
  local tables = log.counted(#run.tables, "table")
  if out == 0 and run.filtered == 0 and run.waived == 0 then
    return ("all %s %s in %s"):format(log.counted(run.records, "record"), run.records == 1 and "is" or "are", tables)
  end
  local parts = { ("%s of %s are in %s"):format(log.count(run.loaded), log.counted(run.records, "record"), tables) }
  if out > 0 then
    parts[#parts + 1] = ("%s (%s) %s left out, each with its reason"):format(log.count(out),
      html.share(out, run.records), out == 1 and "was" or "were")
  end
  if run.waived > 0 then
    parts[#parts + 1] = ("%s %s waived"):format(log.count(run.waived), run.waived == 1 and "was" or "were")
  end
  if run.filtered > 0 then
    parts[#parts + 1] = ("%s %s filtered on purpose"):format(log.count(run.filtered), run.filtered == 1 and "was"
      or "were")
  end
  return table.concat(parts, "; ")
end

local function nothing(run)
  return run.published > 0 and ("%s had been published before that"):format(log.counted(run.published, "table"))
    or "nothing was published"
end

--- How a run ended.
---@param run pghost.report.Run or a row of history.runs
---@return string word "Published", "Failed", ...
---@return "good"|"warn"|"bad"|"note" level
function M.state(run)
  if run.state == "published" then
    return run.warned > 0 and "Published, warned" or "Published", run.warned > 0 and "warn" or "good"
  elseif run.state == "unpublished" then
    return run.dry_run and "Dry run" or "Not published", "note"
  elseif run.state == "failed" then
    return "Failed", "bad"
  elseif run.state == "interrupted" then
    return "Interrupted", "bad"
  elseif run.state == "killed" or run.gone then
    return "Killed", "bad"
  end
  return "Running", "note"
end

--- The outcome in one sentence.
---@param run pghost.report.Run
---@return string plain
function M.sentence(run)
  local word, level = M.state(run)
  if run.state == "published" then
    return ("Published: %s."):format(balance(run))
  elseif word == "Dry run" then
    return ("Dry run: %s; nothing was published, as asked."):format(balance(run):gsub("are in", "would be in")
      :gsub("is in", "would be in"))
  elseif run.error and level == "bad" and word ~= "Killed" then
    return ("%s, %s: %s"):format(word, nothing(run), (run.error:gsub(", nothing is published", "", 1)))
  elseif word == "Killed" then
    return ("Killed before its end, %s."):format(nothing(run))
  elseif word == "Running" then
    return "Running: this is what is known so far."
  end
  return ("Ended without publishing: %s."):format(nothing(run))
end

local function add(list, level, section, text, ...)
  list[#list + 1] = { level = level, section = section, text = text:format(...) }
end

local function look_at_checks(run, list)
  for _, severity in ipairs { "error", "warn" } do
    local failed = lists.filter(run.checks, function(check)
      return not check.passed and check.severity == severity
    end)
    for i = 1, math.min(#failed, 3) do
      add(list, severity == "error" and "bad" or "warn", "checks", "%s: %s", failed[i].name,
        log.counted(failed[i].violations, "violation"))
    end
    if #failed > 3 then
      add(list, severity == "error" and "bad" or "warn", "checks", "%s more %s", log.count(#failed - 3),
        #failed == 4 and "check failed" or "checks failed")
    end
  end
end

-- How a share of rejects compares with that of the published run before.
local function look_at_rejects(run, list)
  local before
  for _, one in ipairs(run.trend) do
    before = one.run_id < run.run_id and one.state == "published" and one.records > 0 and one or before
  end
  local out, top = run.rejected + run.duplicates, run.rejects[1]
  if before and run.records > 0 then
    local now, past = out / run.records, (before.rejected + before.duplicates) / before.records
    if now > past * 1.5 and out - past * run.records > 10 then
      add(list, "warn", "rejects", "%s of the records were left out, %s in the run before", html.share(out,
        run.records),
        html.share(before.rejected + before.duplicates, before.records))
    end
  end
  if top then
    add(list, "note", "rejects", "the most frequent reason to leave out a record: %s%s, rule %s, %s", top.table_name,
      top.column_name and "." .. top.column_name or "", top.rule, log.counted(top.records, "record"))
  end
end

local function look_at_columns(run, list)
  local empty = {}
  for _, profile in ipairs(run.profiles or {}) do
    for _, column in ipairs(profile.columns) do
      if column.nulls and profile.rows > 0 and column.nulls == profile.rows then
        empty[#empty + 1] = profile.table_name .. "." .. column.name
      end
    end
  end
  if #empty > 0 then
    add(list, "note", "tables", "no value in any row%s: %s%s", run.sampled and " looked at" or "",
      table.concat(empty, ", ", 1, math.min(3, #empty)), #empty > 3 and (" and %d more"):format(#empty - 3) or "")
  end
end

--- What somebody should look at, the gravest first; empty: nothing.
---@param run pghost.report.Run
---@return pghost.report.Remark[]
function M.remarks(run)
  local list = {}
  look_at_checks(run, list)
  for _, one in ipairs(run.tables) do
    if one.complete and one.records > 0 and one.loaded == 0 then
      add(list, "warn", "flow", "no record of %s was loaded", one.name)
    end
  end
  look_at_rejects(run, list)
  look_at_columns(run, list)
  if run.attempt > 1 then
    add(list, "note", "steps", "attempt %d: an earlier one failed with a transient error", run.attempt)
  end
  return list
end

return M
