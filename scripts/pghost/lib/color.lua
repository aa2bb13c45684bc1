-- Whether output may have colors (--color, NO_COLOR), and the few that there are.

local host = require "pghost.native.host"
local sys = require "pghost.native.sys"

local M = {}

--- Whether what goes to a descriptor may have colors: as --color says, else on a terminal without NO_COLOR.
---@param fd integer 1 or 2
---@return boolean
function M.enabled(fd)
  local wanted = host.options.color
  if wanted ~= "auto" then
    return wanted == "always"
  end
  local refused = os.getenv("NO_COLOR")
  return (refused == nil or refused == "") and os.getenv("TERM") ~= "dumb" and sys.is_tty(fd)
end

local function painter(code)
  return function(text, fd)
    return M.enabled(fd) and ("\27[%sm%s\27[0m"):format(code, text) or text
  end
end

--- Each of these is the text, in that color where `fd` may have colors.
---@type fun(text: string, fd: integer): string
M.bold = painter("1")
---@type fun(text: string, fd: integer): string
M.red = painter("31")
---@type fun(text: string, fd: integer): string
M.yellow = painter("33")
---@type fun(text: string, fd: integer): string
M.cyan = painter("36")

return M
