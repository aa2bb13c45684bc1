-- The REPL on a terminal of its own (support/prompt.lua), and without one.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"

describe("the REPL", function()
  local home

  fixture.each(function(keep)
    home = keep(pghost.folder())
  end)

  local function talk(conversation, words)
    return prompt.talk(home, conversation, words)
  end

  local leave = "print('bye'..'!')\n"
  local gone = { "bye!\r\n> " }

  it("prints what expressions give, as lua does", function()
    local out, code = talk { "1 + 1\n", { "2\r\n> " }, "= 'a' .. 'b', nil\n", { "ab\tnil\r\n> " }, "x = 5\n", { "> " },
      "x\n", { "5\r\n> " }, "nil\n", { "nil\r\n> " }, "\4" }
    assert.equal(0, code)
    assert.truthy(out:find("^pghost %d+%.%d+%.%d+, Lua 5%.4%.%d+: Lua and SQL in one, Ctrl%-D leaves\r\n> "))
  end)

  it("goes on reading what is not complete", function()
    local _, code = talk { "for i = 1, 2 do\n", { ">> " }, "print(i * 21)\n", { ">> " }, "end\n", { "42\r\n> " },
      "= 6 *\n", { ">> " }, "7\n", { "42\r\n> " }, "\4" }
    assert.equal(0, code)
  end)

  it("reports errors and goes on", function()
    local _, code = talk { "x x\n", { "pghost: stdin:1: syntax error near 'x'" }, { "> " },
      "error('bo' .. 'om')\n", { "pghost: stdin:1: boom\r\nstack traceback:" }, { "> " },
      "require('pghost.lib.errors').raise('no ' .. 'way', '08006')\n", { "pghost: no way\r\n> " }, "\4" }
    assert.equal(0, code)
  end)

  it("stops with Ctrl-C what runs, and what is being typed", function()
    local out, code = talk {
      "print('run' .. 'ning') while true do end\n", { "running\r\n" }, "\3", { "interrupted\r\n> " },
      "print('run' .. 'ning') while true do pcall(function() while true do end end) end\n", { "running\r\n" }, "\3",
      { "interrupted\r\n> " },
      "error('never run')\3", { "\n> " }, "for i = 1, 2 do\n", { ">> " }, "\3", { "\n> " }, leave, gone, "\4" }
    assert.equal(0, code)
    assert.falsy(out:find("stack traceback", 1, true))
  end)

  it("leaves on SIGTERM", function()
    local out, code = talk { "x = 1\n", { "> " }, 15 }
    assert.equal(143, code)
    assert.truthy(out:find("pghost: interrupted", 1, true))
  end)

  it("completes names without opening anything", function()
    local out, code = talk { "string.forma\t('%d', 6 * 7)\n", { "42\r\n> " },
      "my_table = { unlikely_name = 1 }\n", { "> " },
      "my_t\t.unl\t + 1\n", { "2\r\n> " }, "('x'):re", "\21", "con\t\21",
      "string.re\t", { "rep" }, { "reverse" }, "\21", leave, gone, "\4" }
    assert.equal(0, code)
    assert.falsy(out:find("private server", 1, true))
  end)

  it("remembers what was typed, but no password", function()
    talk { "remembered = 'here'\n", { "> " }, "dsn = 'postgres://me:geheim@host/db'\n", { "> " },
      "password = 'geheim'\n", { "> " }, "\4" }
    local path = home .. "/.local/state/pghost/history"
    assert.truthy(pghost.shell("ls -l " .. path):find("^%-rw%-%-%-%-%-%-%-"))
    assert.falsy(pghost.read(path):find("geheim", 1, true))
    local out, code = talk { "\27[A\n", { "> " }, "remembered\n", { "here\r\n> " }, "\4" }
    assert.truthy(out:find("> remembered = 'here'", 1, true))
    assert.equal(0, code)
  end)

  it("keeps no secret of SQL and of commands, in $XDG_STATE_HOME where that is set", function()
    local lines = { "alter role me password 'geheim'", "create user me with encrypted password 'geheim';",
      "\\connect postgresql://me:geheim@nowhere.invalid/db", "\\connect 'host=/nowhere password=geheim'",
      "conn:query(\"select 1\", \"postgres://me:geheim@host/db\")", "api_token = 'geheim'" }
    local steps = { "kept_this = 1\n", { "> " } }
    for _, line in ipairs(lines) do
      steps[#steps + 1], steps[#steps + 2] = line .. "\n", { "> " }
      steps[#steps + 1], steps[#steps + 2], steps[#steps + 3] = { wait = 50 }, "\3", { "> " }
    end
    steps[#steps + 1] = "\4"
    local _, code = prompt.talk(home, steps, "--dsn 'host=/nowhere'", "XDG_STATE_HOME=" .. home .. "/state")
    assert.equal(0, code)
    local path = home .. "/state/pghost/history"
    assert.truthy(pghost.shell("ls -l " .. path):find("^%-rw%-%-%-%-%-%-%-"))
    assert.falsy(pghost.read(path):find("geheim", 1, true), pghost.read(path))
    assert.truthy(pghost.read(path):find("kept_this", 1, true))
  end)

  it("remembers also when a script leaves", function()
    local _, code = talk { "remembered = 1\n", { "> " }, "os.exit(5)\n" }
    assert.equal(5, code)
    assert.truthy(pghost.read(home .. "/.local/state/pghost/history"):find("remembered", 1, true))
  end)

  it("takes and prints UTF-8", function()
    local _, code = talk { "= #'é日', 'é日'\n", { "5\té日\r\n> " }, "\4" }
    assert.equal(0, code)
  end)

  it("reads key bindings from the home folder, never from the current one", function()
    local bind = 'bind -s "x" "print(6 * 7)"\n'
    local there = pghost.folder()
    pghost.write(there .. "/.editrc", bind)
    for _, variables in ipairs { "HOME=", "HOME=. EDITRC=.editrc", "-u HOME" } do
      local out, err = pghost.shell(("cd %s && env %s TERM=xterm python3 %s/spec/support/terminal.py %s"):format(there,
        variables, pghost.root, pghost.quote(pghost.path)),
        prompt.step("expect", "> ") .. prompt.step("send", "x\n") .. prompt.step("expect", "nil\r\n> ")
          .. prompt.step("send", "\4"))
      assert.equal("", err)
      assert.is_nil(out:find("42", 1, true))
    end
    pghost.remove(there)
    pghost.write(home .. "/.editrc", 'bind "y" ed-prev-history\n') -- bind -s leaks in libedit
    local _, code = talk { "6 * 7\n", { "42\r\n> " }, "y", { "6 * 7" }, "\n", { "42\r\n> " }, "\4" }
    assert.equal(0, code)
  end)

  it("comes after a script with -i, and after one that failed", function()
    pghost.write(home .. "/script.lua", "y = 41 error 'stopped'")
    local out, code = talk({ "y + 1\n", { "42\r\n> " }, "\4" }, "-i script.lua")
    assert.truthy(out:find("pghost: script.lua:1: stopped", 1, true))
    assert.equal(0, code)
  end)

  it("prints results of queries as tables", function()
    -- A stand-in with the type name of a result: how real ones look is the business of the connection's spec.
    pghost.write(home .. "/script.lua", [[
      result = setmetatable({ { 1, nil }, { 22, "x\27[2J" } }, { __name = "pghost.native.result", __index = {
        columns = function() return { "id", "name" } end,
        types = function() return { "int8", "text" } end,
      } })]])
    local out, code = talk({ "result\n", { "(2 rows)\r\n> " }, "\4" }, "-i script.lua")
    assert.equal(0, code)
    assert.truthy(out:find("   id | name\r\n int8 | text\r\n------+----------\r\n    1 | <null>\r\n"
      .. "   22 | x\\x1b[2J\r\n(2 rows)\r\n", 1, true))
  end)

  it("opens conn when it is first used", function()
    pghost.write(home .. "/stub.lua", "package.preload['pghost.connection'] = function() " ..
      "return { open = function() print 'opened' return { name = 'the connection' } end } end")
    local out, code = talk({ "undefined\n", { "nil\r\n> " }, "conn.name\n", { "opened\r\nthe connection\r\n> " },
      "conn.name\n", { "the connection\r\n> " }, "\4" }, "-i stub.lua")
    assert.equal(0, code)
    assert.equal(1, select(2, out:gsub("opened", "")))
  end)

  it("reads from a pipe, too", function()
    local out, err, code = pghost.run({ "-i" }, { stdin = "x = 20\nfor i = 1, 2 do\nx = x + 1\nend\nx\nx x\n= 1,\n",
      env = "HOME=" .. home })
    assert.same({ "22\n", 0 }, { out, code })
    assert.equal("pghost: stdin:1: syntax error near 'x'\npghost: stdin:2: unexpected symbol near <eof>\n", err)
  end)
end)
