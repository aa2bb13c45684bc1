-- Questions that any data answers: how much there is of each kind, by month, and by what is referred to.

local keys = require "pghost.init.found_keys"
local lists = require "pghost.lib.lists"
local lua_text = require "pghost.lib.lua_text"
local names = require "pghost.catalog.names"
local quote = require("pghost.init.identifiers").shown
local tables = require "pghost.init.found_tables"

local M = {}

---@class pghost.init.Question
---@field name string of the file and of the answer's table
---@field sql string

local most_kinds = 30
local most_questions = 3
local many_years = 6

local numbers = { bigint = true, numeric = true, ["double precision"] = true }
local moments = { date = true, timestamp = true, timestamptz = true }

-- 0 and 1, or two other numbers.
local function is_flag(column)
  return column.type == "bigint" and column.seen.set ~= nil and column.seen.count <= 2
end

-- Not of numbers that make no sense as a sum.
local function is_measure(one, column)
  local name = column.name
  return numbers[column.type] and not is_flag(column) and not keys.is_named(name)
    and not keys.has(one, name) and not one.refers[name]
    and not name:find("^lat") and not name:find("^lon") and not name:find("year") and not name:find("zip")
end

local function first(one, wanted)
  for _, column in ipairs(one.columns) do
    if wanted(column) then
      return column
    end
  end
end

local function measure_of(one)
  return first(one, function(column)
    return is_measure(one, column)
  end)
end

local function kind_of(one)
  local function is_kind(column, is_typed)
    local seen = column.seen
    return is_typed and seen.set and seen.count >= 2 and seen.count <= math.min(most_kinds, seen.total / 2)
      and not one.refers[column.name] and not keys.is_named(column.name)
  end
  return first(one, function(column)
    return is_kind(column, column.type == "text" or column.type == "boolean")
  end) or first(one, function(column)
    return is_kind(column, is_flag(column))
  end)
end

local function moment_of(one)
  return first(one, function(column)
    return moments[column.type]
  end)
end

local function text(comments, lines)
  local out = {}
  for _, comment in ipairs(comments) do
    lua_text.add(out, lua_text.comment(comment))
  end
  lua_text.add(out, lines)
  return table.concat(out, "\n") .. "\n"
end

-- The names of an answer's columns, no two alike: quoted for SQL, and unquoted.
local function labels(...)
  local plain, made = names.identifiers { ... }, {}
  for i, name in ipairs(plain) do
    made[i] = quote(name)
  end
  made.plain = plain
  return made
end

-- What the report draws of an answer: counts by the first column, not the average, which has another unit.
local function chart_of(kind, label)
  return ("chart: %s %s %s"):format(kind, label.plain[1], label.plain[2])
end

-- ", round(avg(price)::numeric, 2) AS average_price", or nothing.
local function average(measure, label, alias)
  return measure and ("round(avg(%s%s)::numeric, 2) AS %s"):format(alias or "", quote(measure.name), label) or nil
end

local function as(expression, name)
  return expression == name and name or ("%s AS %s"):format(expression, name)
end

