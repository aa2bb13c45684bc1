-- Trees of nodes as PostgreSQL writes them (pg_node_tree: src/backend/nodes/outfuncs.c, read by readfuncs.c).
--
--   {VAR :varno 1 :varattno 2 ...}     a node: { node = "VAR", varno = "1", varattno = "2" }
--   ({...} {...})  (i 1 2)             a list: { list = true, ... }
--   <>                                 nothing: nil
--
-- Values stay strings. What the nodes mean is up to the caller: their fields differ between versions.

local M = {}

-- Tokens as pg_strtok reads them: brackets alone, else up to a blank or bracket; a backslash escapes one character.
local function tokens(text)
  local list, at = {}, 1
  while true do
    at = text:find("[^ \n\t]", at)
    if not at then
      return list
    end
    local stop = at
    if not text:find("^[(){}]", at) then
      while not text:find("^[ \n\t(){}]", stop) and stop <= #text do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      stop = stop - 1
    end
    list[#list + 1] = text:sub(at, stop)
    at = stop + 1
  end
end

local function unescaped(token)
  return (token:gsub("\\(.)", "%1"))
end

local read

local function read_list(list, at)
  local out = { list = true }
  while list[at] ~= ")" do
    if not list[at] then
      error("node tree: list without end")
    end
    out[#out + 1], at = read(list, at)
    out[#out] = out[#out] or false
  end
  return out, at + 1
end

-- A value may be several tokens (that of a constant): all up to the next field are skipped but the first.
local function read_node(list, at)
  local node = { node = list[at] }
  at = at + 1
  while list[at] ~= "}" do
    local field = list[at] and list[at]:match "^:(.+)$"
    if not field then
      error("node tree: field expected")
    end
    node[field], at = read(list, at + 1)
    while list[at] ~= "}" and list[at] and not list[at]:find "^:" do
      local _
      _, at = read(list, at)
    end
  end
  return node, at + 1
end

function read(list, at)
  local token = list[at]
  if token == "{" then
    return read_node(list, at + 1)
  elseif token == "(" then
    return read_list(list, at + 1)
  elseif token == "<>" then
    return nil, at + 1
  elseif token == nil or token == ")" or token == "}" then
    error("node tree: value expected")
  end
  return unescaped(token), at + 1
end

--- The tree of a text. Raises where it is none.
---@param text string
---@return table
function M.parse(text)
  local list = tokens(text)
  local tree, at = read(list, 1)
  if list[at] or type(tree) ~= "table" then
    error("node tree: end expected")
  end
  return tree
end

return M
