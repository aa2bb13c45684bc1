-- The schema `pghost` holds what pghost records. No user tables go there.

local errors = require "pghost.lib.errors"

local M = {}

M.name = "pghost"

--- Raises an error object when a schema is pghost's own.
---@param schema? string
---@param advice string what to do: "give --schema"
function M.refuse(schema, advice)
  if schema == M.name then
    errors.raise(("schema 'pghost' holds pghost's own records and cannot be a target: %s"):format(advice), "usage")
  end
end

return M
