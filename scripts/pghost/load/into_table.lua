-- The target of `pghost load`: one table, existing or created, over one connection, in the caller's transaction.

local budget = require "pghost.load.budget"
local decided = require "pghost.rejects.decided"
local defaults = require "pghost.load.target"
local errors = require "pghost.lib.errors"
local lock_waits = require "pghost.load.lock_waits"
local log = require "pghost.lib.log"
local native_profile = require "pghost.native.profile"
local relation = require "pghost.load.relation"
local reapply = require "pghost.rejects.reapply_load"
local self_reference = require "pghost.load.self_reference"
local remarks = require "pghost.load.remarks"
local statistics = require "pghost.load.statistics"
local stored = require "pghost.load.stored_rows"
local table_plan = require "pghost.load.table_plan"
local tables = require "pghost.load.tables"

local M = {}

-- Below this many rows autovacuum's own ANALYZE comes soon enough.
local analyse_from = 10000

---@class pghost.load.TableOptions: pghost.Dialect
---@field create? boolean
---@field truncate? boolean
---@field workers? integer
---@field memory? integer bytes that blocks may hold together
---@field dialect? "auto" found by looking at each file, where no option says it
---@field columns? string[] that the fields go to, in order, whatever the header says
---@field null_text? string this text is NULL too
---@field max_rejects? pghost.Allowance nil: none
---@field analyse? boolean default true
---@field fixes? pghost.rejects.LoadFixes
---@field profile? boolean what is loaded is profiled
---@field allow_dropped? boolean triggers may store other rows than those sent

---@class pghost.load.IntoTable: pghost.load.Target
---@field conn pghost.Connection
---@field into pghost.load.Name
---@field say pghost.load.Say
---@field relation? pghost.load.Relation what the catalog says of the table, once it is there
---@field held table[] what is closed with the target
---@field read_once? pghost.File that rules out a second attempt
---@field over_budget boolean it was given up for its rejects
---@field rows_before? integer in the table, where something acts on rows after COPY has counted them
---@field sent? integer rows that COPY has counted
---@field spool pghost.Spool
---@field staged? pghost.load.SelfReference the records go there first, since a key of the table is to itself
---@field undigested boolean the files are not hashed
---@field lenient boolean the server's refusals are rejects: some are allowed, or may be corrected or waived
---@field reapplied pghost.rejects.Reapplied what became of rejects that were decided on before
---@field profiles pghost.Profile[] one a batch, where they are wanted
---@field readings table<string, pghost.Column> of a table that was created with types
---@field at_once? boolean constraint triggers do not wait for the COMMIT
---@field waited? pghost.Error of those that did
---@field fresh? boolean this transaction has made or emptied the table
local Target = setmetatable({}, defaults)
Target.__index = Target

---@param conn pghost.Connection in a transaction
---@param into pghost.load.Name
---@param say pghost.load.Say
---@param spool pghost.Spool of its rejects
---@param progress? table options of the progress bar
---@return pghost.load.IntoTable target to be kept in a `<close>` variable
function M.new(conn, into, say, spool, progress)
  return setmetatable({ conn = conn, into = into, say = say, spool = spool, progress = progress, held = {},
    over_budget = false, reapplied = reapply.nothing, readings = {}, profiles = {} }, Target)
end

function Target:plan(files, rules, options)
  if not options.create then
    if not relation.lock_now(self.conn, self.into) then
      lock_waits.query(self.conn, self.into.quoted, function()
        relation.lock(self.conn, self.into)
      end, self.say)
    end
    self.relation = relation.find(self.conn, self.into)
  end
  local plan = table_plan.make(self, files, rules, options)
  local spare = options.fixes and 0 or decided.count(self.conn, self.relation) * #plan.files -- one content each
  self.budget, self.lenient = budget.of_load(options.max_rejects, spare), options.max_rejects ~= nil or spare > 0
  self.undigested = not self.lenient -- it tells the files of rejects, of which there are none
  return plan
