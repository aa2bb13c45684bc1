-- pghost test: specs of a project, through the executable; what they leave on the server.

local lfs = require "lfs"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"
local server = require "support.server"

local rules = [[
local r = require "pghost.rules"
return r.table("item", {
  { "id", r.bigint():trim():required() },
  { "day", r.date { format = "DD/MM/YYYY" } },
  { "price", r.numeric(6, 2):range(0, nil) },
}, { key = "id" })
]]

local pipeline = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local run <close> = pipeline.start("items", require "config")
run:load("item", "item*.csv", require "rules.item")
run:check { check.holds("item", "price < 100") }
run:analyse "sql"
run:publish()
]]

local project

fixture.each(function(keep)
  project = keep(projects.new())
  for _, folder in ipairs { "rules", "spec", "sql" } do
    lfs.mkdir(project.folder .. "/" .. folder)
  end
  project:write("pipeline.lua", pipeline)
  project:write("config.lua", 'return { schema = "shop", parameters = { least = 2 } }')
  project:write("rules/item.lua", rules)
  project:write("sql/total.sql", "SELECT count(*) AS items, sum(price) AS price FROM item WHERE price >= :least")
end)

local function databases()
  return server.get():psql "select count(*) from pg_database where datname like 'pghost_test%'"
end

-- A spec file of the project, run; its output and exit code.
local function run(text, ...)
  project:write("spec/x_spec.lua", 'local test = require "pghost.test"\nlocal r = require "pghost.rules"\n' .. text)
  local out, err, code = project:pghost("test", ...)
  assert.equal("", err)
  return out, code
end

describe("a spec of rules", function()
  it("passes, and needs no database", function()
    project:write("spec/x_spec.lua", [[
      local test = require "pghost.test"
      it("reads what it must", function()
        test.passes(require "rules.item", { id = " 7 ", day = "29/02/2024" },
          { id = 7, day = "2024-02-29", price = test.null })
        test.refuses(require "rules.item", { id = "7", day = "31/02/2024" }, "not a date '31/02/2024'")
        test.refuses(require "rules.item", { day = "29/02/2024" }, { column = "id", rule = "required" })
        local day = require("pghost.rules").date { format = "DD/MM/YYYY" }
        assert.equal("2024-02-29", day:try "29/02/2024")
        local value, failure = day:try "31/02/2024"
        assert.same({ nil, "type", "not a date '31/02/2024', expected DD/MM/YYYY" },
          { value, failure.rule, tostring(failure) })
        assert.same({}, { day:try(nil) })
      end)]])
    local out, err, code = pghost.run({ "--dsn", "host=/nowhere", "test" }, { cd = project.folder .. "/sql" })
    assert.same({ "", 0 }, { err, code }, out)
    assert.matches("^%+\n1 success / 0 failures / 0 errors / 0 pending", out)
  end)

  it("says what came out otherwise, as a table, at the line of the spec", function()
    local out, code = run [[
      it("differs", function()
        local cases = { ["1.50"] = "1.50", ["-1"] = test.refused_by "type", x = 7, ["2"] = test.refused }
        test.values(r.numeric(6, 2):range(0, nil), cases)
      end)
      it("has other values", function()
        test.passes(require "rules.item", { id = "7", price = "1.5" }, { id = 8, price = "1.5", prize = 1 })
      end)
      it("is refused", function()
        test.passes(require "rules.item", { id = "x" })
      end)
      it("is not refused", function()
        test.refuses(require "rules.item", { id = "1" }, "x")
      end)
      it("is refused for something else", function()
        test.refuses(require "rules.item", { id = "x" }, { rule = "required" })
      end)]]
    assert.equal(1, code)
    assert.matches("spec/x_spec.lua:5: 3 of 4 values are not as expected\n text | expected        | is\n", out, 1, true)
    assert.matches("\n '-1' | refused by type | refused by range: ", out, 1, true)
    assert.matches("\n '2'  | refused         | '2'\n", out, 1, true)
    assert.matches("spec/x_spec.lua:8: item: values differ from those expected\n"
      .. " column | expected | is\n", out, 1, true)
    assert.matches("\n id     | 8        | 7\n prize  | 1        | no such column\n", out, 1, true)
    assert.matches("spec/x_spec.lua:11: item: refused: id: not a bigint 'x' (rule 'type')\n", out, 1, true)
    assert.matches("spec/x_spec.lua:14: item: the record passes\n", out, 1, true)
    assert.matches("spec/x_spec.lua:17: item: refused, but with rule 'type' and not 'required': id: ", out, 1, true)
  end)
end)

