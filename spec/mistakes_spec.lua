-- What a person types or writes wrong, and what is said about it: where it is, and what to do.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
%s
run:publish()
]]

local good = 'run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }))'

describe("a mistake in a script:", function()
  local project

  fixture.once(function(keep)
    project = keep(projects.new { ["item.csv"] = "id\n1\nx\n", ["bare_rules.lua"] = 'local r = require "pghost.rules"\n'
      .. 'r.table("item", { { "id", r.bigint() } })\n', ["more.csv"] = "id\ny\n" })
    project:write("good.lua", script:format(good .. '\nrun:load("more", "more.csv", '
      .. 'r.table("more", { { "id", r.bigint() } }), { allow_empty = true })\n'))
  end)

  local function last_words(body)
    project:write("bad.lua", script:format(body))
    local err, code = project:run "bad.lua"
    assert.equal(1, code, err)
    return err:match("\npghost: (.*)\n$")
  end

  it("run:load without rules", function()
    assert.equal("bad.lua:4: run:load 'item': rules expected, got nil: give r.table(...), or load the raw table alone "
      .. "with run:stage", last_words 'run:load("item", "item.csv")')
    assert.equal("bad.lua:5: run:clean 'item': rules expected, got table: give what r.table(...) of pghost.rules "
      .. "returns", last_words 'run:stage("item", "item.csv")\nrun:clean("item", { { "id", r.bigint() } })')
    assert.equal("bad.lua:4: run:stage 'item': rules expected, got string: give what r.table(...) of pghost.rules "
      .. "returns", last_words 'run:stage("item", "item.csv", "x")')
  end)

  it("a rules file without return", function()
    assert.equal(("bad.lua:4: run:load 'item': rules expected, got true: '%s/bare_rules.lua' returns nothing: "
      .. "it must end in `return r.table(...)`"):format(project.folder),
      last_words 'run:load("item", "item.csv", require "bare_rules")')
    local _, err, code = project:pghost("load", "item.csv", "--into", "x", "--create", "--rules", "bare_rules.lua")
    assert.equal(2, code)
    assert.equal("pghost: 'bare_rules.lua' returns no rules: `return r.table(...)` expected\n", err)
  end)

  it("in a rules file, at the line of what is wrong", function()
    for line, body in pairs {
      [4] = '{ "a", r.bigint() },\n{ "b", r.date { format = "QQ" } },\n{ "c", r.text() } })',
      [5] = '{ "a", r.bigint() } }, {\nkey = "a",\nrow = { r.compare("a", "<", "b") } })',
      [3] = '{ "a", r.bigint():range("x") } })',
    } do
      project:write("wrong_rules.lua", 'local r = require "pghost.rules"\nreturn r.table("item", {\n' .. body .. "\n")
      project:write("wrong.lua", script:format 'run:load("item", "item.csv", require "wrong_rules")')
      local err, code = project:run "wrong.lua"
      assert.equal(1, code)
      assert.matches(("\npghost: [^\n]*wrong_rules%%.lua:%d: rules 'item': "):format(line), err)
    end
  end)

  it("pghost rejects of a table, file or rule that the run does not have", function()
    local err, code = project:run "good.lua"
    assert.equal(4, code, err) -- `more` is empty
    for words, said in pairs {
      ["--table nope"] = "no table 'nope' in run %d+: it has item, more",
      ["--file nope.csv"] = "no file 'nope%.csv' in run %d+: it has item%.csv, more%.csv",
      ["--rule typo"] = "no rule 'typo' in run %d+: it has type",
    } do
      local out, problem, status = project:pghost("rejects", words:match("(%S+) (%S+)"))
      assert.equal(1, status)
      assert.equal("", out)
      assert.matches(said, problem)
    end
    local out, _, status = project:pghost("rejects", "--file", "item.csv", "--rule", "type")
    assert.equal(0, status)
    assert.matches("1 open reject\n", out)
  end)
end)

describe("an error in SQL has its line and a caret:", function()
  local project

  fixture.once(function(keep)
    project = keep(projects.new { ["q.sql"] = "select 1;\n-- ü\n\nselect\n\t'ö', y from pg_class" })
  end)

  local function said(...)
    local _, err, code = project:pghost(...)
    assert.equal(1, code)
    return err
  end

  it("pghost query", function()
    assert.equal('pghost: column "x" does not exist\n  select x\n         ^\n', said("query", "select x"))
    assert.equal('pghost: column "x" does not exist\n  line 2: , x\n            ^\n', said("query", "select 1\n, x"))
    assert.equal("pghost: q.sql:5: column \"y\" does not exist\n   'ö', y from pg_class\n        ^\n",
      said("query", "-f", "q.sql"))
  end)

  it("a query of a script", function()
    for _, method in ipairs { "query", "stream", "exec" } do
      assert.equal('pghost: relation "nowhere" does not exist\n  line 2: from nowhere\n               ^\n',
        said("-e", ('local conn <close> = require("pghost.connection").open()\n'
          .. 'for _ in conn:%s("select oid\\nfrom nowhere") do end')
          :format(method)))
    end
  end)
end)

describe("a word that is no command:", function()
  for words, message in pairs {
    ["laod"] = "unknown command 'laod': did you mean 'load'?",
    ["x.csv"] = "'x.csv' is not a script or a command: to see what is in it, `pghost sniff x.csv`; to load it, "
      .. "`pghost load x.csv --into TABLE`",
    ["x.lua --asof"] = "could not open script 'x.lua': no such file or directory",
    ["load a.csv --itno t"] = "unknown option '--itno': did you mean '--into'? (see pghost load --help)",
  } do
    it(words, function()
      local list = {}
      for word in words:gmatch("%S+") do
        list[#list + 1] = word
      end
      local _, err, code = pghost.run(list)
      assert.equal(2, code)
      assert.equal("pghost: " .. message .. "\n", err)
    end)
  end
end)
