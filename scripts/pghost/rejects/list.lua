-- Rejects of a run in the history: counted by kind, one by one, and waived.
--
-- For `pghost rejects`. Writing them as a file is to_file.lua; running them through the current rules, replay/.

local errors = require "pghost.lib.errors"

local M = {}

---@class pghost.rejects.Filter
---@field run_id integer
---@field table? string
---@field file? string name, or path, also its end: "data/a.csv"
---@field rule? string
---@field state? "open"|"replayed"|"corrected"|"waived"|"all" default "open"

-- The rejects of a filter, with the parameters $1 to $5.
M.chosen = [[
  pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
  WHERE r.run_id = $1 AND ($2::text IS NULL OR r.table_name = $2)
    AND ($3::text IS NULL OR f.name = $3::text OR f.path = $3::text
      OR pg_catalog.right(f.path, pg_catalog.length($3::text) + 1) = pg_catalog.concat('/', $3::text)
      OR pg_catalog.right(f.name, pg_catalog.length($3::text) + 1) = pg_catalog.concat('/', $3::text)) -- in a zip
    AND ($4::text IS NULL OR r.rule = $4)
    AND ($5::text = 'all' OR r.state = $5)]]

local function parameters(filter)
  return filter.run_id, filter.table, filter.file, filter.rule, filter.state or "open"
end

--- A query over the chosen rejects: `select` is what comes before FROM, `order` what follows WHERE.
---@return string sql
---@return string|integer|nil ... five parameters to bind
function M.query(filter, select, order)
  return ("SELECT %s FROM %s %s"):format(select, M.chosen, order or ""), parameters(filter)
end

--- Kinds of rejects with how many there are of each, the most frequent first.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@return table[] rows table, column, rule, state, files, records
---@return integer total
function M.summary(conn, filter)
  local rows, total = {}, 0
  local sql = { M.query(filter, [[r.table_name, r.column_name, r.rule, r.state, pg_catalog.count(DISTINCT r.file_id),
    pg_catalog.count(*)]], "GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 1, 2, 3, 4") }
  for row in conn:query(table.unpack(sql, 1, 6)):rows() do
    rows[#rows + 1] = { row[1], row[2], row[3], row[4], row[5], row[6] }
    total = total + row[6]
  end
  return rows, total
end

local known_queries = {
  table = [[
    SELECT table_name AS name FROM pghost.files WHERE run_id = $1 OR run_id = (
      SELECT replay_of FROM pghost.runs WHERE run_id = $1)
    UNION SELECT table_name FROM pghost.rejects WHERE run_id = $1
    ORDER BY 1]],
  file = [[
    SELECT DISTINCT f.name, f.path FROM pghost.files AS f WHERE f.run_id = $1 OR f.run_id = (
      SELECT replay_of FROM pghost.runs WHERE run_id = $1)
    ORDER BY 1, 2]],
  rule = "SELECT DISTINCT rule AS name FROM pghost.rejects WHERE run_id = $1 ORDER BY 1",
}

local nothing = { table = "it has read no files", file = "it has read no files", rule = "it has no rejects" }

local most_named = 12

local function is_called(text, wanted)
  return text == wanted or text ~= nil and text:sub(-#wanted - 1) == "/" .. wanted
end

--- Raises when a run has nothing to do with a table, file or rule of that name: names those that it has to do with.
---@param conn pghost.Connection
---@param run_id integer
---@param kind "table"|"file"|"rule"
---@param name string
function M.check_name(conn, run_id, kind, name)
  local names = {}
  for row in conn:query(known_queries[kind], run_id):rows() do
    if row.name == name or kind == "file" and (is_called(row.name, name) or is_called(row.path, name)) then
      return
    end
    names[#names + 1] = row.name
  end
  local more = #names > most_named and (" and %d more"):format(#names - most_named) or ""
  local has = #names > 0 and ("it has %s%s"):format(table.concat(names, ", ", 1, math.min(#names, most_named)), more)
    or nothing[kind]
  errors.raise(("no %s '%s' in run %d: %s"):format(kind, name, run_id, has), "usage", { exit = 1 })
end

local names <const> = { "reject_id", "file_id", "table_name", "file", "line", "byte_offset", "byte_length",
  "column_name", "rule", "reason", "state", "replayed_by", "note", "original" }

local long <const> = 1024 * 1024 -- bytes of a record whose memory is freed at once

local function values_of(row)
  local reject = {}
  for _, name in ipairs(names) do
    reject[name] = row[name]
  end
  return reject
end

-- The memory of a long record must not wait for Lua to collect it.
local function free_after(length)
  if length > long then
    collectgarbage()
  end
end

--- The chosen rejects in the order of their files and lines, one by one in constant memory: a long one has its original
--- bytes until the next.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@param limit? integer
---@param without_original? boolean
---@return fun(): table? rows with names as in pghost.rejects, and `file`
function M.each(conn, filter, limit, without_original)
  local sql = { M.query(filter, ([[r.reject_id, r.file_id, r.table_name, f.name AS file, r.line, r.byte_offset,
    r.byte_length, r.column_name, r.rule, r.reason, r.state, r.replayed_by, r.note, %s AS original]])
    :format(without_original and "NULL" or "r.original"),
    "ORDER BY r.file_id, r.line, r.reject_id" .. (limit and " LIMIT " .. limit or "")) }
  local next_row, _, _, stream = conn:stream(table.unpack(sql, 1, 6))
  local last = {}
  return function()
    local length = last.original and #last.original or 0
    last.original = nil
    free_after(length)
    last = values_of(next_row() or {})
    free_after(last.original and #last.original or 0)
    return last.reject_id and last or nil
  end, nil, nil, stream
end

--- Where a reject is and why, one line: "booking.csv:1042: created_at: not a timestamp 'ABC'".
---@param reject table
---@return string
function M.line(reject)
  return ("%s:%s: %s%s"):format(reject.file or "?", reject.line and tostring(reject.line) or "?",
    reject.column_name and reject.column_name .. ": " or "", reject.reason)
end

return M
