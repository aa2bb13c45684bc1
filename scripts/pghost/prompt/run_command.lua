-- A subcommand of pghost in this process, as if it were typed in a shell.

local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"

--- Its connections lead where that of the prompt leads.
---@param name string
---@param words string[]
return function(name, words)
  local chunk = assert(loadfile(("%s/scripts/pghost/command/%s.lua"):format(host.root, name)))
  local code = chunk(table.unpack(words))
  if code and code ~= 0 then
    errors.raise(("pghost %s ended with exit code %d"):format(name, code), "load", { exit = code })
  end
end
