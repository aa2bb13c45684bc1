-- Reapplies earlier decisions on rejects: when the records of a run's table are loaded, those of its rejects that were
-- waived or corrected before are looked up, and the corrected ones go through the same rules and engine into the table.
-- The cost grows with the rejects; a table without corrections costs one lookup.

local budget = require "pghost.load.budget"
local cjson = require "cjson"
local cleaning = require "pghost.load.cleaning"
local columns = require "pghost.catalog.columns"
local corrections = require "pghost.rejects.corrections"
local engine = require "pghost.load.engine"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local file_records = require "pghost.load.file_records"
local header = require "pghost.load.header"
local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local originals = require "pghost.rejects.originals"
local outcome = require "pghost.rejects.replay.outcome"
local recorded_dialect = require "pghost.input.recorded_dialect"
local rehearsal = require "pghost.modes.rehearsal"
local relations = require "pghost.catalog.relations"
local sinks = require "pghost.load.sinks"
local sources = require "pghost.rejects.replay.sources"
local staging = require "pghost.rejects.replay.staging"
local tables = require "pghost.load.tables"

local M = {}

-- What was decided on records of these rejects, in runs and in loads. $1 is the schema, $2 the table.
local decisions = [[
  SELECT r.reject_id, c.kind, c.note, c.columns, c.fields, c.bytes, false AS is_text, c.made_at
  FROM %s AS r JOIN pghost.corrections AS c ON c.file_sha256 = r.sha256 AND c.line = r.line
    AND c.original_sha256 = r.original
  WHERE c.target_schema = $1 AND c.table_name = $2 AND c.reverted_at IS NULL
  UNION ALL
  SELECT r.reject_id, 'corrected', NULL, t.columns, t.fields, t.bytes, true, t.made_at
  FROM %s AS r JOIN pghost.taken_in AS t ON pg_catalog.substr(t.reject, 10) = r.record
  WHERE t.target_schema = $1 AND t.table_name = $2 AND t.reverted_at IS NULL]]

-- The rejects of this run by what decisions are kept by, and the last decision on each, in tables that the planner
-- knows the size of: in pghost.rejects it takes those of this run for one, and would look at each for each correction.
local function collect(run, plan)
  local open, decided = staging.name(run, "open"), staging.name(run, "decided")
  run.conn:query(("CREATE TABLE %s (reject_id pg_catalog.int8, sha256 pg_catalog.text, line pg_catalog.int8, "
    .. "original pg_catalog.bytea, record pg_catalog.text)"):format(open))
  run.conn:query(([[
    INSERT INTO %s SELECT r.reject_id, f.sha256, r.line, pg_catalog.sha256(r.original), %s
    FROM pghost.rejects AS r JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE r.run_id = $1 AND r.table_name = $2 AND r.state = 'open']]):format(open, corrections.record_hash), run.id,
    plan.name)
  staging.analyse(run, { "open" })
  run.conn:query(("CREATE TABLE %s (reject_id pg_catalog.int8, kind pg_catalog.text, note pg_catalog.text, columns "
    .. "pg_catalog.jsonb, fields pg_catalog.jsonb, bytes pg_catalog.bytea, is_text pg_catalog.bool)"):format(decided))
  run.conn:query(([[
    INSERT INTO %s SELECT DISTINCT ON (d.reject_id) d.reject_id, d.kind, d.note, d.columns, d.fields, d.bytes, d.is_text
    FROM (%s) AS d ORDER BY d.reject_id, d.made_at DESC]]):format(decided, decisions:format(open, open)), run.target,
    plan.name)
  staging.analyse(run, { "decided" })
end

local function waive(run, plan)
  local count = run.conn:query(([[
    UPDATE pghost.rejects AS j SET state = 'waived', note = n.note
    FROM %s AS n WHERE j.reject_id = n.reject_id AND n.kind = 'waived']]):format(staging.name(run, "decided"))).affected
  if count > 0 then
    run.log:info("waived", plan.name, ("%s waived before"):format(log.counted(count, "reject")), { waived = count })
  end
end

