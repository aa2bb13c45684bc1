local fixture = require "support.fixture"
local pghost = require "support.pghost"

local run = pghost.run

describe("the host", function()
  local folder

  fixture.each(function(keep)
    folder = keep(pghost.folder())
  end)

  local function script(text, name)
    return pghost.write(folder .. "/" .. (name or "script.lua"), text)
  end

  describe("command line", function()
    it("runs a script with its arguments, and arg as lua sets it", function()
      local path = script "print(arg[0], arg[1], #arg, arg[-1], ...)"
      local out, err, code = run { "-q", path, "one", "two words" }
      assert.same({ "", 0 }, { err, code })
      assert.equal(path .. "\tone\t2\t-q\tone\ttwo words\n", out)
    end)

    it("runs -e chunks in order and then the script", function()
      local out, _, code = run { "-e", "x = 1", "-ex = x + 1", script "print(x)" }
      assert.same({ "2\n", 0 }, { out, code })
    end)

    it("runs stdin for - and when nothing is given and there is no terminal", function()
      assert.equal("hello\tx\n", (run({ "-", "x" }, { stdin = "print('hello', ...)" })))
      assert.equal("hello\n", (run({}, { stdin = "print('hello')" })))
    end)

    it("runs a file that does not end in .lua as a script", function()
      script("print 'a file'", "task")
      assert.equal("a file\n", (run({ "task" }, { cd = folder })))
    end)

    it("prints versions and help", function()
      assert.truthy((run { "-v" }):find("^pghost %d+%.%d+%.%d+\nLua 5%.4%.%d+\n"))
      local out, err, code = run { "--help" }
      assert.truthy(out:find("Usage: pghost [options] SCRIPT", 1, true))
      assert.same({ "", 0 }, { err, code })
    end)

    it("tells scripts the options", function()
      local chunk = [[local host = require "pghost.native.host"
        print(host.options.dsn, host.options.log_format, host.options.quiet, host.version)]]
      local version = run({ "-v" }):match("pghost (%S+)")
      assert.equal("nil\ttext\tfalse\t" .. version .. "\n", (run { "-e", chunk }))
      assert.equal("host=x\tjson\ttrue\t" .. version .. "\n",
        (run { "--dsn", "host=x", "--log-format=json", "--quiet", "-e", chunk }))
      local path = script "print(require('pghost.native.host').script)"
      assert.equal(path .. "\n", (run { path }))
    end)

    for _, case in ipairs {
      { { "--nonsense" }, "unknown option '--nonsense' (see pghost --help)" },
      { { "--quite" }, "unknown option '--quite': did you mean '--quiet'?" },
      { { "--dns", "x" }, "unknown option '--dns': did you mean '--dsn'?" },
      { { "--dsn" }, "option '--dsn' needs a value" },
      { { "-e" }, "option '-e' needs a value" },
      { { "--log-format", "xml" }, "log format must be text or json, not 'xml'" },
      { { "/nonexistent/x.lua" }, "could not open script '/nonexistent/x.lua': no such file or directory" },
      { { "/nonexistent/x" }, "no script '/nonexistent/x'" },
    } do
      it("refuses " .. table.concat(case[1], " "), function()
        local out, err, code = run(case[1])
        assert.same({ "", "pghost: " .. case[2] .. "\n", 2 }, { out, err, code })
      end)
    end

    it("says which commands there are", function()
      local _, err, code = run { "nonsense" }
      assert.equal(2, code)
      assert.truthy(err:find("^pghost: unknown command 'nonsense' %(commands: [%w_, ]*server[%w_, ]*%)\n$"))
    end)

    it("says which command may be meant", function()
      for word, meant in pairs { laod = "load", loda = "load", snif = "sniff", run = "runs", reject = "rejects" } do
        local _, err, code = run { word, "x.csv" }
        assert.same({ ("pghost: unknown command '%s': did you mean '%s'?\n"):format(word, meant), 2 }, { err, code })
      end
    end)

    it("says what to do with a data file, and with a folder of them", function()
      for _, name in ipairs { "users.csv", "U.CSV", "x.tsv.gz", "not/there.csv", "a.zip" } do
        local _, err, code = run { name }
        assert.same({ ("pghost: '%s' is not a script or a command: to see what is in it, `pghost sniff %s`; " ..
          "to load it, `pghost load %s --into TABLE`\n"):format(name, name, name), 2 }, { err, code })
      end
      local _, err, code = run { folder }
      assert.same({ ("pghost: '%s' is a folder, not a script or a command: to load its CSV files, " ..
        "`pghost load %s --into TABLE`\n"):format(folder, folder), 2 }, { err, code })
      script("k,v\n1,2\n", "users")
      _, err, code = run({ "users" }, { cd = folder })
      assert.matches("(not a Lua script? to load a file, `pghost load users --into TABLE`)", err, nil, true)
      assert.equal(1, code)
    end)

    it("takes its own options after a command, too", function()
      local _, err, code = run { "runs", "--dsn", "host=/nonexistent password=geheim", "-q" }
      assert.matches("(the connection is set by --dsn)", err, nil, true)
      assert.same({ 3, nil }, { code, err:find("geheim", 1, true) })
      _, err, code = run { "runs", "--log-format", "xml" }
      assert.same({ "pghost: log format must be text or json, not 'xml'\n", 2 }, { err, code })
    end)

    it("refuses a folder as a script", function()
      os.execute("mkdir " .. folder .. "/x.lua")
      local _, err, code = run { folder .. "/x.lua" }
      assert.same({ "pghost: could not open script '" .. folder .. "/x.lua': is a directory\n", 2 }, { err, code })
    end)

    it("keeps what a script is given as a secret out of ps", function()
      local path = script "print(arg[2], arg[3], (io.open('/proc/self/cmdline'):read('a'):gsub('%z', ' ')))"
      local out = run { path, "--smtp-pass", "geheim", "--api-token=streng", "--data", "x" }
      local seen, joined, line = out:match("^(%S+)\t(%S+)\t(.*)$")
      assert.same({ "geheim", "--api-token=streng" }, { seen, joined })
      assert.is_nil(line:find("geheim", 1, true) or line:find("streng", 1, true))
      assert.matches("--data x", line, nil, true)
    end)

    it("keeps the value of --dsn out of ps", function()
      local out = run { "--dsn", "postgres://u:geheim@h/d", "-e",
        "local f = io.open('/proc/self/cmdline'); print((f:read('a'):gsub('%z', ' ')), arg[1], arg[2])" }
      assert.truthy(out:find("--dsn *", 1, true))
      assert.falsy(out:find("geheim", 1, true))
    end)
  end)

  describe("library", function()
    it("is found from the binary", function()
      local out = run { script "print(package.path)" }
      assert.equal(folder .. "/?.lua", out:match("^[^;]*"))
      assert.truthy(out:find(";" .. pghost.root .. "/scripts/?.lua;", 1, true))
    end)

    it("is installed beside the binary", function()
      local build = pghost.path:match("^(.*)/")
      local _, err, code = pghost.shell(("cmake --install %s --prefix %s/here"):format(build, folder))
      assert.same({ "", 0 }, { err, code })
      os.execute(("mkdir %s/there && mv %s/here %s/there/moved"):format(folder, folder, folder))
      local moved = folder .. "/there/moved/bin/pghost"
      local chunk = 'print(package.searchpath("pghost.lib.print", package.path))'
      local out = pghost.shell(("cd / && %s -e '%s'"):format(moved, chunk))
      assert.equal(folder .. "/there/moved/share/pghost/scripts/pghost/lib/print.lua\n", out)
      out, err, code = pghost.shell(("PGHOST_SERVER_DIR=%s/none %s server status"):format(folder, moved))
      assert.truthy(out:find("^state:  absent\n"))
      assert.same({ "", 3 }, { err, code })
    end)
  end)

  describe("failures", function()
    it("show the lines of the script", function()
      local path = script "local function inner()\n  error('boom')\nend\ninner()\n"
      local out, err, code = run { path }
      assert.same({ "", 1 }, { out, code })
      assert.equal("pghost: " .. path .. ":2: boom\nstack traceback:\n", err:match("^[^\n]*\n[^\n]*\n"))
      assert.truthy(err:find(path .. ":2: in local 'inner'", 1, true))
      assert.truthy(err:find(path .. ":4: in main chunk", 1, true))
    end)

    it("of syntax are one line", function()
      local path = script "x = = 1"
      local _, err, code = run { path }
      assert.same({ "pghost: " .. path .. ":1: unexpected symbol near '='\n", 1 }, { err, code })
    end)

    it("that are error objects are one line and set the exit code", function()
      local raise = [[require("pghost.lib.errors").raise("not a number 'x'", "check", { file = "a.csv", line = 7 })]]
      local path = script(raise)
      local _, err, code = run { path }
      assert.same({ "pghost: a.csv:7: not a number 'x'\n", 4 }, { err, code })
      _, err, code = run({ path }, { env = "PGHOST_TRACEBACK=1" })
      assert.truthy(err:find("^pghost: a.csv:7: not a number 'x'\nstack traceback:\n"))
      assert.truthy(err:find(path .. ":1: in main chunk", 1, true))
      assert.equal(4, code)
      for name, expected in pairs { usage = 2, ["08006"] = 3, budget = 4, data = 1 } do
        _, _, code = run { "-e", ("require('pghost.lib.errors').raise('x', '%s')"):format(name) }
        assert.equal(expected, code)
      end
    end)

    it("may be any value", function()
      local _, err, code = run { "-e", "error()" }
      assert.truthy(err:find("^pghost: %(error object is a nil value%)\n"))
      assert.equal(1, code)
      _, err = run { "-e", "error(setmetatable({}, { __tostring = function() return 'mine' end }))" }
      assert.truthy(err:find("^pghost: mine\n"))
    end)

    it("close what is to be closed and the state", function()
      local text = [[
        setmetatable({}, { __gc = function() print "collected" end })
        local x <close> = setmetatable({}, { __close = function() print "closed" end })
        %s]]
      for _, ending in ipairs { "error 'boom'", "os.exit(3)", "os.exit(true)" } do
        assert.equal("closed\ncollected\n", (run { script(text:format(ending)) }))
      end
      local _, _, code = run { "-e", "os.exit(3)" }
      assert.equal(3, code)
    end)
  end)

  describe("output", function()
    it("that nobody reads any more ends the script quietly", function()
      local out, err, code = pghost.shell(
        ("{ %s -e 'while true do print(1) end'; echo $? >&2; } | head -n 1")
        :format(pghost.quote(pghost.path)))
      assert.same({ "1\n", "141\n", 0 }, { out, err, code })
    end)

    it("that cannot be written is an error", function()
      local _, err, code = pghost.shell(pghost.quote(pghost.path) .. " -e 'print(1)' >/dev/full")
      local expected = "pghost: could not write the output: no space left on device (all else succeeded)\n"
      assert.same({ expected, 1 }, { err, code })
    end)

    it("that cannot be written in the middle is an error, too", function()
      for _, chunk in ipairs { "for i = 1, 1e5 do io.write(i, 'x') end", "print(1) os.rename('/none', '/where')" } do
        local _, err, code = pghost.shell(("%s -e %s >/dev/full"):format(pghost.quote(pghost.path),
          pghost.quote(chunk)))
        assert.matches("^pghost: could not write [^\n]*output[^\n]*\n$", err)
        assert.equal(1, code)
      end
      local _, _, code = pghost.shell(pghost.quote(pghost.path) .. " -e 'print(1)' 2>/dev/full >/dev/full")
      assert.equal(1, code)
    end)

    it("to a program that has ended is only a failed write", function()
      local out, _, code = run { "-e", [[
        local p = io.popen("exec true", "w"); os.execute("sleep 0.1")
        print(p:write("x"):flush() == nil or "written")]] }
      assert.same({ "true\n", 0 }, { out, code })
    end)

    it("of programs that a script starts ends as everywhere", function()
      local out, err = run { "-e", [[local _ = os.execute("yes | head -n 1")]] }
      assert.same({ "y\n", "" }, { out, err })
    end)
  end)

  describe("signals", function()
    -- Starts the script, sends the signals (0.3 s between) once it has printed a line, and waits.
    local function interrupt(text, ...)
      os.remove(folder .. "/out")
      local path = script("io.stdout:setvbuf('line') print 'ready'\n" .. text)
      local command = { ("%s %s >%s/out & pid=$!; while ! test -s %s/out; do sleep 0.02; done")
        :format(pghost.quote(pghost.path), path, folder, folder) }
      for _, name in ipairs { ... } do
        command[#command + 1] = ("kill -%s $pid; sleep 0.3"):format(name)
      end
      command[#command + 1] = "wait $pid"
      local _, err, code = pghost.shell(table.concat(command, "\n"))
      return pghost.read(folder .. "/out"), err, code
    end

    it("stop a script that only computes", function()
      assert.same({ "ready\n", "pghost: interrupted\n", 130 }, { interrupt("while true do end", "INT") })
      assert.same({ "ready\n", "pghost: interrupted\n", 143 }, { interrupt("while true do end", "TERM") })
    end)

    it("let it clean up first", function()
      local out, err, code = interrupt([[
        local x <close> = setmetatable({}, { __close = function(_, why)
          for i = 1, 100000 do x = i end
          print("closed", why)
        end })
        while true do end]], "INT")
      assert.same({ "ready\nclosed\tinterrupted\n", "pghost: interrupted\n", 130 }, { out, err, code })
    end)

    it("reach into coroutines", function()
      local _, _, code = interrupt("coroutine.wrap(function() while true do end end)()", "INT")
      assert.equal(130, code)
      _, _, code = interrupt("local c = coroutine.create(function() while true do end end) coroutine.resume(c)", "TERM")
      assert.equal(143, code)
    end)

    it("cannot be swallowed by pcall", function()
      local _, err, code = interrupt("while true do pcall(function() while true do end end) end", "INT")
      assert.same({ "pghost: interrupted\n", 130 }, { err, code })
      _, err, code = interrupt([[while true do
        coroutine.resume(coroutine.create(function() while true do end end)) end]], "INT")
      assert.same({ "pghost: interrupted\n", 130 }, { err, code })
    end)

    it("that come twice at once, as timeout(1) sends them, are one", function()
      local text = [[
        local x <close> = setmetatable({}, { __close = function()
          for i = 1, 2000000 do x = i end
          print("closed")
        end })
        while true do end]]
      local out, _, code = interrupt(text, "INT $pid; sleep 0.02; kill -INT")
      assert.same({ "ready\nclosed\n", 130 }, { out, code })
    end)

    it("kill at once the second time", function()
      local text = [[
        local x <close> = setmetatable({}, { __close = function() while true do end end })
        while true do end]]
      assert.same({ "ready\n", "", 130 }, { interrupt(text, "INT", "INT") })
      assert.same({ "ready\n", "", 143 }, { interrupt(text, "INT", "TERM") })
    end)
  end)

  it("keeps coroutines as Lua has them", function()
    local out, err = run { script [[
      local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error({ b }) end)
      print(coroutine.resume(co, 1))
      local ok, e = coroutine.resume(co, "b")
      print(ok, e[1], coroutine.status(co), select("#", coroutine.resume(co)))
      local f = coroutine.wrap(function(...) coroutine.yield(...) error "x" end)
      print(f(1, nil, 3))
      local function call() f() end
      print(pcall(call))
      print(pcall(f))
      print(pcall(coroutine.resume, 1))
      print(pcall(coroutine.wrap, 1))
      local closed
      local closing = setmetatable({}, { __close = function() closed = true end })
      local g = coroutine.wrap(function() local x <close> = closing error("y", 0) end)
      print(pcall(g))
      print(closed)
      local function deep(n) if n == 0 then return "bottom" end return coroutine.wrap(deep)(n - 1) end
      print(deep(100), (pcall(deep, 1000)))
    ]] }
    local expected = pghost.shell(("lua5.4 %s/script.lua"):format(folder))
    assert.equal("", err)
    assert.truthy(#expected > 200)
    assert.equal(expected, out)
  end)
end)
