-- reload() at the prompt: reads the rules of the project again, and counts how many rejects of a run would pass them
-- now, before a replay. Nothing is written.

local errors = require "pghost.lib.errors"
local last_run = require "pghost.prompt.last_run"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local print_ = require "pghost.lib.print"
local project_rules = require "pghost.prompt.project_rules"
local reading = require "pghost.prompt.record_reading"
local sys = require "pghost.native.sys"

local M = {}

local open_rejects <const> = [[
  SELECT r.table_name, r.column_name, r.rule, r.original, r.file_id, f.name,
    pg_catalog.array_to_json(f.header)::text AS header, f.read_as::text AS dialect
  FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id OPERATOR(pg_catalog.=) r.file_id
  WHERE r.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8 AND r.state OPERATOR(pg_catalog.=) 'open'
  ORDER BY r.file_id, r.line, r.reject_id]]

-- Only the server can tell whether another record has the key, or whether it takes the value.
local decided_by_server <const> = { key = true, server = true, constraint = true }

-- "passes", "refused" or "unknown".
local function outcome(row, rules, read)
  if not rules or not row.original or not row.header or decided_by_server[row.rule] then
    return "unknown"
  end
  read[row.file_id] = read[row.file_id] or { pcall(reading.of_file, rules, row) }
  local good, how = table.unpack(read[row.file_id])
  local values = good and reading.values(rules, how, row.original)
  return values and rules:try(values) and "passes" or "refused"
end

local function count(conn, run)
  local kinds, by_name, rules_of, read = {}, {}, {}, {}
  for row in conn:stream(open_rejects, run.run_id) do
    if rules_of[row.table_name] == nil then
      rules_of[row.table_name] = project_rules.of_table(row.table_name) or false
    end
    local name = ("%s\0%s\0%s"):format(row.table_name, row.column_name or "", row.rule)
    local kind = by_name[name]
    if not kind then
      kind = { table = row.table_name, column = row.column_name, rule = row.rule, passes = 0, refused = 0, unknown = 0,
        place = #kinds }
      by_name[name], kinds[#kinds + 1] = kind, kind
    end
    local what = outcome(row, rules_of[row.table_name], read)
    kind[what] = kind[what] + 1
  end
  return kinds
end

local Reloaded = { __name = "reload" }

function Reloaded.__show(reloaded)
  print(("%s read again"):format(log.counted(reloaded.files, "file") .. " of rules"))
  if not reloaded.run_id then
    print "no runs yet"
    return
  end
  local total = reloaded.passes + reloaded.refused + reloaded.unknown
  if total == 0 then
    print(("run %d has no open rejects"):format(reloaded.run_id))
    return
  end
  table.sort(reloaded.kinds, function(a, b)
    if a.passes ~= b.passes then
      return a.passes > b.passes
    end
    return a.place < b.place
  end)
  local rows = lists.map(reloaded.kinds, function(kind)
    return { kind.table, kind.column, kind.rule, kind.passes, kind.refused, kind.unknown }
  end)
  local text = print_.format({ "table", "column", "rule", "pass now", "refused", "not tried" }, rows,
    { null = "", width = sys.columns(1) })
  io.stdout:write((text:gsub("%([^\n]*\n$", "")))
  print(("run %d: %s of %s would pass now%s"):format(reloaded.run_id, log.count(reloaded.passes),
    log.counted(total, "open reject"), reloaded.passes > 0 and (": pghost replay %d loads them"):format(reloaded.run_id)
    or ""))
  if reloaded.unknown > 0 then
    print(("not tried: %s (another record has the key, the server refused them, or bytes or rules are missing)"):format(
      log.count(reloaded.unknown)))
  end
end

local function has_rules_that_fail()
  for _, name in ipairs(project_rules.names()) do
    project_rules.read(name) -- raises with file and line
  end
end

--- Reads the rules again and counts.
---@param run_id? integer default: the last run
---@return table
function M.reload(run_id)
  local result = { files = project_rules.forget(), passes = 0, refused = 0, unknown = 0, kinds = {} }
  has_rules_that_fail()
  local good, problem = pcall(last_run.with_run, run_id, function(conn, run)
    result.run_id, result.kinds = run.run_id, count(conn, run)
  end)
  if not good and (run_id or not errors.is(problem) or not problem.message:find("^no runs yet")) then
    error(problem, 0)
  end
  for _, kind in ipairs(result.kinds) do
    for _, what in ipairs { "passes", "refused", "unknown" } do
      result[what] = result[what] + kind[what]
    end
  end
  return setmetatable(result, Reloaded)
end

return M
