-- Records in the history what cleaning changed (pghost.cleaning).

local cjson = require "cjson"

local M = {}

--- Records what cleaning changed in one transaction; adds to what is recorded of earlier ones.
---@param conn pghost.Connection
---@param run_id integer
---@param name string of the table
---@param changes pghost.RuleCount[]
function M.save(conn, run_id, name, changes)
  for _, change in ipairs(changes) do
    conn:query([[
      INSERT INTO pghost.cleaning (run_id, table_name, column_name, rule, cells, samples)
      VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.jsonb)
      ON CONFLICT (run_id, table_name, column_name, rule) DO UPDATE SET cells = cleaning.cells + excluded.cells]],
      run_id, name, change.column, change.rule, change.count, cjson.encode(change.samples))
  end
end

return M