end

--- Whether records go into separate tables first: of several COPYs, one may refer to a record of a later one.
---@param plan pghost.Plan
---@return pghost.load.SelfReference?
function Target:stage(plan)
  return (self.lenient or #plan.batches > 1) and self_reference.of(self.conn, self.relation, self.read_once) or nil
end

function Target:begin(plan)
  local options = plan.options
  relation.check_at_once(self.conn, self.relation)
  if self.at_once then
    relation.run_waiting_triggers(self.conn, self.relation)
  end
  if options.truncate then
    lock_waits.query(self.conn, self.relation.qualified, "TRUNCATE " .. self.relation.qualified, self.say)
    self.say("info", "load", ("emptied %s, in the same transaction"):format(self.relation.qualified))
  end
  self.rows_before = stored.count(self.conn, self.relation)
  self.staged = self:stage(plan)
  if options.create or options.truncate then
    self.fresh = self.relation.kind == "r"
    self.conn:write_early()
  end
end

-- Into separate tables first, with file and line.
local function staged_streams(self, plan, batch, text, profile)
  return { program = batch.program, profile = profile, workers = plan.workers, memory = plan.options.memory,
    clean = { connections = { self.conn }, as_text = text, careful = true, position = true, tell_lines = true,
      copy = tables.copy(self.staged:stage(plan, batch), { names = batch.names, as_text = text, position = true }) } }
end

-- A profile per batch: those of different headers have different columns.
local function new_profile(self, plan, batch)
  local profile = plan.options.profile and native_profile.new(batch.program) or nil
  self.profiles[#self.profiles + 1] = profile
  return profile
end

function Target:streams(plan, batch)
  local profile = new_profile(self, plan, batch)
  if self.staged then
    return staged_streams(self, plan, batch, batch.as_text or batch.short, profile)
  end
  local careful = not self.relation.of_statement
    and (self.relation.after_insert or self.lenient and (self.relation.guarded or batch.as_text))
  local text = batch.as_text or batch.short
  return { program = batch.program, profile = profile, workers = plan.workers, memory = plan.options.memory,
    clean = { connections = { self.conn }, as_text = text, careful = careful, tell_lines = true,
      may_drop = true, copy = tables.copy(self.relation.qualified, { names = batch.names, as_text = text,
        freeze = self.fresh and not careful }) } }
end

function Target:done(plan, file)
  local others = remarks.other_lines(file)
  if others then
    self.say("info", "lines", others)
  end
  remarks.repaired(file, plan.options, function(level, text)
    self.say(level, "repair", text)
  end)
end

-- The lines of a rejects file are not the original lines of its records.
local function tell_odd(self, plan, totals)
  for _, odd in ipairs(totals.odd) do
    local file = plan.files[odd.file_id]
    self.say("info", "types", ("%s:%d: %s: %s is read by the server%s"):format(file and file.name or "",
      odd.line, odd.column, odd.text, odd.count > 1 and (", as are %s more"):format(log.count(odd.count - 1)) or ""))
  end
end

local triggers_query = [[
  SELECT pg_catalog.quote_ident(tgname) AS name FROM pg_catalog.pg_trigger
  WHERE (tgrelid = $1::regclass::oid OR tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass)))
    AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype::integer & 4 = 4 ORDER BY tgname]]

