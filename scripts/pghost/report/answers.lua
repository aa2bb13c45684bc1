-- The answers of analytics: their rows, the question in the header comment of their SQL, and their chart.
--
-- A chart is chosen by shape: a time and numbers is a line, a text and a number are bars. A comment in the
-- header of the SQL file decides otherwise: `-- chart: line month unique_users`, `-- chart: none`.

local cjson = require "cjson"
local history = require "pghost.report.recorded_run"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"
local profile = require "pghost.report.table_profile"
local stored_profile = require "pghost.report.stored_profile"

local M = {}

---@class pghost.report.Answer
---@field name string
---@field question string the header comment, without the chart line
---@field sql string
---@field reads { schema: string, table: string, columns: string[] }[]
---@field columns? table[] name, type, kind
---@field rows? string[][] texts, at most `most_rows`
---@field total? integer
---@field chart? { kind: "line"|"bar", x: integer, y: integer[] } positions of columns
---@field problem? string

local most_rows <const> = 500
local most_series <const> = 4
local kinds <const> = { "line", "bar", "none" }

-- The comment lines before the first other line: the question, and what follows `chart:`.
local function header_of(sql)
  local lines, chart = {}, nil
  for line in (sql .. "\n"):gmatch "([^\n]*)\n" do
    local comment = line:match "^%s*%-%-%s?(.-)%s*$"
    if not comment and line:find "%S" then
      break
    end
    local hint = comment and comment:match "^chart:%s*(.-)$"
    chart = hint or chart
    if comment and not hint then
      lines[#lines + 1] = comment
    end
  end
  return table.concat(lines, "\n"):match "^%s*(.-)%s*$", chart
end

local function position(columns, name)
  local names = {}
  for i, column in ipairs(columns) do
    if column.name == name then
      return i
    end
    names[i] = column.name
  end
  return nil, ("chart: no column '%s'%s"):format(name, nearest.hint(name, names))
end

-- What `-- chart: KIND X Y...` asks for.
local function asked(hint, columns)
  local words = {}
  for word in hint:gmatch "%S+" do
    words[#words + 1] = word
  end
  local kind = words[1] or ""
  if kind == "none" then
    return nil
  elseif kind ~= "line" and kind ~= "bar" then
    return nil, ("chart: unknown kind '%s'%s: -- chart: line X Y..., bar X Y or none"):format(kind, nearest.hint(kind,
      kinds))
  elseif #words < 3 then
    return nil, ("chart: %s needs a column for each axis: -- chart: %s X Y"):format(kind, kind)
  end
  local chart = { kind = kind, y = {} }
  for i = 2, math.min(#words, most_series + 2) do
    local at, problem = position(columns, words[i])
    if not at then
      return nil, problem
    elseif i > 2 and columns[at].kind ~= "number" then
      return nil, ("chart: column '%s' is not a number"):format(words[i])
    end
    chart.x = chart.x or at
    chart.y[i - 2] = i > 2 and at or nil
  end
  return chart
end

local function by_shape(columns)
  local first, numbers = nil, {}
  for i, column in ipairs(columns) do
    if column.kind == "number" then
      numbers[#numbers + 1] = i
    elseif not first and (column.kind == "time" or column.kind == "text") then
      first = i
    else
      return nil -- several dimensions: a picture of one of them would mislead
    end
  end
  if not first or #numbers == 0 or #numbers > most_series then
    return nil
  elseif columns[first].kind == "time" then
    return { kind = "line", x = first, y = numbers }
  end
  return #numbers == 1 and { kind = "bar", x = first, y = numbers } or nil
end

local function read_rows(conn, schema, answer)
  local names = lists.map(answer.columns, function(column)
    return ("pg_catalog.left(%s::text, 1000)"):format(conn:quote_identifier(column.name))
  end)
  local from = ("FROM %s.%s"):format(conn:quote_identifier(schema), conn:quote_identifier(answer.name))
  local rows, count = {}, #names
  for row in conn:query(("SELECT %s %s LIMIT %d"):format(table.concat(names, ", "), from, most_rows)):rows() do
    rows[#rows + 1] = table.move(row, 1, count, 1, {})
  end
  answer.rows = rows
  answer.total = #rows < most_rows and #rows or conn:query("SELECT pg_catalog.count(*) AS n " .. from)[1].n
end

--- The answer of a definition; rows and chart only when the published table is that of the run.
---@param conn pghost.Connection within history.reading
---@param run pghost.report.Run
---@param definition table
---@return pghost.report.Answer
function M.of(conn, run, definition)
  local question, hint = header_of(definition.definition)
  local answer = { name = definition.table_name, question = question, sql = definition.definition,
    reads = cjson.decode(definition.reads or "[]") }
  local found, columns = nil, nil
  if run.is_current then
    found, columns = profile.columns(conn, run.target_schema, answer.name)
  end
  if not found or not columns then
    return answer
  end
  answer.columns = columns
  local done, problem = pcall(function()
    conn:transaction(function()
      read_rows(conn, run.target_schema, answer)
    end)
  end)
  if not done then
    answer.problem = tostring(problem)
  elseif hint then
    answer.chart, answer.problem = asked(hint, columns)
  else
    answer.chart = by_shape(columns)
  end
  return answer
end

--- What the report shows of a run beside its history: profiles of its clean tables, and its answers.
---@param conn pghost.Connection within history.reading
---@param run pghost.report.Run changed: profiles, answers
function M.add(conn, run)
  run.profiles, run.answers, run.rules = {}, {}, {}
  for _, definition in ipairs(run.definitions) do
    if definition.kind == "answer" then
      run.answers[#run.answers + 1] = M.of(conn, run, definition)
    else
      run.rules[definition.table_name] = definition.definition
    end
  end
  for _, one in ipairs(run.tables) do
    run.profiles[#run.profiles + 1] = stored_profile.of(conn, run.run_id, one.name)
      or run.is_current and profile.of(conn, run.target_schema, one.name) or nil
  end
end

--- All that the report of a run is made from; nil when there is no run of that number.
---@param conn pghost.Connection
---@param run_id integer
---@return pghost.report.Run?
function M.collect(conn, run_id)
  return history.reading(conn, function()
    local run = history.run(conn, run_id)
    if run then
      M.add(conn, run)
    end
    return run
  end)
end

return M
