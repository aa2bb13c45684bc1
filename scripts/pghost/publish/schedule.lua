-- How a run publishes: all tables together, one by one as soon as they are checked (the setting
-- `publish = "per_table"`), or not at all (`dry_run`).
--
-- swap.lua exchanges tables; this file decides which and when, what is recorded in the same transaction, and what to do
-- when the server's answer to a COMMIT is lost.

local adoption = require "pghost.publish.adoption"
local again = require "pghost.run.retry"
local build_schema = require "pghost.run.build_schema"
local commit = require "pghost.run.commit"
local distribute = require "pghost.distribute"
local dry_run = require "pghost.publish.dry_run"
local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local host = require "pghost.native.host"
local kept = require "pghost.load.kept"
local ledger = require "pghost.ledger"
local lists = require "pghost.lib.lists"
local locks = require "pghost.publish.locks"
local log = require "pghost.lib.log"
local concurrent = require "pghost.ledger.concurrent"
local backfill = require "pghost.partitions.backfill"
local modes = require "pghost.modes"
local notice = require "pghost.publish.notice"
local publish = require "pghost.publish.swap"
local refused = require "pghost.modes.refused"
local retention = require "pghost.partitions.retention"
local session = require "pghost.publish.session"

local M = {}

-- Carries over to built tables what depends on the published ones.
local function prepare(run, tables, exchanges)
  adoption.check(run, tables)
  distribute.check_foreign_keys(run, tables)
  for _, exchange in ipairs(exchanges) do
    backfill.ready(run, exchange)
  end
  local options = { build = run.build, target = run.target, tables = tables, exchanges = exchanges,
    cluster = run.cluster,
    lock_wait = tonumber(run.settings.lock_wait) }
  options.prepared = again.repeated(run, function(conn)
    return publish.prepare(conn, options)
  end)
  for name, gone in pairs(options.prepared.gone) do
    run.log:warn("publish", name, "columns missing from the new table: " .. table.concat(gone, ", "), { gone = gone })
  end
  return options
end

-- Exchanges what is replaced and changes what is added to, in the order that foreign keys ask for.
local function make_visible(run, options)
  local late = modes.after_exchange(run, options.tables, options.changes)
  local changed = not late and modes.publish(run, options.changes)
  if #options.tables + #options.exchanges > 0 then
    publish.swap(run.conn, options)
  end
  return changed or modes.publish(run, options.changes)
end

