-- How many bytes of records a load may hold at a time.

local M = {}

M.default = 64 * 1024 * 1024

-- Below this the blocks of one worker wait for each other.
M.least = 1024 * 1024

return M
