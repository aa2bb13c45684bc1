-- The key of a clean table: of records with the same key the first stays, the later ones are
-- rejected as duplicates, then the key becomes the primary key.
--
-- Works on the server over a table that still has _file_id and _line, and removes them. The usual
-- case, no duplicate, costs the building of the index and nothing else.

local columns = require "pghost.columns"
local log = require "pghost.log"

local M = {}

local unique_violation = "23505" -- SQLSTATE

local longest_value = 200 -- characters of a key shown in a reason

local function add_key(conn, table_name, key)
  conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s)"):format(table_name, columns.quoted(conn, key)))
end

-- Tries the primary key in a savepoint. False: there are duplicates.
local function try_key(conn, table_name, key)
  local unique, problem = pcall(conn.transaction, conn, function()
    add_key(conn, table_name, key)
  end)
  if not unique and not (type(problem) == "table" and problem.code == unique_violation) then
    error(problem, 0)
  end
  return unique
end

-- Collects the later records of each key into a table of their own.
local function collect(conn, table_name, duplicates, key)
  local list = columns.quoted(conn, key)
  conn:query(([[
    CREATE TABLE %s (
      file_id bigint, line bigint, first_file_id bigint, first_line bigint, key_text text, PRIMARY KEY (file_id, line)
    )]]):format(duplicates))
  conn:query(([[
    INSERT INTO %s (file_id, line, first_file_id, first_line, key_text)
    SELECT _file_id, _line, first_file_id, first_line, left(concat_ws(', ', %s), %d)
    FROM (
      SELECT %s, _file_id, _line, row_number() OVER same_key AS place,
        first_value(_file_id) OVER same_key AS first_file_id, first_value(_line) OVER same_key AS first_line
      FROM %s WINDOW same_key AS (PARTITION BY %s ORDER BY _file_id, _line)
    ) AS ranked
    WHERE place > 1]]):format(duplicates, list, longest_value, list, table_name, list))
end

local function reject(conn, run_id, name, duplicates, key)
  conn:query(([[
    INSERT INTO pghost.rejects (run_id, table_name, file_id, line, column_name, rule, reason)
    SELECT $1, $2, d.file_id, d.line, $3, 'key',
      'duplicate of ' || $4::text || ' ''' || d.key_text || ''' at ' || coalesce(f.name, 'file ' || d.first_file_id)
        || ':' || d.first_line
    FROM %s AS d LEFT JOIN pghost.files AS f ON f.file_id = d.first_file_id
    ORDER BY d.file_id, d.line]]):format(duplicates),
    run_id, name, #key == 1 and key[1] or nil, table.concat(key, ", "))
end

local function remove(conn, table_name, duplicates)
  conn:query(("DELETE FROM %s AS t USING %s AS d WHERE t._file_id = d.file_id AND t._line = d.line")
    :format(table_name, duplicates))
end

local function count_by_file(conn, table_name, file_column)
  local counts, total = {}, 0
  local rows = conn:query(("SELECT %s AS file_id, count(*) AS records FROM %s GROUP BY 1")
    :format(file_column, table_name))
  for row in rows:rows() do
    counts[row.file_id] = row.records
    total = total + row.records
  end
  return counts, total
end

local function move_duplicates(conn, run, name, table_name, key)
  local duplicates = run:qualified "pghost_duplicates"
  collect(conn, table_name, duplicates, key)
  remove(conn, table_name, duplicates)
  reject(conn, run.id, name, duplicates, key)
  local counts, total = count_by_file(conn, duplicates, "file_id")
  conn:query("DROP TABLE " .. duplicates)
  add_key(conn, table_name, key)
  return counts, total
end

--- Makes `key` the primary key of a clean table being built; must run inside run:transaction.
---@param conn pghost.Connection
---@param run pghost.Run
---@param name string
---@param key string[]
---@param count_left boolean count what is left per file also where nothing was removed
---@return table<integer, integer> duplicates per file id
---@return integer total
---@return table<integer, integer>? left records left in the table, per file id
function M.apply(conn, run, name, key, count_left)
  local table_name = run:qualified(name)
  local duplicates, total = {}, 0
  if not try_key(conn, table_name, key) then
    duplicates, total = move_duplicates(conn, run, name, table_name, key)
  end
  local left = (count_left or total > 0) and count_by_file(conn, table_name, "_file_id") or nil
  conn:query(("ALTER TABLE %s DROP COLUMN _file_id, DROP COLUMN _line"):format(table_name))
  if total > 0 then
    run.log:warn("key", name, ("%s of %s rejected, the first stays")
      :format(log.counted(total, "duplicate"), table.concat(key, ", ")), { duplicates = total })
  end
  return duplicates, total, left
end

M.count_by_file = count_by_file

return M
