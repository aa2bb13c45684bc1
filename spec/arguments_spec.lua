-- What a wrong command line is told: one line, with the nearest name, before anything is connected.

local nearest = require "pghost.lib.nearest"
local fixture = require "support.fixture"
local pghost = require "support.pghost"

describe("the nearest name", function()
  it("is the one with the fewest changes, and none when all are far away", function()
    local names = { "load", "rejects", "replay", "runs", "server", "sniff" }
    for word, expected in pairs { laod = "load", loda = "load", run = "runs", rejcets = "rejects", snif = "sniff",
      serve = "server", reply = "replay" } do
      assert.equal(expected, nearest.of(word, names))
    end
    for _, word in ipairs { "nonsense", "x", "", "publish" } do
      assert.is_nil(nearest.of(word, names))
    end
    assert.equal(": did you mean 'load'?", nearest.hint("laod", names))
    assert.equal("", nearest.hint("nonsense", names))
  end)
end)

describe("a wrong command line", function()
  local folder

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    pghost.write(folder .. "/d.csv", "a\n1\n")
    pghost.write(folder .. "/p.lua", [[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start("x", { max_rejects = "", parameters = { smtp_pass = "x" } })]])
  end)

  -- With nothing configured and no server to start, an error that is found too late is another one.
  local function run(words)
    local clear = "-u DATABASE_URL -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PGSERVICE -u PGHOSTADDR"
    return pghost.shell(("cd %s && env %s PGHOST_SERVER_DIR=%s/server PGHOST_SERVER_BIN=/none %s %s")
      :format(folder, clear, folder, pghost.path, words))
  end

  for words, expected in pairs {
    ["p.lua --asof x"] = "unknown option '--asof': did you mean '--as-of'? (see p.lua --help)",
    ["p.lua --smtp-pas x"] = "unknown option '--smtp-pas': did you mean '--smtp-pass'? (see p.lua --help)",
    ["p.lua --as-of yesterday"] = "as_of: a timestamp YYYY-MM-DD HH:MM:SS expected, got 'yesterday'",
    ["p.lua --as-of 2023-02-29"] = "as_of: a timestamp YYYY-MM-DD HH:MM:SS expected, got '2023-02-29'",
    ["p.lua --as-of '2024-01-01 24:01'"] = "as_of: a timestamp YYYY-MM-DD HH:MM:SS expected, got '2024-01-01 24:01'",
    ["p.lua --max-rejects -1"] = "max_rejects: a number or a share such as 2% expected, got '-1'",
    ["p.lua --retries -1"] = "retries: a whole number from 0 expected, got '-1'",
    ["p.lua --schema ''"] = "schema: the name of a schema expected, got ''",
    ["load d.csv --into t --creat"] = "unknown option '--creat': did you mean '--create'? (see pghost load --help)",
    ["load d.csv --into t --max-rejects -1"] =
      "--max-rejects: whole number or share as '2%' expected, got '-1' (see pghost load --help)",
    ["load d.csv --into a.b.c"] = "'a.b.c' is not a table name: name, schema.name or \"Name\" expected",
    ["load none.csv --into t"] = "no such file 'none.csv'",
    ["runs --limt 3"] = "unknown option '--limt': did you mean '--limit'? (see pghost runs --help)",
    ["runs --limit -3"] = "--limit: whole number from 1 expected, got '-3' (see pghost runs --help)",
    ["rejects --xyzzy"] = "unknown option '--xyzzy' (see pghost rejects --help)",
    ["replay 1 none.lua"] = "no script 'none.lua': name it, pghost replay 1 SCRIPT",
    ["sniff d.csv --jsn"] = "unknown option '--jsn': did you mean '--json'? (see pghost sniff --help)",
    ["init --intoo x"] = "unknown option '--intoo': did you mean '--into'? (see pghost init --help)",
    ["report --jnit x"] = "unknown option '--jnit': did you mean '--junit'? (see pghost report --help)",
    ["fix 1 d.csv --forse"] = "unknown option '--forse' (see pghost fix --help)",
    ["export t --delimitr x"] = "unknown option '--delimitr': did you mean '--delimiter'? (see pghost export --help)",
    ["lint --jsno"] = "unknown option '--jsno': did you mean '--json'? (see pghost lint --help)",
    ["server statsu"] = "unknown command 'server statsu': did you mean 'status'? (see pghost server --help)",
  } do
    it("is refused at once: " .. words, function()
      local out, err, code = run(words)
      assert.same({ "", "pghost: " .. expected .. "\n" }, { out, err })
      assert.truthy(code == 2 or words:find("none.csv", 1, true) and code == 1)
    end)
  end

  it("is right with pghost's options after a script", function()
    local _, err, code = run "p.lua --dsn 'host=/none password=geheim' -q --log-format json"
    assert.equal(3, code)
    assert.matches("(the connection is set by --dsn)", err, nil, true)
    assert.is_nil(err:find("geheim", 1, true))
    _, err = run "p.lua --as-of 2024-02-29 -q"
    assert.matches("no PostgreSQL server found", err, nil, true)
    for _, moment in ipairs { "2024-02-29", "2024-06-30 23:59", "2024-06-30T23:59:59.123456" } do
      assert.matches("no PostgreSQL server found", (select(2, run("p.lua --as-of '" .. moment .. "'"))), nil, true)
    end
  end)
end)

describe("a key that nobody knows, in a table of options", function()
  for call, expected in pairs {
    ['require("pghost.pipeline").start("x", {}, { dns = "" })'] =
      "pipeline.start: unknown option 'dns': did you mean 'dsn'?",
    ['require("pghost.pipeline").start("x", { schem = "y" })'] =
      "config: unknown setting 'schem': did you mean 'schema'?",
    ['require("pghost.connection").open { dns = "" }'] = "connection.open: unknown option 'dns': did you mean 'dsn'?",
    ['require("pghost.sniff").sniff("x.csv", { encodng = "" })'] =
      "sniff: unknown option 'encodng': did you mean 'encoding'?",
    ['require("pghost.sniff").sniff_string("a", { quot = "" })'] =
      "sniff_string: unknown option 'quot': did you mean 'quote'?",
    ['require("pghost.check").not_null("a.b", { severty = "warn" })'] =
      "check.not_null 'a.b': unknown option 'severty': did you mean 'severity'?",
  } do
    it("is an error: " .. call, function()
      local problem = select(2, pcall(assert(load(call))))
      assert.equal(expected, tostring(problem))
    end)
  end
end)
