-- Reapplies earlier decisions on rejects in a `pghost load`: once its files are read, those of its rejects that were
-- waived or corrected before (decided.lua) are taken from them, and the corrected ones go into the table by the same
-- rules and engine, in the same transaction. reapply.lua does the same for runs.

local budget = require "pghost.load.budget"
local contents = require "pghost.input.contents"
local decided = require "pghost.rejects.decided"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local load = require "pghost.load"
local log = require "pghost.lib.log"
local recorded_dialect = require "pghost.input.recorded_dialect"
local rejects_parts = require "pghost.rejects.parts"
local sinks = require "pghost.load.sinks"
local spools = require "pghost.load.spool"
local table_plan = require "pghost.load.table_plan"

local M = {}

---@class pghost.rejects.Reapplied what became of rejects on which was decided before
---@field by_reject table<string, { state: "corrected"|"waived"|"open", note?: string }> by file and line
---@field totals { corrected: integer, waived: integer }
---@field by_file table<integer, { corrected: integer, waived: integer }> by file_id of the load
local Reapplied = {}
Reapplied.__index = Reapplied

--- What became of one; nil: nobody has decided on it, or its correction was not reached.
---@param reject pghost.SpooledReject
---@return { state: "corrected"|"waived"|"open", note?: string }?
function Reapplied:of(reject)
  return self.by_reject[reject.file_id .. ":" .. reject.line]
end

--- Whether a reject counts, is shown and written: it is neither corrected nor waived.
---@param reject pghost.SpooledReject
---@return boolean
function Reapplied:is_open(reject)
  local one = self:of(reject)
  return not one or one.state == "open"
end

local function settle(self, reject, state, note)
  self.by_reject[reject.file_id .. ":" .. reject.line] = { state = state, note = note }
  if state ~= "open" then
    self.totals[state] = self.totals[state] + 1
    self.by_file[reject.file_id] = self.by_file[reject.file_id] or { corrected = 0, waived = 0 }
    self.by_file[reject.file_id][state] = self.by_file[reject.file_id][state] + 1
  end
end

local function new()
  return setmetatable({ by_reject = {}, totals = { corrected = 0, waived = 0 }, by_file = {} }, Reapplied)
end

M.nothing = new()

-- The hash of what was read of a file; of one that was not read to its end, of all of it.
local function hash_of(file, one)
  local sha256 = one and one.counts and one.counts.sha256
  if not sha256 and not file.read_once and not file.records then
    local read, digest = pcall(contents.digest, file)
    sha256 = read and digest and digest.sha256
  end
  return sha256 or nil
end

