-- Which recorded runs belong to the project of the current folder.

local lfs = require "lfs"
local project = require "pghost.run.project"
local sql = require "pghost.lib.sql"

local M = {}

local function pipeline_file()
  local folder = project.find()
  return folder and folder .. "/pipeline.lua"
end

local function is_same_file(path, facts)
  local other = lfs.attributes(path)
  return other ~= nil and other.dev == facts.dev and other.ino == facts.ino
end

--- The scripts of the project, as runs have recorded them: a parameter for `script = ANY ($1::text[])`.
---@param conn pghost.Connection to a database with a history
---@return string? array nil: the current folder is in no project, and all runs are meant
function M.scripts(conn)
  local path = pipeline_file()
  local facts, list = path and lfs.attributes(path), {}
  if not facts then
    return nil
  end
  for row in conn:query("SELECT DISTINCT script FROM pghost.runs WHERE script IS NOT NULL"):rows() do
    list[#list + 1] = is_same_file(row.script, facts) and row.script or nil
  end
  return sql.array(list)
end

--- Why there is no run to take.
---@return string
function M.none()
  local path = pipeline_file()
  if not path then
    return "no runs yet: no pipeline has run in this database"
  end
  return ("no runs yet of '%s' in this database: run it, or give the number of a run (pghost runs)"):format(path)
end

return M
