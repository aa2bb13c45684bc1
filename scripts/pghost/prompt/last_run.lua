-- `run` and `rejects` at the prompt: the current records of the last run, read over a separate connection, so that an
-- open transaction of the prompt does not affect them.

local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local own_runs = require "pghost.run.own_runs"
local print_ = require "pghost.lib.print"
local recorded = require "pghost.run.recorded"
local reject_list = require "pghost.rejects.list"
local run_report = require "pghost.run.summary"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

local most <const> = 10000 -- rejects that are read as values

-- Calls fn(conn, run); raises if there is no run.
local function with_run(run_id, fn)
  local conn <close>, present = recorded.open()
  local found = run_id and recorded.find(conn, present, run_id) or recorded.last(conn, present)
  if not found then
    errors.raise(own_runs.none(), "usage", { exit = 1 })
  end
  return fn(conn, found)
end

M.with_run = with_run

local counted <const> = { "files", "records", "loaded", "corrected", "rejected", "waived", "duplicates" }

-- The files of a run, summed by table, in the order of the run.
local function by_table(files)
  local rows, at = {}, {}
  for _, file in ipairs(files) do
    if not at[file.table] then
      at[file.table], rows[#rows + 1] = #rows + 1, { file.table, 0, 0, 0, 0, 0, 0, 0 }
    end
    local row = rows[at[file.table]]
    row[2] = row[2] + 1
    for i = 2, #counted do
      row[i + 1] = row[i + 1] + (file[counted[i]] or 0)
    end
  end
  return rows
end

local rare <const> = { corrected = true, waived = true, duplicates = true }

-- Titles and rows without all-zero columns, so that table names have room.
local function without_zeros(rows)
  local titles, kept = { "table" }, { 1 }
  for i, name in ipairs(counted) do
    local any = not rare[name]
    for _, row in ipairs(rows) do
      any = any or row[i + 1] ~= 0
    end
    if any then
      titles[#titles + 1], kept[#kept + 1] = name, i + 1
    end
  end
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = lists.map(kept, function(at)
      return row[at]
    end)
  end
  return titles, list
end

-- The checks that did not hold, a line each.
local function failed_checks(checks)
  local lines = {}
  for _, check in ipairs(checks) do
    if check.passed == false then
      lines[#lines + 1] = ("check %s: %s (%s)"):format(check.severity, check.check, log.counted(check.violations or 0,
        "violation"))
    end
  end
  return lines
end

local function show_run(run_id)
  with_run(run_id, function(conn)
    local one, parts = run_report.list(conn, { run_id = run_id, limit = 1 })[1], {}
    for _, part in ipairs(run_report.parts(conn, run_id)) do
      parts[part[1]] = part[2]
    end
    print(terminal.harmless(("run %d of '%s' into schema '%s': %s; started %s, took %s"):format(one.run_id,
      one.pipeline, one.schema, run_report.state_text(one), one.started, log.duration(one.seconds))))
    if one.error then
      print(terminal.harmless("error: " .. one.error))
    end
    local titles, rows = without_zeros(by_table(parts.files or {}))
    if #rows > 0 then
      io.stdout:write((print_.format(titles, rows, { width = sys.columns(1) })
        :gsub("%([^\n]*\n$", "")))
    end
    for _, line in ipairs(failed_checks(parts.checks or {})) do
      print(terminal.harmless(line))
    end
    print(("`rejects` shows what was rejected, `pghost runs %d` everything"):format(run_id))
  end)
end

--- The global `run`: the last run, or that of a number, `run(12)`.
---@param run_id? integer
---@return table
function M.run(run_id)
  return with_run(run_id, function(_, found)
    local fields = {}
    for name, value in pairs(found) do
      fields[name] = value
    end
    return setmetatable(fields, {
      __name = "run",
      __call = function(_, number)
        return M.run(number)
      end,
      __show = function()
        show_run(found.run_id)
      end,
    })
  end)
end

local columns <const> = { "reject_id", "table_name", "file", "line", "column_name", "rule", "reason", "state", "note",
  "original" }

local Reject = { __name = "reject" }

function Reject.__show(reject)
  print(terminal.harmless(("%s: %s"):format(reject.table_name, reject_list.line(reject))))
  print(terminal.harmless(reject.original or "its original bytes are not known"))
end

local function read(filter)
  return with_run(filter.run_id, function(conn, run)
    local list = {}
    local chosen = setmetatable({ run_id = run.run_id }, { __index = filter })
    for row in reject_list.each(conn, chosen, most) do
      local one = { file_id = row.file_id, run_id = run.run_id }
      for _, name in ipairs(columns) do
        one[name] = row[name]
      end
      list[#list + 1] = setmetatable(one, Reject)
    end
    return list
  end)
end

local kinds <const> = { columns = { "table", "column", "rule", "state", "files", "records" },
  types = { "text", "text", "text", "text", "int8", "int8" } }

local shown_first <const> = 10

local function show(filter)
  with_run(filter.run_id, function(conn, run)
    local chosen = setmetatable({ run_id = run.run_id }, { __index = filter })
    local summary, total = reject_list.summary(conn, chosen)
    print(("run %d of '%s': %s"):format(run.run_id, terminal.harmless(run.pipeline), log.counted(total, "open reject")))
    if total == 0 then
      return
    end
    io.stdout:write(print_.format(kinds.columns, summary, { types = kinds.types, null = "", width = sys.columns(1) }))
    local number = 0
    for reject in reject_list.each(conn, chosen, shown_first) do
      number = number + 1
      print(terminal.harmless(("[%d] %s: %s"):format(number, reject.table_name, reject_list.line(reject))))
    end
    if total > shown_first then
      print(("and %s more: rejects%s[%d], ..."):format(log.count(total - shown_first),
        filter.table and "." .. filter.table or "", shown_first + 1))
    end
  end)
end

local known <const> = { run_id = true, table = true, file = true, rule = true, state = true }

local function check(filter)
  if type(filter) ~= "table" then
    errors.raise("rejects: a table expected, as in rejects { rule = \"type\" }", "usage", { exit = 1 })
  end
  known_keys.check(filter, known, "rejects")
  with_run(filter.run_id, function(conn, run)
    for _, kind in ipairs { "table", "file", "rule" } do
      if filter[kind] then
        reject_list.check_name(conn, run.run_id, kind, filter[kind])
      end
    end
  end)
  return filter
end

--- The global `rejects`: the open ones of the last run. `rejects[1]`, `#rejects`, `rejects.booking` those of a table,
--- `rejects { rule = "type", run_id = 12 }` by other things.
---@param filter? pghost.rejects.Filter
---@return table
function M.rejects(filter)
  filter = filter or {}
  local list
  local function rows()
    list = list or read(filter)
    return list
  end
  return setmetatable({}, {
    __name = "rejects",
    __len = function()
      return #rows()
    end,
    __index = function(_, key)
      if type(key) == "number" then
        return rows()[key]
      end
      return M.rejects(check { table = key, run_id = filter.run_id, rule = filter.rule, file = filter.file,
        state = filter.state })
    end,
    __call = function(_, more)
      return M.rejects(check(more))
    end,
    __show = function()
      show(filter)
    end,
  })
end

return M
