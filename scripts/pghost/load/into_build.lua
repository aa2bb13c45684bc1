-- The target of run:load, run:stage and run:clean: tables in the build schema of a run, over separate connections.
--
-- With one connection a table is created in the transaction that fills it, which lets the server skip WAL where it
-- may; several must see it first.

local accounts = require "pghost.load.accounts"
local attempts = require "pghost.load.attempts"
local budget = require "pghost.load.budget"
local build_plan = require "pghost.load.build_plan"
local check = require "pghost.check"
local cleaning = require "pghost.load.cleaning"
local columns_of = require "pghost.catalog.columns"
local connection = require "pghost.connection"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local expectations = require "pghost.checks.expectations"
local file_records = require "pghost.load.file_records"
local kept = require "pghost.load.kept"
local lists = require "pghost.lib.lists"
local partitions = require "pghost.partitions"
local primary_key = require "pghost.load.primary_key"
local profile_parts = require "pghost.load.profile_parts"
local profiles = require "pghost.load.profiles"
local ledger = require "pghost.ledger"
local modes = require "pghost.modes"
local over_budget = require "pghost.load.over_budget"
local obstacles = require "pghost.distribute.obstacles"
local originals = require "pghost.rejects.originals"
local raw_table = require "pghost.load.raw_table"
local refusals = require "pghost.modes.refusals"
local rehearsal = require "pghost.modes.rehearsal"
local reapply = require "pghost.rejects.reapply"
local remarks = require "pghost.load.remarks"
local repeats = require "pghost.load.repeats"
local statistics = require "pghost.load.statistics"
local sys = require "pghost.native.sys"
local tables = require "pghost.load.tables"

local M = {}

---@class pghost.load.IntoBuild: pghost.load.Target
---@field run pghost.Run
---@field name string
---@field targets { raw?: boolean, clean?: boolean }
---@field made boolean the tables are there
---@field fresh boolean the transaction under way has made them, and no hook has made something else of them
---@field raw? pghost.Connection[]
---@field clean? pghost.Connection[]
---@field readers? pghost.Connection[] of the raw table that records come from; none: one is read over
---@field partitions? pghost.partitions.Told
---@field repeats? pghost.load.Repeats records whose key came before, of the COPYs under way and then of all
---@field attempt? pghost.load.Profiles of the COPYs under way
---@field profiles? pghost.load.Profiles of those that are committed
local Target = {}
Target.__index = Target

---@param run pghost.Run
---@param name string of the clean table
---@param targets { raw?: boolean, clean?: boolean }
---@return pghost.load.IntoBuild
function M.new(run, name, targets)
  return setmetatable({ run = run, name = name, targets = targets, made = false, fresh = false,
    progress = run.progress_options }, Target)
end

--- See pghost.load.Target; without files the records are those of the raw table.
function Target:plan(files, rules, options)
  self.budget = budget.of_table(self.run, self.name, options)
  local plan = build_plan.make(self.run, self.name, files, rules, options, self.targets)
  expectations.check_plan(self.run, plan)
  return plan
end

-- Connections and tables ---------------------------------------------------------------------------------

local function create(self, plan, raw_conn, clean_conn)
  local run = self.run
  if plan.targets.raw then -- of a new table _loaded_at is added after the load, where it costs nothing
    local loaded_at = not self.fresh and tables.loaded_at(raw_conn, run.started) or nil
    run:create_table(raw_conn, plan.raw_table, tables.raw(plan.raw_columns, loaded_at), plan.options.unlogged)
  end
  if plan.targets.clean then
    run:create_table(clean_conn, plan.clean_table, tables.clean(plan.clean_columns, plan.position))
  end
  self.made = true
end

-- Whether the tables are made and committed before any stream begins: several connections must see them, and what
-- distributes them waits for itself on a second connection of this process.
local function created_first(run, plan, is_placed)
  return is_placed or plan.workers > 1 or plan.kept ~= nil and plan.kept.shared
    or run.cluster and run.settings.table_created ~= nil
end

--- What a killed run has loaded counts as loaded.
function Target:begin(plan, result)
  self.started = sys.clock()
  if plan.kept then
    kept.take_over(plan, result)
  end
  self.made = plan.kept ~= nil and plan.kept.built
  if #plan.batches == 0 then
    return
  end
  local is_placed = distribute.is_placed(self.run, plan.clean_table, plan.raw_table)
  if is_placed then
    obstacles.check_room(self.run, plan)
  end
  if created_first(self.run, plan, is_placed) and not self.made then
    create(self, plan, self.run.conn, self.run.conn)
  end
end