-- A correction in the form of sources.lua. Text of a rejects file is UTF-8, whatever its file is in.
local function decode(run, row)
  local bytes = row.bytes
  if row.is_text and bytes then
    bytes = fields_of.bytes(bytes)
    if bytes == row.bytes then
      bytes = recorded_dialect.encode(run.conn, bytes, recorded_dialect.read(row.dialect).encoding)
    end
  end
  return { columns = row.columns and cjson.decode(row.columns), bytes = bytes,
    fields = row.fields and json.texts(row.fields) }
end

local function corrected(run)
  return run:connection("reader"):stream(([[
    SELECT r.reject_id, r.file_id, r.line, r.original, f.name, pg_catalog.array_to_json(f.header)::text AS header,
      f.read_as::text AS dialect, d.columns::text AS columns, d.fields::text AS fields, d.bytes, d.is_text
    FROM %s AS d JOIN pghost.rejects AS r ON r.reject_id = d.reject_id JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE d.kind = 'corrected' ORDER BY r.file_id, r.line, r.reject_id]]):format(staging.name(run, "decided")))
end

local function create(run, plan)
  local made = { map = staging.map_columns, rejects = tables.reject_columns,
    clean = tables.clean(plan.clean_columns, true) }
  for kind, definitions in pairs(made) do
    run.conn:query(("CREATE TABLE %s (%s)"):format(staging.name(run, kind), definitions))
  end
  staging.create_outcome(run)
end

local function load_corrected(run, plan)
  local sink = sinks.into_table(run, plan.name, tables.copy(staging.name(run, "rejects"), {}))
  local names, as_text = columns.names(plan.clean_columns), plan.program:needs_text()
  local streams = { program = plan.program, workers = 1, memory = run.settings.memory,
    clean = { connections = { run:connection "clean1" }, as_text = as_text, position = true,
      copy = tables.copy(staging.name(run, "clean"), { names = names, position = true, as_text = as_text }) } }
  streams.rejects = budget.unlimited():enforce(sink.stream(), {}, 0, true)
  local next_source = sources.of(run, plan, corrected(run), function(row)
    return decode(run, row)
  end)
  return select(2, engine.run(streams, { files = next_source, failed = errors.raise, open = function(one)
    return one.source, { file_id = one.number, clean_map = header.match(plan.name, one.header, plan.clean_columns) }
  end }))
end

-- Tables whose keys a corrected record must not have: what is built and, where records are only added, what is there.
local function taken(run, plan)
  local list = { { name = run:qualified(plan.clean_table) } }
  if plan.mode == "append" and not plan.first then
    list[2] = { name = relations.quote(run.target) .. "." .. relations.quote(plan.name) }
  end
  return list
end

-- Whether rows keep their positions until they are published (leave_positions in into_build.lua).
local function has_positions(plan)
  return not plan.first and plan.mode ~= "partitions"
end

-- Which refused rows are of corrected records. Others have passed before: publishing tells them.
local function of_corrected(run, list)
  local known = {}
  for row in run.conn:query(([[
      SELECT pg_catalog.concat(m.file_id, ':', m.line) AS place FROM %s AS m JOIN %s AS o ON o.reject_id = m.reject_id
      WHERE o.state = 'corrected']]):format(staging.name(run, "map"), staging.name(run, "outcome"))):rows() do
    known[row.place] = true
  end
  return lists.filter(list, function(one)
    return known[("%d:%d"):format(one.file_id, one.line)]
  end)
end

-- Of the corrected rows, those that the published table refuses stay rejects.
local function refuse(run, plan, counts)
  local order = ("EXISTS (SELECT 1 FROM %s AS m WHERE m.file_id OPERATOR(pg_catalog.=) n._pghost_file "
    .. "AND m.line OPERATOR(pg_catalog.=) n._pghost_line), n._pghost_file, n._pghost_line"):format(
    staging.name(run, "map"))
  local list = of_corrected(run, rehearsal.refused(run, plan, { always = true, order = order }))
  if #list > 0 then
    outcome.refuse(run, list)
    rehearsal.remove(run.conn, run:qualified(plan.clean_table), list)
    counts.corrected, counts.rejected = counts.corrected - #list, counts.rejected + #list
  end
  return #list
end

