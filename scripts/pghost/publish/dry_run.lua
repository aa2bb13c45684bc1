-- What publishing would change: per table the records added, removed and changed, by comparing the
-- built table with the published one on the server.
--
-- By primary key if the built table has one. Without one, whole records are compared and counted (three equal ones are
-- three), and a changed one is one removed and one added. Of raw tables only the fields count: where and when they were
-- loaded differs every time.

local backfill = require "pghost.partitions.backfill"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local modes = require "pghost.modes"
local retention = require "pghost.partitions.retention"
local session = require "pghost.publish.session"
local print_result = require "pghost.lib.print"

local M = {}

local printed = { "table", "records", "added", "removed", "changed", "compared by" } -- columns

local of_loading = { _file_id = true, _line = true, _loaded_at = true }

-- Columns of both tables with what they have in common: the type, if it can be compared as it is. Types that do not
-- come with the server are compared as they are printed: no user function is called for that.
local columns_query = [[
SELECT n.attname AS name, o.attname IS NOT NULL AS common, coalesce(o.atttypid = n.atttypid
    AND (t.typtype = 'e' OR coalesce(nullif(t.typbasetype, 0), t.oid) < 16384)
    AND EXISTS (SELECT FROM pg_opclass AS c JOIN pg_am AS m ON m.oid = c.opcmethod
      WHERE m.amname = 'btree' AND c.opcdefault AND c.opcintype = coalesce(
        CASE t.typtype WHEN 'd' THEN t.typbasetype END, n.atttypid)), false) AS comparable,
  coalesce(n.attnum = ANY (k.indkey), false) AS in_key
FROM pg_attribute AS n
JOIN pg_type AS t ON t.oid = n.atttypid
LEFT JOIN pg_index AS k ON k.indrelid = n.attrelid AND k.indisprimary
LEFT JOIN pg_attribute AS o
  ON o.attrelid = to_regclass($2) AND o.attname = n.attname AND o.attnum > 0 AND NOT o.attisdropped
WHERE n.attrelid = to_regclass($1) AND n.attnum > 0 AND NOT n.attisdropped
ORDER BY n.attnum]]

local function quoted(conn, schema, name)
  return conn:quote_identifier(schema) .. "." .. conn:quote_identifier(name)
end

-- Columns that are compared, as SQL with a %s for the table in front; and those of the key, nil without one or if the
-- published table lacks part of it.
local function read_columns(conn, built, published, is_raw)
  local compared, key, keyless = {}, {}, false
  for row in conn:query(columns_query, built, published):rows() do
    if row.common and not (is_raw and of_loading[row.name]) then
      local name = conn:quote_identifier(row.name):gsub("%%", "%%%%")
      compared[#compared + 1] = row.comparable and "%s" .. name or "ROW(%s" .. name .. ")::text"
      key[#key + 1] = row.in_key and compared[#compared] or nil
    end
    keyless = keyless or (row.in_key and not row.common)
  end
  return compared, #key > 0 and not keyless and key or nil
end

local function list_of(terms, prefix)
  local list = {}
  for i, term in ipairs(terms) do
    list[i] = term:format(prefix)
  end
  return table.concat(list, ", ")
end

local function compare_by_key(conn, built, published, compared, key)
  local pairs_of_key = {}
  for i, term in ipairs(key) do
    pairs_of_key[i] = term:format("n.") .. " = " .. term:format("o.")
  end
  return conn:query(([[
    SELECT count(*) FILTER (WHERE o._pghost_there IS NULL) AS added,
      count(*) FILTER (WHERE n._pghost_there IS NULL) AS removed,
      count(*) FILTER (WHERE n._pghost_there AND o._pghost_there AND row(%s) IS DISTINCT FROM row(%s)) AS changed
    FROM (SELECT true AS _pghost_there, t.* FROM %s AS t) AS n
    FULL JOIN (SELECT true AS _pghost_there, t.* FROM %s AS t) AS o ON %s]])
    :format(list_of(compared, "n."), list_of(compared, "o."), built, published, table.concat(pairs_of_key, " AND ")))[1]
end

local function compare_whole(conn, built, published, compared)
  local list = list_of(compared, "")
  return conn:query(([[
    SELECT (SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s) AS only_new) AS added,
      (SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s) AS only_old) AS removed]])
    :format(list, built, list, published, list, published, list, built))[1]
