-- A seeded source of integers that gives the same numbers on every machine and Lua version: Knuth's
-- MMIX linear congruential generator over 64-bit integers, of which the upper 31 bits are used.
-- For test data, not for secrets.

local M = {}

---@param seed integer
---@return fun(n: integer): integer below below(n) is in 0 .. n-1, n at most 2^31
function M.new(seed)
  local state = seed * 0x5DEECE66D + 0xB5297A4D
  local function below(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n
  end
  for _ = 1, 8 do -- near seeds give far sequences
    below(2)
  end
  return below
end

return M
