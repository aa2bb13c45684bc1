-- Which rules, cleaning operations and checks of a project have done something, and which never did.
--
-- An operation fires when it changes a cell, a type or a check when it refuses a value (whatever on_fail does),
-- a row rule when it refuses, sets or leaves out, a check of tables when it finds a violation.

local print_result = require "pghost.lib.print"
local words = require "pghost.rules.words"

local M = {}

---@class pghost.testing.Item something that can fire
---@field table string of the rules; "" for checks of tables
---@field column string
---@field kind "operation"|"type"|"check"|"row"|"key"|"table check"
---@field text string in words
---@field count integer how often it has

-- The names of operations by which changes are counted: "trim", "trim 2".
local function numbered(entries, word)
  local seen, names = {}, {}
  for i, entry in ipairs(entries) do
    local name = entry[word]
    seen[name] = (seen[name] or 0) + 1
    names[i] = seen[name] == 1 and name or ("%s %d"):format(name, seen[name])
  end
  return names
end

-- Text accepts everything, and nothing is known here about a type that only the server knows.
local function type_can_refuse(column)
  return column.labels ~= nil or column.type ~= "text"
end

local function add(items, fields)
  items[#items + 1] = fields
end

local function add_column(items, rules, column, fired)
  local texts, names = words.list(column.operations, "op"), numbered(column.operations, "op")
  for i, text in ipairs(texts) do
    add(items, { table = rules.name, column = column.name, kind = "operation", text = text,
      count = fired:count(rules.name, column.name, names[i]) })
  end
  if type_can_refuse(column) then
    add(items, { table = rules.name, column = column.name, kind = "type", text = column.type,
      count = fired:count(rules.name, column.name, "type") })
  end
  local checks, by_rule = words.list(column.checks, "check"), {}
  for i, entry in ipairs(column.checks) do -- rejects do not say which of two of one kind
    local item = by_rule[entry.check]
    if item then
      item.text = item.text .. " or " .. checks[i]
    else
      item = { table = rules.name, column = column.name, kind = "check", text = checks[i],
        count = fired:count(rules.name, column.name, entry.check) }
      by_rule[entry.check] = item
      add(items, item)
    end
  end
end

-- The column that rejects of a row rule are recorded under.
local function column_of(rule)
  if rule.rule == "set" then
    return rule.column
  end
  return rule.rule == "check" and rule.columns and #rule.columns == 1 and rule.columns[1] or nil
end

-- Rules that the record of rejects cannot tell from each other are one item.
local function add_rows(items, rules, fired)
  local merged, sets = {}, {}
  for _, rule in ipairs(rules.row) do
    local text, column, name = words.row(rule), column_of(rule), rule.rule
    if name == "set" then
      sets[column] = (sets[column] or 0) + 1
      name = sets[column] == 1 and "set" or ("set %d"):format(sets[column])
    end
    local key = name == "compare" and text or ("%s\0%s"):format(name, column or "")
    if merged[key] then
      merged[key].text = merged[key].text .. " or " .. text
    else
      merged[key] = { table = rules.name, column = column or "", kind = "row", text = text,
        count = name == "compare" and fired:compared_count(rules.name, rule.left, rule.right)
          or fired:count(rules.name, column, name) }
      add(items, merged[key])
    end
  end
end

-- A key of several columns is recorded under no column.
local function key_count(rules, fired)
  local sum = fired:count(rules.name, nil, "key") + fired:count(rules.name, table.concat(rules.key, ", "), "key")
  return #rules.key > 1 and sum + fired:count(rules.name, rules.key[1], "key") or sum
end

--- All that can fire in a project.
---@param tables pghost.Rules[]
---@param checks table[] of tables
---@param fired pghost.testing.Fired
---@return pghost.testing.Item[]
function M.items(tables, checks, fired)
  local items = {}
  for _, rules in ipairs(tables) do
    for _, column in ipairs(rules) do
      add_column(items, rules, column, fired)
    end
    add_rows(items, rules, fired)
    if #rules.key > 0 then
      add(items, { table = rules.name, column = table.concat(rules.key, ", "), kind = "key", text = "unique",
        count = key_count(rules, fired) })
    end
  end
  for _, check in ipairs(checks) do
    add(items, { table = "", column = "", kind = "table check", text = check.name,
      count = fired.checks[check.name] or 0 })
  end
  return items
end

--- As text: what has not fired, as a table, and how much of all that is.
---@param items pghost.testing.Item[]
---@param over string what it was measured over: "the specs"
---@return string
function M.report(items, over)
  local rows, fired = {}, 0
  for _, item in ipairs(items) do
    if item.count > 0 then
      fired = fired + 1
    else
      rows[#rows + 1] = { item.table, item.column, item.kind, item.text }
    end
  end
  local head = ""
  if #rows > 0 then
    head = ("never fired over %s:\n"):format(over)
      .. print_result.format({ "table", "column", "kind", "rule" }, rows, {}):gsub("%(%d+ rows?%)\n$", "")
  end
  return ("%scoverage over %s: %d of %d rules, operations and checks fired\n"):format(head, over, fired, #items)
end

return M
