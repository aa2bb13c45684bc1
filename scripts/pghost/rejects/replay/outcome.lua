-- The outcome of each replayed reject, and why: collected in a table of the build schema, written into the history by
-- the transaction that publishes.

local columns = require "pghost.catalog.columns"
local corrections = require "pghost.rejects.corrections"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"
local staging = require "pghost.rejects.replay.staging"

local M = {}

local longest_value = 200 -- characters of a key shown in a note

-- Every record that came out must be one that went in: a reject is not split into several.
local function check_mapped(run, kind, source, line)
  local stray = run.conn:query(([[
    SELECT pg_catalog.count(*) AS records FROM %s AS s
    LEFT JOIN %s AS m ON m.in_source = s.%s AND m.in_line = s.%s WHERE m.reject_id IS NULL]])
    :format(staging.name(run, kind), staging.name(run, "map"), source, line))[1].records
  if stray > 0 then
    errors.raise(("%s now read as several: the options of the step have changed too much for a replay")
      :format(log.counted(stray, "rejected record is", "rejected records are")), "data")
  end
end

local function note_rejected(run)
  return run.conn:query(([[
    INSERT INTO %s SELECT m.reject_id, 'open', pg_catalog.concat('in run ', $1::pg_catalog.text, ': ',
      pg_catalog.concat_ws(': ', s.column_name, s.reason)) FROM %s]])
    :format(staging.name(run, "outcome"), staging.from(run, "rejects")), tostring(run.id)).affected
end

-- Whether a record's key is in a table. From a table on other servers only those keys are fetched that records have:
-- the innermost subquery is run first, and sent to them.
local function is_in(run, plan, one)
  local key = columns.key(run.conn, one.name, plan.key)
  local valid = one.with_validity and " AND t._valid_to IS NULL" or ""
  local same = columns.same_key(key, "t", "s")
  if not run.cluster then
    return ("EXISTS (SELECT 1 FROM %s AS t WHERE %s%s)"):format(one.name, same, valid)
  end
  return ("EXISTS (SELECT 1 FROM (SELECT %s FROM %s AS t WHERE EXISTS (SELECT 1 FROM (SELECT %s FROM %s OFFSET 0) AS s "
    .. "WHERE %s)%s OFFSET 0) AS t WHERE %s)"):format(relations.list(plan.key, "t.%s"), one.name,
    relations.list(plan.key), staging.name(run, "clean"), same, valid, same)
end