local function insert(run, conn, plan, counts)
  local list = columns.names(plan.clean_columns)
  local into, from = relations.list(list), relations.list(list, "s.%s")
  if has_positions(plan) then
    into, from = into .. ", _pghost_file, _pghost_line", from .. ", m.file_id, m.line"
  end
  local count = conn:query(([[
    INSERT INTO %s (%s) SELECT %s FROM %s AS s JOIN %s AS m ON m.in_source = s._file_id AND m.in_line = s._line
      JOIN %s AS o ON o.reject_id = m.reject_id AND o.state = 'corrected']]):format(run:qualified(plan.clean_table),
    into, from, staging.name(run, "clean"), staging.name(run, "map"), staging.name(run, "outcome"))).affected
  count = count - (has_positions(plan) and refuse(run, plan, counts) or 0)
  conn:query(([[
    UPDATE pghost.rejects AS r SET state = o.state, note = CASE WHEN o.state = 'open'
      THEN pg_catalog.concat('its correction does not pass ', o.note) ELSE o.note END,
      replayed_by = CASE WHEN o.state = 'corrected' THEN $1::pg_catalog.int8 END
    FROM %s AS o WHERE r.reject_id = o.reject_id AND r.state = 'open']]):format(staging.name(run, "outcome")), run.id)
  for _, kind in ipairs { "map", "rejects", "clean", "outcome" } do
    conn:query("DROP TABLE " .. staging.name(run, kind))
  end
  return count
end

local function tell(run, plan, counts)
  if counts.records > 0 then
    run.log:info("corrected", plan.name, ("%s corrected before: %s loaded"):format(log.counted(counts.records,
      "reject"), log.count(counts.corrected + counts.filtered)), { corrected = counts.corrected + counts.filtered })
  end
  if counts.rejected > 0 then
    run.log:warn("corrected", plan.name, ("%s rejected although corrected before: see the notes of `pghost rejects %d`")
      :format(log.counted(counts.rejected, "record"), run.id), { rejected = counts.rejected })
  end
end

local function correct(run, plan, result)
  create(run, plan)
  cleaning.save(run.conn, run.id, plan.name, load_corrected(run, plan))
  local counts
  staging.analyse(run, { "map", "rejects", "clean" })
  run:transaction(function(conn)
    counts = outcome.note(run, plan, taken(run, plan))
    result.corrected = insert(run, conn, plan, counts)
    result.corrected_away = counts.filtered
  end)
  tell(run, plan, counts)
end

-- Corrections of records that this run has read and not rejected.
local function tell_unneeded(run, plan)
  local read = [[pghost.corrections AS c JOIN pghost.files AS f ON f.sha256 = c.file_sha256
    WHERE f.run_id = $1 AND f.table_name = $2 AND f.state <> 'skipped' AND c.target_schema = $3 AND c.table_name = $2
      AND c.kind = 'corrected' AND c.reverted_at IS NULL]]
  local count = run.conn:query(([[
    SELECT (SELECT pg_catalog.count(*) FROM %s) - (SELECT pg_catalog.count(*) FROM %s AS k
      JOIN pghost.corrections AS c ON c.file_sha256 = k.sha256 AND c.line = k.line
      WHERE c.target_schema = $3 AND c.table_name = $2 AND c.kind = 'corrected' AND c.reverted_at IS NULL) AS records]])
    :format(read, staging.name(run, "open")), run.id, plan.name, run.target)[1].records
  if count > 0 then
    run.log:info("corrected", plan.name, ("%s not applied: the record passes as it is"):format(
      log.counted(count, "correction")), { unneeded = count })
  end
end

--- Waives and corrects what was waived and corrected before. After the key is made, before the accounts.
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
function M.run(run, plan, result)
  if plan.complete or corrections.in_force(run.conn, run.target, plan.name) == 0 then
    return
  end
  file_records.identify(run.conn, result.files)
  originals.fill(run, plan.name, plan.options)
  collect(run, plan)
  waive(run, plan)
  if plan.targets.clean then -- after run:stage run:clean corrects
    local found = run.conn:query(("SELECT pg_catalog.count(*) AS records FROM %s WHERE kind = 'corrected'"):format(
      staging.name(run, "decided")))[1].records
    if found > 0 then
      correct(run, plan, result)
    end
    tell_unneeded(run, plan)
  end
  run.conn:query(("DROP TABLE %s, %s"):format(staging.name(run, "open"), staging.name(run, "decided")))
end

return M
