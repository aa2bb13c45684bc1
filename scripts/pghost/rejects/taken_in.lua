-- Rejects of the history whose records `pghost load` takes in from a rejects file: each once. They are marked as
-- corrected in the transaction of the load, and their corrections are kept.
--
-- Known are rejects with a number (of `pghost rejects --csv`) that were meant for the very table. Of those with a hash
-- (of `pghost load --rejects`) it is noted which were taken in, where there is a history at all.

local corrections = require "pghost.rejects.corrections"
local errors = require "pghost.lib.errors"
local hashed = require "pghost.rejects.hashed"
local metadata = require "pghost.run.schema"
local sql = require "pghost.lib.sql"

local M = {}

local function has_history(conn, table_name)
  return conn:query([[
    SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = 'pghost' AND c.relname = $1
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
    ) AS present]], table_name)[1].present
end

-- Two loads of one file wait for each other here.
local query = [[
  SELECT r.reject_id, r.line, r.state, r.replayed_by, f.name
  FROM pghost.rejects AS r JOIN pghost.runs AS u ON u.run_id = r.run_id
    LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
  WHERE r.reject_id = ANY ($1::pg_catalog.int8[]) AND r.table_name = $2 AND u.target_schema = $3
  ORDER BY r.reject_id FOR UPDATE OF r]]

-- The records with a number, but for those that this load has rejected: by that number.
local function numbered(job)
  local rejected, by_id, ids = {}, {}, {}
  for reject in job.spool:rejects() do
    rejected[reject.file_id .. ":" .. reject.line] = true
  end
  for i, file in ipairs(job.plan.files) do
    for line, record in pairs(file.records and file.records.records or {}) do
      local id = record.reject and record.reject:find("^%d+$") and math.tointeger(tonumber(record.reject))
      if id and line > 1 then
        by_id[id] = by_id[id] or {}
        table.insert(by_id[id], { record = record, file = file, rejected = rejected[i .. ":" .. line] })
        ids[#ids + 1] = by_id[id][2] == nil and id or nil
      end
    end
  end
  return by_id, ids
end

local function refuse(one, text)
  errors.raise(("%s: leave the record out"):format(text), "data", { file = one.file.name, line = one.record.at })
end

local function by_line(a, b)
  return a.record.at < b.record.at
end

local function take(fixes, row, all)
  table.sort(all, by_line)
  local one = all[1]
  if one.record.line ~= row.line or one.record.file ~= row.name then
    return -- a number of another database
  elseif row.state ~= "open" then
    refuse(one, ("reject %d was already %s%s"):format(row.reject_id, row.state,
      row.replayed_by and " by run " .. row.replayed_by or ""))
  elseif all[2] then
    refuse(all[2], ("reject %d is already at line %d"):format(row.reject_id, one.record.at))
  elseif not one.rejected then
    fixes[row.reject_id] = { reject_id = row.reject_id, columns = one.record.columns, fields = one.record.fields,
      bytes = one.record.original }
  end
end

-- Those that are rejected once more stay what they are.
local function mark_hashed(job)
  local conn, relation, rejected = job.conn, job.target.relation, {}
  local taking = hashed.begin(conn, relation)
  local files = {}
  for _, file in ipairs(job.plan.files) do
    for _, record in pairs(file.records and file.records.records or {}) do
      if hashed.is(record.reject) then
        taking:add(record)
        files[record.reject] = file
      end
    end
  end
  if next(files) == nil or not has_history(conn, "taken_in") then
    return
  end
  metadata.check_trust(conn)
  for reject in job.spool:rejects() do
    local record = job.plan.files[reject.file_id].records
    record = record and record.records[reject.line]
    rejected[record and record.reject or ""] = reject.reason
  end
  taking:take()
  for _, refused in ipairs(taking.refused) do
    refuse({ file = files[refused.reject], record = refused }, refused.reason)
  end
  taking:settle(rejected)
end

local function mark_numbered(job)
  local by_id, ids = numbered(job)
  local conn, relation = job.conn, job.target.relation
  if #ids == 0 or not has_history(conn, "corrections") then
    return
  end
  metadata.check_trust(conn)
  local fixes, taken = {}, {}
  for row in conn:query(query, sql.array(ids), relation.name, relation.schema):rows() do
    take(fixes, row, by_id[row.reject_id])
  end
  for id in pairs(fixes) do
    taken[#taken + 1] = id
  end
  conn:query([[
    UPDATE pghost.rejects SET state = 'corrected', note = 'taken in by pghost load'
    WHERE reject_id = ANY ($1::pg_catalog.int8[])]], sql.array(taken))
  corrections.keep({ conn = conn, target = relation.schema }, fixes,
    ("(SELECT reject_id, state FROM pghost.rejects WHERE reject_id = ANY ('%s'::pg_catalog.int8[]))"):format(
      sql.array(taken)))
end

--- Marks what a load has taken in; raises at a record that was before. In the transaction of the load, after it.
---@param job pghost.by_itself.Job
function M.mark(job)
  mark_numbered(job)
  mark_hashed(job)
end

return M
