-- NOTIFY on publish (setting `notify`): in the transaction that publishes, so that listeners hear of a run if and only
-- if its tables are published.

local cjson = require "cjson"
local lists = require "pghost.lib.lists"

local M = {}

local longest <const> = 7999 -- bytes of a payload (PostgreSQL manual, NOTIFY)

local function payload(run, names, with_tables)
  local tables = with_tables and "[" .. table.concat(lists.map(names, cjson.encode), ",") .. "]" or "null"
  return ('{"pipeline":%s,"run":%d,"schema":%s,"tables":%s}'):format(cjson.encode(run.name), run.id,
    cjson.encode(run.target), tables)
end

--- Notifies the run's channel, if it has one.
---@param run pghost.Run
---@param names string[] tables that this transaction publishes; where all their names are too long, null is said
function M.send(run, names)
  if run.settings.notify == "" or #names == 0 then
    return
  end
  local text = payload(run, names, true)
  run.conn:query("SELECT pg_catalog.pg_notify($1, $2)", run.settings.notify,
    #text <= longest and text or payload(run, names, false))
end

return M
