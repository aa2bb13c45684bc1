-- Corrections and waivers in the history (pghost.corrections): keyed by the content of the file, the line and the
-- original bytes, so that they apply whenever the same record comes again. reapply.lua applies them.

local batches = require "pghost.lib.batches"
local cjson = require "cjson"
local hex = require "pghost.lib.hex"
local metadata = require "pghost.run.schema"
local recordable = require "pghost.run.recordable"
local reject_list = require "pghost.rejects.list"
local sys = require "pghost.native.sys"

local M = {}

--- A rejected record as somebody corrected it. Without fields and bytes it is as it was.
---@class pghost.rejects.Fix: pghost.replay.Correction
---@field reject_id integer
---@field table string that it is meant for
---@field at integer line of the rejects file
---@field source? pghost.rejects.Source of its file, where asked for
---@field line? integer the same
---@field original? string the same

-- The last one of a record counts, even if it was rejected twice (a file under two names).
local insert = [[
  INSERT INTO pghost.corrections (kind, target_schema, table_name, file_sha256, line, original_sha256, original,
    columns, fields, bytes, note, reject_id, made_by, made_in)
  SELECT DISTINCT ON (r.table_name, f.sha256, r.line, r.original) %s
  ORDER BY r.table_name, f.sha256, r.line, r.original, r.reject_id DESC
  ON CONFLICT (target_schema, table_name, file_sha256, line, original_sha256) WHERE reverted_at IS NULL
  DO UPDATE SET kind = excluded.kind, columns = excluded.columns, fields = excluded.fields, bytes = excluded.bytes,
    note = excluded.note, reject_id = excluded.reject_id, made_by = excluded.made_by, made_in = excluded.made_in,
    database_user = excluded.database_user, made_at = excluded.made_at]]

local insert_corrected = insert:format [[
    'corrected', $2, r.table_name, f.sha256, r.line, pg_catalog.sha256(r.original), r.original, n.columns, n.fields,
    pg_catalog.decode(n.bytes, 'hex'), NULL, r.reject_id, $3, $4::pg_catalog.int8
  FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS n (reject_id pg_catalog.int8, columns pg_catalog.jsonb,
      fields pg_catalog.jsonb, bytes pg_catalog.text)
    JOIN pghost.rejects AS r ON r.reject_id = n.reject_id
    JOIN pghost.files AS f ON f.file_id = r.file_id
  WHERE f.sha256 IS NOT NULL AND r.line IS NOT NULL AND r.original IS NOT NULL]]

local insert_waived = insert:format [[
    'waived', u.target_schema, r.table_name, f.sha256, r.line, pg_catalog.sha256(r.original), r.original,
    NULL::pg_catalog.jsonb, NULL::pg_catalog.jsonb, NULL::pg_catalog.bytea, r.note, r.reject_id, $7,
    NULL::pg_catalog.int8
  FROM w AS r JOIN pghost.files AS f ON f.file_id = r.file_id JOIN pghost.runs AS u ON u.run_id = r.run_id
  WHERE f.sha256 IS NOT NULL AND r.line IS NOT NULL AND r.original IS NOT NULL]]

local function who(conn)
  return recordable.text(conn, sys.user())
end

local function as_json(fix)
  local fields
  if fix.fields then
    fields = {}
    for i = 1, #fix.columns do
      fields[i] = fix.fields[i] == nil and cjson.null or fix.fields[i]
    end
  end
  return { reject_id = fix.reject_id, columns = fix.columns, fields = fields, bytes = fix.bytes
    and hex.encode(fix.bytes) or nil }
end

--- Keeps the corrections that went into a table; in the transaction that publishes it.
---@param run pghost.Run
---@param fixes table<integer, pghost.rejects.Fix>
---@param noted string table, or query in parentheses, with the outcome of each reject
function M.keep(run, fixes, noted)
  local made_by = who(run.conn)
  local list = batches.new(function(batch)
    run.conn:query(insert_corrected, cjson.encode(batch), run.target, made_by, run.id)
  end)
  -- Only those: open rejects may have characters that the database cannot store.
  for row in run.conn:query(("SELECT o.reject_id FROM %s AS o WHERE o.state = 'corrected'"):format(noted)):rows() do
    local fix = fixes[row.reject_id]
    if fix and (fix.fields or fix.bytes) then
      list:add(as_json(fix))
    end
  end
  list:flush()
end

--- Whether one of these is meant for a table.
---@param fixes table<integer, pghost.rejects.Fix>
---@param name string
---@return boolean
function M.touch(fixes, name)
  for _, fix in pairs(fixes) do
    if fix.table == name then
      return true
    end
  end
  return false