-- Decisions on the records of these files. Those of a rejects file say themselves what is to be read.
local function decisions(target, plan, result)
  local hashes, list = {}, {}
  for i, file in ipairs(plan.files) do
    hashes[i] = not file.records and hash_of(file, result and result.files[i]) or false
    list[#list + 1] = hashes[i] or nil
  end
  local next_reject = target.spool:rejects()
  return decided.find(target.conn, target.relation, list, function()
    for reject in next_reject do
      if hashes[reject.file_id] then
        return { hash = decided.hash(hashes[reject.file_id], reject.line, reject.original) }
      end
    end
  end), hashes
end

-- Records to load ----------------------------------------------------------------------------------------

-- A correction as a record of a rejects file, which rejects_parts reads. Columns of the same header have the names that
-- this load gives them.
local function record_of(file, reject, decision)
  local header = recorded_dialect.header(file.header, file.reading)
  local columns = decision.columns or header
  if table.concat(columns, "\0") == table.concat(header, "\0") then
    columns = file.header_names and table.move(file.header_names, 1, #header, 1, {}) or header
  end
  local original
  if not decision.fields then
    local source = fields_of.source(file.name, header, file.reading, file.line_end)
    original = decision.text or fields_of.bytes(fields_of.text(source, decision.bytes))
  end
  return { at = reject.line, file = file.name, columns = columns, line = reject.line,
    headerless = file.headerless and not file.header_names or false, fields = decision.fields, original = original,
    settles = reject, note = not decision.own and "as corrected for " .. decision.made_for or nil }
end

local function dialect_of(dialects, file)
  if not dialects[file] then
    dialects[file] = {}
    for name, value in pairs(file.reading) do
      dialects[file][name] = value
    end
    dialects[file].header_names = nil
  end
  return dialects[file]
end

local function parts_of(records, files)
  local at, dialects = 0, {}
  return rejects_parts.of("", function()
    at = at + 1
    return records[at]
  end, function(record)
    return dialect_of(dialects, files[record.settles.file_id])
  end)
end

-- The target once more, for the corrected records alone.
local function second_target(target, spool)
  local second = setmetatable({ planned = false, spool = spool, held = {}, staged = false, fresh = false, sent = 0,
    read_once = false, budget = budget.unlimited(), lenient = true, progress = { enabled = false } },
    { __index = target })
  function second:plan(parts, rules, options)
    return table_plan.of_records(self, parts, rules, options)
  end
  function second:begin(plan)
    self.staged = self:stage(plan) or false
  end
  function second:finish(plan, result)
    if self.staged then
      self:settle_staged(plan, result)
    end
  end
  return second
end

local function note_of(reject)
  return ("its correction does not pass: %s%s"):format(reject.column and reject.column .. ": " or "", reject.reason)
end

-- Loads them; returns how many rows were sent.
local function load_records(self, target, plan, records)
  local spool <close> = spools.new()
  local second = second_target(target, spool)
  local options = setmetatable({ max_rejects = {} }, { __index = plan.options })
  local result, made = load.run(second, sinks.spool(spool), parts_of(records, plan.files), plan.rules, options)
  local open = {}
  for reject in spool:rejects() do
    local record = made.files[reject.file_id].records.records[reject.line]
    open[record or {}] = note_of(reject)
  end
  for i, file in ipairs(made.files) do
    if result.files[i].counts.records ~= file.records.count then
      errors.raise(("a correction of '%s' does not read as one record: pghost rejects RUN --revert takes it back")
        :format(file.records.name), "data")
    end
  end
  for _, record in ipairs(records) do
    settle(self, record.settles, open[record] and "open" or "corrected", open[record] or record.note)
  end
  return second.sent
end

-- For people ---------------------------------------------------------------------------------------------

local function tell(target, made_for, unneeded, refused)
  for name, count in pairs(made_for) do
    target.say("info", "corrected", ("%s made for %s applied"):format(log.counted(count, "correction"), name))
  end
  if refused > 0 then
    target.say("warn", "corrected", ("%s rejected although corrected before"):format(log.counted(refused, "record")))
  end
  if unneeded > 0 then
    target.say("info", "corrected", ("%s not applied: the record passes as it is"):format(
      log.counted(unneeded, "correction")))
  end
end

local function count_open(self, records)
  local count = 0
  for _, record in ipairs(records) do
    count = count + (self:is_open(record.settles) and 1 or 0)
  end
  return count
end

-- Whether a record that was taken in once is what it still is: nobody has corrected it.
local function is_unchanged(file, reject, decision)
  local source = fields_of.source(file.name, recorded_dialect.header(file.header, file.reading), file.reading,
    file.line_end)
  if not decision.fields then
    return (decision.text or decision.bytes) == (decision.text and fields_of.text(source, reject.original)
      or reject.original)
  end
  local fields = fields_of.split(source, reject.original)
  for i = 1, fields and #source.header or 0 do
    if fields[i] ~= decision.fields[i] then
      return false
    end
  end
  return fields ~= nil
end

-- Iterates over the rejects that have a correction or waiver, each with what becomes of it. A record that the server
-- refused may pass unchanged once others are corrected. `met` counts this table's corrections that match a reject.
local function each_decided(target, plan, found, hashes, met)
  local next_reject = target.spool:rejects()
  return function()
    for reject in next_reject do
      local sha256 = hashes[reject.file_id]
      local one = sha256 and found:of(sha256, reject.line, reject.original)
      met.count = met.count + (one and one.own and one.kind == "corrected" and 1 or 0)
      if one and not (one.kind == "corrected" and reject.rule ~= "server"
        and is_unchanged(plan.files[reject.file_id], reject, one)) then
        return reject, one
      end
    end
  end
end

--- Takes the waived rejects of a load from those that count, and loads the corrected ones. In its transaction, once all
--- records are in.
---@param target pghost.load.IntoTable
---@param plan pghost.Plan
---@param result pghost.Result
---@return pghost.rejects.Reapplied
---@return integer rows that were sent
function M.run(target, plan, result)
  local self, records, made_for, met = new(), {}, {}, { count = 0 }
  local found, hashes = decisions(target, plan, result)
  for reject, one in each_decided(target, plan, found, hashes, met) do
    if one.kind == "waived" then
      settle(self, reject, "waived", one.note)
    elseif one.kind == "differs" then
      settle(self, reject, "open", ("its corrections for %s differ"):format(one.made_for))
    else
      records[#records + 1] = record_of(plan.files[reject.file_id], reject, one)
      made_for[one.made_for] = not one.own and (made_for[one.made_for] or 0) + 1 or nil
    end
  end
  local sent = #records > 0 and load_records(self, target, plan, records) or 0
  tell(target, made_for, found:count_own() - met.count, count_open(self, records))
  return self, sent
end

--- The waived and corrected rejects of a load that was given up for its rejects: nothing is loaded.
---@param target pghost.load.IntoTable
---@param plan pghost.Plan
---@return pghost.rejects.Reapplied
function M.look(target, plan)
  local self = new()
  local found, hashes = decisions(target, plan)
  for reject, one in each_decided(target, plan, found, hashes, { count = 0 }) do
    if one.kind ~= "differs" then
      settle(self, reject, one.kind, one.note)
    end
  end
  return self
end

return M
