-- Adds a table to an existing project: its rules file, and a line in pipeline.lua.

local errors = require "pghost.lib.errors"
local files = require "pghost.lib.atomic_file"
local init_files = require "pghost.init.csv_files"
local lfs = require "lfs"
local lua_text = require "pghost.lib.lua_text"
local paths = require "pghost.lib.paths"
local pipeline_file = require "pghost.init.pipeline_file"
local project = require "pghost.init.new_project"
local projects = require "pghost.run.project"
local rules_file = require "pghost.init.rules_file"
local tables = require "pghost.init.found_tables"
local whole_file = require "pghost.lib.whole_file"
local write = require "pghost.init.write"

local M = {}

-- Names that the project's tables and answers have: those of its files, and of what pipeline.lua loads.
local function taken_names(folder, text)
  local taken = {}
  for _, place in ipairs { { "rules", "lua" }, { "sql/analytics", "sql" } } do
    local path = paths.join(folder, place[1])
    for _, file in ipairs(lfs.attributes(path, "mode") == "directory" and paths.list(path, place[2]) or {}) do
      local name = file:match("([^/]*)%.%w+$")
      taken[name], taken[name .. "_raw"] = true, true
    end
  end
  for name in text:gmatch("run:%a+%(%s*[\"']([^\"']*)[\"']") do
    taken[name], taken[name .. "_raw"] = true, true
  end
  return taken
end

-- The data folder from config.lua, if that is a plain string; else the project's.
local function data_of(folder)
  local path = paths.join(folder, "config.lua")
  local text = whole_file.exists(path) and whole_file.read(path) or ""
  local literal = text:match('\n%s*data%s*=%s*("[^\n]-[^\\]")')
  local value = literal and load("return " .. literal, "=data", "t", {})
  return paths.join(folder, value and value() or "data")
end

-- After the last run:load, including its indented lines; else before the first step that must follow loads.
local function insert(text, lines)
  local at, last, inside = 1, nil, false
  for line, next_at in text:gmatch("([^\n]*)\n()") do
    inside = line:find("^run:load%(") ~= nil or inside and line:find("^[%s})]") ~= nil
    if inside then
      last = next_at
    elseif line:find("^run:check%(") or line:find("^run:analyse%(") or line:find("^run:publish%(") then
      last = last or at
    end
    at = next_at
  end
  return last and text:sub(1, last - 1) .. table.concat(lines, "\n") .. "\n" .. text:sub(last)
end

-- Removes the comment that says the file was left out.
local function without_refusal(text, path)
  local begins, kept, inside = "-- left out: " .. path .. ": ", {}, false
  for line in text:gmatch("[^\n]*\n") do
    inside = line:sub(1, #begins) == begins or inside and line:find("^%-%- ") ~= nil
      and not line:find("^%-%- left out: ")
    kept[#kept + 1] = not inside and line or nil
  end
  return table.concat(kept)
end

local function load_table(path, given, data, folder, taken, say)
  local list = init_files.resolve { path }
  local seen, refused = init_files.look(list, given, data, say)
  if #refused > 0 then
    local reason, give = refused[1].reason, refused[1].give or {}
    local said = #give == 0 or reason:find(give[1], 1, true)
    errors.raise(("%s: %s%s"):format(refused[1].path, reason, said and "" or ": " .. table.concat(give, ", or ")),
      "data")
  end
  local made = tables.of(seen, given, paths.absolute(folder):match("[^/]*$"), taken)
  if #made ~= 1 then
    errors.raise(("'%s' holds %d tables: add them one by one"):format(path, #made), "usage")
  end
  project.study(made, say)
  return made[1]
end

local function replace_file(path, text)
  local written <close> = files.begin(path, "the pipeline")
  written:write(text)
  written:finish()
  written:keep()
end

--- Adds a table; raises, and changes nothing, where that cannot be done.
---@param path string of the CSV file
---@param given table dialect options
---@param say fun(text: string)
---@return { table: pghost.init.Table, rules: string, pipeline: string } paths in the project
function M.table(path, given, say)
  local folder = projects.find()
  if not folder then
    errors.raise("no project here: no pipeline.lua in this folder or one above it (pghost init DIR makes one)", "usage")
  end
  local pipeline = paths.join(folder, "pipeline.lua")
  local text, data = whole_file.read(pipeline), data_of(folder)
  local one = load_table(path, given, data, folder, taken_names(folder, text), say)
  local lines = pipeline_file.load_lines(one, data)
  if text:find(lua_text.quoted(one.files[1].path), 1, true) then
    errors.raise(("'%s' is loaded by '%s' already"):format(one.files[1].path, pipeline), "EEXIST")
  end
  text = without_refusal(text:sub(-1) == "\n" and text or text .. "\n", one.files[1].path)
  local changed = insert(text, lines)
  if not changed then
    errors.raise(("'%s' has no line that begins with run:load or run:check, so it is not clear where this belongs: %s")
      :format(pipeline, lines[#lines]), "data")
  end
  local name = ("rules/%s.lua"):format(one.name)
  write.all(folder, { [name] = rules_file.text(one) })
  local good, problem = pcall(replace_file, pipeline, changed)
  if not good then
    os.remove(paths.join(folder, name))
    error(problem, 0)
  end
  return { table = one, rules = name, pipeline = "pipeline.lua" }
end

return M
