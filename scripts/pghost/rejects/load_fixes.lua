-- The records of a corrected rejects file that go into the table of a `pghost load`, each once: chosen, and their
-- outcome recorded, in the transaction that loads them (load/by_itself.lua).
--
-- Rejects with a number are in the history. Their rows are locked before they are looked at, so a second fix waits, and
-- then finds them taken in. Those of `pghost load --rejects FILE` have a hash: one that was loaded is a row of
-- pghost.taken_in, which a second fix waits for in the same way.

local errors = require "pghost.lib.errors"
local corrections = require "pghost.rejects.corrections"
local fields_of = require "pghost.rejects.fields"
local fixed_records = require "pghost.rejects.fixed_records"
local fixes_of = require "pghost.rejects.fixes"
local hashed = require "pghost.rejects.hashed"
local history = require "pghost.run.history"
local load_call = require "pghost.rejects.load_call"
local parts_of = require "pghost.rejects.parts"
local recordable = require "pghost.run.recordable"
local rejects_reader = require "pghost.rejects.reader"
local sql = require "pghost.lib.sql"

local M = {}

---@class pghost.rejects.LoadFixes
---@field path string of the rejects file
---@field call pghost.rejects.LoadCall
---@field of? table the run whose rejects they are; nil: they have hashes
---@field refused { at: integer, reason: string, taken?: boolean }[] of the last attempt
---@field open { at: integer, note: string }[] still wrong
---@field corrected integer
---@field replayed integer that passed as they were
local Fixes = {}
Fixes.__index = Fixes

--- Those of a file with numbers.
---@param path string
---@param run table from recorded.find
---@param call pghost.rejects.LoadCall
---@return pghost.rejects.LoadFixes
function M.of_run(path, run, call)
  return setmetatable({ path = path, of = run, call = call }, Fixes)
end

--- Those of a file with hashes.
---@param path string
---@param call pghost.rejects.LoadCall
---@return pghost.rejects.LoadFixes
function M.of_file(path, call)
  return setmetatable({ path = path, call = call }, Fixes)
end

-- A record as it was corrected, or as it was.
local function record_of(fix)
  local source = fix.source
  local fields = fix.fields or not fix.bytes and fields_of.split(source, fix.original) or nil
  return { at = fix.at, reject = tostring(fix.reject_id), file = source.name, columns = source.header, line = fix.line,
    headerless = source.headerless or false, fields = fields, source = source,
    original = not fields and fields_of.bytes(fields_of.text(source, fix.bytes or fix.original)) or nil }
end

-- The load's options with what was found in the file, once per file.
local function dialect_of_source(self, dialects, source)
  if not dialects[source] then
    local dialect = {}
    for _, from in ipairs { self.call.dialect, source.dialect } do
      for name, value in pairs(from) do
        dialect[name] = value
      end
    end
    dialect.encoding, dialect.header, dialect.line_end = nil, nil, nil
    dialects[source] = dialect
  end
  return dialects[source]
end

