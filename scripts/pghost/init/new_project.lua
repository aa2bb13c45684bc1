-- A project made of CSV files: what is detected, and the files written from it.

local errors = require "pghost.lib.errors"
local init_files = require "pghost.init.csv_files"
local keys = require "pghost.init.found_keys"
local lfs = require "lfs"
local names = require "pghost.catalog.names"
local other_files = require "pghost.init.other_files"
local paths = require "pghost.lib.paths"
local pairs_of = require "pghost.init.found_pairs"
local pipeline_file = require "pghost.init.pipeline_file"
local questions = require "pghost.init.questions"
local references = require "pghost.init.references"
local rules_file = require "pghost.init.rules_file"
local spec_file = require "pghost.init.spec_file"
local tables = require "pghost.init.found_tables"
local values = require "pghost.init.values"
local whole_zips = require "pghost.init.whole_zips"

local M = {}

---@class pghost.init.Project
---@field name string
---@field schema string
---@field folder string of the project
---@field data string folder of the data
---@field data_setting string the same as config.lua has it
---@field tables pghost.init.Table[]
---@field references pghost.init.Reference[]
---@field questions pghost.init.Question[]
---@field refused pghost.init.Refused[]

local own_names = { pghost = true, public = true, information_schema = true }

-- The project's name, which is also its schema's.
local function name_of(folder)
  local base = paths.absolute(folder):match("[^/]*$")
  local name = names.identifiers({ base })[1]
  if name == "column_1" then
    return "project"
  end
  return (own_names[name] or name:find("^pg_")) and "my_" .. name or name
end

-- User files do not belong among pghost's own sources, and modules in such a folder would not be found.
local function check_folder(folder)
  local whole, root = paths.absolute(folder), paths.absolute(other_files.root())
  if whole == root or whole:sub(1, #root + 1) == root .. "/" then
    errors.raise(("'%s' is among pghost's own files: give --into a folder of your own"):format(folder), "usage")
  elseif whole:find("[;?]") then
    errors.raise(("'%s' has ';' or '?' in its name, so Lua would not find its modules: give --into another folder")
      :format(folder), "usage")
  end
end

-- The folder that all files are in, or their common parent.
local function data_of(list)
  local folder
  for _, file in ipairs(list) do
    local own = paths.absolute(file.path):match("^(.*)/[^/]*$")
    while folder and own:sub(1, #folder + 1) ~= folder .. "/" and own ~= folder do
      folder = folder:match("^(.*)/[^/]*$")
    end
    folder = folder or own
  end
  return folder == "" and "/" or folder
end

--- Reads the values of tables, and finds keys and references in them.
---@param list pghost.init.Table[] changed: key, refers
---@param say fun(text: string)
---@return pghost.init.Reference[]
function M.study(list, say)
  local budget = { left = values.most_kept }
  for _, one in ipairs(list) do
    say(one.name)
    values.read(one, budget)
    one.key, one.refers = keys.of(one), {}
  end
  local found = references.of(list)
  for _, reference in ipairs(found) do
    for _, one in ipairs(list) do
      if one.name == reference.child then
        one.refers[reference.child_column] = true
      end
    end
  end
  for _, one in ipairs(list) do
    if not (one.key and (one.key.sure or one.key.unique)) then
      say(one.name)
      one.key = pairs_of.of(one, budget) or one.key
    end
  end
  return found
end

--- What a project of these files is.
---@param inputs string[] folders, globs, paths
---@param folder string of the project
---@param given table dialect options for all files
---@param say fun(text: string) progress
---@return pghost.init.Project
function M.of(inputs, folder, given, say)
  check_folder(folder)
  local list = init_files.resolve(inputs)
  local data = #inputs == 1 and lfs.attributes(inputs[1], "mode") == "directory" and inputs[1] or data_of(list)
  local seen, refused = init_files.look(list, given, data, say)
  seen, refused = whole_zips.only(seen, refused, tables.groups(seen))
  local name, taken = name_of(folder), {}
  local made = tables.of(seen, given, paths.absolute(data):match("[^/]*$"), taken)
  local found = M.study(made, say)
  return { name = name, schema = name, folder = folder, data = data, data_setting = init_files.relative(data, folder),
    tables = made, references = found, questions = #made > 0 and questions.of(made, found, taken) or {},
    refused = refused }
end

--- The texts of a project's files, by their paths in it.
---@param project pghost.init.Project
---@return table<string, string>
function M.texts(project)
  local texts = {
    ["pipeline.lua"] = pipeline_file.pipeline(project), ["config.lua"] = pipeline_file.config(project),
    ["checks.lua"] = pipeline_file.checks(project), ["spec/rules_spec.lua"] = spec_file.text(project),
    ["README.md"] = other_files.readme(project), [".luarc.json"] = other_files.luarc(),
    [".env.example"] = other_files.env_example, [".gitignore"] = other_files.gitignore,
  }
  for _, one in ipairs(project.tables) do
    texts[("rules/%s.lua"):format(one.name)] = rules_file.text(one)
  end
  for _, question in ipairs(project.questions) do
    texts[("sql/analytics/%s.sql"):format(question.name)] = question.sql
  end
  return texts
end

return M
