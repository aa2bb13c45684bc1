-- The report of a run: one page that opens from disk, and the same for machines.
--
--   local report = require "pghost.report"
--   report.write(conn, run_id, "report.html")
--
-- Made from the records in the schema `pghost` and from the published tables; docs/REPORT.md.

local atomic_file = require "pghost.lib.atomic_file"
local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local junit = require "pghost.report.junit"
local markdown = require "pghost.report.markdown"
local metrics = require "pghost.report.metrics"
local openlineage_sink = require "pghost.report.openlineage_sink"
local page = require "pghost.report.page"
local sys = require "pghost.native.sys"

local M = {}

--- All that is known of a run. Raises when there is none of that number.
---@param conn pghost.Connection
---@param run_id integer
---@return pghost.report.Run
function M.collect(conn, run_id)
  local run = page.collect(conn, run_id)
  if not run then
    errors.raise(("no run %d in this database: `pghost runs` lists them"):format(run_id), "usage", { exit = 1 })
  end
  return run
end

local formats = {
  html = page.run,
  markdown = function(_, run)
    return markdown.of(run)
  end,
  junit = function(_, run)
    return junit.of(run)
  end,
  metrics = function(_, run)
    return metrics.of(run)
  end,
}

--- A run in one of the formats.
---@param conn pghost.Connection
---@param run pghost.report.Run
---@param format "html"|"markdown"|"junit"|"metrics"
---@param path string "-" for standard output
function M.save(conn, run, format, path)
  atomic_file.write(path, "the report", formats[format](conn, run))
end

--- The page of a run, as a file.
---@param conn pghost.Connection
---@param run_id integer
---@param path string
function M.write(conn, run_id, path)
  M.save(conn, M.collect(conn, run_id), "html", path)
end

local function write_for(run, format, path)
  local done, problem = pcall(function()
    M.save(run.conn, M.collect(run.conn, run.id), format, path)
  end)
  local kind = format == "html" and "report" or format
  if done then
    run.log:info(kind, run.name, "run " .. run.id .. " in " .. path)
  else
    run.log:warn(kind, run.name, "not written: " .. tostring(problem))
  end
end

--- Writes what the settings `report`, `metrics` and `openlineage` name, when a run has ended. Never changes how it
--- ended: what goes wrong is a warning.
---@param run pghost.Run
function M.after(run)
  if sys.interrupted() then
    return
  end
  if run.settings.report ~= "" then
    write_for(run, "html", run.settings.report)
  end
  if run.settings.metrics ~= "" then
    write_for(run, "metrics", run.settings.metrics)
  end
  if run.settings.openlineage ~= "" then
    openlineage_sink.ended(run)
  end
end

return known_keys.strict(M, "pghost.report")
