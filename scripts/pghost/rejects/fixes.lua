-- Compares a corrected rejects file with the rejects it was written from, to find what changed.
--
-- An untouched record is read from its original bytes again; in a corrected one, every cell that is still as written
-- has its value from the file.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local fields_of = require "pghost.rejects.fields"
local recorded_dialect = require "pghost.input.recorded_dialect"
local moved = require "pghost.rejects.moved"
local rejects_file = require "pghost.rejects.file"
local rejects_reader = require "pghost.rejects.reader"
local sql = require "pghost.lib.sql"

local M = {}

local batch_size = 1000

-- By their numbers only: with the run in the condition, the server may read all rejects of the run each time.
local query = [[
  SELECT r.reject_id, r.run_id, r.table_name, r.file_id, r.line, r.original, r.state, r.replayed_by, f.name,
    pg_catalog.array_to_json(f.header)::text AS header, f.read_as::text AS dialect
  FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
  WHERE r.reject_id = ANY ($1::pg_catalog.int8[])]]

-- A concurrent fix waits here, and examines them afterwards.
local locking = query .. " ORDER BY r.reject_id FOR UPDATE OF r"

local function find(conn, run_id, records, how)
  local ids, found = {}, {}
  for _, record in ipairs(records) do
    ids[#ids + 1] = math.tointeger(tonumber(record.reject))
  end
  if how.was then
    return moved.find(conn, ids, run_id, how.was)
  end
  for row in conn:query(how.lock and locking or query, sql.array(ids)):rows() do
    found[row.reject_id] = row.run_id == run_id and row or nil
  end
  return found
end

local function source_of(sources, row)
  if not sources[row.file_id] then
    if not row.header then
      errors.raise(("the header of '%s' was not recorded: run the pipeline again"):format(row.name or "?"), "usage",
        { exit = 1 })
    end
    sources[row.file_id] = fields_of.source(row.name, cjson.decode(row.header), recorded_dialect.read(row.dialect))
  end
  return sources[row.file_id]
end

-- The position of each column of the file among those of the record: spreadsheets move columns.
local function find_places(record, header)
  local at, seen, list = {}, {}, {}
  for i, name in ipairs(record.columns) do
    seen[name] = (seen[name] or 0) + 1
    at[seen[name] .. name] = i
  end
  seen = {}
  for i, name in ipairs(header) do
    seen[name] = (seen[name] or 0) + 1
    list[i] = record.headerless and i or at[seen[name] .. name]
    if not list[i] then
      return nil, name
    end
  end
  return list
end

-- The same; records of one file have one list of columns, so it is found once for all of them.
local function places(record, source)
  if source.placed_columns ~= record.columns then
    local list, missing = find_places(record, source.header)
    if not list then
      return nil, missing
    end
    source.places, source.placed_columns = list, record.columns
  end
  return source.places
end

-- The value of a cell. An apostrophe is removed only if one was added.
local function value_of(cell, old)
  local written, changed = rejects_file.inert(old)
  if cell == written then
    return old, false
  elseif changed then
    return rejects_file.restored(cell), true
  end
  return cell, true
end

local function from_fields(fix, record, source, old)
  local where, missing = places(record, source)
  if not where then
    return nil, ("column '%s' of '%s' is missing"):format(missing, source.name)
  end
  local fields, touched = {}, old == nil
  for i in ipairs(source.header) do
    local changed
    fields[i], changed = value_of(record.cells[where[i]], old and old[i])
    touched = touched or changed
  end
  if touched then
    fix.columns, fix.fields = source.header, fields
  end
  return fix
end

local function from_bytes(conn, fix, record, row, source)
  if record.original == fields_of.bytes(fields_of.text(source, row.original)) then
    return fix
  end
  local bytes = recorded_dialect.encode(conn, record.original, source.encoding)
  local fields = fields_of.split(source, bytes)
  fix.columns, fix.fields, fix.bytes = fields and source.header, fields, not fields and bytes or nil
  return fix
end

--- What became of a reject that is not open.
---@param row { reject_id: integer, state: string, replayed_by?: integer }
---@return string
function M.taken(row)
  return ("reject %d was already %s%s"):format(row.reject_id, row.state,
    row.replayed_by and " by run " .. row.replayed_by or "")
end

-- Why a record cannot be loaded, and whether that is because it was loaded before; nil: it can be.
local function refusal(record, row, reading)
  local run_id, was, taken = reading.run_id, reading.was, reading.fixes
  if not row then
    return (was and "reject '%s' of run %d is none of run %d, which has rebuilt the table"
      or "no reject '%s' in run %d"):format(record.reject or "", was or run_id, run_id)
  elseif row.line ~= record.line or row.name ~= record.file then
    return ("reject %d is of %s:%s, not of %s:%s"):format(row.reject_id, row.name or "?", row.line or "?", record.file,
      record.line or "?")
  elseif taken[row.reject_id] then
    return ("reject %d is already at line %d"):format(row.reject_id, taken[row.reject_id].at)
  elseif row.state ~= "open" then
    return M.taken(row), true
  elseif row.original == nil then
    return ("the original bytes of reject %d are not known"):format(row.reject_id)
  end
end

local function take(conn, reading, record, row)
  local problem, before = refusal(record, row, reading)
  if not problem then
    local source = source_of(reading.sources, row)
    local fix = { reject_id = row.reject_id, table = row.table_name, at = record.at }
    if reading.complete then
      fix.source, fix.original, fix.line = source, row.original, row.line
    end
    if record.original then
      from_bytes(conn, fix, record, row, source)
    else
      fix, problem = from_fields(fix, record, source, fields_of.split(source, row.original))
    end
    reading.fixes[row.reject_id] = fix
  end
  if problem then
    reading.refused[#reading.refused + 1] = { at = record.at, reason = problem, taken = before }
  end
end

---@class pghost.rejects.Fixes
---@field fixes table<integer, pghost.rejects.Fix> by reject_id
---@field count integer of these
---@field refused { at: integer, reason: string, taken?: boolean }[] records that are not taken in

local function open(path)
  local mode = (path == "-" or paths.is_url(path)) and "file" or lfs.attributes(path, "mode")
  if mode == nil or mode == "directory" then
    errors.raise(mode and ("'%s' is a folder, not a rejects file"):format(path) or ("no such file '%s'"):format(path),
      "ENOENT", { exit = 1 })
  end
  local reader = rejects_reader.open({ path = path }, true)
  if not reader then
    errors.raise(("'%s' is not a rejects file: `pghost rejects --csv FILE` writes one"):format(path), "usage",
      { exit = 1 })
  end
  return reader
end

-- The numbers in column _reject.
local function numbers_of(path)
  local reader <close>, ids, count = open(path), {}, 0
  for record in reader:records() do
    ids[#ids + 1] = record.reject and record.reject:find "^%d+$" and math.tointeger(tonumber(record.reject)) or nil
    count = count + 1
  end
  return ids, count
end

--- The run whose rejects a file has, by their numbers; nil where none of them has a number. Raises where there is none
--- of these, or where there are several.
---@param conn pghost.Connection
---@param present boolean there is a history
---@param path string
---@return integer? run_id
function M.find_run(conn, present, path)
  local ids, count = numbers_of(path)
  if count > 0 and #ids == 0 then
    return nil
  end
  local runs = {}
  for row in present and conn:query([[
    SELECT DISTINCT run_id FROM pghost.rejects WHERE reject_id = ANY ($1::pg_catalog.int8[]) ORDER BY 1]],
    sql.array(ids)):rows() or function() end do
    runs[#runs + 1] = row.run_id
  end
  if #runs == 0 then
    errors.raise(("'%s' has no reject of a run in this database"):format(path), "usage", { exit = 1 })
  elseif #runs > 1 then
    errors.raise(("'%s' has rejects of the runs %s: name one, pghost fix RUN %s"):format(path, table.concat(runs, ", "),
      path), "usage", { exit = 1 })
  end
  return runs[1]
end

--- Reads a corrected rejects file.
---@param conn pghost.Connection
---@param run_id integer whose rejects they are
---@param path string
---@param how? { lock?: boolean, complete?: boolean, was?: integer } lock: the rejects, to the end of the transaction;
--- complete: each fix has its source, line and original bytes; was: the file has the numbers of that earlier run
---@return pghost.rejects.Fixes
function M.read(conn, run_id, path, how)
  local reader <close> = open(path)
  local reading, batch = { run_id = run_id, fixes = {}, refused = {}, sources = {}, count = 0,
    complete = how and how.complete, was = how and how.was }, {}
  local function flush()
    local found = find(conn, run_id, batch, how or {})
    for _, record in ipairs(batch) do
      take(conn, reading, record, found[math.tointeger(tonumber(record.reject)) or 0])
    end
    batch = {}
  end
  for record in reader:records() do
    batch[#batch + 1] = record
    if #batch == batch_size then
      flush()
    end
  end
  flush()
  for _ in pairs(reading.fixes) do
    reading.count = reading.count + 1
  end
  return reading
end

return M
