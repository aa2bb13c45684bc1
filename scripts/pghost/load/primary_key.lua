-- The key of a clean table: one of several records with the same key stays, the others are rejected as duplicates, then
-- the key becomes the primary key. The first one stays; in the modes that update a table the last, as if the records
-- had come one after the other. A table that is appended to keeps its records: new records with a key of the published
-- table are duplicates too.
--
-- Works on the server over a table that still has _file_id and _line. What the engine nominated has been judged already
-- (repeats.lua); duplicates it missed, and those of published keys, are found here. Without duplicates the only cost is
-- building the index.

local distribute = require "pghost.distribute"
local log = require "pghost.lib.log"
local mode_keys = require "pghost.modes.keys"
local relations = require "pghost.catalog.relations"

local M = {}

local unique_violation = "23505" -- SQLSTATE

local longest_value = 200 -- characters of a key shown in a reason

local function add_key(conn, table_name, key)
  conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s)"):format(table_name, relations.list(key)))
end

-- An old snapshot sees rows that were copied with FREEZE, even after they are deleted. So the table is rewritten
-- without them, in the pass that builds the key.
local rewrite = "ALTER TABLE %s ALTER COLUMN _line TYPE bigint USING _line OPERATOR(pg_catalog.+) 0"

local function add_key_anew(conn, table_name, key)
  conn:query((rewrite .. ", ADD PRIMARY KEY (%s)"):format(table_name, relations.list(key)))
end

--- Tries the primary key in a savepoint. False: there are duplicates.
---@param conn pghost.Connection
---@param table_name string quoted
---@param key string[]
---@param add? function default: to the table as it is
---@return boolean
function M.try(conn, table_name, key, add)
  local unique, problem = pcall(conn.transaction, conn, function()
    (add or add_key)(conn, table_name, key)
  end)
  if not unique and not (type(problem) == "table" and problem.code == unique_violation) then
    error(problem, 0)
  end
  return unique
end

--- The tables of a run that are there while a key is made: records that the engine has nominated, with their original
--- bytes, and duplicates.
---@param run pghost.Run
---@return string repeats
---@return string duplicates
function M.names(run)
  return run:qualified "pghost_repeats", run:qualified "pghost_duplicates"
end

--- Creates the table of duplicates; `built`: the record was in the clean table.
---@param conn pghost.Connection
---@param duplicates string quoted
function M.create_duplicates(conn, duplicates)
  conn:query(([[
    CREATE TABLE %s (
      file_id bigint, line bigint, first_file_id bigint, first_line bigint, key_text text, built boolean
    )]]):format(duplicates))
end

--- Of records with one key the last stays, not the first.
---@param plan pghost.Plan
---@return boolean
function M.last_stays(plan)
  return plan.mode == "merge" or plan.mode == "history"
end

--- Collects all but one record of each key; returns how many.
---@param conn pghost.Connection
---@param plan pghost.Plan
---@param duplicates string quoted
---@param from string SQL of records: the key, _file_id, _line, built
---@return integer
function M.collect(conn, plan, duplicates, from)
  local list = relations.list(plan.key)
  return conn:query(([[
    INSERT INTO %s (file_id, line, first_file_id, first_line, key_text, built)
    SELECT _file_id, _line, first_file_id, first_line,
      pg_catalog.left(pg_catalog.concat_ws(', ', %s), %d), built
    FROM (
      SELECT %s, _file_id, _line, built, pg_catalog.row_number() OVER same_key AS place,
        pg_catalog.first_value(_file_id) OVER same_key AS first_file_id,
        pg_catalog.first_value(_line) OVER same_key AS first_line
      FROM %s AS records WINDOW same_key AS (PARTITION BY %s ORDER BY %s
        ROWS UNBOUNDED PRECEDING)
    ) AS ranked
    WHERE place OPERATOR(pg_catalog.>) 1]]):format(duplicates, list, longest_value, list, from, list,
    M.last_stays(plan) and "_file_id DESC, _line DESC" or "_file_id, _line")).affected
end

-- Collects the records whose key is in the published table already; returns how many.
local function collect_published(conn, table_name, duplicates, key, state)
  local from, where = mode_keys.published(conn, table_name, state.published, key, state)
  if not from then
    return 0
  end
  return conn:query(([[
    INSERT INTO %s (file_id, line, key_text, built)
    SELECT n._file_id, n._line, pg_catalog.left(pg_catalog.concat_ws(', ', %s), %d), true FROM %s WHERE %s]])
    :format(duplicates, relations.list(key, "n.%s"), longest_value, from, where)).affected
end