local function raise_dropped(self, text)
  local actors = {}
  for row in self.conn:query(triggers_query, self.relation.qualified):rows() do
    actors[#actors + 1] = "trigger " .. row.name
  end
  errors.raise(("%s: %s: %s: change it, or load with --allow-dropped"):format(self.relation.qualified, text,
    #actors > 0 and "the table has " .. table.concat(actors, ", ")
    or "the server counts a different number of rows"), "account")
end

local function check_stored(self, options, dropped)
  if dropped == 0 then
    return
  end
  local text = ("%s sent %s not stored as sent"):format(log.counted(math.abs(dropped), "row"),
    math.abs(dropped) == 1 and "was" or "were")
  if not options.allow_dropped then
    raise_dropped(self, text)
  end
  self.say("warn", "load", text)
end

function Target:loaded(plan, result, totals)
  tell_odd(self, plan, totals)
  check_stored(self, plan.options, totals.loaded - totals.clean_rows)
  self.sent = (self.sent or 0) + totals.clean_rows
  for i, file in ipairs(result.files) do
    local refused = totals.refused[i]
    if refused and file.counts then
      file.counts.loaded, file.counts.rejected = file.counts.loaded - refused, file.counts.rejected + refused
    end
  end
end

local function raise_over(self, text)
  self.over_budget = true
  errors.raise(text .. ": nothing is loaded", "budget")
end

function Target:stopped(_, _, message)
  local count = self.budget.table.count or 0
  raise_over(self, self.budget.table.percent and message
    or ("more rejected records than the %s that --max-rejects allows"):format(log.count(count)))
end

function Target.failed(_, _, batch, message, code)
  local alone = #batch.files == 1 and not message:find(batch.files[1].name, 1, true)
  errors.raise(message, code, { file = alone and batch.files[1].name or nil })
end

--- The records that the table refuses become rejects, the others are inserted.
---@param plan pghost.Plan
---@param result pghost.Result
function Target:settle_staged(plan, result)
  local refused, inserted = self.staged:settle(plan)
  local by_file = {}
  for _, one in ipairs(refused) do
    by_file[one.file_id] = (by_file[one.file_id] or 0) + 1
  end
  result:refuse(by_file, #refused)
  self.spool:add(refused)
  self.sent = inserted
  check_stored(self, plan.options, result.totals.loaded - inserted)
end

-- What was decided on before does not count.
local function check_budget(self, plan, result)
  local totals, settled = result.totals, self.reapplied.totals
  local rejected = totals.rejected - settled.corrected - settled.waived
  local most = plan.options.max_rejects and self.budget.table.count or not plan.options.max_rejects and 0
  if most and rejected > most then
    raise_over(self, ("more rejected records than the %s that --max-rejects allows"):format(log.count(most)))
  elseif budget.excess({ percent = self.budget.table.percent }, rejected, totals.records) then
    raise_over(self, ("%s of %s rejected, --max-rejects allows %g%%"):format(log.count(rejected),
      log.counted(totals.records, "record"), self.budget.table.percent))
  end
end

-- What waits for the COMMIT, while its error can still be placed.
local function run_waiting(self)
  local good, problem = pcall(relation.run_waiting_triggers, self.conn, self.relation)
  if not good then
    self.waited = errors.is(problem) and problem or nil
    error(problem, 0)
  end
end

function Target:finish(plan, result)
  if self.staged then
    self:settle_staged(plan, result)
  end
  if self.budget.spare > 0 and result.totals.rejected > 0 then
    local sent
    self.reapplied, sent = reapply.run(self, plan, result)
    self.sent = (self.sent or 0) + sent
  end
  run_waiting(self)
  if self.rows_before then
    check_stored(self, plan.options, stored.missing(self.conn, self.relation, self.rows_before, self.sent or 0))
  end
  check_budget(self, plan, result)
end

--- Updates the table's statistics, after the COMMIT: nobody waits for them with what the load has locked.
---@param plan pghost.Plan
---@param loaded integer
---@param seconds number that the load took
function Target:analyse(plan, loaded, seconds)
  if plan.options.analyse ~= false and self.relation.can_analyse and loaded >= analyse_from then
    statistics.update(self.conn, self.relation, seconds, self.say)
  end
end

--- Lets go of what was held open. Twice is fine.
function Target:close()
  for _, one in ipairs(self.held) do
    one:close()
  end
  self.held = {}
end

Target.__close = Target.close

return M
