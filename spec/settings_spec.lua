-- What config.lua may say, and options in scripts: what nobody knows is an error with the nearest name.

local check = require "pghost.check"
local load_options = require "pghost.load.options"
local budget_options = require "pghost.load.budget_options"
local project = require "support.project"
local settings = require "pghost.run.settings"

local function problem_of(fn, ...)
  local good, problem = pcall(fn, ...)
  return good and "no error" or tostring(problem), not good and problem.exit or nil
end

describe("a config", function()
  for name, expected in pairs {
    mxa_rejects = "config: unknown setting 'mxa_rejects': did you mean 'max_rejects'?",
    lockwait = "config: unknown setting 'lockwait': did you mean 'lock_wait'?",
    min_area = "config: unknown setting 'min_area': a value of your own goes into parameters = { ... }",
  } do
    it("has no setting " .. name, function()
      assert.equal(expected, (problem_of(settings.of, { [name] = 1 })))
    end)
  end

  it("has parameters of any value, whose names are those of SQL and of no setting", function()
    local list = { 1 }
    assert.same({ min_area = 10, list = list }, settings.of { parameters = { min_area = 10, list = list } }.parameters)
    for expected, parameters in pairs {
      ["parameters: 'data' is a setting of pghost: give the parameter another name"] = { data = 1 },
      ["parameters: name of letters, digits and _ expected, got 'min-area'"] = { ["min-area"] = 1 },
    } do
      assert.equal(expected, (problem_of(settings.of, { parameters = parameters })))
    end
  end)

  it("is not changed by what is made of it", function()
    local config = { parameters = { n = 1 } }
    settings.of(config).parameters.n = 2
    assert.same({ parameters = { n = 1 } }, config)
  end)

  for setting, value in pairs {
    checkpoint = 0, workers = 0, force = "yes", parameters = 5, table_created = true, retries = 1.5, max_rejects = -1,
    resume = "no", lock_wait = "60", data = 5, wait = "soon", dry_run = 1, secret = "n",
  } do
    it(("refuses %s = %s"):format(setting, tostring(value)), function()
      assert.matches("^" .. setting .. ": .+ expected",
        (problem_of(function()
          settings.check(settings.of { [setting] = value })
        end)))
    end)
  end
end)

describe("options in scripts", function()
  for expected, call in pairs {
    ["run:load 't': unknown option 'mdoe': did you mean 'mode'?"] = { { mdoe = "append" }, "run:load 't'" },
    ["run:load 't': unknown option 'max_reject': did you mean 'max_rejects'?"] = { { max_reject = 0 }, "run:load 't'" },
    ["run:load 't': unknown option '1'"] = { { "append" }, "run:load 't'" },
    ["run:load 't': table of options expected, got string"] = { "append", "run:load 't'" },
    ["run:load 't': force: true or false expected, got 'yes'"] = { { force = "yes" }, "run:load 't'" },
    ["run:load 't': dialect: 'auto' expected, got 'atuo'"] = { { dialect = "atuo" }, "run:load 't'" },
  } do
    it("say " .. expected, function()
      assert.same({ expected, 1 }, { problem_of(load_options.of, table.unpack(call)) })
    end)
  end

  it("may be what `require` gives after the rules", function()
    assert.same({}, load_options.of("./scripts/rules/company.lua", "run:load 't'"))
  end)

  it("of budgets are known", function()
    assert.equal("budget: unknown budget 'per_fiel': did you mean 'per_file'?",
      (problem_of(budget_options.of, { budget = { per_fiel = 1 } })))
  end)

  it("of checks are known", function()
    assert.equal("check.not_null 't.a': unknown option 'serverity': did you mean 'severity'?",
      (problem_of(check.not_null, "t.a", { serverity = "warn" })))
  end)

  it("stop a run before anything is loaded", function()
    local p = project.new { ["t.csv"] = "k\n1\n", ["p.lua"] = [[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("p", { data = "." })
      run:load("t", "t.csv", r.table("t", { { "k", r.integer() } }), { mdoe = "append" })
      run:publish()]] }
    finally(function()
      p:remove()
    end)
    local err, code = p:run "p.lua"
    assert.equal(1, code)
    assert.matches("pghost: run:load 't': unknown option 'mdoe': did you mean 'mode'?", err, 1, true)
    assert.equal("0", p:ask "SELECT count(*) FROM pg_class WHERE relname = 't'")
  end)

  it("have the settings that docs/MODES.md names", function()
    local p = project.new { ["t.csv"] = "k\n1\n", ["p.lua"] = [[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("p", { data = "." })
      run:load("t", "t.csv", r.table("t", { { "k", r.integer() } }), { mode = "append" })
      run:publish()]] }
    finally(function()
      p:remove()
    end)
    assert.equal(0, (select(2, p:run("p.lua"))))
    assert.equal(0, (select(2, p:run("p.lua", { "--force", "yes", "--workers", "2", "--checkpoint", "4096" }))))
    assert.equal("2", p:ask "SELECT count(*) FROM t")
  end)
end)

-- Every place where a misspelt name would otherwise be nil, and mean nothing.
describe("a name that nobody knows", function()
  it("is an error that tells the nearest one, also where it is only read", function()
    local r, checks = require "pghost.rules", require "pghost.check"
    local given = settings.of {}
    for text, fn in pairs {
      ["pghost.rules has no 'bigit': did you mean 'bigint'?"] = function() return r.bigit() end,
      ["a column's rules have no 'trm': did you mean 'trim'?"] = function() return r.text():trm() end,
      ["pghost.check has no 'not_nul': did you mean 'not_null'?"] = function() return checks.not_nul "a.b" end,
      ["run.settings has no 'retrys': did you mean 'retries'?"] = function() return given.retrys end,
      ["a run has no 'laod': did you mean 'load'?"] = function() return require("pghost.run").new("x", given,
        { log = {}, out = io.stdout }):laod() end,
      ["boolean takes no arguments, got 1"] = function() return r.boolean { trues = { "x" } } end,
      ["numeric takes 2 arguments, got 3"] = function() return r.numeric(10, 2, { decmal = "," }) end,
      ["run:clean 'item': option 'delimiter' is about files: give it to run:stage"] = function()
        require("pghost.load.options").of_step("clean", "item", { delimiter = ";" })
      end,
    } do
      local good, problem = pcall(fn)
      assert.is_false(good)
      assert.truthy(tostring(problem):find(text, 1, true), tostring(problem))
    end
    assert.is_nil(given.workers)
    assert.is_nil(r.text().labels)
  end)
end)