describe("a spec of a pipeline", function()
  local good = [[
    it("adds up", function()
      test.pipeline { ["item1.csv"] = "id,day,price\n1,29/02/2024,2.50\n2,31/02/2024,1\n", ["item2.csv"] = [=[
        id,day,price
        3,,1.50
        4,,7]=] }
      test.table("shop.item", [=[
        id | day        | price
        1  | 2024-02-29 | 2.50
        4  | <null>     | 7.00
        3  | <null>     | 1.50
      ]=])
      test.query("SELECT * FROM shop.total", "items | price\n2 | 9.50")
      test.rejects [=[
        table_name | file      | line | column_name | rule | reason
        item       | item1.csv | 3    | day         | type | not a date '31/02/2024', expected DD/MM/YYYY
      ]=]
    end)]]

  it("runs it over small files, and looks at its tables", function()
    local out, code = run(good)
    assert.equal(0, code, out)
    assert.equal("0", databases())
    assert.equal("0", project:ask "select count(*) from pg_namespace where nspname in ('shop', 'pghost')")
  end)

  it("shows rows that differ, in a table", function()
    local out, code = run [[
      it("differs", function()
        test.pipeline({ ["item.csv"] = "id,day,price\n1,,2\n2,,3\n3,,4\n" }, { settings = { schema = "other" } })
        test.table("other.item", "id | price\n1 | 2.00\n2 | 9.00\n3|4.00\n4|<null>")
      end)
      it("is in another order", function()
        test.query("SELECT * FROM (VALUES (1), (2)) AS x (a) ORDER BY a", "a\n2\n1")
      end)
      it("has other columns", function()
        test.table("other.item", "id | prize\n1 | 2")
      end)]]
    assert.equal(1, code)
    assert.matches("spec/x_spec.lua:5: other.item: not as expected\n         | id | price\n---------+----+--------\n",
      out, 1, true)
    for _, line in ipairs { " extra   | 2  | 3.00", " missing | 2  | 9.00", " missing | 4  | <null>",
      "         | 1  | 2.00" } do
      assert.matches("\n" .. line .. "\n", out, 1, true)
    end
    assert.matches("spec/x_spec.lua:8: the answer: not as expected\n         | a\n---------+---\n missing | 2\n"
      .. " extra   | 1\n"
      .. " missing | 1\n extra   | 2\n", out, 1, true)
    assert.matches("spec/x_spec.lua:11: no column 'prize': did you mean 'price'? (has: id, day, price)", out, 1, true)
  end)

  it("expects a failure by its code, and shows the log of one that it did not expect", function()
    local out, code = run [[
      local dear = { ["item.csv"] = "id,day,price\n1,,200\n" }
      it("fails as it must", function()
        local outcome = test.pipeline(dear, { fails = "check" })
        assert.matches("1 check failed", tostring(outcome.problem), 1, true)
        test.query("SELECT state FROM pghost.runs", "state\nfailed")
      end)
      it("fails otherwise", function()
        test.pipeline(dear, { fails = "budget" })
      end)
      it("does not fail", function()
        test.pipeline({ ["item.csv"] = "id,day,price\n1,,20\n" }, { fails = "check" })
      end)
      it("was not to fail", function()
        test.pipeline(dear)
      end)
      it("has no file", function()
        test.pipeline({}, { fails = "ENOENT" })
      end)]]
    assert.equal(1, code)
    assert.matches("2 successes / 3 failures / 0 errors", out, 1, true)
    assert.matches("spec/x_spec.lua:10: the pipeline failed with code 'check' and not 'budget': 1 check failed", out, 1,
      true)
    assert.matches("spec/x_spec.lua:13: the pipeline published, but should have failed with code 'check'", out, 1, true)
    assert.matches("spec/x_spec.lua:16: the pipeline failed: 1 check failed, nothing is published: item: price < 100\n"
      .. "start    items ", out, 1, true)
  end)

  it("runs steps of its own", function()
    local out, code = run [[
      it("loads one table", function()
        local outcome = test.run({ ["a/item.csv"] = "id,day,price\n1,,2\n" }, function(run)
          run:load("item", "a/item.csv", require "rules.item", { max_rejects = 0 })
        end)
        test.table("item", "id | price\n1 | 2.00")
        assert.equal(1, outcome.run)
        assert.equal(1, test.connection():query("SELECT count(*) AS n FROM item_raw")[1].n)
      end)
      it("takes settings of each kind", function()
        local outcome = test.pipeline({ ["item.csv"] = "id,day,price\n1,,20\n" },
          { settings = { dry_run = true, adopt = false, lock_wait = 1.5, retries = 0, least = 1, schema = "dry" } })
        assert.matches("would", outcome.log)
        test.query("SELECT to_regclass('dry.item') AS item", "item\n<null>")
      end)]]
    assert.equal(0, code, out)
  end)
end)

