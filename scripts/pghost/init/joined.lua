-- One column over the files of a table: the type that all of them have, and the text of the rule that reads it.

local lists = require "pghost.lib.lists"
local proposals = require "pghost.sniff.proposals"
local rules_text = require "pghost.sniff.rules_text"

local M = {}

---@class pghost.init.Column
---@field name string of the table
---@field header string as written in the first file
---@field from? string|integer
---@field type string SQL name
---@field rule string Lua: "r.bigint():required()"
---@field nulls string[] texts that mean NULL
---@field padded boolean blanks around values go
---@field required boolean
---@field values integer
---@field max_length integer
---@field examples string[]
---@field doubt? string why it is not another type, or that it may be
---@field other? string the rule that this would be

local sure = 0.5 -- confidence of a type

local wider = {
  bigint = { numeric = "numeric", ["double precision"] = "double precision" },
  numeric = { bigint = "numeric", ["double precision"] = "double precision" },
  ["double precision"] = { bigint = "double precision", numeric = "double precision" },
}

-- Empty texts in quotes, in a column without a field that is empty without them: this is how the file writes a missing
-- value.
local function quotes_missing(columns)
  for _, column in ipairs(columns) do
    if column.required and column.empty > 0 then
      return true
    end
  end
  return false
end

local function union(columns, is_text)
  local seen, list = {}, is_text and quotes_missing(columns) and { "" } or {}
  for _, column in ipairs(columns) do
    for _, word in ipairs(column.nulls) do
      if not seen[word] and (not is_text or proposals.sure_null_words[word]) then
        seen[word] = true
        list[#list + 1] = word
      end
    end
  end
  table.sort(list)
  return list
end

-- The type that fits both; nil: only text does.
local function common(a, b)
  local type_name = a.type == b.type and a.type or wider[a.type] and wider[a.type][b.type]
  if type_name and a.format == b.format and a.decimal == b.decimal then
    return { type = type_name, format = a.format, decimal = a.decimal }
  end
end

local function with_values(columns)
  return lists.filter(columns, function(column)
    return column.values > 0
  end)
end

-- A whole number that could be a boolean means the same either way.
local function is_sure(column)
  return (not column.ambiguous and column.confidence >= sure) or column.ambiguous and column.type == "bigint"
end

local function named(choice)
  return choice.type .. (choice.format and " " .. choice.format or "")
end

-- Why the column is text, and what else it could be.
local function doubt_of(column)
  local other = column.alternatives[1]
  if column.ambiguous and is_sure(column) then
    return ("%s or %s: %s"):format(named(column), named(other), other.reason), other
  elseif column.ambiguous then
    return ("%s, or %s (%s): kept as text until you choose"):format(named(column), named(other), other.reason), column
  elseif column.type == "text" and other then
    local near = column.reason == ("%s, %s"):format(other.type, other.reason)
    return ("%s: %s"):format(near and named(other) or "text rather than " .. named(other),
      near and other.reason or column.reason), other
  elseif not is_sure(column) then
    return column.reason, column.type ~= "text" and column or nil
  end
end

local function disagreement(columns)
  for i = 2, #columns do
    if not common(columns[1], columns[i]) then
      return ("%s in one file, %s in another: kept as text"):format(named(columns[1]), named(columns[i]))
    end
  end
end

-- { type, format, decimal }, a doubt, and what it could be else.
local function choose(columns)
  if #columns == 0 then
    return { type = "text" }, "no value to infer a type from"
  end
  local made = { type = columns[1].type, format = columns[1].format, decimal = columns[1].decimal }
  local doubt, other
  for i, column in ipairs(columns) do
    if not doubt then
      doubt, other = doubt_of(column)
    end
    made = made and common(made, column)
    if not is_sure(column) then
      made = nil
    end
    if not made and i == #columns then
      break
    end
  end
  if not made then
    return { type = "text" }, doubt or disagreement(columns), other
  end
  return made, doubt, other
end

local function any(columns, key)
  for _, column in ipairs(columns) do
    if column[key] then
      return true
    end
  end
  return false
end

local function all(columns, key)
  for _, column in ipairs(columns) do
    if not column[key] then
      return false
    end
  end
  return true
end

local function sum(columns, key)
  local total = 0
  for _, column in ipairs(columns) do
    total = total + column[key]
  end
  return total
end

--- Whether some of the columns have values that are in quotes twice: "all but 59 values: '"1006846"' in line 180".
---@param columns pghost.sniff.Column[]
---@return boolean
function M.is_quoted(columns)
  for _, column in ipairs(columns) do
    local other = column.alternatives[1]
    if other and other.reason:find("values?: '\"") then
      return true
    end
  end
  return false
end

local function other_rule(made, other, columns, quoted)
  if not other then
    return nil
  end
  local nulls = union(columns, false)
  if (quoted or made.padded or made.nulls[1] == "") and nulls[1] ~= "" then -- what is left of blanks and quotes
    table.insert(nulls, 1, "")
  end
  return rules_text.rule { type = other.type, format = other.format, decimal = other.decimal, padded = made.padded,
    quoted = quoted, required = made.required, nulls = nulls }
end

--- The same column of several files as one of a table.
---@param columns pghost.sniff.Column[] at least one
---@param quoted boolean the table has values in quotes twice, which another type would do without
---@return pghost.init.Column
function M.column(columns, quoted)
  local first, filled = columns[1], with_values(columns)
  local made, doubt, other = choose(filled)
  local is_text = made.type == "text"
  made.name, made.header, made.from = first.name, first.header, first.from
  made.nulls, made.padded = union(columns, is_text), any(columns, "padded") and true or false
  made.values = sum(columns, "values")
  made.required = #filled == #columns and all(columns, "required") and #made.nulls == 0
  made.max_length, made.examples = 0, (filled[1] or first).examples
  for _, column in ipairs(columns) do
    made.max_length = math.max(made.max_length, column.max_length)
  end
  made.rule, made.doubt, made.other = rules_text.rule(made), doubt, other_rule(made, other, columns, quoted)
  return made
end

return M
