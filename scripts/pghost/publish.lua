-- Makes built tables visible: moves them into the target schema in the place of the old ones.
--
-- Runs inside the caller's transaction, so that everything becomes visible at once or nothing.

local errors = require "pghost.errors"

local M = {}

local lock_timeout = "10s" -- a reader that holds a table longer than this stops the publish

---@class pghost.publish.Options
---@field build string schema the tables are in
---@field target string schema they go to
---@field tables string[]

-- The kind of relation of that name in the target schema, nil when there is none.
local function existing_kind(conn, target, name)
  local row = conn:query([[
    SELECT c.relkind::text AS kind FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2]], target, name)[1]
  return row and row.kind
end

local function swap_one(conn, options, name)
  local target = conn:quote_identifier(options.target) .. "." .. conn:quote_identifier(name)
  local kind = existing_kind(conn, options.target, name)
  if kind and kind ~= "r" and kind ~= "p" then
    errors.raise(("'%s.%s' exists and is not a table: rename it or publish into another schema")
      :format(options.target, name), "42809")
  elseif kind then
    conn:query("DROP TABLE " .. target)
  end
  conn:query(("ALTER TABLE %s.%s SET SCHEMA %s"):format(conn:quote_identifier(options.build),
    conn:quote_identifier(name), conn:quote_identifier(options.target)))
end

--- Replaces the tables of the target schema by the built ones. Must run inside a transaction.
---@param conn pghost.Connection
---@param options pghost.publish.Options
function M.swap(conn, options)
  conn:query("SELECT set_config('lock_timeout', $1, true)", lock_timeout)
  for _, name in ipairs(options.tables) do
    swap_one(conn, options, name)
  end
end

return M
