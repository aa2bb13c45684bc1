-- pghost lint: a project with a mistake of each kind, and the list of them that was written by hand; good projects.
--
-- fixtures/lint/wrong_project.txt holds the files of the project, each below its name.

local cjson = require "cjson"
local lfs = require "lfs"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local fixtures = pghost.root .. "/spec/fixtures/lint/"
local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

local function write(name, text)
  local folder = name:match "^(.*)/"
  if folder then
    lfs.mkdir(project.folder .. "/" .. folder)
  end
  project:write(name, text)
end

local function files_of(text)
  local list, from = {}, 1
  while true do
    local first, last, name = text:find("==== (%C+)\n", from)
    if not first then
      return list
    end
    local stop = text:find("==== ", last, true) or #text + 1
    list[name] = text:sub(last + 1, stop - 1)
    from = stop
  end
end

local function write_wrong_project()
  for name, text in pairs(files_of(pghost.read(fixtures .. "wrong_project.txt"))) do
    write(name, text)
  end
end

local good = {
  ["pipeline.lua"] = [[
local pipeline = require "pghost.pipeline"
local run <close> = pipeline.start("shop", require "config")
run:load("item", "item.csv", require "rules.item")
run:check(require "checks")
run:analyse("sql")
run:publish()
]],
  ["config.lua"] = 'return { data = ".", schema = "shop", parameters = { least = 2 } }',
  ["rules/item.lua"] = 'local r = require "pghost.rules"\n'
    .. 'return r.table("item", {\n  { "id", r.bigint() },\n}, { key = "id" })\n',
  ["checks.lua"] = 'local check = require "pghost.check"\nreturn { check.holds("item", "id < 100") }\n',
  ["sql/many.sql"] = "SELECT count(*) AS n FROM item WHERE id > :least",
  ["item.csv"] = "id\n1000\n",
}

local function write_good_project(changes)
  for name, text in pairs(good) do
    write(name, changes and changes[name] or text)
  end
end

local function lint(...)
  local out, err, code = project:pghost("lint", ...)
  assert.equal("", err)
  return out, code
end

