-- Where \o and \g send results: a file in the format of its extension, or a command.

local errors = require "pghost.lib.errors"

local M = {}

local formats = { csv = "csv", json = "json", jsonl = "json", md = "markdown" }

--- Opens a file, or raises.
---@param path string
---@param mode "r"|"w"
---@return file*
function M.file(path, mode)
  local file, message = io.open(path, mode)
  if not file then
    errors.raise(message, "ENOENT", { exit = 1 })
  end
  return file
end

--- Opens a file, or `|command` with all that follows it.
---@param word string
---@param rest string the whole text that the word begins
---@return file* file
---@return string? format one of row_writers.formats; nil: as on the terminal
function M.open(word, rest)
  local command = rest:match("^|%s*(.+)$")
  if command then
    io.stdout:flush()
    return assert(io.popen(command, "w"))
  elseif word == "|" then
    errors.raise("a command expected after |", "usage")
  end
  return M.file(word, "w"), formats[word:match("%.(%w+)$")]
end

return M
