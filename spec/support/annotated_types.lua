-- The types in LuaLS annotations, read by the grammar of luals.github.io/wiki/annotations: those defined, those used.

local M = {}

local builtin = { "nil", "any", "boolean", "string", "number", "integer", "function", "table", "thread", "userdata",
  "lightuserdata", "unknown", "self", "true", "false", "file*" }

local read_type

local function skip(text, at)
  return text:match("^%s*()", at)
end

-- After one of `opening`: types with names before a colon, until `closing`.
local function read_list(text, at, closing, names)
  at = skip(text, at)
  while text:sub(at, at) ~= closing do
    local after = text:match("^[%w_.]+%??%s*:%s*()", at) or text:match("^%[[^%]]*%]%s*:%s*()", at)
    if not after and text:find("^[%w_.]+%??%s*[,%)]", at) and closing == ")" then -- a parameter without a type
      at = text:match("^[%w_.]+%??%s*()", at)
    else
      at = read_type(text, after or at, names)
    end
    at = skip(text, at)
    if text:sub(at, at) == "," then
      at = skip(text, at + 1)
    elseif text:sub(at, at) ~= closing then
      error(("'%s' expected: %s"):format(closing, text:sub(at)))
    end
  end
  return at + 1
end

local function read_returns(text, at, names)
  local after = text:match("^%s*:%s*()", at)
  while after do
    at = read_type(text, after, names)
    after = text:match("^%s*,%s*()", at)
  end
  return at
end

local function read_unit(text, at, names)
  local opening = text:sub(at, at)
  if opening == "(" then
    at = skip(text, read_type(text, skip(text, at + 1), names))
    assert(text:sub(at, at) == ")", text)
    return at + 1
  elseif opening == "{" or opening == "[" then
    return read_list(text, at + 1, opening == "{" and "}" or "]", names)
  elseif opening == '"' or opening == "'" then
    return assert(text:match("^" .. opening .. "[^" .. opening .. "]*" .. opening .. "()", at), text)
  elseif text:find("^fun%s*%(", at) then
    return read_returns(text, read_list(text, text:find("(", at, true) + 1, ")", names), names)
  end
  local name, after = text:match("^([%a_][%w_.]*%*?)()", at)
  if not name then
    return assert(text:match("^%-?%d+()", at) or text:match("^%.%.%.()", at), text:sub(at))
  end
  names[name:gsub("%.+$", "")] = true
  return text:sub(after, after) == "<" and read_list(text, after + 1, ">", names) or after
end

-- Reads a type from `at` on, and returns where it ends.
function read_type(text, at, names)
  at = read_unit(text, at, names)
  while true do
    local suffix = text:match("^%[%]()", at) or text:match("^%?()", at)
    local other = text:match("^%s*|%s*()", at)
    if suffix then
      at = suffix
    elseif other then
      at = read_unit(text, other, names)
    else
      return at
    end
  end
end

-- Where the type begins in each kind of annotation.
local places = { param = "^%-%-%-@param%s+[%w_.]+%??%s+()", ["return"] = "^%-%-%-@return%s+()",
  field = "^%-%-%-@field%s+[%w_%[%]]+%??%s+()", private = "^%-%-%-@field%s+private%s+[%w_]+%??%s+()",
  type = "^%-%-%-@type%s+()",
  alias = "^%-%-%-@alias%s+[%w_.]+%s+()", class = "^%-%-%-@class%s+[%w_.]+%s*:%s*()" }

--- Names of classes and aliases.
---@param sources { path: string, text: string }[]
---@return table<string, boolean>
function M.defined(sources)
  local names = {}
  for _, name in ipairs(builtin) do
    names[name] = true
  end
  for _, source in ipairs(sources) do
    for name in source.text:gmatch "%-%-%-@%l+%s+([%w_.]+)" do
      names[name] = names[name] or source.text:find("---@class " .. name, 1, true) ~= nil
        or source.text:find("---@alias " .. name, 1, true) ~= nil
    end
  end
  return names
end

--- Names of types that are used, with the first place. Raises where an annotation cannot be read.
---@param sources { path: string, text: string }[]
---@return table<string, string>
function M.used(sources)
  local used = {}
  for _, source in ipairs(sources) do
    local number, generic = 0, {}
    for line in source.text:gmatch "([^\n]*)\n?" do
      number = number + 1
      local kind = line:find "@field%s+private%s" and "private" or line:match "^%s*%-%-%-@(%l+)"
      local plain = line:gsub("^%s+", "")
      local at = places[kind] and plain:match(places[kind])
      for name in (line:match "@generic%s+(.*)$" or ""):gmatch "[%w_]+" do
        generic[name] = true
      end
      if at and at <= #plain then
        local names = {}
        local good, problem = pcall(read_type, plain, at, names)
        assert(good, ("%s:%d: %s"):format(source.path, number, problem))
        for one in pairs(names) do
          used[one] = used[one] or not generic[one] and ("%s:%d"):format(source.path, number) or nil
        end
      end
    end
  end
  return used
end

return M