-- The lines of the list as patterns; `...` in them is anything.
local function expected()
  local list = {}
  for line in pghost.read(fixtures .. "expected.txt"):gmatch "[^\n]+" do
    list[#list + 1] = "^" .. line:gsub("%W", "%%%0"):gsub("%%%.%%%.%%%.", ".*") .. "$"
  end
  return list
end

local function state()
  return project:ask [[select (select count(*) from pg_class),
    (select count(*) from pg_namespace where nspname !~ '^pg_t'), (select count(*) from pg_attribute)]]
end

describe("pghost lint", function()
  it("names all mistakes of a project with their places, and changes nothing", function()
    write_wrong_project()
    lint() -- the first temporary schema of a connection stays, empty
    local before = state()
    local out, code = lint()
    assert.equal(1, code)
    local got = {}
    for line in out:gmatch "[^\n]+" do
      got[#got + 1] = line
    end
    for i, wanted in ipairs(expected()) do
      assert.matches(wanted, got[i] or "no line", nil, nil, out)
    end
    assert.equal(#expected(), #got)
    assert.equal(before, state())
  end)

  it("finds nothing in good projects", function()
    write_good_project()
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { lint() })
    lfs.mkdir(project.folder .. "/below")
    local out, _, code = pghost.run({ "--dsn", project.dsn, "lint" }, { cd = project.folder .. "/below" })
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { out, code })
    out, _, code = pghost.run({ "--dsn", project.dsn, "lint", pghost.root .. "/scripts/pipeline.lua" }, { cd = "/" })
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { out, code })
    pghost.run({ "init", pghost.root .. "/data", "--into", project.folder .. "/made", "--encoding", "utf-8",
      "--delimiter", "," })
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { lint "made/pipeline.lua" })
  end)

  it("does not care about the data, and knows what is published", function()
    write_good_project { ["checks.lua"] = 'local check = require "pghost.check"\n'
      .. 'return { check.references("item.id", "other.id"), check.holds("item", "id < 5") }\n' }
    assert.matches('^checks.lua:2: check \'item.id references other\': no table \'other\'\n', (lint()))
    project.conn:exec "CREATE SCHEMA shop; CREATE TABLE shop.other (id bigint)"
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { lint() })
  end)

  it("knows the columns that modes add, raw tables, and answers of earlier files", function()
    write_good_project {
      ["pipeline.lua"] = good["pipeline.lua"]:gsub('"rules.item"%)', '"rules.item", { mode = "history" })'),
      ["sql/many.sql"] = "SELECT count(_valid_from) AS n FROM item JOIN item_raw AS r ON r.id = item.id::text\n"
        .. "AND r._line > 1",
    }
    write("sql/next.sql", "SELECT n + 1 AS more FROM many")
    assert.same({ "0 mistakes, 0 warnings\n", 0 }, { lint() })
    write("sql/next.sql", "SELECT m + 1 AS more FROM many")
    assert.equal('sql/next.sql:1: column "m" does not exist\n1 mistake, 0 warnings\n', (lint()))
  end)

  it("does not tell what only follows from a mistake", function()
    write_good_project { ["rules/item.lua"] = [[
local clean = require "rules.cleaning"
local r = require "pghost.rules"
return r.table("item", {
  { "id", clean(r.bigint()):required() },
  { "no", r.bigint():odd() },
}, { key = "id" })
]] }
    write("rules/cleaning.lua", "return function(column)\n  return column:trm()\nend end\n")
    assert.equal("rules/cleaning.lua:3: <eof> expected near 'end'\n"
      .. "rules/item.lua:5: a column's rules have no 'odd'\n"
      .. "rules/item.lua:5: item.csv: no column 'no' in the header (has: id)\n"
      .. "3 mistakes, 0 warnings\n", (lint()))
  end)

  it("looks at every part of a table's rules, and at every step", function()
    write_good_project {
      ["pipeline.lua"] = good["pipeline.lua"]:gsub("run:check", [[
run:load("item", "no.csv", require "rules.item", { mode = "merge", delimiter = "", budget = { rejcts = 1 } })
run:load("b", "item.csv", require "rules.b")
run:check]]),
      ["rules/item.lua"] = [[
local r = require "pghost.rules"
return r.table("item", {
  { "id", r.bigint() },
  { "id", r.bigint() },
  { "x", r.text(), form = "y" },
  { "y" },
}, { row = { r.check({ "id", "nix" }, function() end), r.set("x", "y", 5) }, on_eror = 1 })
]],
      ["sql/many.sql"] = "-- nothing\n",
      ["item.csv"] = "id,x,y\n",
    }
    write("rules/b.lua", "")
    local list = {}
    for line in lint():gmatch "[^\n]+" do
      list[#list + 1] = line
    end
    assert.same({
      "pipeline.lua:4: budget: unknown budget 'rejcts': did you mean 'rejects'?",
      "pipeline.lua:4: no such file 'no.csv'",
      "pipeline.lua:4: option 'delimiter': 1 to 8 bytes without line ends expected, got ''",
      "pipeline.lua:4: table 'item': mode 'merge' needs a key: give its rules one",
      "pipeline.lua:5: run:load 'b': the rules of a table expected, got a module that returns nothing",
      "rules/item.lua:2: rules 'item': column 4: { \"name\", type } expected, as { \"id\", r.bigint() }",
      "rules/item.lua:4: rules 'item': column 'id': duplicate name",
      "rules/item.lua:5: rules 'item': column 'x': unknown option 'form': only 'from' is known",
      "rules/item.lua:7: rules 'item': check: unknown column 'nix'",
      "rules/item.lua:7: set: function expected, got number",
      "rules/item.lua:7: table: unknown option 'on_eror': did you mean 'on_error'?",
      "sql/many.sql: the file has no SQL",
      "12 mistakes, 0 warnings",
    }, list)
  end)

  it("does not look for files where the config does not say where they are", function()
    local script = good["pipeline.lua"]:gsub("item.csv", "no.csv")
    write_good_project { ["config.lua"] = "return 7", ["pipeline.lua"] = script }
    write("sql/many.sql", "SELECT 1 AS one")
    assert.equal("pipeline.lua:2: pipeline.start: table of settings expected, got number\n1 mistake, 0 warnings\n",
      (lint()))
  end)

  it("says where it could not follow the script", function()
    local asks = good["pipeline.lua"]:gsub("run:check", "run:query 'select 1'\nrun:check", 1)
    write_good_project { ["pipeline.lua"] = asks }
    assert.same({ "pipeline.lua:4: warning: the script queries the database here (run.query): "
      .. "nothing after this is checked\n0 mistakes, 1 warning\n", 0 }, { lint() })
    assert.equal(1, (select(2, lint "--strict")))
    write("pipeline.lua", "error 'no'")
    assert.equal("pipeline.lua:1: no\n1 mistake, 0 warnings\n", (lint()):gsub("rules/item.lua: warning[^\n]*\n", "")
      :gsub("1 warning", "0 warnings"))
  end)

  it("goes without the database when told to, and ends with 3 when it cannot be reached", function()
    write_good_project { ["sql/many.sql"] = "SELECT nonsense", ["checks.lua"] = "return { nil" }
    assert.matches("^checks.lua:1: [^\n]*\n1 mistake, 0 warnings\n$", (lint "--offline"))
    local out, err, code = pghost.run({ "--dsn", "host=/nowhere", "lint" }, { cd = project.folder })
    assert.equal(3, code)
    assert.matches("^checks.lua:1: [^\n]*\n1 mistake, 0 warnings\n$", out)
    assert.matches("could not connect .-; SQL and checks were not all looked at %(%-%-offline: that is meant%)\n$", err)
  end)

  it("names what it found where the role may not have temporary tables", function()
    write_good_project { ["rules/item.lua"] = 'return require("pghost.rules").tabel("item", {})' }
    project.conn:exec [[
      DO 'BEGIN CREATE ROLE linter LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'; DO $$BEGIN
      EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END$$]]
    local out, err, code = pghost.run({ "--dsn", (project.dsn:gsub("user=postgres", "user=linter")), "lint" },
      { cd = project.folder })
    assert.equal(1, code)
    assert.equal("rules/item.lua:1: pghost.rules has no 'tabel': did you mean 'table'?\n1 mistake, 0 warnings\n", out)
    assert.matches("permission denied to create temporary tables .-; SQL and checks were not all looked at", err)
  end)

  it("gives JSON", function()
    write_good_project { ["sql/many.sql"] = "SELECT 1,\n  'é' || nonsense" }
    local out, code = lint "--json"
    assert.same({ file = "sql/many.sql", line = 2, severity = "error", message = 'column "nonsense" does not exist' },
      cjson.decode(out))
    assert.equal(1, code)
    assert.matches("Example: pghost lint", (lint "--help"), 1, true)
  end)
end)
