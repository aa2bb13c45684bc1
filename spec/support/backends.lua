-- What the server sees of connections under test.

local assert = require "luassert"
local native = require "pghost.native.conn"
local server = require "support.server"
local sys = require "pghost.native.sys"

local M = {}

--- A connection that looks at the others.
M.monitor = assert(native.connect(server.get().dsn .. " application_name=monitor"))

--- What the server sees of a connection: "idle", "idle in transaction", "active" ... "" when gone.
function M.activity(pid)
  local row = assert(M.monitor:query("select state from pg_stat_activity where pid = $1", pid))[1]
  return row and row.state or ""
end

function M.terminate(pid)
  assert(M.monitor:query("select pg_terminate_backend($1, 5000)", pid))
end

--- As activity, but waits for what takes the server a moment.
function M.becomes(pid, state)
  for _ = 1, 50 do
    if M.activity(pid) == state then
      return true
    end
    sys.sleep(0.1)
  end
  return false
end

--- Asserts that a call has failed with this code, in one line.
function M.fails(code, pattern, value, message, got)
  assert.is_nil(value)
  assert.equal(code, got, message)
  assert.matches(pattern, message)
  assert.not_matches("\n[^ ]", message)
end

--- A connection to the shared server with an empty schema public; closing it must end its backend.
---@param keep fun(thing: table): table of fixture.each
---@return pghost.native.Conn
function M.connection(keep)
  assert(M.monitor:exec("drop schema public cascade; create schema public"))
  local conn = assert(native.connect(server.get().dsn))
  keep { close = function()
    local pid = conn:status() ~= "closed" and conn:pid()
    conn:close()
    assert.is_true(not pid or M.becomes(pid, ""))
  end }
  return conn
end

--- Waits until a query says true.
function M.until_true(conn, sql)
  local deadline = sys.clock() + 20
  while not conn:query(sql)[1][1] do
    assert.is_true(sys.clock() < deadline, sql)
    sys.sleep(0.02)
  end
end

return M
