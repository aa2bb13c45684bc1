-- The nearest known name, for messages about unknown ones.

local M = {}

-- The edit distance: characters removed, added, replaced or swapped with their neighbour.
local function distance(a, b)
  local cost = {}
  for i = 0, #a do
    cost[i] = { [0] = i }
    for j = 1, #b do
      if i == 0 then
        cost[i][j] = j
      else
        local same = a:byte(i) == b:byte(j)
        local least = math.min(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same and 0 or 1))
        if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
          least = math.min(least, cost[i - 2][j - 2] + 1)
        end
        cost[i][j] = least
      end
    end
  end
  return cost[#a][#b]
end

--- The one of `names` that is nearest to `name`; nil when all are too far away. Of equally near ones
--- the first by the alphabet.
---@param name string
---@param names string[]
---@return string?
function M.of(name, names)
  local sorted = table.move(names, 1, #names, 1, {})
  table.sort(sorted)
  local letters = #name:gsub("^%-+", "")
  local best, nearest = (letters + 2) // 3 + 1, nil
  for _, known in ipairs(letters > 1 and sorted or {}) do
    local away = distance(name, known)
    if away < best then
      best, nearest = away, known
    end
  end
  return nearest
end

--- ": did you mean 'x'?", or "" when no name is near.
---@param name string
---@param names string[]
---@return string
function M.hint(name, names)
  local nearest = M.of(name, names)
  return nearest and (": did you mean '%s'?"):format(nearest) or ""
end

return M
