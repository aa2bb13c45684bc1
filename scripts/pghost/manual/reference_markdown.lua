-- Markdown: tables, and texts in their cells.

local lists = require "pghost.lib.lists"

local M = {}

--- A text in a cell.
---@param text string
---@return string
function M.cell(text)
  return (text:gsub("|", "\\|"):gsub("\n", " "))
end

--- A table.
---@param head string[]
---@param rows string[][]
---@return string
function M.table(head, rows)
  local lines = { "| " .. table.concat(head, " | ") .. " |", "|" .. ("---|"):rep(#head) }
  for _, row in ipairs(rows) do
    local cells = lists.map(row, M.cell)
    lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
