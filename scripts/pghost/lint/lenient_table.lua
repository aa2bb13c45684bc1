-- lint's version of r.table: checks every column, row rule and option by itself, so that all mistakes of a table are
-- found.

local broken = require "pghost.lint.broken"
local findings_of = require "pghost.lint.mistakes"
local rules = require "pghost.rules"
local sources = require "pghost.lint.lua_files"

---@class pghost.lint.TableContext
---@field findings pghost.lint.Findings
---@field places table
---@field incomplete table
---@field place? { file: string, line?: integer } of the call; nil: not known

local function note(context, place, problem)
  local _, _, message = findings_of.place_of(problem)
  context.findings:add(place.file, place.line, message)
end

local function place_of(context, value)
  return type(value) == "table" and context.places[value] or context.place
end

local function check_column(context, name, i, entry)
  local fine, problem = pcall(rules.table, name, { entry })
  if not fine then
    note(context, place_of(context, type(entry) == "table" and entry[2] or nil),
      (tostring(problem):gsub("column 1:", ("column %d:"):format(i))))
  end
  return fine
end

-- A wrong column counts as text from then on, so that references to it are not reported as well.
local function check_columns(context, name, columns)
  local good, complete, seen = {}, true, {}
  for i, entry in ipairs(columns) do
    local column = type(entry) == "table" and entry[2] or nil
    local column_name = type(entry) == "table" and type(entry[1]) == "string" and entry[1] or nil
    local fine = not broken.is(entry) and not broken.is(column) and check_column(context, name, i, entry)
    if column_name and seen[column_name] then
      note(context, place_of(context, column), ("rules '%s': column '%s': duplicate name"):format(name,
        column_name))
    elseif fine then
      good[#good + 1] = entry
    elseif column_name then
      good[#good + 1] = { column_name, rules.text() }
    end
    complete = complete and fine
    seen[column_name or ""] = column_name ~= nil
  end
  return good, complete
end

local function try_option(context, name, columns, place, options)
  local fine, problem = pcall(rules.table, name, columns, options)
  if not fine then
    note(context, place, problem)
  end
  return fine
end

local function place_of_option(context, key)
  local file = context.place.file
  return { file = file, line = sources.line_of(file, tostring(key)) or context.place.line }
end

-- The valid options of a table.
local function check_options(context, name, columns, given)
  if given ~= nil and type(given) ~= "table" then
    try_option(context, name, columns, context.place, given)
    return nil, false
  end
  local good, complete = {}, true
  for key, value in pairs(given or {}) do
    if key == "row" and type(value) == "table" then
      good.row = {}
      for _, rule in ipairs(value) do
        local fine = not broken.is(rule)
          and try_option(context, name, columns, place_of(context, rule), { row = { rule } })
        if fine then
          table.insert(good.row, rule)
        end
        complete = complete and fine
      end
    elseif try_option(context, name, columns, place_of_option(context, key), { [key] = value }) then
      good[key] = value
    else
      complete = false
    end
  end
  return good, complete
end

local function remember(context, result, columns)
  context.places[result] = context.place
  for i, column in ipairs(result) do
    context.places[column] = place_of(context, columns[i] and columns[i][2])
  end
  return result
end

-- Of `return r.table(...)`, whose line Lua has forgotten.
local function place_of_call()
  local place = sources.current()
  return { file = place.file, line = sources.line_with(place.file, ".table(") }
end

--- As pghost.rules.table; a table with mistakes comes without what is wrong.
---@param context pghost.lint.TableContext
return function(context, name, columns, options)
  context.place = context.place or place_of_call()
  local fine, result = pcall(rules.table, name, columns, options)
  if fine then
    return remember(context, result, columns)
  elseif broken.is(name) or broken.is(columns) then
    return broken.value
  elseif type(name) ~= "string" or type(columns) ~= "table" then
    note(context, context.place, result)
    return broken.value
  end
  local before = #context.findings.list
  local good, all_columns = check_columns(context, name, columns)
  local whole, problem = pcall(rules.table, name, good)
  if not whole then -- as two columns of one name
    note(context, context.place, problem)
    return broken.value
  end
  local options_left, all_options = check_options(context, name, good, options)
  whole, problem = pcall(rules.table, name, good, options_left)
  if not whole or (#context.findings.list == before and all_columns and all_options) then
    note(context, context.place, whole and result or problem)
  end
  if not whole then
    return broken.value
  end
  context.incomplete[problem] = true
  return remember(context, problem, good)
end
