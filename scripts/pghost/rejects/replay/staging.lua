-- The tables that a replay works with, in the build schema: `map` says which reject each record read is, `raw`, `clean`
-- and `rejects` are the result of the load, `outcome` is kept to the end.

local statistics = require "pghost.load.statistics"

local M = {}

---@param run pghost.Run
---@param kind "map"|"raw"|"clean"|"rejects"|"outcome"|"open"|"decided"
---@return string qualified name
function M.name(run, kind)
  return run:qualified("pghost_replay_" .. kind)
end

local joined = "%s AS s JOIN %s AS m ON m.in_source = s.%s AND m.in_line = s.%s"

--- A FROM clause: the records of one kind as s, and as m which reject each is.
---@param run pghost.Run
---@param kind "raw"|"clean"|"rejects"
---@return string
function M.from(run, kind)
  if kind == "rejects" then
    return joined:format(M.name(run, kind), M.name(run, "map"), "file_id", "line")
  end
  return joined:format(M.name(run, kind), M.name(run, "map"), "_file_id", "_line")
end

M.map_columns = [[reject_id bigint, file_id bigint, line bigint, in_source bigint, in_line bigint, becomes text,
  unreadable boolean, PRIMARY KEY (in_source, in_line)]]

--- Tells the planner how large they are: else it takes one row, and joins each with each.
---@param run pghost.Run
---@param kinds string[]
function M.analyse(run, kinds)
  for _, kind in ipairs(kinds) do
    statistics.analyse(run.conn, M.name(run, kind))
  end
end

--- Creates `outcome`, which all tables of a run share.
function M.create_outcome(run)
  run.conn:query(("CREATE TABLE IF NOT EXISTS %s (reject_id bigint PRIMARY KEY, state text, note text)")
    :format(M.name(run, "outcome")))
end

return M
