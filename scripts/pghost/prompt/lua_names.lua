-- Names of Lua at the cursor: globals, fields and methods by raw access, modules in `require`, files in other strings.

local column_rules = require "pghost.rules.column"
local file_names = require "pghost.prompt.file_names"
local host = require "pghost.native.host"
local lfs = require "lfs"
local live = require "pghost.prompt.live"
local paths = require "pghost.lib.paths"

local M = {}

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while", "conn", "parameters", "run",
  "rejects", "rules", "try", "reload" }

-- The tables that a field of a value is looked up in.
local function places(value)
  local list = {}
  while value ~= nil and #list < 10 do
    list[#list + 1] = value
    local metatable = debug.getmetatable(value)
    value = type(metatable) == "table" and rawget(metatable, "__index") or nil
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

-- What a call returns, if that is known without calling: columns of rules from r.text(), and from their methods.
local function result_of(owner, value)
  if type(value) ~= "function" then
    return nil
  end
  local is_rules = owner ~= nil and owner == package.loaded["pghost.rules"]
  return (is_rules or column_rules.is(owner)) and column_rules.new("text") or nil
end

-- The steps of an expression that ends at the end of the text: { "r", ".text", "()", ":trim", "()" }; nil: not an
-- expression.
local function steps_of(text)
  local steps = {}
  while true do
    local rest, arguments = text:match("^(.-)(%b())$")
    if text:find("%)$") and not arguments then
      rest = nil
      for at = #text, 1, -1 do
        if text:match("^%b()$", at) then
          rest, arguments = text:sub(1, at - 1), text:sub(at)
          break
        end
      end
    end
    if arguments and rest:find("[%w_]$") then
      table.insert(steps, 1, "()")
      text = rest
    end
    local before, mark, name = text:match("^(.-)([.:]?)([%a_][%w_]*)$")
    if not name then
      return nil
    end
    table.insert(steps, 1, mark .. name)
    if mark == "" then
      return steps
    end
    text = before
  end
end

local function value_of(steps)
  local owner, value = nil, _G
  for i, step in ipairs(steps) do
    if step == "()" then
      owner, value = nil, result_of(owner, value)
    else
      local found = field(value, i == 1 and step or step:sub(2))
      owner, value = value, found == nil and i == 1 and live.peek(step) or found
    end
    if value == nil then
      return nil
    end
  end
  return value
end

-- Names of fields; with a colon only what can be called.
local function fields_of(value, typed, calls)
  local metatable = debug.getmetatable(value)
  local own = type(metatable) == "table" and rawget(metatable, "__names")
  local names = own and own() or {}
  for _, place in ipairs(places(value)) do
    for name, content in next, type(place) == "table" and place or {} do
      local is_shown = type(name) == "string" and name:find("^[%a_][%w_]*$")
        and (typed:find("^__") or not name:find("^__"))
      if is_shown and (not calls or type(content) == "function") then
        names[#names + 1] = name
      end
    end
  end
  return names
end

local function add_modules(names, folder, prefix)
  for _, entry in ipairs(paths.entries(folder)) do
    local base = entry:match("^([%w_]+)%.lua$")
    if base then
      names[#names + 1] = prefix .. (base == "init" and "" or base)
    elseif prefix ~= "pghost." and entry:find("^[%w_]+$")
      and lfs.attributes(folder .. "/" .. entry, "mode") == "directory" then
      names[#names + 1] = prefix .. entry .. "."
    end
  end
end

-- Public modules of the library, loaded modules, and those of the project.
local function modules(typed)
  local names, room = {}, typed:match("^(.*)%.[^.]*$")
  for name in next, package.loaded do
    local is_public = type(name) == "string" and not name:find("^_") and not name:find("^pghost%..*%.")
    names[#names + 1] = is_public and name or nil
  end
  add_modules(names, host.root .. "/scripts/pghost", "pghost.")
  local own = package.path:match("^([^;]*)/%?%.lua") or "."
  for _, folder in ipairs { own, "." } do
    add_modules(names, folder .. (room and "/" .. room:gsub("%.", "/") or ""), room and room .. "." or "")
  end
  return names
end

-- The string that is open at the end of the text, and what stands before it.
local function open_string(text)
  local line = text:match("[^\n]*$"):gsub("\\.", "__")
  local quote, at, i = nil, 0, 1
  while i <= #line do
    local char = line:sub(i, i)
    if char == quote then
      quote = nil
    elseif not quote and (char == '"' or char == "'") then
      quote, at = char, i
    end
    i = i + 1
  end
  return quote and text:match("[^\n]*$"):sub(at + 1), quote, line:sub(1, at - 1)
end

--- What fits at the end of a text.
---@param text string
---@return pghost.prompt.Candidates?
function M.find(text)
  local inside, quote, before = open_string(text)
  if inside then
    local is_module = before:find("require%s*%(?%s*$") ~= nil
    return { typed = inside, names = is_module and modules(inside) or file_names.of(inside), closing = quote }
  end
  local path, mark, typed = text:match("^(.-)([.:]?)([%w_]*)$")
  if typed:find("^%d") then
    return nil
  elseif mark == "" then
    local names = fields_of(_G, typed, false)
    return { typed = typed, names = table.move(keywords, 1, #keywords, #names + 1, names) }
  end
  local steps = steps_of(path)
  local value = steps and value_of(steps)
  return value ~= nil and { typed = typed, names = fields_of(value, typed, mark == ":") } or nil
end

return M
