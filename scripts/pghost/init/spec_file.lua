-- The text of spec/rules_spec.lua: a record of each table, held against its rules, without a database.

local lua_text = require "pghost.init.lua_text"

local M = {}

local quoted = lua_text.quoted

local function required(one)
  for _, column in ipairs(one.columns) do
    if (column.required or one.key and one.key.sure and one.key.column == column.name) and one.example[column.name] then
      return column.name
    end
  end
end

local function add_record(out, one, left_out, verdict)
  out[#out + 1] = ("  { table = %s, passes = %s, record = {"):format(quoted(one.name), tostring(verdict))
  for _, column in ipairs(one.columns) do
    local text = one.example[column.name]
    if text and column.name ~= left_out then
      out[#out + 1] = ("    [%s] = %s,"):format(quoted(column.name), quoted(text))
    end
  end
  out[#out + 1] = "  } },"
end

--- See above.
---@param project pghost.init.Project
---@return string
function M.text(project)
  local out = {
    "-- What the rules make of single records: `pghost spec/rules_spec.lua`. It needs no database.",
    "-- The records are from your files. Add those that a rule must take, or must refuse (passes = false).",
    "",
    'local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."',
    'package.path = here .. "/../?.lua;" .. package.path',
    "",
    "local cases = {",
  }
  for _, one in ipairs(project.tables) do
    if one.example then
      add_record(out, one, nil, true)
      local column = required(one)
      if column then
        out[#out + 1] = ("  -- without %s, which is required"):format(column)
        add_record(out, one, column, false)
      end
    end
  end
  lua_text.add(out, {
    "}",
    "",
    "for i, case in ipairs(cases) do",
    ("  local rules = require(%s .. case.table)"):format(quoted("rules.")),
    "  local result, detail = rules:try(case.record)",
    "  if (result ~= nil) ~= case.passes then",
    '    error(("case %d, %s: %s"):format(i, case.table, result and "it passes" or detail.reason), 0)',
    "  end",
    "end",
    'print(("%d records as expected"):format(#cases))',
  })
  return lua_text.file(out)
end

return M