end

--- SQL of what a rejects file calls a record: reject `r` of the file `f` (decided.lua).
M.record_hash = [[pg_catalog.left(pg_catalog.encode(
            pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat(f.sha256, ':', r.line, ':'), 'UTF8')
              OPERATOR(pg_catalog.||) r.original), 'hex'), 24)]]

--- How many corrections and waivers are in force for a table, with those of rejects files of its loads.
---@param conn pghost.Connection
---@param schema string
---@param name string
---@return integer
function M.in_force(conn, schema, name)
  return conn:query([[
    SELECT (SELECT pg_catalog.count(*) FROM pghost.corrections
        WHERE target_schema = $1 AND table_name = $2 AND reverted_at IS NULL)
      + (SELECT pg_catalog.count(*) FROM pghost.taken_in
        WHERE target_schema = $1 AND table_name = $2 AND reverted_at IS NULL) AS records]], schema, name)[1].records
end

--- Marks the chosen open rejects as waived, now and whenever the same records come again.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@param reason? string
---@return integer waived
function M.waive(conn, filter, reason)
  return conn:query(([[
    WITH w AS (
      UPDATE pghost.rejects SET state = 'waived', note = coalesce($6, note)
      WHERE state = 'open' AND reject_id IN (SELECT r.reject_id FROM %s)
      RETURNING reject_id, run_id, table_name, file_id, line, original, note
    ), kept AS (%s)
    SELECT pg_catalog.count(*) AS records FROM w]]):format(reject_list.chosen, insert_waived),
    filter.run_id, filter.table, filter.file, filter.rule, "open", reason, who(conn))[1].records
end

-- Of the table of the reject, or of the one that its correction was made for.
local of_table = [[(c.target_schema = r.target_schema AND c.table_name = r.table_name
          AND (r.state = 'waived' OR NOT pg_catalog.starts_with(coalesce(r.note, ''), 'as corrected for '))
        OR r.note = pg_catalog.concat('as corrected for ', pg_catalog.quote_ident(c.target_schema), '.',
          pg_catalog.quote_ident(c.table_name)))]]

--- Reverts the corrections and waivers of the chosen rejects. A waived reject is open again. One that was corrected
--- stays so: its record is in the table that its run published; the next run that reads it will reject it.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@return integer waived
---@return integer corrected
function M.revert(conn, filter)
  metadata.migrate(conn)
  local row = conn:query(([[
    WITH found AS (
      SELECT r.reject_id, r.run_id, r.table_name, r.state, r.line, r.original, f.sha256, f.name, u.target_schema,
        r.note, %s AS record
      FROM (SELECT r.* FROM %s) AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
        JOIN pghost.runs AS u ON u.run_id = r.run_id
      WHERE r.state IN ('corrected', 'waived')
    ), gone AS (
      UPDATE pghost.corrections AS c SET reverted_at = pg_catalog.clock_timestamp(), reverted_by = $6
      FROM found AS r
      WHERE c.reverted_at IS NULL AND %s
        AND c.file_sha256 = r.sha256 AND c.line = r.line AND c.original_sha256 = pg_catalog.sha256(r.original)
        AND c.kind = r.state
    ), also_gone AS (
      UPDATE pghost.taken_in AS c SET reverted_at = pg_catalog.clock_timestamp(), reverted_by = $6
      FROM found AS r
      WHERE c.reverted_at IS NULL AND r.state = 'corrected' AND %s
        AND (pg_catalog.substr(c.reject, 10) = r.record
          OR r.sha256 IS NULL AND c.run_id = r.run_id AND c.file = r.name AND c.line = r.line)
    ), told AS (
      UPDATE pghost.rejects AS j SET state = CASE WHEN j.state = 'waived' THEN 'open' ELSE j.state END,
        note = CASE WHEN j.state = 'waived' THEN NULL ELSE 'correction reverted' END
      FROM found AS r WHERE j.reject_id = r.reject_id AND j.state = r.state
        AND (j.state = 'waived' OR j.note IS DISTINCT FROM 'correction reverted')
      RETURNING r.state
    )
    SELECT pg_catalog.count(*) FILTER (WHERE state = 'waived') AS waived,
      pg_catalog.count(*) FILTER (WHERE state = 'corrected') AS corrected FROM told]]):format(M.record_hash,
    reject_list.chosen, of_table, of_table), filter.run_id, filter.table, filter.file, filter.rule,
    filter.state or "all", who(conn))[1]
  return row.waived, row.corrected
end

return M
