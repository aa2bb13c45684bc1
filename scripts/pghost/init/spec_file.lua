-- The text of spec/rules_spec.lua: a record of each table, tested against its rules, without a database.

local keys = require "pghost.init.found_keys"
local lua_text = require "pghost.lib.lua_text"

local M = {}

local quoted = lua_text.quoted

local function required(one)
  for _, column in ipairs(one.columns) do
    if (column.required or one.key and one.key.sure and keys.has(one, column.name)) and one.example[column.name] then
      return column.name
    end
  end
end

local function add_record(out, one, left_out, ending)
  for _, column in ipairs(one.columns) do
    local text = one.example[column.name]
    if text and column.name ~= left_out then
      out[#out + 1] = ("      [%s] = %s,"):format(quoted(column.name), quoted(text))
    end
  end
  out[#out + 1] = "    }" .. ending
  out[#out + 1] = "  end)"
end

local function add_table(out, one)
  lua_text.add(out, { "", ("describe(%s, function()"):format(quoted(one.name)),
    ("  local rules = require %s"):format(quoted("rules." .. one.name)), "",
    '  it("takes a record of its files", function()', "    test.passes(rules, {" })
  add_record(out, one, nil, ")")
  local column = required(one)
  if column then
    lua_text.add(out, { "", ("  it(%s, function()"):format(quoted("refuses one without " .. column)),
      "    test.refuses(rules, {" })
    add_record(out, one, column, (", { column = %s, rule = \"required\" })"):format(quoted(column)))
  end
  out[#out + 1] = "end)"
end

--- See above.
---@param project pghost.init.Project
---@return string
function M.text(project)
  local out = {
    "-- What the rules make of single records: `pghost test`. They need no database.",
    "-- The records are from your files. Add those that a rule must take, or must refuse; `test.values` holds one",
    "-- column against many texts, `test.pipeline` runs pipeline.lua over small files.",
    "-- luacheck: std lua54+busted",
    "",
    'local test = require "pghost.test"',
  }
  for _, one in ipairs(project.tables) do
    if one.example then
      add_table(out, one)
    end
  end
  return lua_text.file(out)
end

return M