-- Of the records whose key is in one of the tables, or came before among those replayed, none is taken.
local function note_duplicates(run, plan, tables)
  local present = {}
  for i, one in ipairs(tables) do
    present[i] = is_in(run, plan, one)
  end
  local key = relations.list(plan.key, "s.%s")
  local count = run.conn:query(([[
    INSERT INTO %s
    SELECT reject_id, 'open', pg_catalog.concat('in run ', $1::pg_catalog.text, ': duplicate of ',
      $2::pg_catalog.text, ' ''', pg_catalog.left(key_text, %d), '''',
      CASE WHEN present THEN ' in the table' ELSE ' among the records replayed' END)
    FROM (
      SELECT m.reject_id, pg_catalog.concat_ws(', ', %s) AS key_text,
        pg_catalog.row_number() OVER (PARTITION BY %s ORDER BY m.file_id, m.line) AS place,
        (%s) AS present
      FROM %s
    ) AS ranked
    WHERE present OR place > 1]]):format(staging.name(run, "outcome"), longest_value, key, key,
      table.concat(present, " OR "), staging.from(run, "clean")),
    tostring(run.id), table.concat(plan.key, ", ")).affected
  run.conn:query(([[
    DELETE FROM %s AS s USING %s AS m, %s AS o
    WHERE m.in_source = s._file_id AND m.in_line = s._line AND o.reject_id = m.reject_id]])
    :format(staging.name(run, "clean"), staging.name(run, "map"), staging.name(run, "outcome")))
  return count
end

-- What passed, and what neither passed nor was refused: a filter, or the reader, leaves it out now.
local function note_rest(run, kind)
  local function take(condition)
    return run.conn:query(("INSERT INTO %s SELECT m.reject_id, m.becomes, NULL FROM %s WHERE m.becomes %s 'corrected'")
      :format(staging.name(run, "outcome"), staging.from(run, kind), condition)).affected
  end
  local loaded, corrected = take("<>"), take("=")
  local noted = staging.name(run, "outcome")
  local filtered = run.conn:query(([[
    INSERT INTO %s
    SELECT m.reject_id, m.becomes, pg_catalog.concat('left out in run ', $1::pg_catalog.text) FROM %s AS m
    WHERE NOT EXISTS (SELECT 1 FROM %s AS o WHERE o.reject_id = m.reject_id)]])
    :format(noted, staging.name(run, "map"), noted), tostring(run.id)).affected
  return loaded, corrected, filtered
end

--- Notes what became of the records of a table; those that have a key already are taken out of what passed.
---@param run pghost.Run
---@param plan pghost.Plan
---@param tables { name: string, with_validity?: boolean }[] quoted names of tables whose keys are taken
---@return { records: integer, loaded: integer, corrected: integer, rejected: integer, filtered: integer }
function M.note(run, plan, tables)
  local main = plan.targets.clean and "clean" or "raw"
  check_mapped(run, main, "_file_id", "_line")
  check_mapped(run, "rejects", "file_id", "line")
  local rejected = note_rejected(run)
  if plan.key then
    rejected = rejected + note_duplicates(run, plan, tables)
  end
  local loaded, corrected, filtered = note_rest(run, main)
  return { records = loaded + corrected + rejected + filtered, loaded = loaded, corrected = corrected,
    rejected = rejected, filtered = filtered }
end

--- Notes that the published table refuses records that passed: they stay open.
---@param run pghost.Run
---@param list pghost.modes.Refusal[]
---@return integer loaded so many fewer than noted before
---@return integer corrected
function M.refuse(run, list)
  local files, lines, reasons = lists.pluck(list, "file_id"), lists.pluck(list, "line"), lists.pluck(list, "reason")
  local row = run.conn:query(([[
    WITH told AS (
      UPDATE %s AS o SET state = 'open', note = pg_catalog.concat('in run ', $1::pg_catalog.text, ': ', u.reason)
      FROM %s AS m, ROWS FROM (pg_catalog.unnest($2::pg_catalog.int8[]), pg_catalog.unnest($3::pg_catalog.int8[]),
        pg_catalog.unnest($4::pg_catalog.text[])) AS u (file, line, reason)
      WHERE m.reject_id OPERATOR(pg_catalog.=) o.reject_id AND m.file_id OPERATOR(pg_catalog.=) u.file
        AND m.line OPERATOR(pg_catalog.=) u.line AND o.state OPERATOR(pg_catalog.<>) 'open' RETURNING m.becomes
    ) SELECT pg_catalog.count(*) FILTER (WHERE becomes OPERATOR(pg_catalog.<>) 'corrected') AS loaded,
      pg_catalog.count(*) FILTER (WHERE becomes OPERATOR(pg_catalog.=) 'corrected') AS corrected FROM told]]):format(
    staging.name(run, "outcome"), staging.name(run, "map")), tostring(run.id), sql.array(files), sql.array(lines),
    sql.array(reasons))[1]
  return row.loaded, row.corrected
end

--- Writes the outcome into the history; in the transaction that publishes. Raises where a reject that
--- goes into the table is not open any more, as one that was waived in the meantime.
---@param run pghost.Run
function M.record(run)
  staging.create_outcome(run)
  local noted = staging.name(run, "outcome")
  run.conn:query(([[
    UPDATE pghost.rejects AS r
    SET state = o.state, note = o.note,
      replayed_by = CASE WHEN o.state OPERATOR(pg_catalog.<>) 'open' THEN $1::pg_catalog.int8 END
    FROM %s AS o WHERE r.reject_id = o.reject_id AND r.state = 'open']]):format(noted), run.id)
  local lost = run.conn:query(([[
    SELECT pg_catalog.count(*) AS records FROM %s AS o LEFT JOIN pghost.rejects AS r USING (reject_id)
    WHERE o.state OPERATOR(pg_catalog.<>) 'open' AND r.replayed_by IS DISTINCT FROM $1::pg_catalog.int8]])
    :format(noted), run.id)[1].records
  if lost > 0 then
    errors.raise(("%s waived, corrected or deleted during the replay: run it again"):format(log.counted(lost,
      "reject was", "rejects were")), "changed")
  end
  if run.replay.fixes then
    corrections.keep(run, run.replay.fixes, noted)
  end
end

return M
