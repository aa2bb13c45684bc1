-- The text of rules/NAME.lua, with what was uncertain noted beside each column.

local keys = require "pghost.init.found_keys"
local lists = require "pghost.lib.lists"
local lua_text = require "pghost.lib.lua_text"
local rules_text = require "pghost.sniff.rules_text"

local M = {}

local quoted = lua_text.quoted

local function examples(column)
  local text = rules_text.examples(column)
  return text ~= "" and " -- " .. text or ""
end

local source = rules_text.source

local function add_column(out, column)
  if column.doubt then
    lua_text.add(out, lua_text.comment("not sure: " .. column.doubt, "  "))
    if column.other and not column.other:find("[%c]") then
      out[#out + 1] = ("  -- { %s, %s%s },"):format(quoted(column.name), column.other, source(column))
    end
  end
  local line = ("  { %s, %s%s },"):format(quoted(column.name), column.rule, source(column))
  local remark = examples(column)
  out[#out + 1] = #line + #remark <= 120 and line .. remark or line
end

-- "; 'order_id' has too many different values to compare them here", of the first such column.
local function not_compared(one)
  for _, column in ipairs(one.columns) do
    if column.seen.is_given_up and not column.seen.rising and keys.is_named(column.name) then
      return ("; '%s' has too many different values to compare them here"):format(column.name)
    end
  end
  return ""
end

local function add_key(out, one)
  local key = one.key
  if not key then
    out[#out + 1] = "}, {"
    lua_text.add(out, lua_text.comment("no key: no column or pair of columns looks like one" .. not_compared(one)
      .. ". With a key, the first record of several with the same key stays, the others are left out as duplicates: "
      .. "key = \"a\" or key = { \"a\", \"b\" }", "  "))
    out[#out + 1] = "})"
    return
  end
  out[#out + 1] = "}, {"
  lua_text.add(out, lua_text.comment((key.sure and "" or "not sure: ") .. key.reason, "  "))
  local names = table.concat(lists.map(key.columns, quoted), ", ")
  names = #key.columns == 1 and names or "{ " .. names .. " }"
  out[#out + 1] = ("  %skey = %s,"):format(key.sure and "" or "-- ", names)
  out[#out + 1] = "})"
end

local function files_of(one)
  local list = lists.pluck(one.files, "path")
  return #list <= 3 and table.concat(list, ", ") or ("%s and %d more files"):format(list[1], #list - 1)
end

--- The text of a table's rules.
---@param one pghost.init.Table
---@return string
function M.text(one)
  local out = {}
  lua_text.add(out, lua_text.comment(("rules/%s.lua: what a record of %s must look like. Every value in %s has "
    .. "the type given here."):format(one.name, one.name, files_of(one))))
  lua_text.add(out, { "", 'local r = require "pghost.rules"', "", ("return r.table(%s, {"):format(quoted(one.name)) })
  for _, column in ipairs(one.columns) do
    add_column(out, column)
  end
  add_key(out, one)
  return lua_text.file(out)
end

return M