local function numbered_parts(self, conn)
  local reading = fixes_of.read(conn, self.of.run_id, self.path, { lock = true, complete = true })
  self.refused, self.fixes = reading.refused, reading.fixes
  local list, dialects, at = {}, {}, 0
  for _, fix in pairs(reading.fixes) do
    list[#list + 1] = record_of(fix)
  end
  table.sort(list, function(a, b)
    return a.at < b.at
  end)
  return parts_of.of(self.path, function()
    at = at + 1
    return list[at]
  end, function(record)
    return dialect_of_source(self, dialects, record.source)
  end)
end

-- Only records of one table; another table's are another fix.
local function check_call(self, calls, record)
  local text = record.load or ""
  local call = calls[text] or load_call.read(text)
  if not call then
    errors.raise("column _load does not say which load it is of", "data", { file = self.path, line = record.at })
  elseif call.into ~= self.call.into then
    errors.raise(("is of a load into %s, the first record of one into %s: one file a table"):format(call.into,
      self.call.into), "data", { file = self.path, line = record.at })
  end
  calls[text] = call
  return call
end

local function hashed_parts(self, conn, relation)
  local reader <close> = errors.check(rejects_reader.open { path = self.path }, "no rejects file")
  local taking = hashed.begin(conn, relation)
  for record in reader:records() do
    taking:add(record)
  end
  local list, calls, at = taking:take(), {}, 0
  self.taking, self.refused = taking, taking.refused
  return parts_of.of(self.path, function()
    at = at + 1
    return list[at]
  end, function(record)
    return check_call(self, calls, record).dialect
  end)
end

--- The records that are to be loaded. Called in the transaction of the load, once an attempt.
---@param conn pghost.Connection
---@param relation pghost.load.Relation
---@return pghost.rejects.Part[]
function Fixes:parts(conn, relation)
  self.open, self.corrected, self.replayed = {}, 0, 0
  if self.of then
    return numbered_parts(self, conn)
  end
  return hashed_parts(self, conn, relation)
end

-- Why the load has refused some, by what each is called.
local function rejected_of(job)
  local rejected = {}
  for reject in job.spool:rejects() do
    local record = job.plan.files[reject.file_id].records.records[reject.line]
    if record then
      rejected[record.reject] = (reject.column and reject.column .. ": " or "") .. reject.reason
    end
  end
  return rejected
end

local update_taken = [[
  UPDATE pghost.rejects SET state = $2, replayed_by = $3, note = NULL
  WHERE reject_id = ANY ($1::pg_catalog.int8[]) AND state = 'open']]

local update_open = [[
  UPDATE pghost.rejects AS r SET note = n.note
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.text[]))
    AS n (reject_id, note)
  WHERE r.reject_id = n.reject_id AND r.state = 'open']]

local function settle_numbered(self, job, rejected, run_id)
  local conn, taken, open, notes = job.conn, { corrected = {}, replayed = {} }, {}, {}
  local records = {}
  for id, fix in pairs(self.fixes) do
    local problem = rejected[tostring(id)]
    if problem then
      local note = ("in run %d: %s"):format(run_id, problem)
      self.open[#self.open + 1] = { at = fix.at, note = note }
      open[#open + 1], notes[#notes + 1] = id, recordable.text(conn, note)
    end
    local state = problem and "open" or (fix.fields or fix.bytes) and "corrected" or "replayed"
    local list = taken[state] or {}
    list[#list + 1] = id
    records[#records + 1] = { file = fix.source.name or "", state = state }
  end
  for state, ids in pairs(taken) do
    conn:query(update_taken, sql.array(ids), state, run_id)
    self[state] = #ids
  end
  conn:query(update_open, sql.array(open), sql.array(notes))
  corrections.keep({ conn = conn, target = job.target.relation.schema, id = run_id }, self.fixes,
    ("(SELECT reject_id, state FROM pghost.rejects WHERE replayed_by = %d)"):format(run_id))
  return records
end

local function settle_hashed(self, rejected, run_id)
  local records = {}
  for i, record in ipairs(self.taking.taken) do
    local problem = rejected[record.reject]
    records[i] = { file = record.file, line = record.line, state = problem and "open" or "corrected",
      column = record.column, reason = record.reason or "" }
    if problem then
      self.open[#self.open + 1] = { at = record.at, note = problem }
    end
    self.corrected = self.corrected + (problem and 0 or 1)
  end
  self.taking:settle(rejected, run_id)
  return records
end

--- Records what became of the records, as a run of its own. In the transaction of the load, after it.
---@param job pghost.by_itself.Job
---@return integer? run_id nil: there was nothing to load
function Fixes:settle(job)
  local conn, relation = job.conn, job.target.relation
  if #job.plan.files == 0 then
    return nil
  end
  local rejected = rejected_of(job)
  local run_id = history.record_load(conn, { target = relation.schema, started = job.started,
    attempt = job.session.attempt, replay_of = self.of and self.of.run_id, config = { into = relation.qualified,
      fix = recordable.text(conn, self.path) } })
  local records = self.of and settle_numbered(self, job, rejected, run_id) or settle_hashed(self, rejected, run_id)
  fixed_records.save(conn, run_id, { table = relation.name, path = self.path, records = records })
  history.finish(conn, run_id, "published")
  table.sort(self.open, function(a, b)
    return a.at < b.at
  end)
  return run_id
end

return M