local function names_of(options)
  local names = { table.unpack(options.tables) }
  for _, change in ipairs(options.changes) do
    names[#names + 1] = change.name
  end
  for _, exchange in ipairs(options.exchanges) do
    names[#names + 1] = exchange.name
  end
  return names
end

-- Reports a refused record with its position, if the server is still up. Not for a key to an exchanged table: what it
-- refers to is not there.
local function raise_placed(run, options, problem)
  local of_exchanged = #options.tables > 0 and errors.is(problem) and problem.code == "23503"
  if run.conn:status() ~= "lost" and not of_exchanged then
    problem = refused.place(run, options.changes, problem)
  end
  error(problem, 0)
end

-- Detaches old partitions: the last thing that a transaction does, because readers wait from then on.
local function remove_old_partitions(run, options)
  retention.apply(run, lists.set(names_of(options)), function(name, fn)
    session.with(run.conn, function()
      local oids = run.conn:query("SELECT ARRAY[$1::regclass::oid]::text AS list", name)[1].list
      locks.try(run.conn, { lock_wait = tonumber(run.settings.lock_wait) }, oids, function()
        locks.take(run.conn, { "ONLY " .. name }, "ACCESS EXCLUSIVE", 50)
        fn()
      end)
    end)
  end)
end

-- The short transaction. If it commits, the run has published; otherwise nothing has happened.
local function exchange(run, options, is_last)
  local done, problem = pcall(again.transaction, run, function(conn)
    run.lock:check(conn)
    distribute.one_connection_per_node(run)
    concurrent.check(run, lists.set(run.published))
    local function show()
      return make_visible(run, options)
    end
    options.changed = run.replay and run.replay.publish(run, show) or show()
    history.add_published(conn, run.id, names_of(options))
    notice.send(run, names_of(options))
    ledger.publish(conn, run.id, not is_last and names_of(options) or nil)
    remove_old_partitions(run, options)
    if is_last then
      build_schema.remove_own(run)
      history.finish(conn, run.id, "published")
    end
  end)
  if not done then
    raise_placed(run, options, problem)
  end
end

-- The connection was lost during the last transaction: continues over a new one if it was committed.
local function settle(run, problem)
  local conn = commit.settle(problem, commit.by_run(run), {
    what = ("whether run %d has published"):format(run.id),
    advice = "see its state in pghost.runs",
    say = function(text)
      run.log:warn("publish", run.target, text)
    end,
  })
  run.conn:close()
  run.conn = conn
end

local function exchange_last(run, options)
  local what = ("run %d is published"):format(run.id)
  local done, problem = pcall(exchange, run, options, true)
  if not done then
    if run.conn:status() ~= "lost" then
      error(problem, 0)
    end
    settle(run, problem)
  end
  host.done(what)
  run.finished = true
end

-- The entries of a list that are built but not yet published, in the order they were built.
local function waiting(run, list, name_of)
  local published, left = lists.set(run.published), {}
  for _, one in ipairs(list) do
    if not published[name_of(one)] then
      left[#left + 1] = one
    end
  end
  return left
end

local function waiting_tables(run)
  return waiting(run, run.tables, function(name)
    return name
  end)
end

local function waiting_changes(run)
  return waiting(run, run.changes, function(change)
    return change.name
  end)
end

local function waiting_exchanges(run)
  return waiting(run, run.exchanges, function(one)
    return one.name
  end)
end

local function say_exchanged(run, exchanges)
  for _, one in ipairs(exchanges) do
    run.log:info("publish", one.name, backfill.described(one))
  end
end

local function say_changed(run, changed)
  for _, change in ipairs(changed or {}) do
    run.log:info("publish", change.name, ("%s added, %s changed, %s removed"):format(log.count(change.added),
      log.count(change.changed), log.count(change.removed)), change)
  end
end

local function publish_some(run, tables, changes, exchanges, is_last)
  local options = #tables + #exchanges > 0 and prepare(run, tables, exchanges)
    or { tables = tables, exchanges = exchanges }
  options.changes = changes
  if is_last then
    exchange_last(run, options)
  else
    exchange(run, options, false)
  end
  say_changed(run, options.changed)
  say_exchanged(run, exchanges)
  for _, name in ipairs(names_of(options)) do
    run.published[#run.published + 1] = name
  end
end

-- What is published in one transaction: a table, a clean one with its raw one. From then on the ledger considers a file
-- loaded, so it must be in both.
local function in_parts(run)
  local list, by_name = {}, {}
  local function part_of(name)
    local clean = name:gsub("_raw$", "")
    local part = by_name[clean]
    if not part then
      part = { name = name, tables = {}, changes = {}, exchanges = {} }
      list[#list + 1], by_name[clean] = part, part
    end
    return part
  end
  for _, name in ipairs(waiting_tables(run)) do
    table.insert(part_of(name).tables, name)
  end
  for _, change in ipairs(waiting_changes(run)) do
    table.insert(part_of(change.name).changes, change)
  end
  for _, one in ipairs(waiting_exchanges(run)) do
    table.insert(part_of(one.name).exchanges, one)
  end
  return list
end

-- Replaced tables first: what is added to others may refer to them.
local function one_by_one(run, to_the_end)
  local list = in_parts(run)
  for i, one in ipairs(list) do
    run:step("publish", one.name, function()
      publish_some(run, one.tables, one.changes, one.exchanges, to_the_end and i == #list)
      local count = #one.tables + #one.changes + #one.exchanges
      return { tables = count }, log.counted(count, "table")
    end)
  end
  if to_the_end and #list == 0 then
    publish_some(run, {}, {}, {}, true)
  end
end

local function all_together(run)
  run:step("publish", run.target, function()
    local tables, changes, exchanges = waiting_tables(run), waiting_changes(run), waiting_exchanges(run)
    publish_some(run, tables, changes, exchanges, true)
    local names = names_of { tables = tables, changes = changes, exchanges = exchanges }
    return { tables = #names }, log.counted(#names, "table") .. (#names > 0 and ": " or "") .. table.concat(names, ", ")
  end)
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
  kept.forget_others(run)
  adoption.warn_of_publications(run)
  if run.settings.dry_run then
    run:step("dry run", run.target, function()
      prepare(run, run.tables, {})
      return { tables = #run.tables }, dry_run.report(run)
    end)
  elseif run.settings.publish == "per_table" then
    one_by_one(run, true)
  else
    all_together(run)
  end
end

return M
