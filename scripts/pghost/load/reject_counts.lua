-- The server's reject counts for one table of a run, counted once for all users: the accounts, the budget, the log.

local M = {}

---@class pghost.rejects.Kind
---@field column? string
---@field rule string
---@field records integer
---@field first integer reject_id of an example

---@class pghost.rejects.Settled those that were decided on before, by file
---@field total integer
---@field by_file table<integer, integer>

---@class pghost.rejects.Counts duplicates of a key are not among the rejects: they have counts of their own
---@field total integer
---@field by_file table<integer, integer>
---@field by_rule table<string, integer> also `key`
---@field duplicates table<integer, integer> by file
---@field corrected pghost.rejects.Settled neither these nor the waived ones are among the others
---@field waived pghost.rejects.Settled
---@field settled { rejects: pghost.rejects.Settled, duplicates: pghost.rejects.Settled } both, by what they were
---@field kinds pghost.rejects.Kind[] the most frequent first

local query = [[
  SELECT coalesce(file_id, 0) AS file_id, column_name, rule, state, pg_catalog.count(*) AS records,
    pg_catalog.min(reject_id) AS first
  FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 GROUP BY 1, 2, 3, 4]]

local function settle(settled, row)
  settled.total = settled.total + row.records
  settled.by_file[row.file_id] = (settled.by_file[row.file_id] or 0) + row.records
end

local function add(counts, by_kind, row)
  if row.state == "corrected" or row.state == "waived" then
    settle(counts[row.state], row)
    settle(counts.settled[row.rule == "key" and "duplicates" or "rejects"], row)
    return
  end
  counts.by_rule[row.rule] = (counts.by_rule[row.rule] or 0) + row.records
  if row.rule == "key" then
    counts.duplicates[row.file_id] = (counts.duplicates[row.file_id] or 0) + row.records
    return
  end
  counts.total = counts.total + row.records
  counts.by_file[row.file_id] = (counts.by_file[row.file_id] or 0) + row.records
  local name = (row.column_name or "") .. "\0" .. row.rule
  local kind = by_kind[name]
  if not kind then
    kind = { column = row.column_name, rule = row.rule, records = 0, first = row.first }
    by_kind[name], counts.kinds[#counts.kinds + 1] = kind, kind
  end
  kind.records, kind.first = kind.records + row.records, math.min(kind.first, row.first)
end

local function before(a, b)
  if a.records ~= b.records then
    return a.records > b.records
  elseif a.column ~= b.column then
    return a.column ~= nil and (b.column == nil or a.column < b.column) -- whole records last
  end
  return a.rule < b.rule
end

local function nothing()
  return { total = 0, by_file = {} }
end

---@param run pghost.Run
---@param name string of the table that the records were meant for
---@return pghost.rejects.Counts
function M.read(run, name)
  local counts, by_kind = { total = 0, by_file = {}, by_rule = {}, duplicates = {}, kinds = {}, corrected = nothing(),
    waived = nothing(), settled = { rejects = nothing(), duplicates = nothing() } }, {}
  for row in run.conn:query(query, run.id, name):rows() do
    add(counts, by_kind, row)
  end
  table.sort(counts.kinds, before)
  return counts
end

return M
