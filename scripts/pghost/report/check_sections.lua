-- The part of a run's page on its checks: those that failed, with everything that helps to find out why, those that
-- prove nothing, and the rest.

local chart = require "pghost.report.chart"
local cjson = require "cjson"
local html = require "pghost.report.html"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"

local M = {}

local most_open <const> = 15 -- rows that are shown without being asked for

-- How a check went in the last runs: low and grey where it passed, as tall as its violations where not.
local function history_bars(check, slots)
  local most, heights, classes, failed, ran = 1, {}, {}, 0, 0
  for i = 1, slots do
    most = math.max(most, check.history[i] and check.history[i].violations or 0)
  end
  for i = 1, slots do
    local one = check.history[i]
    if one then
      ran = ran + 1
      heights[i] = one.passed and 0.12 or 0.25 + 0.75 * math.log(1 + one.violations) / math.log(1 + most)
      classes[i] = one.passed and "good" or one.severity == "error" and "bad" or "warn"
      failed = failed + (one.passed and 0 or 1)
    end
  end
  return chart.columns(heights, { slots = math.max(slots, 10), classes = classes, width = 100,
    label = ("failed in %d of the last %s"):format(failed, log.counted(ran, "run")) })
end

-- A row as people read it, "user_id 727, rows 19"; anything but a plain row stays JSON.
local function in_words(json)
  local good, row = pcall(cjson.decode, json)
  if not good or type(row) ~= "table" or #row > 0 then
    return json
  end
  local parts, names = {}, lists.sorted_keys(row)
  table.sort(names, function(a, b)
    return a ~= b and a ~= "rows" and (b == "rows" or a < b) -- how many there are of a value comes after it
  end)
  for _, name in ipairs(names) do
    local value = row[name]
    if type(value) == "table" then
      return json
    end
    value = value == cjson.null and "null" or math.type(value) == "float" and math.tointeger(value) or value
    parts[#parts + 1] = ("%s %s"):format(name, value == "" and "''" or tostring(value))
  end
  return #parts > 0 and table.concat(parts, ", ") or json
end

-- Equal rows once, with how many there are among the samples.
local function samples_of(check)
  local list = check.sample_texts and cjson.decode(check.sample_texts)
  local order, counts = {}, {}
  for _, text in ipairs(list or {}) do
    order[#order + 1] = not counts[text] and text or nil
    counts[text] = (counts[text] or 0) + 1
  end
  for i, text in ipairs(order) do
    order[i] = ("<code>%s</code>%s"):format(html.text(in_words(text), 160), counts[text] > 1
      and (' <span class="count">× %d</span>'):format(counts[text]) or "")
  end
  return table.concat(order, "<br>")
end

-- What the check is for, whom to ask, and how to see every row.
local function about(check)
  local parts = {}
  if check.description then
    parts[1] = '<span class="count">' .. html.text(check.description) .. "</span>"
  end
  if check.owner then
    parts[#parts + 1] = '<span class="count">Owner: ' .. html.text(check.owner) .. "</span>"
  end
  local samples = samples_of(check)
  parts[#parts + 1] = samples ~= "" and samples or nil
  local text = table.concat(parts, "<br>")
  return text .. (check.query and html.details("SQL of all rows", "<pre>", html.lines(check.query:gsub("^    ", "")
    :gsub("\n    ", "\n"), 4000), "</pre>") or "")
end

local function tag_of(check)
  if check.vacuous then
    return '<span class="tag">proves nothing</span>'
  end
  local class = check.passed and "good" or check.severity == "error" and "bad" or "warn"
  local word = check.passed and "passed" or check.severity == "error" and "failed" or "warning"
  return ('<span class="tag %s">%s</span>'):format(class, word)
end

-- "2.0000000000000000", as the server writes an average, is 2.
local function plain_number(text)
  return text and (text:gsub("^(%-?%d+%.%d-)0+$", "%1"):gsub("%.$", "")) or ""
end

local function any(list, field)
  for _, one in ipairs(list) do
    if one[field] ~= nil then
      return true
    end
  end
  return false
end

local function check_table(title, list, slots, last, last_cell)
  local measured, looked = any(list, "measured"), any(list, "rows_checked")
  local rows = {}
  for i, check in ipairs(list) do
    local row = { check.name, tag_of(check), check.violations }
    if looked then
      row[#row + 1] = check.rows_checked or ""
    end
    if measured then
      row[#row + 1] = plain_number(check.measured)
    end
    row[#row + 1] = slots > 1 and history_bars(check, slots) or nil
    row[#row + 1] = last_cell and last_cell(check) or nil
    rows[i] = row
  end
  local columns = { "Check", "Outcome:html", "Violations:number" }
  columns[#columns + 1] = looked and "Of rows:number" or nil
  columns[#columns + 1] = measured and "Measured:number" or nil
  columns[#columns + 1] = slots > 1 and { title = ("Last %d runs"):format(slots), kind = "html" } or nil
  columns[#columns + 1] = last
  return html.table(title, columns, rows)
end

local function because(check)
  return html.text(check.vacuous)
end

-- Whether a check looks at a table; pghost's own are named after it.
local function is_about(check, table_name)
  return check.table_name == table_name
    or check.table_name == nil and check.name:sub(1, #table_name + 1) == table_name .. ":"
end

local function by_gravity(a, b)
  if a.severity ~= b.severity then
    return a.severity == "error"
  end
  return a.violations > b.violations or (a.violations == b.violations and a.name < b.name)
end

-- Failed, vacuous and passed.
local function sorted(checks)
  local failed, vacuous, passed = {}, {}, {}
  for _, check in ipairs(checks) do
    table.insert(not check.passed and failed or check.vacuous and vacuous or passed, check)
  end
  table.sort(failed, by_gravity)
  return failed, vacuous, passed
end

--- Checks, those that failed first.
---@param run pghost.report.Run
---@param table_name? string only those of this table
---@return string
function M.checks(run, table_name)
  local checks = lists.filter(run.checks, function(check)
    return not table_name or is_about(check, table_name)
  end)
  local failed, vacuous, passed = sorted(checks)
  local slots, parts = #run.trend, {}
  if #failed > 0 then
    parts[1] = check_table("Checks that failed", failed, slots, "What breaks it:wide", about)
  end
  if #vacuous > 0 then
    parts[#parts + 1] = check_table("Checks that passed and prove nothing", vacuous, slots, "Because:wide", because)
  end
  if #passed > 0 then
    local all = check_table("Checks that passed", passed, slots)
    parts[#parts + 1] = #passed <= most_open and all or html.details(("%s passed"):format(log.counted(#passed,
      "check")), all)
  end
  return html.section("checks", ("Checks: %d of %d passed"):format(#checks - #failed, #checks),
    #checks == 0 and '<p class="note">No check has run.</p>' or table.concat(parts))
end

return M
