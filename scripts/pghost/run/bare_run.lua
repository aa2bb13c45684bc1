-- A run that is neither recorded nor locked, and builds nothing: the parts of a run that checks and SQL need, over a
-- schema.

local Run = require "pghost.run"

local M = {}

---@param outline pghost.Outline
---@param conn pghost.Connection its control connection
---@param log pghost.Log
---@param build string schema that is looked into before the target
---@return pghost.Run
function M.new(outline, conn, log, build)
  local run = Run.new(outline.name, outline.settings, { log = log, out = io.stdout })
  local now = conn:query([[
    SELECT pg_catalog.to_char(at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
      pg_catalog.to_char(at::timestamp, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of,
      EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus') AS cluster
    FROM pg_catalog.clock_timestamp() AS at]])[1]
  run.conn, run.build, run.started = conn, build, now.started
  run.cluster = now.cluster
  run.as_of = outline.settings.as_of ~= "" and outline.settings.as_of or now.as_of
  return run
end

return M
