-- Rules tried on one value: a table of one column, "x".

local assert = require "luassert"
local r = require "pghost.rules"

local M = {}

--- What becomes of a value: itself, or nil, and the details.
function M.value(column, value, options)
  local record, detail = r.table("t", { { "x", column } }, options):try { x = value }
  if record then
    return record.x, detail
  end
  return nil, detail
end

--- Why a value is rejected; returns reason, rule and column.
function M.reason_of(column, value)
  local record, failure = r.table("t", { { "x", column } }):try { x = value }
  assert.is_nil(record)
  return failure.reason, failure.rule, failure.column
end

return M
