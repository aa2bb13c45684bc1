-- A run as Markdown, for pull requests and chat: the outcome, and what to look at.

local html = require "pghost.report.html"
local log = require "pghost.lib.log"
local outcome = require "pghost.report.headline"
local sections = require "pghost.report.sections"
local terminal = require "pghost.lib.terminal"

local M = {}

local most_rows <const> = 10
local marks <const> = { good = "✅", warn = "⚠️", bad = "❌", note = "ℹ️" }

-- Data as text: nothing in it is markup, a mention, a link or the end of a cell.
local function plain(value, most)
  local text = terminal.cut(terminal.harmless(tostring(value)), most or 120)
  return (text:gsub("[\\`*_{}%[%]<>()#+!|~&]", "\\%0"):gsub("@", "@\u{2060}"):gsub("://", ":\u{2060}//"))
end

local function table_of(titles, rows)
  local lines, rule = {}, {}
  for i, title in ipairs(titles) do
    rule[i] = title:sub(-1) == ">" and "---:" or "---"
    titles[i] = title:gsub(">$", "")
  end
  lines[1] = "| " .. table.concat(titles, " | ") .. " |"
  lines[2] = "| " .. table.concat(rule, " | ") .. " |"
  for _, row in ipairs(rows) do
    lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

local function flow(run)
  local rows = {}
  for i = 1, math.min(#run.tables, 30) do
    local one = run.tables[i]
    rows[i] = { plain(one.name), html.count(one.files), html.count(one.records), html.count(one.loaded),
      html.count(one.rejected), html.count(one.waived), html.count(one.duplicates), html.count(one.filtered) }
  end
  return #rows > 0 and table_of({ "table", "files>", "records>", "loaded>", "rejected>", "waived>", "duplicates>",
    "filtered>" }, rows)
end

local function partitions(run)
  local rows = {}
  for i, one in ipairs(sections.partitions(run)) do
    rows[i] = { plain(one.table), plain(("%s of %s"):format(one.by, one.column)), html.count(one.new),
      html.count(one.replaced), plain(one.names, 300) }
  end
  return #rows > 0 and table_of({ "table", "partitioned by", "new>", "replaced>", "partitions" }, rows)
end

local function checks(run)
  local rows = {}
  for _, check in ipairs(run.checks) do
    if not check.passed and #rows < 20 then
      rows[#rows + 1] = { check.severity == "error" and "❌" or "⚠️", plain(check.name), html.count(check.violations) }
    end
  end
  local passed = #run.checks - run.failed - run.warned
  return ("%d of %s passed.\n"):format(passed, log.counted(#run.checks, "check"))
    .. (#rows > 0 and "\n" .. table_of({ "", "check", "violations>" }, rows) or "")
end

local function rejects(run)
  local rows = {}
  for i = 1, math.min(#run.rejects, most_rows) do
    local one = run.rejects[i]
    local sample = one.samples[1]
    rows[i] = { plain(one.table_name .. (one.column_name and "." .. one.column_name or "")), plain(one.rule),
      html.count(one.records), sample and plain(("%s:%s: %s"):format(sample.file or "?", sample.line or "?",
        sample.reason)) or "" }
  end
  return #rows > 0 and table_of({ "left out", "rule", "records>", "for example" }, rows)
end

local function answer(one)
  if not one.rows or #one.rows == 0 then
    return nil
  end
  local titles, rows = {}, {}
  for i, column in ipairs(one.columns) do
    titles[i] = plain(column.name) .. (column.kind == "number" and ">" or "")
  end
  for i = 1, math.min(#one.rows, most_rows) do
    rows[i] = {}
    for k = 1, #titles do
      rows[i][k] = one.rows[i][k] == nil and "" or plain(one.rows[i][k], 60)
    end
  end
  local more = one.total > #rows and ("\nThe first %d of %s.\n"):format(#rows, log.counted(one.total, "row")) or ""
  return ("**%s**\n\n%s%s"):format(plain(one.name), table_of(titles, rows), more)
end

--- The run as Markdown.
---@param run pghost.report.Run
---@return string
function M.of(run)
  local _, level = outcome.state(run)
  local parts = { ("### %s %s, run %d\n"):format(marks[level], plain(run.pipeline), run.run_id),
    plain(outcome.sentence(run), 600) .. "\n" }
  for _, part in ipairs { flow, partitions, checks, rejects } do
    parts[#parts + 1] = part(run) or nil
  end
  for _, one in ipairs(run.answers) do
    parts[#parts + 1] = answer(one)
  end
  return table.concat(parts, "\n")
end

return M