end

local function compare(run, name, is_raw)
  local conn = run.conn
  local built, published = quoted(conn, run.build, name), quoted(conn, run.target, name)
  local facts = conn:query(("SELECT count(*) AS records, to_regclass($1) IS NOT NULL AS exists FROM %s"):format(built),
    published)[1]
  local result = { records = facts.records, is_new = not facts.exists }
  if result.is_new then
    result.added, result.removed, result.changed, result.by = facts.records, 0, nil, "new table"
    return result
  end
  local compared, key = read_columns(conn, built, published, is_raw)
  local row
  if #compared == 0 then
    row = { added = facts.records, removed = conn:query("SELECT count(*) AS n FROM " .. published)[1].n }
  elseif key then
    row = compare_by_key(conn, built, published, compared, key)
  else
    row = compare_whole(conn, built, published, compared)
  end
  result.added, result.removed, result.changed = row.added, row.removed, key and row.changed or nil
  result.by = key and "key" or "whole record"
  return result
end

local function describe(one)
  if one.is_new then
    return "new table of " .. log.counted(one.records, "record")
  end
  local changed = one.changed and ", " .. log.count(one.changed) .. " changed" or ""
  return ("%s added, %s removed%s"):format(log.count(one.added), log.count(one.removed), changed)
end

-- What is added to published tables is done, counted, and rolled back.
local function try_changes(run)
  local changed
  local undone = {}
  local _, problem = pcall(run.conn.transaction, run.conn, function()
    changed = modes.publish(run, run.changes)
    error(undone, 0)
  end)
  if problem ~= undone then
    error(problem, 0)
  end
  return changed
end

-- The records of the partitions that are replaced.
local function published_records(run, exchange)
  local replaced = lists.pluck(lists.filter(exchange.parts, function(part)
    return part.replaces
  end), "replaces")
  return run.conn:query(("SELECT pg_catalog.count(*) AS n FROM %s AS p WHERE p.tableoid OPERATOR(pg_catalog.=) ANY "
    .. "('{%s}'::pg_catalog.oid[])"):format(exchange.published, table.concat(replaced, ",")))[1].n
end

--- Compares all tables of a run with the published ones, logs and prints the differences.
---@param run pghost.Run
---@return string text for the log
function M.report(run)
  local rows = {}
  for i, name in ipairs(run.tables) do
    local one = session.transaction(run.conn, function()
      return compare(run, name, name:find("_raw$") ~= nil)
    end)
    rows[i] = { name, one.records, one.added, one.removed, one.changed, one.by }
    run.log:info("would", name, describe(one), one)
  end
  for _, change in ipairs(try_changes(run)) do
    local view = quoted(run.conn, run.build, change.name)
    local records = run.conn:query("SELECT pg_catalog.count(*) AS n FROM " .. view)[1].n
    rows[#rows + 1] = { change.name, records, change.added, change.removed, change.changed, "its mode" }
    run.log:info("would", change.name, describe(change), change)
  end
  for _, exchange in ipairs(run.exchanges) do
    local text, counts = backfill.described(exchange)
    rows[#rows + 1] = { exchange.name, counts.records, counts.records, published_records(run, exchange), nil,
      "partitions" }
    run.log:info("would", exchange.name, text, counts)
  end
  for _, one in ipairs(run.retentions) do
    local parts = retention.old(run, one)
    if #parts > 0 then
      run.log:info("would", one.name, retention.described(one, parts), { partitions = #parts })
    end
  end
  run.out:write("what publishing would change\n",
    print_result.format(printed, rows, { null = "" }), "\n")
  run.out:flush()
  return ("nothing is published; %s compared"):format(log.counted(#rows, "table"))
end

return M
