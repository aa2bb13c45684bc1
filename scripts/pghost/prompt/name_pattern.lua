-- Patterns for names, as psql's \d commands take them: * and ? outside of double quotes, schema.name.

local M = {}

---@class pghost.prompt.NamePattern
---@field schema? string regular expression; nil: what is visible on the search_path
---@field name string regular expression

-- The parts between dots outside of double quotes, as regular expressions.
local function parts_of(text)
  local parts, current, quoted, at = {}, {}, false, 1
  while at <= #text do
    local char = text:sub(at, at)
    if char == '"' and quoted and text:sub(at + 1, at + 1) == '"' then
      current[#current + 1], at = '"', at + 1
    elseif char == '"' then
      quoted = not quoted
    elseif char == "." and not quoted then
      parts[#parts + 1], current = table.concat(current), {}
    elseif quoted or not char:find("[*?]") then
      char = quoted and char or char:lower()
      current[#current + 1] = char:find("[%w_\x80-\xff]") and char or "\\" .. char
    else
      current[#current + 1] = char == "*" and ".*" or "."
    end
    at = at + 1
  end
  parts[#parts + 1] = table.concat(current)
  return parts
end

--- Reads a pattern; of `database.schema.name` the last two parts count.
---@param text? string nil: any name
---@return pghost.prompt.NamePattern
function M.read(text)
  if not text then
    return { name = "^(.*)$" }
  end
  local parts = parts_of(text)
  local schema = parts[#parts - 1]
  return { schema = schema and "^(" .. schema .. ")$", name = "^(" .. parts[#parts] .. ")$" }
end

return M
