-- The settings that publishing works with: they come back, and cost three statements.

local connection = require "pghost.connection"
local server = require "support.server"
local session = require "pghost.publish.session"

describe("the settings of a publish", function()
  local conn

  before_each(function()
    conn = connection.open { dsn = server.get():database() }
  end)

  after_each(function()
    conn:close()
  end)

  local names = { "search_path", "check_function_bodies", "lock_timeout", "quote_all_identifiers",
    "extra_float_digits", "jit", "row_security" }

  local function settings()
    local values = {}
    for i, name in ipairs(names) do
      values[i] = conn:query("SELECT current_setting($1) AS value", name)[1].value
    end
    return values
  end

  it("hold inside, and the caller's come back, a quoted search_path too", function()
    conn:transaction(function()
      conn:exec [[SET LOCAL search_path = 'a schema', "$user", public; SET LOCAL lock_timeout = '7s';
        SET LOCAL quote_all_identifiers = on; SET LOCAL extra_float_digits = 0]]
      local before = settings()
      session.with(conn, function()
        assert.same({ "pg_catalog, pg_temp", "off", "7s", "off", "1", "off", "off" }, settings())
        conn:exec "SET LOCAL lock_timeout = '1s'"
      end)
      assert.same(before, settings())
      assert.equal([["a schema", "$user", public]], before[1])
    end)
  end)

  it("cost three statements", function()
    local count = 0
    local counting = { query = function(_, ...)
      count = count + 1
      return conn:query(...)
    end }
    conn:transaction(function()
      session.with(counting, function() end)
    end)
    assert.equal(3, count)
  end)
end)