-- With the original bytes if known; the others are read again later (rejects/originals.lua).
local function reject(conn, run_id, name, duplicates, key, repeats)
  local original = repeats and "r._pghost_offset, r._pghost_length, r._pghost_original" or "NULL, NULL, NULL"
  local join = repeats and (" LEFT JOIN %s AS r ON r._file_id OPERATOR(pg_catalog.=) d.file_id "
    .. "AND r._line OPERATOR(pg_catalog.=) d.line"):format(repeats) or ""
  conn:query(([[
    INSERT INTO pghost.rejects (run_id, table_name, file_id, line, column_name, rule, byte_offset, byte_length,
      original, reason)
    SELECT $1, $2, d.file_id, d.line, $3, 'key', %s,
      pg_catalog.concat('duplicate of ', $4::pg_catalog.text, ' ''', d.key_text, ''' ',
        CASE WHEN d.first_line IS NULL THEN 'in the published table'
          ELSE pg_catalog.concat('at ', coalesce(f.name, pg_catalog.concat('file ', d.first_file_id)), ':',
            d.first_line) END)
    FROM %s AS d LEFT JOIN pghost.files AS f ON f.file_id = d.first_file_id%s
    ORDER BY d.file_id, d.line]]):format(original, duplicates, join),
    run_id, name, #key == 1 and key[1] or nil, table.concat(key, ", "))
end

--- Deletes the duplicates from a table. Citus deletes from a reference table only so: not with USING.
---@param conn pghost.Connection
---@param table_name string quoted
---@param duplicates string quoted
function M.remove(conn, table_name, duplicates)
  conn:query(("DELETE FROM %s AS t WHERE (t._file_id, t._line) IN (SELECT d.file_id, d.line FROM %s AS d)")
    :format(table_name, duplicates))
end

local function count_by_file(conn, table_name, file_column)
  local counts, total = {}, 0
  local rows = conn:query(("SELECT %s AS file_id, pg_catalog.count(*) AS records FROM %s GROUP BY 1")
    :format(file_column, table_name))
  for row in rows:rows() do
    counts[row.file_id] = row.records
    total = total + row.records
  end
  return counts, total
end

-- Duplicates that were not nominated: searches the whole table.
local function find_others(conn, plan, table_name, duplicates)
  local found = M.collect(conn, plan, duplicates, ("(SELECT %s, _file_id, _line, true AS built FROM %s)"):format(
    relations.list(plan.key), table_name))
  if found > 0 then
    M.remove(conn, table_name, duplicates)
  end
end

-- Moves duplicates from the table to the rejects, and creates the key if that is still to do.
local function move_duplicates(conn, run, plan, table_name, state)
  local key, repeats, duplicates = plan.key, M.names(run)
  if not state.judged then
    M.create_duplicates(conn, duplicates)
  end
  if not state.made then
    find_others(conn, plan, table_name, duplicates)
  end
  if state.published and collect_published(conn, table_name, duplicates, key, state) > 0 then
    M.remove(conn, table_name, duplicates)
  end
  reject(conn, run.id, plan.name, duplicates, key, state.judged and repeats)
  local counts, total = count_by_file(conn, duplicates, "file_id")
  conn:query("DROP TABLE " .. duplicates .. (state.judged and ", " .. repeats or ""))
  if not state.made then
    local add = state.frozen and add_key_anew or add_key
    add(conn, table_name, key)
  end
  return counts, total
end

local function warn(run, plan, total)
  local stays = M.last_stays(plan) and "the last stays"
    or (plan.first or plan.mode == "partitions") and "the first stays" or "what was there stays"
  run.log:warn("key", plan.name, ("%s of %s rejected, %s"):format(log.counted(total, "duplicate"),
    table.concat(plan.key, ", "), stays), { duplicates = total })
end

--- Makes the key of a plan the primary key of its clean table; must run inside run:transaction.
---@param conn pghost.Connection
---@param run pghost.Run
---@param plan pghost.Plan
---@param frozen boolean records were copied with FREEZE into what is published as it is: any snapshot sees them
---@param repeats? pghost.load.Repeats what the engine has nominated, judged
---@return table<integer, integer> duplicates per file id
---@return integer total
function M.apply(conn, run, plan, frozen, repeats)
  local table_name = run:qualified(plan.clean_table)
  local counts, total = {}, 0
  local state = { frozen = frozen, judged = repeats ~= nil and repeats.displaced ~= nil,
    published = plan.mode == "append" and not plan.first and relations.quoted(run.target, plan.name) }
  state.distributed, state.together = distribute.joined(run, plan.clean_table)
  local displaced = state.judged and repeats.displaced > 0
  if displaced and frozen and repeats.made then
    conn:query(rewrite:format(table_name))
  end
  -- A node forgets intermediate results of the transaction when DDL fails on it: duplicates are looked for first.
  state.made = state.judged and repeats.made or not distribute.is_placed(run, plan.clean_table)
    and M.try(conn, table_name, plan.key, displaced and frozen and add_key_anew or add_key)
  if not state.made or state.published or state.judged then
    counts, total = move_duplicates(conn, run, plan, table_name, state)
  end
  if total > 0 then
    warn(run, plan, total)
  end
  return counts, total
end

M.count_by_file = count_by_file

return M
