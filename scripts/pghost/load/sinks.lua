-- Where the rejects of a load go while it is on: into the table pghost.rejects, or into a spool until it is known what
-- becomes of them.

local M = {}

local history_copy = [[COPY pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name,
  rule, reason, original) FROM STDIN (FORMAT binary)]]

---@class pghost.load.Sink
---@field options pghost.RejectsOptions
local Sink = {}
Sink.__index = Sink

--- What the engine is given.
---@return pghost.RejectsOptions
function Sink:stream()
  local copy = {}
  for name, value in pairs(self.options) do
    copy[name] = value
  end
  return copy
end

--- The history. Over a connection of its own, committed by itself: rejects stay when the run fails later.
---@param run pghost.Run
---@param name string of the table that the records were meant for
---@return pghost.load.Sink
function M.history(run, name)
  return M.into_table(run:connection "rejects", history_copy, run.id, name)
end

--- A table with the columns of the stream.
---@param conn pghost.Connection
---@param copy string
---@param run_id integer
---@param name string
---@return pghost.load.Sink
function M.into_table(conn, copy, run_id, name)
  return setmetatable({ options = { conn = conn.native, copy = copy, run_id = run_id, table = name } }, Sink)
end

--- A file of binary COPY rows.
---@param spool pghost.Spool
---@return pghost.load.Sink
function M.spool(spool)
  return setmetatable({ options = { path = spool.path } }, Sink)
end

return M
