-- Reads the LuaLS annotations of a Lua source: its functions and the function fields of its classes, with their
-- comments. A line "Example: ..." and one "Errors: ..." in a comment are kept apart; a class's "Errors:" are those of
-- each of its functions that has none of its own.

local M = {}

---@class pghost.Annotated
---@field owner string the table it is in, as the source calls it, or the class: "M", "Run", "pghost.Column"
---@field name string
---@field method boolean called with a colon
---@field parameters string[] names
---@field text string description
---@field types table<string, string> annotation of each parameter
---@field returns string[] annotations
---@field example? string Lua
---@field errors? string
---@field hidden boolean not for users: @package, @private

-- Takes "Example: x" and "Errors: x" out of the lines of a comment.
local function split_text(lines)
  local kept, found, target = {}, {}, nil
  for _, line in ipairs(lines) do
    local word, rest = line:match("^(%u%l+): (.*)$")
    if word == "Example" or word == "Errors" then
      target = word
      found[word] = rest
    elseif target and line ~= "" then
      found[target] = found[target] .. (target == "Example" and "\n" or " ") .. line
    else
      target = nil
      kept[#kept + 1] = line
    end
  end
  return table.concat(kept, "\n"):gsub("^%s+", ""):gsub("%s+$", ""), found.Example, found.Errors
end

-- The comment above a function: { text =, tags = { { tag, rest }, ... } }.
local function read_comment(lines)
  local text, tags = {}, {}
  for _, line in ipairs(lines) do
    local tag, rest = line:match("^@(%a+)%s*(.*)$")
    if tag then
      tags[#tags + 1] = { tag, rest }
    elseif #tags > 0 and line ~= "" and not line:find("^Example: ") and not line:find("^Errors: ")
      and not text.after then
      tags[#tags][2] = tags[#tags][2] .. " " .. line
    else
      text[#text + 1] = line
      text.after = #tags > 0
    end
  end
  return text, tags
end

local function function_entry(owner, separator, name, parameters, lines)
  local text, tags = read_comment(lines)
  local entry = { owner = owner, name = name, method = separator == ":", parameters = {}, types = {}, returns = {} }
  for parameter in parameters:gmatch("[%w_.]+") do
    entry.parameters[#entry.parameters + 1] = parameter
  end
  for _, tag in ipairs(tags) do
    local parameter, kind = tag[2]:match("^([%w_.]+%??)%s+(.*)$")
    if tag[1] == "param" and parameter then
      entry.types[parameter:gsub("%?$", "")] = (parameter:find("?", 1, true) and "?" or "") .. kind
    elseif tag[1] == "return" then
      entry.returns[#entry.returns + 1] = tag[2]
    end
    entry.hidden = entry.hidden or tag[1] == "package" or tag[1] == "private"
  end
  entry.text, entry.example, entry.errors = split_text(text)
  return entry
end

-- "fun(self: T, value: string): T what it does" of a field of a class.
local function field_entry(class, name, rest, more)
  local parameters, after = rest:match("^fun(%b())(.*)$")
  if not parameters then
    return nil
  end
  local result, description = after:match("^: ([%w_.]+%b<>%??),?%s*(.*)$")
  if not result then
    result, description = after:match("^: ([%w_.?|%[%]<>]+),?%s*(.*)$")
  end
  local entry = { owner = class, name = name, method = parameters:find("^%(self") ~= nil, parameters = {}, types = {},
    returns = { result } }
  for parameter, kind in parameters:sub(2, -2):gsub("self: [%w_.]+,? ?", ""):gmatch("([%w_.]+%??):? ?([^,]*)") do
    local plain = parameter:gsub("%?$", "")
    entry.parameters[#entry.parameters + 1] = plain
    entry.types[plain] = (parameter:find("?", 1, true) and "?" or "") .. (kind == "" and "any" or kind)
  end
  table.insert(more, 1, result and description or after:gsub("^%s+", ""))
  entry.text, entry.example, entry.errors = split_text(more)
  return entry
end

-- The fields of a comment that declares a class.
local function add_class(entries, lines)
  local class, errors, at = nil, nil, 1
  while at <= #lines do
    local name = lines[at]:match("^@class ([%w_.]+)")
    local field, rest = lines[at]:match("^@field ([%w_]+)%??%s+(.*)$")
    local more = {}
    while lines[at + 1] and not lines[at + 1]:find("^@") do
      at = at + 1
      more[#more + 1] = lines[at]
    end
    if name then
      class = name
      local _
      _, _, errors = split_text(more)
    elseif field then
      local entry = field_entry(class, field, rest, more)
      if entry then
        entry.errors = entry.errors or errors
        entries[#entries + 1] = entry
      end
    end
    at = at + 1
  end
  return class, errors
end

local function add_function(entries, line, comment, errors)
  local owner, separator, name, parameters = line:match("^function ([%w_]+)([.:])([%w_]+)(%b())")
  if not owner then
    return
  end
  local entry = function_entry(owner, separator, name, parameters, comment)
  entry.errors = entry.errors or errors[owner]
  entries[#entries + 1] = entry
end

--- The fields of a class, and what their annotations say.
---@param source string text
---@param class string
---@return { name: string, text: string }[]
function M.fields(source, class)
  local list, inside = {}, false
  for line in (source .. "\n"):gmatch("([^\n]*)\n") do
    local declared = line:match("^%-%-%-@class ([%w_.]+)")
    local name, text = line:match("^%-%-%-@field ([%w_]+)%??%s+(.*)$")
    local more = line:match("^%-%-%-%s?([^@].*)$")
    if declared then
      inside = declared == class
    elseif inside and name then
      list[#list + 1] = { name = name, text = text }
    elseif inside and more and #list > 0 then
      list[#list].text = list[#list].text .. " " .. more
    elseif not line:find("^%-%-%-") then
      inside = false
    end
  end
  return list
end

--- The functions of a source, in its order.
---@param source string text
---@return pghost.Annotated[]
function M.read(source)
  local entries, comment, errors, pending = {}, {}, {}, nil
  for line in (source .. "\n"):gmatch("([^\n]*)\n") do
    local text = line:match("^%-%-%-%s?(.*)$")
    if text then
      comment[#comment + 1] = text
    else
      if comment[1] and table.concat(comment, "\n"):find("@class ", 1, true) then
        local class, of_class = add_class(entries, comment)
        pending = of_class
        errors[class:match("[^.]+$")] = of_class
      end
      local owner = line:match("^local ([%w_]+) = {}")
      if owner then
        errors[owner], pending = pending, nil
      end
      add_function(entries, line, comment, errors)
      comment = {}
    end
  end
  return entries
end

return M
