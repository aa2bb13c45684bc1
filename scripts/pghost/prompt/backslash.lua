-- The commands of the prompt.

local errors = require "pghost.lib.errors"
local database = require "pghost.prompt.live_connection"

local M = {}

M.list = {
  { name = "q", run = function(session) session.left = true end },
  { name = "connect", run = function(_, argument)
    print("connected: " .. database.connect(argument ~= "" and argument or nil).description)
  end },
}

function M.run(session, text)
  local name, argument = text:match("^\\(%S+)%s*(.-)%s*$")
  for _, command in ipairs(M.list) do
    if command.name == name then
      return command.run(session, argument)
    end
  end
  errors.raise(("unknown command '\\%s'"):format(name or ""), "usage")
end

return M
