-- Where `require` finds modules: never in the current folder, and pghost's own only in pghost's.

local fixture = require "support.fixture"
local pghost = require "support.pghost"

local run = pghost.run

describe("the search for modules", function()
  local folder

  -- Code that says that it ran, under every name that pghost might look for.
  local function plant(where)
    os.execute(("mkdir -p %s/pghost/lib %s/pghost/command %s/native"):format(where, where, where))
    local names = { "argparse", "cjson", "lfs", "config", "checks", "load", "sniff", "runs" }
    for name in pghost.shell(("cd %s/scripts && find pghost -name '*.lua'"):format(pghost.root)):gmatch("(%S+)%.lua") do
      names[#names + 1] = name
    end
    for _, name in ipairs(names) do
      os.execute(("mkdir -p %s/%s"):format(where, name:match("^(.*)/") or "."))
      pghost.write(("%s/%s.lua"):format(where, name), "io.stderr:write('planted ' .. ... .. '\\n') os.exit(66)")
    end
    for _, name in ipairs { "argparse", "cjson", "lfs" } do
      pghost.write(("%s/%s.so"):format(where, name), "not a library")
    end
    for _, name in ipairs { "load", "sniff", "runs" } do -- without .lua, as a script may be
      pghost.write(("%s/%s"):format(where, name), "io.stderr:write('planted\\n') os.exit(66)")
    end
  end

  fixture.each(function(keep)
    folder = keep(pghost.folder())
    pghost.write(folder .. "/data.csv", "a,b\n1,2\n3,4\n")
  end)

  it("says in one line what is missing, and where it should be", function()
    pghost.write(folder .. "/main.lua", 'require "rules.orders"')
    pghost.write(folder .. "/own.lua", '\nrequire "pghost.pipelin"')
    local elsewhere = ", nor one elsewhere in package.path or package.cpath\n"
    assert.same({ "", ("pghost: main.lua:1: module 'rules.orders' not found: no file '%s/rules/orders.lua'%s"):format(
      folder, elsewhere), 1 }, { run({ "main.lua" }, { cd = folder }) })
    assert.same({ "", ("pghost: (command line):1: module 'x' not found: no file '%s/scripts/x.lua'%s"):format(
      pghost.root, elsewhere), 1 }, { run { "-e", 'require "x"' } })
    assert.same({ "", ("pghost: own.lua:2: module 'pghost.pipelin' not found: the library in '%s/scripts' has no such "
      .. "module\n"):format(pghost.root), 1 }, { run({ "own.lua" }, { cd = folder }) })
    local _, traced = run({ "-e", 'require "x"' }, { env = "PGHOST_TRACEBACK=1" })
    assert.matches("\nstack traceback:\n", traced, 1, true)
  end)

  local paths = { "", "LUA_PATH='./?.lua;?.lua;;' LUA_CPATH='./?.so;;'",
    "LUA_PATH_5_4='?.lua;;' LUA_INIT=@argparse.lua LUA_INIT_5_4=@argparse.lua" }

  for _, env in ipairs(paths) do
    it("of a command ignores the current folder: " .. env, function()
      plant(folder)
      local out, err, code = run({ "sniff", "data.csv" }, { cd = folder, env = env })
      assert.same({ "", 0 }, { err, code })
      assert.matches("^data.csv: 2 columns", out)
      for _, words in ipairs { { "load", "data.csv", "--into", "t" }, { "runs" }, { "server", "status" } } do
        local _, problem = run({ "--dsn", "host=/nonexistent", table.unpack(words) }, { cd = folder,
          env = env .. " PGHOST_SERVER_DIR=" .. folder .. "/none" })
        assert.is_nil(problem:find("planted", 1, true), problem)
      end
    end)

    it("of chunks, the REPL and stdin ignores the current folder: " .. env, function()
      plant(folder)
      local chunk = "require 'argparse' require 'cjson' require 'lfs' require 'pghost.connection' print 'fine'"
      local without = "print(pcall(require, 'native.x'), package.path, package.cpath)"
      for _, how in ipairs { { { "-e", chunk } }, { { "-i" }, chunk }, { { "-" }, chunk }, { {}, chunk } } do
        assert.same({ "fine\n", "", 0 }, { run(how[1], { cd = folder, env = env, stdin = how[2] }) })
      end
      local out = run({ "-e", without }, { cd = folder, env = env })
      for template in out:match("\t(/[^\n]*)"):gmatch("[^;\t]+") do
        assert.equal("/", template:sub(1, 1))
      end
    end)
  end

  it("of a script gives it pghost's modules and packages, and its own by an absolute path", function()
    os.execute("mkdir -p " .. folder .. "/here/rules " .. folder .. "/elsewhere")
    plant(folder .. "/here")
    plant(folder .. "/elsewhere")
    pghost.write(folder .. "/here/config.lua", "return 'own'")
    pghost.write(folder .. "/here/rules/users.lua", "return 'rules'")
    pghost.write(folder .. "/here/script.lua", [[
      require "pghost.pipeline"
      for _, name in ipairs { "argparse", "cjson", "lfs", "pghost.connection", "pghost.lib.log" } do require(name) end
      print(require "config", require "rules.users", (package.path:match "^[^;]*"))]])
    local expected = ("own\trules\t%s/here/?.lua\n"):format(folder)
    assert.same({ expected, "", 0 }, { run({ "script.lua" }, { cd = folder .. "/here" }) })
    assert.same({ expected, "", 0 }, { run({ "here/script.lua" }, { cd = folder }) })
    assert.same({ expected, "", 0 }, { run({ folder .. "/here/script.lua" }, { cd = folder .. "/elsewhere" }) })
  end)

  it("says that the library has no such module", function()
    os.execute("mkdir -p " .. folder .. "/pghost")
    pghost.write(folder .. "/pghost/mine.lua", "return 1")
    pghost.write(folder .. "/script.lua", "require 'pghost.mine'")
    local _, err, code = run { folder .. "/script.lua" }
    assert.equal(1, code)
    assert.matches("module 'pghost.mine' not found: the library in '[^']*/scripts' has no such module", err)
  end)

  it("warns where a folder's name cannot be on package.path", function()
    os.execute(("mkdir '%s/a;b'"):format(folder))
    pghost.write(folder .. "/a;b/script.lua", "print 'ran'")
    local out, err = run { folder .. "/a;b/script.lua" }
    assert.equal("ran\n", out)
    assert.equal(("pghost: warning: modules in the script's folder '%s/a;b' are not found: ';' or '?' is in its name\n")
      :format(folder), err)
  end)

  it("knows every package that the library requires", function()
    local source = pghost.read(pghost.root .. "/host/module_search.c")
    local listed = source:match("packages%[%] = {(.-)}")
    local seen = {}
    local text = pghost.shell(("cat $(find %s/scripts/pghost -name '*.lua')"):format(pghost.root))
    text = text:gsub("%-%-[^\n]*", "")
    for name in text:gmatch("require%s*%(?%s*[\"']([%w_.]+)[\"']") do
      if not name:find("^pghost%.") then
        seen[name] = true
      end
    end
    assert.truthy(next(seen))
    for name in pairs(seen) do
      assert.matches('"' .. name .. '"', listed, nil, true)
    end
  end)
end)
