-- The parts of a page that come from the published tables: answers with charts, profiles of columns.

local chart = require "pghost.report.chart"
local html = require "pghost.report.html"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"

local M = {}

local most_bars <const> = 15

-- Days since 1970-01-01 of an ISO date or timestamp, with its time as a fraction
-- (Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
local function days_of(text)
  local year, month, day = text:match "^(%d+)-(%d%d)-(%d%d)"
  if not year then
    return nil
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  year = month <= 2 and year - 1 or year
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  local days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
  local hour, minute, second = text:match "^%S+ (%d%d):(%d%d):(%d%d)"
  return days + (hour and (hour * 3600 + minute * 60 + second) / 86400 or 0)
end

-- Dates without the parts that are the same in all of them: months as 2024-01.
local function shorten(points)
  local month, midnight = true, true
  for _, point in ipairs(points) do
    month = month and point.label:find "^%d+%-%d%d%-01" ~= nil
    midnight = midnight and (not point.label:find " " or point.label:find " 00:00:00[+%d:]*$" ~= nil)
  end
  for _, point in ipairs(points) do
    point.label = midnight and point.label:sub(1, month and 7 or 10) or point.label:sub(1, 16)
  end
end

local function line_of(answer)
  local points, names = {}, {}
  for i, position in ipairs(answer.chart.y) do
    names[i] = answer.columns[position].name
  end
  local is_time = answer.columns[answer.chart.x].kind == "time"
  for i, row in ipairs(answer.rows) do
    local label = row[answer.chart.x]
    local x = label and (is_time and days_of(label) or not is_time and (tonumber(label) or i))
    if x then
      local point = { x = x, label = label, values = {} }
      for k, position in ipairs(answer.chart.y) do
        point.values[k] = tonumber(row[position])
      end
      points[#points + 1] = point
    end
  end
  if #points == 0 then
    return ""
  end
  table.sort(points, function(a, b)
    return a.x < b.x
  end)
  if is_time then
    shorten(points)
  end
  local x_name, parts = answer.columns[answer.chart.x].name, {}
  for i, series in ipairs(chart.panels(points, #names)) do
    local own = lists.map(series, function(index)
      return names[index]
    end)
    parts[i] = chart.line(points, own, ("%s by %s"):format(table.concat(own, ", "), x_name), series, #names > 1)
  end
  return table.concat(parts)
end

local function bars_of(answer)
  local items, y = {}, answer.chart.y[1]
  for _, row in ipairs(answer.rows) do
    local value = tonumber(row[y])
    items[#items + 1] = value and { name = row[answer.chart.x] or "null", value = value } or nil
  end
  table.sort(items, function(a, b)
    return a.value > b.value or (a.value == b.value and a.name < b.name)
  end)
  local shown = table.move(items, 1, math.min(#items, most_bars), 1, {})
  local more = #items > #shown and ('<p class="note">The %d largest of %s; all are in the table.</p>'):format(#shown,
    html.count(#items)) or ""
  return chart.bars(shown) .. more
end

local function data_table(answer)
  local columns, rows = {}, {}
  for i, column in ipairs(answer.columns) do
    columns[i] = { title = column.name, kind = column.kind == "number" and "number" or "text" }
  end
  for i, row in ipairs(answer.rows) do
    rows[i] = {}
    for k, column in ipairs(answer.columns) do
      local text = row[k]
      local whole = column.kind == "number" and text and text:find "^%-?%d+$" and math.tointeger(tonumber(text))
      rows[i][k] = whole and math.abs(whole) >= 10000 and whole or text
    end
  end
  local more = answer.total > #rows and ('<p class="note">The first %s of %s rows.</p>'):format(html.count(#rows),
    html.count(answer.total)) or ""
  return html.table(answer.name, columns, rows, { sortable = true }) .. more
end

local words <const> = { identity = "as it is", transformation = "computed from", aggregation = "aggregated from",
  filter = "filtered by", join = "joined by", group_by = "one row for each", sort = "sorted by", window = "ordered by" }

--- What each column of a table comes from; "" where that is not known.
---@param run pghost.report.Run
---@param name string
---@return string
function M.lineage(run, name)
  local rows = {}
  for _, one in ipairs(run.lineage) do
    if one.table_name == name then
      rows[#rows + 1] = { one.column_name and html.text(one.column_name) or '<span class="null">which rows</span>',
        words[one.how], one.sources }
    end
  end
  return #rows > 0 and html.table("Columns of " .. name .. " and what they come from", { "Column:html", "How", "From" },
    rows) or ""
end

-- What an answer reads, and its SQL.
local function origin(run, answer)
  local texts = {}
  for i, read in ipairs(answer.reads) do
    local columns = #read.columns > 0 and ": " .. table.concat(read.columns, ", ") or ""
    texts[i] = ("<li><strong>%s</strong>%s</li>"):format(html.text(read.table), html.text(columns, 400))
  end
  return html.details("Where it comes from", M.lineage(run, answer.name), "<p>It reads:</p><ul>", table.concat(texts),
    "</ul><pre>", html.lines(answer.sql, 8000), "</pre>")
end

local function answer_of(run, answer)
  local question = {}
  for line in (answer.question .. "\n"):gmatch "([^\n]*)\n" do
    question[#question + 1] = html.text(line, 400)
  end
  local parts = { html.el("h3", nil, html.text(answer.name)) }
  if answer.question ~= "" then
    parts[2] = "<p class=\"question\">" .. table.concat(question, " ") .. "</p>"
  end
  if answer.problem then
    parts[#parts + 1] = '<p class="note bad">' .. html.text(answer.problem) .. "</p>"
  end
  if answer.rows then
    if answer.chart and #answer.rows > 0 then
      parts[#parts + 1] = answer.chart.kind == "line" and line_of(answer) or bars_of(answer)
    end
    local data = data_table(answer)
    parts[#parts + 1] = #answer.rows == 0 and '<p class="note">No rows.</p>' or #answer.rows <= 12 and data
      or html.details("All " .. log.counted(answer.total, "row"), data)
  end
  parts[#parts + 1] = origin(run, answer)
  return html.el("article", { id = "answer-" .. html.id(answer.name), class = "answer" }, table.concat(parts, "\n"))
end

-- Why only the tables of the last published run are read.
local function unread(run)
  return ('<p class="note">%s</p>'):format(run.state == "published"
    and "A later run has published since: its tables are not those of this run, so they are not shown here."
    or "Nothing of this run was published, so there are no tables to look at.")
end

local function not_current(run)
  for _, profile in ipairs(run.profiles) do
    if profile.stored then
      return ('<p class="note">%s: the columns are as this run loaded them.</p>'):format(run.state == "published"
        and "A later run has published since" or "Nothing of this run was published")
    end
  end
  return unread(run)
end

--- The answers of analytics.
function M.answers(run)
  if #run.answers == 0 then
    return ""
  end
  local parts = lists.map(run.answers, function(answer)
    return answer_of(run, answer)
  end)
  return html.section("answers", "Answers", run.is_current and "" or unread(run), table.concat(parts))
end

-- What shows the middle of values of which a few are far away.
local function up_to(quantiles)
  local parts = {}
  for _, one in ipairs(quantiles) do
    parts[#parts + 1] = one.share >= 0.5 and ('<span class="value">%.0f %% <span class="count">up to %s</span></span>')
      :format(100 * one.share, html.text(one.value, 40)) or nil
  end
  return table.concat(parts, " ")
end

local lopsided <const> = 0.97 -- share of one bar beside which the others cannot be seen

local function spread(column, rows)
  local most, all = 1, 0
  for _, n in ipairs(column.histogram or {}) do
    most, all = math.max(most, n), all + n
  end
  local says_nothing = most > lopsided * all and column.low ~= column.high
    and (column.quantiles or column.top and #column.top > 0)
  if says_nothing and column.quantiles then
    return up_to(column.quantiles)
  elseif column.histogram and column.nulls < rows and column.low ~= column.high and not says_nothing then
    local heights = lists.map(column.histogram, function(n)
      return n == 0 and 0 or n / most
    end)
    return chart.columns(heights, { width = 120, label = ("distribution from %s to %s"):format(column.low,
      column.high) })
  end
  local texts = {}
  for i, one in ipairs(column.top or {}) do
    texts[i] = ('<span class="value">%s <span class="count">%s</span></span>'):format(html.text(one[1], 40),
      html.text(html.share(one[2], rows)))
  end
  return table.concat(texts, " ")
end

-- Two ends, neither of which is broken over lines.
local function range_of(column)
  if not column.low or column.kind == "boolean" then
    return "–"
  end
  local low, high, unit = column.low, column.high, ""
  if column.kind ~= "number" and column.kind ~= "time" then
    low, high, unit = ("%.0f"):format(low), ("%.0f"):format(high), low == high and low == 1 and " character"
      or " characters"
  end
  local function bound(text)
    return '<span class="bound">' .. html.text(text) .. "</span>"
  end
  return (low == high and bound(low) or bound(low) .. " to " .. bound(high)) .. unit
end

-- "2620753.0" with thousands separators.
local function grouped(text)
  local whole, rest = (text or ""):match "^(%-?%d+)(%.%d+)$"
  local number = whole and math.tointeger(tonumber(whole))
  return number and log.count(number) .. rest or text or ""
end

--- A table of the columns of a profile.
---@param profile pghost.report.Profile
---@return string
function M.profile(profile)
  if profile.problem then
    return '<p class="note">' .. html.text(profile.problem) .. "</p>"
  end
  local rows = {}
  for i, column in ipairs(profile.columns) do
    local nulls = column.nulls and profile.rows > 0 and html.share(column.nulls, profile.rows) or "–"
    rows[i] = { column.name, (column.type:gsub(" without time zone", ""):gsub(" with time zone", "tz")), nulls,
      column.distinct or "–", range_of(column), grouped(column.mean), spread(column, profile.rows) }
  end
  return html.table(("Columns of %s"):format(profile.table_name), { "Column", "Type:code",
      "Null:number", "Distinct:number", "Range:html",
      "Mean:number", "Distribution, or most frequent:wide" }, rows)
    .. ('<p class="note">%s%s</p>'):format(profile.stored
      and ("Of the %s that passed the rules in this load."):format(log.counted(profile.rows, "record"))
      or profile.sampled and ("From a sample of %s of about %s rows."):format(html.count(profile.rows),
        html.count(math.max(profile.estimated,
        profile.rows))) or ("From all %s rows."):format(html.count(profile.rows)),
      profile.all_columns > #profile.columns and (" %d more columns are not shown."):format(profile.all_columns
        - #profile.columns) or "")
end

--- The clean tables with their profiles and rules.
function M.tables(run)
  if #run.tables == 0 then
    return ""
  end
  local profiles, parts = {}, {}
  for _, profile in ipairs(run.profiles) do
    profiles[profile.table_name] = profile
  end
  for i, one in ipairs(run.tables) do
    local rules = run.rules[one.name]
    parts[i] = html.el("article", { id = "table-" .. html.id(one.name) }, html.el("h3", nil, html.text(one.name)),
      profiles[one.name] and M.profile(profiles[one.name]) or "",
      rules and html.details("Rules in words", "<pre>", html.lines(rules, 20000), "</pre>")
        or "")
  end
  return html.section("tables", "Clean tables", run.is_current and "" or not_current(run), table.concat(parts))
end

return M
