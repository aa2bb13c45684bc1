-- Where the rejects of a load go while it runs: into the table pghost.rejects, or into a spool until their destination
-- is known.

local M = {}

local history_copy = [[COPY pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name,
  rule, reason, original) FROM STDIN (FORMAT binary)]]

--- A table with the columns of the stream. Over a connection of its own, committed by itself: rejects stay when the run
--- fails later.
---@param run pghost.Run
---@param name string of the table that the records were meant for
---@param copy? string default: the history
---@return pghost.load.Sink
function M.into_table(run, name, copy)
  return {
    stream = function()
      return { conn = run:connection("rejects").native, copy = copy or history_copy, run_id = run.id, table = name }
    end,
  }
end

--- A file of binary COPY rows.
---@param spool pghost.Spool
---@return pghost.load.Sink
function M.spool(spool)
  return {
    stream = function()
      return { path = spool.path }
    end,
  }
end

return M