local function counted(key, label, measure, average_label)
  local lines = { "SELECT", ("  %s,"):format(as(key, label[1])),
    ("  count(*) AS %s%s"):format(label[2], measure and "," or "") }
  lines[#lines + 1] = measure and "  " .. average(measure, average_label) or nil
  return lines
end

local function average_name(measure)
  return measure and "average_" .. measure.name or "average"
end

local function by_kind(one, kind)
  local measure = measure_of(one)
  local label = labels(kind.name, "records", average_name(measure))
  local lines = counted(quote(kind.name), label, measure, label[3])
  lua_text.add(lines, { "FROM " .. quote(one.name), "GROUP BY 1", "ORDER BY 2 DESC, 1" })
  return { wanted = one.name .. "_by_" .. kind.name,
    sql = text({ ("How many records of %s are there of each %s?"):format(one.name, kind.name), chart_of("bar", label) },
      lines) }
end

local function step_of(moment)
  local from = moment.seen.first and tonumber(moment.seen.first:match("^%d%d%d%d"))
  local to = moment.seen.last and tonumber(moment.seen.last:match("^%d%d%d%d"))
  return from and to and to - from >= many_years and "year" or "month"
end

local function by_moment(one, moment)
  local measure, step = measure_of(one), step_of(moment)
  local label = labels(step, "records", average_name(measure))
  local lines = counted(("date_trunc('%s', %s)::date"):format(step, quote(moment.name)), label, measure, label[3])
  lua_text.add(lines, { "FROM " .. quote(one.name), ("WHERE %s IS NOT NULL"):format(quote(moment.name)), "GROUP BY 1",
    "ORDER BY 1" })
  return { wanted = ("%s_by_%s"):format(one.name, step),
    sql = text({ ("How many records of %s are there in each %s of %s?"):format(one.name, step, moment.name),
      chart_of("line", label) }, lines) }
end

-- The everyday word for a record of a table.
local function label_of(one)
  return first(one, function(column)
    return column.type == "text" and column.name:find("name", 1, true)
  end) or first(one, function(column)
    return keys.has(one, column.name)
  end)
end

local function by_reference(reference, parent)
  local shown = label_of(parent)
  local label = labels(shown.name, "records")
  local key = reference.parent_column
  local lines = { "SELECT", ("  p.%s AS %s,"):format(quote(shown.name), label[1]),
    ("  count(*) AS %s"):format(label[2]), ("FROM %s AS c"):format(quote(reference.child)),
    ("JOIN %s AS p ON p.%s = c.%s"):format(quote(reference.parent), quote(key), quote(reference.child_column)),
    ("GROUP BY p.%s, p.%s"):format(quote(key), quote(shown.name)), "ORDER BY 2 DESC, 1", "LIMIT 20" }
  return { wanted = reference.child .. "_by_" .. reference.parent,
    sql = text({ ("Which %s have the most records of %s? The first 20."):format(reference.parent, reference.child),
      chart_of("bar", label) }, lines) }
end

-- ", min(day)::text AS earliest, max(day)::text AS latest"; only the first SELECT of a UNION names its columns.
local function span_of(one, is_first)
  local moment = moment_of(one)
  local name = moment and quote(moment.name)
  return (", %s%s, %s%s"):format(
    name and ("min(%s)::text"):format(name) or "NULL::text", is_first and " AS earliest" or "",
    name and ("max(%s)::text"):format(name) or "NULL::text", is_first and " AS latest" or "")
end

local function has_moments(list)
  for _, one in ipairs(list) do
    if moment_of(one) then
      return true
    end
  end
  return false
end

local function overview(list)
  local lines, dated = {}, has_moments(list)
  for i, one in ipairs(list) do
    lines[i] = (i == 1 and "SELECT '%s' AS table_name, count(*) AS records%s FROM %s"
      or "UNION ALL SELECT '%s', count(*)%s FROM %s"):format(one.name, dated and span_of(one, i == 1) or "",
      quote(one.name))
  end
  lines[#lines + 1] = "ORDER BY table_name"
  return { wanted = "overview", sql = text({ "How many records does each table have" .. (dated
    and ", and from when to when?" or "?") }, lines) }
end

local function largest_first(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted, function(a, b)
    if a.records ~= b.records then
      return a.records > b.records
    end
    return a.name < b.name
  end)
  return sorted
end

local function largest(list, find)
  for _, one in ipairs(largest_first(list)) do
    local column = find(one)
    if column then
      return one, column
    end
  end
end

-- The reference whose table has the most records.
local function main_reference(list, references)
  local best
  for _, reference in ipairs(references) do
    if not best or lists.named(list, reference.child).records > lists.named(list, best.child).records then
      best = reference
    end
  end
  return best
end

--- Some questions about the tables; the first is always there.
---@param list pghost.init.Table[]
---@param references pghost.init.Reference[]
---@param taken table<string, boolean> names of tables; those of the answers are added
---@return pghost.init.Question[]
function M.of(list, references, taken)
  local made = { overview(list) }
  local reference = main_reference(list, references)
  if reference then
    made[#made + 1] = by_reference(reference, lists.named(list, reference.parent))
  end
  for _, kind in ipairs { { kind_of, by_kind }, { moment_of, by_moment } } do
    local one, column = largest(list, kind[1])
    made[#made + 1] = one and kind[2](one, column) or nil
  end
  local questions = {}
  for i = 1, math.min(#made, most_questions + 1) do
    questions[i] = { name = tables.name(made[i].wanted, taken), sql = made[i].sql }
  end
  return questions
end

return M