function Target:take_connections(plan)
  self.all, self.readers = {}, plan.raw_source and raw_table.readers(self.run, plan) or {}
  for _, kind in ipairs { "clean", "raw" } do
    if plan.targets[kind] then
      self[kind] = distribute.connections(self.run, plan[kind .. "_table"], kind, plan.workers)
      table.move(self[kind], 1, plan.workers, #self.all + 1, self.all)
    end
  end
end

function Target:before(plan, batch, result)
  file_records.begin(self.run, plan, result, batch.files)
end

--- The batches of a plan, one after the other; with the setting share whoever joins loads them too.
function Target:each(plan, result, load_batch)
  if self.run.settings.share and not plan.raw_source then
    require("pghost.share.holder").each(self, plan, result, load_batch)
    return
  end
  for _, batch in ipairs(plan.batches) do
    load_batch(batch)
  end
end

--- One transaction of all connections; retried over new ones after a transient error.
function Target:transaction(fn, plan, batch, result)
  local made = self.made
  attempts.run(self.run, plan, batch, result, function(committing)
    self.made = made -- what a failed attempt has created is rolled back
    self:take_connections(plan)
    local all = table.move(self.readers, 1, #self.readers, #self.all + 1, { table.unpack(self.all) })
    connection.transaction_of_all(all, function()
      fn()
      committing()
    end)
  end)
end

--- Makes the tables that are not there, and the COPYs into them.
function Target:streams(plan, batch)
  distribute.one_backend_per_node(self.run, self.all)
  self.fresh = not self.made and not self.run.settings.table_created
  if not self.made then
    create(self, plan, self.raw and self.raw[1], self.clean and self.clean[1])
    for _, conn in ipairs(self.all) do
      conn:write_early()
    end
  end
  local function stream(kind, name, columns, position, as_text)
    return self[kind] and { connections = self[kind], position = position, as_text = as_text,
      copy = tables.copy(self.run:qualified(name), { names = columns, position = position, as_text = as_text,
        freeze = self.fresh }) } or nil
  end
  local text = self.clean and batch.program:needs_text()
  local raw = stream("raw", plan.raw_table, plan.raw_columns, true)
  if raw then
    raw.position = nil -- a raw stream always has it
  end
  local clean = stream("clean", plan.clean_table, plan.clean_columns and columns_of.names(plan.clean_columns),
    plan.position, text)
  if self.repeats then -- of an attempt that failed
    self.repeats:close()
  end
  self.repeats = repeats.new(self.run, plan, batch)
  if self.repeats then
    clean.key, clean.repeats = self.repeats.key, self.repeats.spool.path
  end
  self.attempt = profiles.new(self.run, plan, batch.program)
  return { program = batch.program, workers = plan.workers, memory = self.run.settings.memory, raw = raw,
    profile = self.attempt and self.attempt.clean, raw_profile = self.attempt and self.attempt.raw, clean = clean }
end

--- What a clean reads, in the place of files.
function Target:work(plan)
  if plan.raw_source then
    return raw_table.work(self.run, plan, self)
  end
end

function Target.done(_, plan, file)
  if file.counts.records == 0 and not plan.options.allow_empty then
    errors.raise("no record below the header: leave the file out, or load it with allow_empty", "data",
      { file = file.file.name })
  end
end

function Target:stopped(plan, result, message)
  over_budget.raise_stopped(self.run, plan, self.budget, result, message)
end

function Target.failed(_, plan, _, message, code)
  errors.raise(("could not load table '%s': %s"):format(plan.name, message), code)
end

-- A single connection sees all records before they are committed, and can still freeze some; several see each other's
-- only after.
function Target:loaded(_, _, totals)
  if self.repeats then
    self.repeats:counted(totals)
    if #self.clean == 1 then
      totals.clean_rows = totals.clean_rows + self.repeats:judge(self.clean[1], self.fresh)
    end
  end
end

function Target:filled(plan, result)
  result.frozen = result.frozen or self.fresh
  if self.raw and self.fresh then
    self.raw[1]:query(("ALTER TABLE %s ADD COLUMN %s"):format(self.run:qualified(plan.raw_table),
      tables.loaded_at(self.raw[1], self.run.started)))
  end
end

function Target:committed(plan, batch, result)
  for kind, profile in pairs(self.profiles and self.attempt or {}) do
    self.profiles[kind]:add(profile)
  end
  self.profiles = self.profiles or self.attempt
  local run = self.run
  run.conn:transaction(function(conn)
    cleaning.save(conn, run.id, plan.name, result.cleaning)
    if plan.kept then
      kept.keep(conn, run.id, plan, lists.map(batch.files, function(file)
        return result:of(file)
      end), self.attempt)
    end
  end)
end

-- When all records are in ---------------------------------------------------------------------------------

-- Raw tables are looked up and counted, not joined: a tenth of the usual sample costs a tenth of the time.
local raw_target <const> = 10

-- The positions are no longer needed; but a table of new rows keeps them under other names, for rows that the published
-- table refuses only on publish (modes/refused.lua).
local function leave_positions(conn, plan, clean)
  if plan.first or plan.mode == "partitions" then
    conn:query(("ALTER TABLE %s DROP COLUMN _file_id, DROP COLUMN _line"):format(clean))
  else
    conn:query(("ALTER TABLE %s RENAME COLUMN _file_id TO _pghost_file"):format(clean))
    conn:query(("ALTER TABLE %s RENAME COLUMN _line TO _pghost_line"):format(clean))
  end
end

-- Rows that the published table refuses do not count as loaded.
local function refuse(conn, run, plan, result)
  local refused, total, unsure = refusals.settle(conn, run, plan)
  result:refuse(refused, total)
  return total, unsure
end

-- Nor do those that it refuses when they are written. Where no reject is allowed publishing tells the first.
local function rehearse(run, plan, allowed, result, unsure)
  if plan.first or plan.mode == "partitions" or allowed:allows_none() then
    return
  end
  local refused, total = rehearsal.settle(run, plan, unsure)
  result:refuse(refused, total)
  if plan.key and total > 0 then
    result.left_by_file = primary_key.count_by_file(run.conn, run:qualified(plan.clean_table), "_pghost_file")
  end
end

local function make_key(run, plan, result, repeated, seconds, allowed)
  local clean = run:qualified(plan.clean_table)
  local to_judge, stored = repeated ~= nil and repeated.displaced == nil, 0
  if plan.position then
    run:transaction(function(conn)
      local refused, unsure = 0, false
      if plan.key then
        stored = to_judge and repeated:judge(conn, false) or 0
        result.duplicates_by_file, result.duplicates = primary_key.apply(conn, run, plan, result.frozen and plan.first,
          repeated)
      end
      if not plan.first then
        refused, unsure = refuse(conn, run, plan, result)
      end
      if plan.partition then
        refused = refused + partitions.refuse(conn, run, plan, result)
      end
      if plan.key and (plan.raw_source ~= nil or result.duplicates + refused > 0) then
        result.left_by_file = primary_key.count_by_file(conn, clean, "_file_id")
      end
      leave_positions(conn, plan, clean)
      rehearse(run, plan, allowed, result, unsure)
    end)
    result:add { clean_rows = stored }
  end
  statistics.analyse(run.conn, clean, seconds)
end

-- What is stored is of all records of the load, or there is nothing. A load that was complete before has it already.
local function save_profiles(self, plan, result)
  local run = self.run
  if not plan.kept then
    profiles.save(run, plan, self.profiles)
    return
  end
  local whole = self.profiles
  if kept.is_in_parts(plan) then
    whole = profile_parts.whole(run, plan, lists.map(result.files, function(file)
      return file.id
    end))
  end
  if whole or #plan.batches > 0 then
    run.conn:transaction(function(conn)
      profiles.forget(conn, run.id, plan)
      profiles.save(run, plan, whole)
    end)
  end
end

--- Holds what was read against the ledger, makes the key, proves the accounts, and makes the tables ready to publish.
function Target:finish(plan, result)
  local run, seconds = self.run, sys.clock() - self.started
  run.watched[#run.watched + 1] = ledger.settle(run, plan, result)
  if #plan.files == 0 and not plan.raw_source then
    return -- all were left out: the published table stays as it is
  end
  if plan.targets.clean and not plan.complete then
    make_key(run, plan, result, self.repeats, seconds, self.budget)
  end
  if self.repeats then
    self.repeats:close()
  end
  if plan.targets.raw and plan.first and not plan.complete then
    statistics.analyse(run.conn, run:qualified(plan.raw_table), seconds, raw_target)
  end
  save_profiles(self, plan, result)
  reapply.run(run, plan, result)
  run:add_built(modes.built(run, plan))
  self.partitions = partitions.build(run, plan)
  accounts.prove(run, plan, result)
  file_records.settle(run, plan, result)
  for _, file in ipairs(result.files) do
    local others = remarks.other_lines(file)
    if others then
      run.log:info("lines", plan.name, others, { file = file.file.name, lines = file.counts.lines })
    end
    remarks.repaired(file, plan.options, function(level, text)
      run.log:event(level, "repair", plan.name, text, { file = file.file.name, repairs = file.counts.repairs })
    end)
  end
  originals.fill(run, plan.name, plan.options, result.files)
end

--- Whether the run may continue with the table: within its budget, and not empty. Raises if not.
function Target:judge(plan, result)
  local run = self.run
  if result.rejects then
    remarks.rejects(run, plan.name, result.rejects.kinds)
    over_budget.check(run, plan, self.budget, result)
  end
  check.evaluate(run, check.not_empty(plan.targets.clean and plan.name or plan.name .. "_raw"))
end

return M
