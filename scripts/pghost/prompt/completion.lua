-- Completion: the fields of a dotted name, by raw access. Calls no function of the user's and opens nothing.

local M = {}

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while", "conn" }

-- What __index of a value leads to, where that is a table.
local function behind(value)
  local metatable = debug.getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__index") or nil
end

-- The tables that a field of a value is looked up in.
local function places(value)
  local list = {}
  while value ~= nil and #list < 10 do
    list[#list + 1] = value
    value = behind(value)
  end
  return list
end

local function field(value, name)
  for _, place in ipairs(places(value)) do
    if type(place) == "table" and rawget(place, name) ~= nil then
      return rawget(place, name)
    end
  end
end

local function collect(found, value, typed)
  for _, place in ipairs(places(value)) do
    for name in next, type(place) == "table" and place or {} do
      if type(name) == "string" and name:find("^[%a_][%w_]*$") and name:sub(1, #typed) == typed
        and (typed:find("^__") or not name:find("^__")) then
        found[name] = true
      end
    end
  end
end

local function common(names)
  local text = names[1]
  for _, name in ipairs(names) do
    while name:sub(1, #text) ~= text do
      text = text:sub(1, -2)
    end
  end
  return text
end

--- What a tab does after the text before the cursor.
---@param _ pghost.prompt.Session
---@param before string
---@return string? insert
---@return string? show what fits, where there is more than one and nothing to insert
function M.complete(_, before)
  if not before:find("%S") then
    return "  "
  end
  local path, typed = before:match("([%w_.:]-)([%w_]*)$")
  local value, found, names = _G, {}, {}
  for name in path:gmatch("[%w_]+") do
    value = field(value, name)
  end
  if value ~= nil and not path:find("^[.:]") then
    collect(found, value, typed)
  end
  for _, word in ipairs(path == "" and keywords or {}) do
    found[word] = word:sub(1, #typed) == typed and true or found[word]
  end
  for name in pairs(found) do
    names[#names + 1] = name
  end
  table.sort(names)
  if #names == 0 then
    return nil
  end
  local insert = common(names):sub(#typed + 1)
  return insert, insert == "" and #names > 1 and table.concat(names, "  ") .. "\n" or nil
end

return M
