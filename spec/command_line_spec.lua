-- What every command owes its user: a line in `pghost --help`, a --help of one screen with an example, and words for
-- what was mistyped. The commands are those that have a file, so a new one is held against this, too.

local commands = require "pghost.manual.commands"
local lfs = require "lfs"
local fixture = require "support.fixture"
local pghost = require "support.pghost"

local run = pghost.run

local function lines_of(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do
    list[#list + 1] = line
  end
  return list
end

local function widest(lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, utf8.len(line))
  end
  return width
end

describe("the command line", function()
  local folder

  fixture.once(function(keep)
    folder = keep(pghost.folder())
  end)

  it("has a command for each file in command/", function()
    local names = {}
    for entry in lfs.dir(pghost.root .. "/scripts/pghost/command") do
      names[#names + 1] = entry:match("^(.*)%.lua$")
    end
    table.sort(names)
    assert.same(names, commands.names())
    assert.is_true(#names >= 12)
  end)

  it("lists them with a line each, options and exit codes in 100 columns", function()
    local out, err, code = run { "--help" }
    assert.same({ "", 0, out }, { err, code, (run { "help" }) })
    for _, command in ipairs(commands.list()) do
      assert.matches(("\n  %-9s  %s.\n"):format(command.name, command.summary), out, 1, true)
    end
    for _, text in ipairs { "\n  -e CHUNK  ", "\n  --color auto|always|never\n", "\n  130  Interrupted",
      "\nExample: pghost " } do
      assert.matches(text, out, 1, true)
    end
    assert.is_true(widest(lines_of(out)) <= 100, widest(lines_of(out)))
  end)

  for _, command in ipairs(commands.list()) do
    it(("shows the help of %s on one screen, with an example"):format(command.name), function()
      local out, err, code = run { command.name, "--help" }
      local lines = lines_of(out)
      assert.same({ "", 0 }, { err, code })
      assert.matches("^Usage: pghost " .. command.name, out)
      assert.matches("\nExample: [^\n]*pghost " .. command.name, out)
      assert.is_true(#lines <= 50 and widest(lines) <= 80, ("%d lines of %d columns"):format(#lines, widest(lines)))
      assert.equal(out, (run { "help", command.name }))
      assert.matches("[%w)]$", command.summary)
    end)
  end

  it("explains the options of the dialect once, for all commands that have them", function()
    local out = run { "help", "dialect" }
    assert.matches("\n   %-%-delimiter TEXT +Delimiter %(default: comma%)", out)
    assert.matches("explains them):\n   --format csv|text  --delimiter TEXT  ", run { "load", "--help" }, 1, true)
  end)

  for words, expected in pairs {
    ["lod x.csv"] = "unknown command 'lod': did you mean 'load'?",
    ["orders.csv"] = "'orders.csv' is not a script or a command: to see what is in it, `pghost sniff orders.csv`; to "
      .. "load it, `pghost load orders.csv --into TABLE`",
    ["answer.sql"] = "'answer.sql' is not a script or a command: to run its SQL, `pghost query -f answer.sql`",
    ["pipline.lua"] = "could not open script 'pipline.lua': no such file or directory: did you mean 'pipeline.lua'?",
    ["./pipline"] = "no script './pipline': did you mean './pipeline.lua'?",
    ["runs --dns x"] = "unknown option '--dns': did you mean '--dsn'? (see pghost runs --help)",
    ["--colour never"] = "unknown option '--colour': did you mean '--color'?",
    ["--color blue"] = "color must be auto, always or never, not 'blue'",
    ["--quiet=yes"] = "option '--quiet' takes no value",
    ["-e"] = "option '-e' needs a value",
    ["server stpo"] = "unknown command 'server stpo': did you mean 'stop'? (see pghost server --help)",
    ["server stop --fource"] = "unknown option '--fource': did you mean '--force'? (see pghost server --help)",
    ["help laod"] = "no command or topic 'laod': did you mean 'load'? (see pghost --help)",
  } do
    it("answers to pghost " .. words, function()
      pghost.write(folder .. "/pipeline.lua", "")
      local _, err, code = pghost.shell(("cd %s && %s %s"):format(folder, pghost.path, words))
      assert.same({ "pghost: " .. expected .. "\n", 2 }, { err, code })
    end)
  end

  it("runs an executable script that names pghost in its first line", function()
    local path = pghost.write(folder .. "/hello", "#!/usr/bin/env pghost\nprint('hello', ...)\n")
    local bin = pghost.path:match("^(.*)/")
    local out, err, code = pghost.shell(("chmod +x %s && PATH=%s:$PATH %s a 'b c' --quiet"):format(path, bin, path))
    assert.same({ "hello\ta\tb c\t--quiet\n", "", 0 }, { out, err, code })
  end)

  it("needs nothing of the environment, neither USER nor HOME", function()
    local dsn = require("support.server").get().dsn
    assert.same({ "a\n1\n", "", 0 }, { pghost.shell(("env -i DATABASE_URL=%s %s query --csv 'SELECT 1 AS a'"):format(
      pghost.quote(dsn), pghost.path)) })
  end)

  describe("colors", function()
    local chunk = [[local log = require "pghost.lib.log"
      log.new():warn("load", "x", "careful") log.new():info("load", "x", "fine")]]

    -- On a terminal of util-linux' script(1).
    local function on_terminal(words, env)
      local path = pghost.write(folder .. "/log.lua", chunk)
      return (pghost.shell(("env -u NO_COLOR %s TERM=xterm script -qec '%s %s %s' /dev/null"):format(env or "",
        pghost.path, words, path)))
    end

    local colored = "\27[33mload     x                    warn: careful\27[0m"

    it("are for terminals, and neither for NO_COLOR nor for dumb ones", function()
      assert.matches(colored, on_terminal "", 1, true)
      assert.is_nil(on_terminal("", "NO_COLOR=1"):find("\27", 1, true))
      assert.matches(colored, on_terminal("", "NO_COLOR="), 1, true)
      local _, err = run({ "-e", chunk })
      assert.is_nil(err:find("\27", 1, true))
    end)

    it("are as --color says, wherever it stands", function()
      local _, err = run({ "--color=always", "-e", chunk }, { env = "NO_COLOR=1" })
      assert.matches(colored, err, 1, true)
      assert.is_nil(on_terminal("--color never"):find("\27", 1, true))
      local out = run { "help", "--color", "always" }
      assert.matches("\27[1mCommands:\27[0m", out, 1, true)
    end)
  end)

  describe("--version", function()
    local clear = "env -u DATABASE_URL -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PGSERVICE -u PGHOSTADDR"

    it("tells the versions of what pghost is made of, as their makers do", function()
      local server = require("support.server").get()
      local dsn = server.dsn
      local out, err, code = run { "--dsn", dsn, "--version" }
      assert.same({ "", 0 }, { err, code })
      local libpq = pghost.shell("pkg-config --modversion libpq"):match("^(%d+%.%d+)")
      local csv = pghost.shell("dpkg-query -W -f '${Version}' libcsv3"):match("^[%d.]+")
      local lua = pghost.shell("lua5.4 -v"):match("^Lua ([%d.]+)")
      local version = server:psql("SHOW server_version"):match("%S.*%S")
      assert.equal(("Lua %s\nlibpq %s\nlibcsv %s\nserver PostgreSQL %s (--dsn)\n"):format(lua, libpq, csv, version),
        out:match("^pghost %d+%.%d+%.%d+\n(.*)$"))
      assert.equal(out, (run { "--dsn", dsn, "version" }))
    end)

    it("starts no server, and fails for none that cannot be reached", function()
      local out, err, code = pghost.shell(("cd %s && %s PGHOST_SERVER_DIR=%s/none %s -v"):format(folder, clear, folder,
        pghost.path))
      assert.same({ "", 0 }, { err, code })
      assert.matches("\nserver none %(no database is configured", out)
      assert.is_nil(lfs.attributes(folder .. "/none"))
      out, err, code = run { "--dsn", "host=/nonexistent password=geheim", "-v" }
      assert.same({ "", 0 }, { err, code })
      assert.matches("\nserver not reachable: [^\n]*/nonexistent[^\n]*%(the connection is set by %-%-dsn%)\n$", out)
      assert.is_nil(out:find("geheim", 1, true))
    end)
  end)
end)
