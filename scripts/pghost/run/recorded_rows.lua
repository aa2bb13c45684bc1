-- Results of the history as plain Lua tables, which outlive their result.

local M = {}

--- Rows by position and by name; rows.columns and rows.types describe them.
---@param result pghost.Result
---@return table[]
function M.plain(result)
  local columns, rows = result:columns(), {}
  for row in result:rows() do
    local copy = {}
    for i, name in ipairs(columns) do
      copy[i], copy[name] = row[i], row[i]
    end
    rows[#rows + 1] = copy
  end
  rows.columns, rows.types = columns, result:types()
  return rows
end

return M