describe("pghost test", function()
  it("gives each file a database of its own", function()
    for _, name in ipairs { "a", "b" } do
      project:write("spec/" .. name .. "_spec.lua", [[
        local connection = require "pghost.connection"
        it("is alone", function()
          local conn <close> = connection.open()
          conn:exec "CREATE TABLE mine ()"
          assert.matches("^pghost_test_", conn:query("SELECT current_database()::text AS name")[1].name)
        end)]])
    end
    local out, err, code = project:pghost("test")
    assert.same({ "", 0 }, { err, code }, out)
    assert.equal("0", databases())
  end)

  it("never goes to DATABASE_URL", function()
    project:write("spec/a_spec.lua", [[
      it("connects", function()
        local conn <close> = require("pghost.connection").open()
        print(conn:query("SELECT current_database()::text AS name")[1].name)
      end)]])
    local out, err, code = pghost.run({ "--dsn", project.dsn, "test" }, { cd = project.folder,
      env = "DATABASE_URL=postgresql://nowhere.invalid/x PGDATABASE=y" })
    assert.same({ "", 0 }, { err, code }, out)
    assert.matches("pghost_test_", out, 1, true)
  end)

  it("leaves nothing when it is interrupted, and removes what a killed one has left", function()
    project:write("spec/a_spec.lua", [[
      it("waits", function()
        local conn <close> = require("pghost.connection").open()
        conn:exec "CREATE TABLE t ()"
        io.stdout:write("ready\n"):flush()
        conn:exec "SELECT pg_sleep(30)"
      end)]])
    local function start(signal)
      pghost.shell(("cd %s && rm -f out && { %s --dsn %s test >out 2>&1 & pid=$!; "
        .. "until grep -q ready out; do sleep 0.05; done; "
        .. "kill -%s $pid; wait $pid; }"):format(project.folder, pghost.path, pghost.quote(project.dsn), signal))
    end
    start "INT"
    assert.equal("0", databases())
    start "KILL"
    assert.equal("1", databases())
    project:write("spec/a_spec.lua", 'it("connects", function() require("pghost.connection").open() end)')
    server.get():psql "select pg_terminate_backend(pid) from pg_stat_activity where datname like 'pghost_test%'"
    local out, err, code = project:pghost("test")
    assert.same({ "", 0 }, { err, code }, out)
    assert.equal("0", databases())
  end)

  it("takes no module and no configuration from where it is started", function()
    lfs.mkdir(project.folder .. "/src")
    project:write(".busted", 'error "configured"')
    for _, name in ipairs { "say", "luassert", "src/say", "src/term", "src/mine", "busted", "pl" } do
      project:write(name .. ".lua", 'error "taken"')
    end
    local out, code = run [[
      it("has what busted brings, and the project's own modules", function()
        assert.has_error(function() require "mine" end)
        assert.is_table(require "config")
        assert.same({ 1 }, { 1 })
      end)]]
    assert.equal(0, code, out)
  end)

  it("ends with 1 for 256 failures, too", function()
    local out, code = run 'for i = 1, 256 do it("fails " .. i, function() assert.equal(1, 2) end) end'
    assert.equal(1, code)
    assert.matches("0 successes / 256 failures", out, 1, true)
  end)

  it("takes files, a filter, another output; says what is wrong with its arguments", function()
    project:write("spec/a_spec.lua", 'it("one", function() end) it("two", function() error "no" end)')
    local out, _, code = project:pghost("test", "spec/a_spec.lua", "--filter", "one", "--output", "TAP")
    assert.same({ "ok 1 - one\n1..1\n", 0 }, { out, code })
    local _, err = project:pghost("test", "spec/b_spec.lua")
    assert.equal("pghost: no spec 'spec/b_spec.lua'\n", err)
    _, err = project:pghost("test", "--filtre", "x")
    assert.matches("unknown option '--filtre': did you mean '--filter'? (see pghost test --help)", err, 1, true)
    _, err = project:pghost("test", "--output", "nonsense")
    assert.matches("^pghost: [^\n]*'%-%-output' must be one of 'plainTerminal'", err)
    _, err = pghost.run({ "test" }, { cd = "/" })
    assert.equal("pghost: no project here (a folder with pipeline.lua): name the specs, or --script FILE\n", err)
    out = project:pghost("test", "--help")
    assert.matches("Example: pghost test ", out, 1, true)
  end)
end)

describe("docs/TESTING_RULES.md", function()
  it("has specs that pass over the sample's project", function()
    pghost.shell(("cd %s && cp -r %s/scripts/*.lua %s/scripts/rules . && cp -r %s/sql/analytics sql/"):format(
      project.folder, pghost.root, pghost.root, pghost.root))
    local count = 0
    for block in pghost.read(pghost.root .. "/docs/TESTING_RULES.md"):gmatch "```lua\n(.-)```" do
      count = count + 1
      project:write(("spec/%d_spec.lua"):format(count), block)
    end
    local out, err, code = project:pghost("test")
    assert.same({ "", 0, 3 }, { err, code, count }, out)
    assert.matches("^%+%+%+%+\n4 successes / 0 failures / 0 errors", out)
  end)
end)
