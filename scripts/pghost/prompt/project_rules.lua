-- `rules` at the prompt: the rules of the project, each file of its folder rules/ read when it is asked for; read once
-- more after reload().

local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local nearest = require "pghost.lib.nearest"
local project = require "pghost.run.project"
local rules = require "pghost.rules"

local M = {}

-- The first folder of modules with a folder of rules: the project's around the current folder, then those where
-- `require` looks.
local function find_folder()
  local folders = { project.find() }
  for folder in package.path:gmatch("([^;]+)/%?%.lua") do
    folders[#folders + 1] = folder
  end
  for _, folder in ipairs(folders) do
    if lfs.attributes(folder .. "/rules", "mode") == "directory" then
      return folder
    end
  end
end

local function folder_of_modules()
  local folder = find_folder()
  if not folder then
    errors.raise("no folder 'rules' here: start pghost in a project's folder, or with -i and its script", "ENOENT",
      { exit = 1 })
  end
  local template = folder .. "/?.lua"
  if not (package.path .. ";"):find(template .. ";", 1, true) then
    package.path = template .. ";" .. package.path
  end
  return folder
end

--- The names of the files, sorted.
---@return string[]
function M.names()
  local folder, names = find_folder(), {}
  if not folder then
    return names
  end
  for entry in lfs.dir(folder .. "/rules") do
    names[#names + 1] = entry:match("^([%w_\x80-\xff]+)%.lua$")
  end
  table.sort(names)
  return names
end

--- What a file gives.
---@param name string
---@return pghost.Rules|any
function M.read(name)
  folder_of_modules()
  for _, known in ipairs(M.names()) do
    if known == name then
      local module = "rules." .. name -- of the project
      return (require(module))
    end
  end
  errors.raise(("no rules '%s'%s"):format(tostring(name), nearest.hint(tostring(name), M.names())), "usage",
    { exit = 1 })
end

--- The rules of a table, by the name that they give it.
---@param table_name string
---@return pghost.Rules?
function M.of_table(table_name)
  for _, name in ipairs(M.names()) do
    local good, found = pcall(M.read, name)
    if good and rules.is(found) and found.name == table_name then
      return found
    end
  end
end

--- Has the modules of the project read again when they are required next.
---@return integer files of rules that there are
function M.forget()
  local folder = folder_of_modules()
  for name in pairs(package.loaded) do
    if type(name) == "string" and not name:find("^pghost%.") and package.searchpath(name, folder .. "/?.lua") then
      package.loaded[name] = nil
    end
  end
  return #M.names()
end

local function list()
  folder_of_modules()
  local records = {}
  for i, name in ipairs(M.names()) do
    local good, found = pcall(M.read, name)
    local is_rules = good and rules.is(found)
    records[i] = { name = name, table_name = is_rules and found.name or "", columns = is_rules and #found or nil,
      key = is_rules and table.concat(found.key, ", ") or "", note = not good and tostring(found):match("^[^\n]*")
        or not is_rules and "no rules" or "" }
  end
  return records
end

--- The value of the global `rules`.
---@return table
function M.new()
  return setmetatable({}, {
    __name = "rules of the project",
    __index = function(_, name)
      return M.read(name)
    end,
    __names = M.names,
    __show = function()
      local rows = require "pghost.prompt.shown_rows"
      local records, at = list(), 0
      rows.each(function()
        at = at + 1
        local one = records[at]
        return one and { one.name, one.table_name, one.columns, one.key, one.note }
      end, { columns = { "rules", "table", "columns", "key", "note" } })
    end,
  })
end

return M
