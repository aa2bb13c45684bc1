-- run:expect: checks that a run knows of before it loads, and the contract of a table's columns.

local fixture = require "support.fixture"
local projects = require "support.project"

local pipeline = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local r = require "pghost.rules"
local run <close> = pipeline.start("items", { data = ".", schema = "shop" })
run:expect { %s }
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "name", r.varchar(20) } }, { key = "id" }))
%s
run:publish()
]]

local project

fixture.each(function(keep)
  project = keep(projects.new { ["item.csv"] = "id,name,extra\n1,a,x\n60,b,y\n" })
end)

local function run(checks, more)
  project:write("pipeline.lua", pipeline:format(checks, more or ""))
  return project:run "pipeline.lua"
end

local function files_read()
  return project:ask "SELECT count(*) FROM pghost.files"
end

describe("checks that a run expects", function()
  it("run when the script says so, else before publishing", function()
    for _, more in ipairs { "run:check()", "" } do
      local err, code = run('check.matches_source("item"), check.not_null("item.name")', more)
      assert.equal(0, code, err)
      assert.equal("item has as many rows as its files have records|t|2\nitem.name is never null|t|2", project:ask [[
        SELECT name, passed, rows_checked FROM pghost.checks WHERE kind IS NOT NULL AND kind <> 'not_empty'
          AND run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY check_id]])
    end
    project:write("item.csv", "id,name\n1,a\n1,b\nx,c\n3,d\n")
    local err, code = run 'check.matches_source("item", { error_if = ">= 50%", warn_if = "> 10%" })'
    assert.same({ 4, true }, { code, err:find("2 violations", 1, true) ~= nil }, err)
    assert.equal("2|error|f|[{\"table\": 2, \"source\": 4}]", project:ask [[SELECT violations, severity, passed, samples
      FROM pghost.checks WHERE kind = 'matches_source' ORDER BY check_id DESC LIMIT 1]])
  end)

  it("name columns that the load gives, or nothing is read", function()
    local err, code = run 'check.not_null("item.nmae")'
    assert.equal(1, code)
    assert.matches("check 'item.nmae is never null': no column 'nmae' in table 'item': did you mean 'name'?", err, 1,
      true)
    assert.equal("0", files_read())
    err, code = run 'check.not_null("item_raw.extr")'
    assert.equal(1, code)
    assert.matches("no column 'extr' in table 'item_raw': did you mean 'extra'?", err, 1, true)
    assert.equal("0", files_read())
  end)

  it("name tables that the project makes or the database has, or nothing is read", function()
    local made = 'check.not_null("item.id"), check.row_count("item_raw", 1), check.row_count("answer", 0)'
    os.execute("mkdir " .. project.folder .. "/sql")
    project:write("sql/answer.sql", "SELECT 1 AS x")
    local err, code = run(made .. ', check.not_null("itme.id")', 'run:analyse "sql"')
    assert.equal(1, code)
    assert.matches("check 'itme.id is never null': no table 'itme': did you mean 'item'?", err, 1, true)
    assert.equal("0", files_read())
    err, code = run(made .. ', check.references("item.id", "answr.x")', 'run:analyse "sql"')
    assert.equal(1, code)
    assert.matches("no table 'answr': did you mean 'answer'?", err, 1, true)
    assert.equal("0", files_read())
    project:ask "CREATE TABLE public.other AS SELECT 1 AS x"
    err, code = run(made .. ', check.row_count("public.other", 1)', 'run:analyse "sql"')
    assert.equal(0, code, err)
  end)

  it("leave alone what a script makes in a way that is not certain", function()
    for _, more in ipairs {
      'for _, name in ipairs { "two" } do run:load(name, "item.csv", r.table("two", { { "id", r.bigint() } })) end',
      'local load = run.load; load(run, "two", "item.csv", r.table("two", { { "id", r.bigint() } }))',
      [[run:create_table(run.conn, "two", "id bigint")
        run:query(("INSERT INTO %s VALUES (1)"):format(run:qualified "two"))]],
      'run:query "CREATE TABLE two AS SELECT 1 AS id"',
    } do
      local err, code = run('check.row_count("two", 1)', more)
      assert.equal(0, code, err)
    end
    local err, code = run('check.row_count("tow", 1)', 'local name = "two"; run:load(name, "item.csv", r.table("two", '
      .. '{ { "id", r.bigint() } }))')
    assert.equal(1, code)
    assert.matches("no table 'tow': did you mean 'two'?", err, 1, true)
    assert.equal("2", project:ask [[SELECT count(*) FROM pghost.files
      WHERE run_id = (SELECT max(run_id) FROM pghost.runs)]])
  end)

  it("are seen by pghost check and pghost lint", function()
    run 'check.row_count("item", 2, 2)'
    local out, err, code = project:pghost("check")
    assert.equal(0, code, err)
    assert.matches("item has 2 to 2 rows", out, 1, true)
    project:write("pipeline.lua", pipeline:format('check.range("item.idd", 1, 2)', "run:check()"))
    out, err = project:pghost("lint")
    assert.matches("no column 'idd' in table 'item': did you mean 'id'?", out .. err, 1, true)
  end)
end)

describe("the contract of a table", function()
  it("stops the run before anything is loaded, for raw and for clean", function()
    local cases = {
      ['check.columns("item", { id = "integer", name = "varchar(20)" })'] = "column 'id' is bigint instead of integer",
      ['check.columns("item", { id = "int8", name = "varchar(30)" })'] =
        "column 'name' is varchar(20) instead of varchar(30)",
      ['check.columns("item", { "id", "name", "price" })'] = "column 'price' is missing",
      ['check.columns("item_raw", { "id", "name" }, { new = "stop" })'] = "column 'extra' is new",
      ['check.columns("item_raw", { "id", "name", "extra", "size" })'] = "column 'size' is missing",
    }
    for checks, message in pairs(cases) do
      local err, code = run(checks)
      assert.equal(4, code, err)
      assert.matches("failed before anything was loaded: " .. message, err, 1, true)
      assert.equal("0", files_read())
    end
    assert.equal("5|f|error", project:ask [[SELECT count(*), bool_or(passed), max(severity) FROM pghost.checks
      WHERE kind = 'columns']])
  end)

  it("warns, or lets it evolve", function()
    local err, code = run [[check.columns("item_raw", { "id", "name" }),
      check.columns("item", { "id" }, { new = "evolve" })]]
    assert.equal(0, code, err)
    assert.matches('warn: 1 violation: {"change":"new","column":"extra","found":"text"}', err:gsub("%s+", " "), 1, true)
    assert.equal("f|warn\nt|error", project:ask [[SELECT passed, severity FROM pghost.checks WHERE kind = 'columns'
      ORDER BY check_id]])
  end)

  it("takes types by any of their names", function()
    local err, code = run 'check.columns("item", { id = "int8", name = "character varying(20)" }, { new = "stop" })'
    assert.equal(0, code, err)
    err, code = run 'check.columns("item", { id = "bigint", name = "varchar" }, { new = "stop" })'
    assert.equal(0, code, err)
  end)
end)
