-- The two halves of a statement: conn:send, conn.ready over several connections, conn:receive, conn:abandon.

local native = require "pghost.native.conn"
local projects = require "support.project"
local fixture = require "support.fixture"

describe("a statement that is sent", function()
  local project, conn, other

  fixture.each(function(keep)
    project = keep(projects.new())
    conn = keep(assert(native.connect(project.dsn)))
    other = keep(assert(native.connect(project.dsn)))
  end)

  -- Whether nothing runs any more, soon.
  local function is_quiet()
    for _ = 1, 100 do
      if project:ask [[SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
          AND datname = current_database()]] == "0" then
        return true
      end
      os.execute "sleep 0.05"
    end
  end

  it("is received later, and keeps the connection busy until then", function()
    assert.is_true(conn:send("SELECT $1::int + 1 AS n", 41))
    assert.has_error(function() conn:query "SELECT 1" end,
      "the connection is busy with a statement: end that first, or use another connection")
    assert.equal(42, assert(conn:receive())[1].n)
    assert.equal(1, conn:query("SELECT 1 AS n")[1].n)
    assert.has_error(function() conn:receive() end, "calling 'receive' on bad self (no statement was sent)")
  end)

  it("fails as a query does", function()
    conn:send "SELECT 1 / 0"
    local result, message, code = conn:receive()
    assert.is_nil(result)
    assert.matches("division by zero", message)
    assert.equal("22012", code)
    assert.equal("idle", conn:status())
  end)

  it("is waited for with others: the first that is done is ready", function()
    conn:send "SELECT pg_sleep(60)"
    other:send "SELECT 7 AS n"
    assert.equal(2, native.ready { conn, other })
    assert.equal(7, other:receive()[1].n)
    project.conn:query("SELECT pg_terminate_backend($1)", conn:pid())
    assert.equal(1, native.ready { conn })
    assert.equal("57P01", (select(3, conn:receive())))
    assert.equal("lost", conn:status())
    assert.has_error(function() native.ready { other } end,
      "bad argument #1 to 'ready' (a connection has no statement)")
    assert.has_error(function() native.ready {} end, "bad argument #1 to 'ready' (no connection)")
  end)

  it("can be abandoned with its transaction, closed, and forgotten", function()
    conn:exec "BEGIN; CREATE TABLE half (a int)"
    conn:send "SELECT pg_sleep(60)"
    conn:abandon()
    conn:abandon()
    assert.equal("idle", conn:status())
    assert.equal("", project:ask "SELECT to_regclass('half')")
    conn:send "SELECT pg_sleep(60)"
    conn:close()
    assert.equal("closed", conn:status())
    assert(native.connect(project.dsn)):send "SELECT pg_sleep(60)"
    collectgarbage()
    collectgarbage()
    assert.is_true(is_quiet())
  end)
end)
