-- The holder's part in a load that is shared: puts what there is to load into pghost.work, loads as one of the loaders,
-- waits for the others, and makes sure that each file counts once.

local contents = require "pghost.input.contents"
local errors = require "pghost.lib.errors"
local into_shared = require "pghost.share.into_shared"
local kept = require "pghost.load.kept"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local plans = require "pghost.load.plan"
local retry = require "pghost.run.retry"
local shipped = require "pghost.share.shipped"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"
local loads = require "pghost.share.shared_loads"
local work = require "pghost.share.work"

local M = {}

local function load_of(run, plan)
  return { run_id = run.id, table = plan.name, step = plan.targets.clean and "load" or "stage" }
end

--- Whether others can load parts of it. What can be read only once is read here.
---@param plan pghost.Plan
---@return boolean
local function is_shared(plan)
  return plan.kept ~= nil and plan.kept.shared == true and not plan.complete
end

-- With the tables locked against COPY nothing can follow what is deleted. Only lost attempts can still write: all that
-- count are committed.
local function lock_tables(run, plan, conn)
  local names = {}
  for kind, name in pairs { raw = plan.raw_table, clean = plan.clean_table } do
    names[#names + 1] = plan.targets[kind] and run:qualified(name) or nil
  end
  conn:query(("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE"):format(table.concat(names, ", ")))
end

local writers_query <const> = [[
  SELECT DISTINCT l.pid, pg_catalog.pg_terminate_backend(l.pid) AS ended
  FROM pg_catalog.pg_locks AS l
  WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
    AND l.pid <> pg_catalog.pg_backend_pid()
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
    AND l.relation IN (
      SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = $1::name AND c.relname = ANY ($2::name[]))]]

-- Ends the sessions of loaders that hang in a COPY whose lease they have lost.
local function end_writers(run, plan)
  for row in run.conn:query(writers_query, run.build, sql.array { plan.clean_table or "", plan.raw_table or "" })
    :rows() do
    run.log:warn("share", plan.name, ("a loader that lost its lease is still in a COPY: its session (process %d) is "
      .. "ended"):format(row.pid))
  end
end

-- What two attempts have read of one file must be the same bytes. What does not count is forgotten: the next holder
-- reads the file again.
local function check_same(run, plan, load)
  local found = loads.read_differently(run.conn, load)
  if found then
    loads.forget_hashes(run.conn, load)
    errors.raise(("two loaders have read it with different contents: make it the same on all hosts, and leave it "
      .. "unchanged while table '%s' is loaded"):format(plan.name), "data", { file = found })
  end
end

local lock_tries <const>, lock_patience <const> = 5, "2s"

-- Deletes what attempts have left that do not count.
local function sweep(run, plan, load)
  for try = 1, lock_tries do
    local done, problem = pcall(run.conn.transaction, run.conn, function(conn)
      conn:query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", lock_patience)
      lock_tables(run, plan, conn)
      kept.remove_unkept(run, plan)
      loads.close(conn, load)
    end)
    if done then
      return
    elseif not errors.is(problem) or problem.code ~= "55P03" or try == lock_tries then
      error(problem, 0)
    end
    end_writers(run, plan)
  end
end

-- The result of all loaders: the accounts of the attempts that count.
local function settle(run, plan, result, load)
  for name in pairs(result.totals) do
    result.totals[name] = 0
  end
  local loaders = {}
  for _, item in ipairs(loads.loaded(run.conn, load)) do
    local file = result.files[item.place]
    file.id, file.counts = item.file_id, item.counts.file
    result:add(item.counts.totals or {}) -- the first of files that were loaded together has those of all
    loaders[item.owner] = true
  end
  result.cleaning = {}
  run.log:info("share", plan.name, ("%s loaded by %s"):format(log.counted(#plan.files, "file"),
    log.counted(#lists.sorted_keys(loaders), "loader")), { loaders = #lists.sorted_keys(loaders) })
end

local function tell_waiting(run, plan, told, progress)
  if progress.leased > 0 and told.owners ~= progress.owners then
    told.owners = progress.owners
    run.log:info("share", plan.name, ("waiting for %s of other loaders: %s"):format(log.counted(progress.leased,
      "file"), progress.owners))
  end
end

local function holds_its_own(run)
  return run.conn:status() == "idle" and pcall(run.lock.check, run.lock, run.conn)
end

-- Another loader, or the next holder, need not wait for leases of one that was interrupted.
local function give_back_at_once(target, items)
  local run = target.run
  run:drop_connections()
  if run.conn:status() == "idle" then
    work.give_back(run.conn, target.load, items, target.owner, nil, true)
  end
end

-- What the holder does of a load itself. An error of a file ends the run, as in one that is not shared.
local function loader_of(target, plan, load_batch)
  local run, failures, told, checked = target.run, {}, {}, sys.clock()
  return {
    batch = function(items)
      load_batch(plans.batch { program = plan.program, files = lists.map(items, function(item)
        return plan.files[item.place]
      end) })
    end,
    failed = function(items, problem)
      if into_shared.is_interrupted(problem) then
        give_back_at_once(target, items)
        error(problem, 0)
      end
      local place = items[1].place
      failures[place] = (failures[place] or 0) + 1
      if not into_shared.is_transient(problem) or not holds_its_own(run) or failures[place] > run.settings.retries then
        error(problem, 0)
      end
      run:drop_connections()
      work.give_back(run.conn, target.load, items, target.owner, nil, true)
      run.log:warn("retry", plan.name, ("%s: %s"):format(plan.files[place].name, tostring(problem):match "^[^\n]*"))
      sys.sleep(retry.delay(failures[place], 0.2, 5))
    end,
    idle = function(progress)
      if progress.spent then
        errors.raise(("was lost by %d loaders, one after the other: see what ends them, then run it again")
          :format(loads.most_attempts), "lost_lease", { file = progress.spent })
      end
      tell_waiting(run, plan, told, progress)
      if sys.clock() - checked > run.settings.lease / 4 then
        checked = sys.clock()
        run.lock:check(run.conn)
      end
    end,
  }
end

--- Whether what is known of a load is of these files, so that it goes on where another holder has left it.
---@param run pghost.Run
---@param draft table of a plan, with its files
---@return boolean
function M.is_known(run, draft)
  local known = loads.plans(run.conn, load_of(run, draft))
  if #known ~= #draft.files then
    return false
  end
  for i, file in ipairs(draft.files) do
    if known[i].path ~= file.path or known[i].member ~= file.member
      or known[i].sampled and known[i].sampled ~= contents.sampled(file) then
      return false
    end
  end
  return true
end

--- Loads all files of a plan, together with whoever joins.
---@param target pghost.load.IntoBuild
---@param plan pghost.Plan
---@param result pghost.Result
---@param load_batch fun(batch: pghost.Batch)
function M.each(target, plan, result, load_batch)
  local run = target.run
  local load = load_of(run, plan)
  if not is_shared(plan) then
    loads.put(run.conn, load, nil, {})
    for _, batch in ipairs(plan.batches) do
      load_batch(batch)
    end
    return
  end
  if not plan.kept.built then
    loads.put(run.conn, load, shipped.load(plan), lists.map(plan.files, shipped.file))
  end
  into_shared.over(target, load, work.owner(run.conn))
  local progress = into_shared.loop(target, loader_of(target, plan, load_batch))
  if progress.attempts > 1 or run.resumed then
    check_same(run, plan, load)
    sweep(run, plan, load)
  else
    loads.close(run.conn, load)
  end
  settle(run, plan, result, load)
end

return M
