-- How often a connection waits for the server, as a proxy between them counts.

local pghost = require "support.pghost"
local server = require "support.server"

local assert = require "luassert"

local M = {}

--- Runs fn(dsn) with a dsn that leads through a proxy; returns the round trips of its connections.
---@param here support.Project
---@param fn fun(dsn: string)
---@return integer
function M.of(here, fn)
  for _, name in ipairs { ".s.PGSQL.5432", "turns" } do -- of a proxy before
    os.remove(here.folder .. "/" .. name)
  end
  local pid = pghost.shell(("python3 %s/bench/delay.py %s %s 0 %s/turns >/dev/null 2>&1 </dev/null & echo $!"):format(
    pghost.root, here.folder, server.get().socket, here.folder)):match "%d+"
  local out = pghost.shell(("while [ ! -S %s/.s.PGSQL.5432 ]; do sleep 0.1; done"):format(here.folder))
  assert.equal("", out)
  local near = here.dsn:gsub("host=%S+", "host=" .. here.folder)
  local done, problem = pcall(fn, near)
  local turns, before = nil, nil
  for _ = 1, 20 do -- until no connection ends any more
    pghost.shell "sleep 0.2"
    turns = io.open(here.folder .. "/turns") and pghost.read(here.folder .. "/turns")
    if turns and turns == before then
      break
    end
    before = turns
  end
  pghost.shell("kill " .. pid)
  assert(done, problem)
  return tonumber(turns)
end

return M
