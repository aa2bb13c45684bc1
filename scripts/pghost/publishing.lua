-- How a run publishes: all tables together, one by one as soon as they are checked (the setting
-- `publish = "per_table"`), or not at all (`dry_run`).
--
-- publish.lua exchanges tables; here is which, when, what is recorded in the same transaction, and
-- what to do when the server's answer to a COMMIT is lost.

local again = require "pghost.again"
local build_schema = require "pghost.build_schema"
local dry_run = require "pghost.dry_run"
local errors = require "pghost.errors"
local history = require "pghost.history"
local log = require "pghost.log"
local publish = require "pghost.publish"

local M = {}

-- Carries over to built tables what hangs on the published ones.
local function prepare(run, tables)
  local options = { build = run.build, target = run.target, tables = tables }
  options.prepared = again.repeated(run, function(conn)
    return publish.prepare(conn, options)
  end)
  for name, gone in pairs(options.prepared.gone) do
    run.log:warn("publish", name, "columns that the new table has not: " .. table.concat(gone, ", "), { gone = gone })
  end
  return options
end

local function check_lock(run)
  if not history.holds_lock(run.conn, run.name, run.target) then
    errors.raise("the lock of this run is gone: pghost needs a connection of its own "
      .. "(a pooler must be in session mode)", "locked")
  end
end

-- The short transaction. Its COMMIT says that the run has published, or that nothing has happened.
local function exchange(run, options, is_last)
  again.transaction(run, function(conn)
    check_lock(run)
    if #options.tables > 0 then
      publish.swap(conn, options)
      history.add_published(conn, run.id, options.tables)
    end
    if is_last then
      build_schema.remove(conn, run.id, run.build)
      history.finish(conn, run.id, "published")
    end
  end)
end

-- The connection was lost while the last transaction was under way: asks over a new one whether it
-- was committed, and goes on with that if it was.
local function settle(run, problem)
  local known, conn = pcall(again.connect, run, true)
  local done
  if known then
    known, done = pcall(history.was_published, conn, run.id)
  end
  if not known then
    errors.raise(("%s; whether run %d has published is not known: see state in pghost.runs"):format(tostring(problem),
      run.id), errors.is(problem) and problem.code or nil, { exit = 3, unsure = true })
  elseif not done then
    conn:close()
    error(problem, 0)
  end
  run.log:warn("publish", run.target, ("%s; the server has committed"):format(tostring(problem)))
  run.conn:close()
  run.conn = conn
end

local function exchange_last(run, options)
  local done, problem = pcall(exchange, run, options, true)
  if not done then
    if run.conn:status() ~= "lost" then
      error(problem, 0)
    end
    settle(run, problem)
  end
  run.finished = true
end

-- Tables that are built and not yet published, in the order they were built.
local function waiting_tables(run)
  local published, list = {}, {}
  for _, name in ipairs(run.published) do
    published[name] = true
  end
  for _, name in ipairs(run.tables) do
    if not published[name] then
      list[#list + 1] = name
    end
  end
  return list
end

local function publish_tables(run, tables, is_last)
  local options = #tables > 0 and prepare(run, tables) or { tables = tables }
  if is_last then
    exchange_last(run, options)
  else
    exchange(run, options, false)
  end
  table.move(tables, 1, #tables, #run.published + 1, run.published)
end

local function one_by_one(run, to_the_end)
  local list = waiting_tables(run)
  for i, name in ipairs(list) do
    run:step("publish", name, function()
      publish_tables(run, { name }, to_the_end and i == #list)
      return { tables = 1 }, "1 table"
    end)
  end
  if to_the_end and #list == 0 then
    publish_tables(run, {}, true)
  end
end

--- To be called when checks have passed: what is built until then may be seen, with per_table.
---@param run pghost.Run
function M.checked(run)
  if run.settings.publish == "per_table" and not run.settings.dry_run then
    one_by_one(run, false)
  end
end

--- Publishes what the run has built.
---@param run pghost.Run
function M.finish(run)
  if run.settings.dry_run then
    run:step("dry run", run.target, function()
      prepare(run, run.tables)
      return { tables = #run.tables }, dry_run.report(run)
    end)
  elseif run.settings.publish == "per_table" then
    one_by_one(run, true)
  else
    run:step("publish", run.target, function()
      publish_tables(run, waiting_tables(run), true)
      return { tables = #run.tables }, log.counted(#run.tables, "table") .. ": " .. table.concat(run.tables, ", ")
    end)
  end
end

return M
