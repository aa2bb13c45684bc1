-- Names that there are not: wherever a user writes a key or reads a field, a misspelt one is an error that names the
-- nearest, and never nil or ignored.

local check = require "pghost.check"
local connection = require "pghost.connection"
local csv = require "pghost.native.csv"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"
local sniff = require "pghost.sniff"
local test = require "pghost.test"

local folder, dsn, conn, run

local function start(config)
  config.data = folder
  return pipeline.start("names", config, { arguments = {}, dsn = dsn, out = shown.sink(),
    log = { out = shown.sink(), format = "text", quiet = false } })
end

local rules = r.table("item", { { "id", r.bigint() }, { "name", r.text() } })

local function outcome(read)
  local problem
  local one <close> = start { on_success = function(it)
    local _
    _, problem = pcall(read, it)
  end }
  one:publish()
  error(problem, 0)
end

-- What is written or read, and the error.
local cases = {
  { "option of run:load", "run:load 'item': unknown option 'mdoe': did you mean 'mode'?", function()
    run:load("item", "item.csv", rules, { mdoe = "append" })
  end },
  { "option of run:stage", "run:stage 'item': unknown option 'delimter': did you mean 'delimiter'?", function()
    run:stage("item", "item.csv", nil, { delimter = ";" })
  end },
  { "key of a budget", "budget: unknown budget 'share_': did you mean 'share'?", function()
    run:load("item", "item.csv", rules, { budget = { share_ = 0 } })
  end },
  { "setting of a config", "config: unknown setting 'shcema': did you mean 'schema'?", function()
    start { shcema = "public" }
  end },
  { "option of pipeline.start", "pipeline.start: unknown option 'argument': did you mean 'arguments'?", function()
    pipeline.start("x", {}, { argument = {} })
  end },
  { "setting that is read", "run.settings has no 'shcema': did you mean 'schema'?", function()
    return run.settings.shcema
  end },
  { "setting that is set", "run.settings has no 'shcema': did you mean 'schema'?", function()
    run.settings.shcema = "x"
  end },
  { "parameter of the config", "run.settings.parameters has no 'min_arae': did you mean 'min_area'?", function()
    return run.settings.parameters.min_arae
  end },
  { "parameter in SQL", "no parameter ':min_arae': did you mean ':min_area'?", function()
    run:query "SELECT :min_arae"
  end },
  { "method of a run", "a run has no 'laod': did you mean 'load'?", function()
    run:laod()
  end },
  { "field of a run that is set", "run: no field 'tabels' is declared", function()
    run.tabels = {}
  end },
  { "field of an outcome", "an outcome has no 'recrods': did you mean 'records'?", function()
    outcome(function(it)
      return it.recrods
    end)
  end },
  { "type", "pghost.rules has no 'bigit': did you mean 'bigint'?", function()
    return r.bigit
  end },
  { "method of a column", "a column's rules have no 'requird': did you mean 'required'?", function()
    return r.text().requird
  end },
  { "option of a table of rules", "unknown option 'kye': did you mean 'key'?", function()
    r.table("t", { { "id", r.text() } }, { kye = "id" })
  end },
  { "column of a key", "key: unknown column 'nmae': did you mean 'name'?", function()
    r.table("t", { { "name", r.text() } }, { key = "nmae" })
  end },
  { "option of a column", "unknown option 'form': only 'from' is known", function()
    r.table("t", { { "id", r.text(), form = "ID" } })
  end },
  { "column of a record in a rule", "no column 'nmae': did you mean 'name'?", function()
    test.passes(r.table("t", { { "name", r.text() } }, { row = { r.check_row(function(row)
      return row.nmae == nil
    end) } }), { name = "x" })
  end },
  { "kind of check", "pghost.check has no 'uniqe': did you mean 'unique'?", function()
    return check.uniqe
  end },
  { "option of a check", "unknown option 'sevrity': did you mean 'severity'?", function()
    check.not_null("item.id", { sevrity = "warn" })
  end },
  { "key of a check of one's own", "unknown option 'sevrity': did you mean 'severity'?", function()
    run:check { { name = "x", sql = "SELECT", sevrity = "warn" } }
  end },
  { "option of connection.open", "connection.open: unknown option 'dns': did you mean 'dsn'?", function()
    connection.open { dns = "x" }
  end },
  { "method of a connection", "a connection has no 'qurey': did you mean 'query'?", function()
    conn:qurey()
  end },
  { "field of a result", "a result has no 'afected': did you mean 'affected'?", function()
    return conn:query("SELECT 1").afected
  end },
  { "option of csv.open", "unknown option 'delimter': did you mean 'delimiter'?", function()
    csv.open_string("a\n", { delimter = ";" })
  end },
  { "option of sniff", "sniff: unknown option 'smaple': did you mean 'sample'?", function()
    sniff.sniff("item.csv", { smaple = 1 })
  end },
  { "option of test.run", "test.run: unknown option 'setings': did you mean 'settings'?", function()
    test.run({}, function() end, { setings = {} })
  end },
}

for _, name in ipairs { "pipeline", "connection", "sniff", "test", "report", "rules", "check" } do
  cases[#cases + 1] = { "function of pghost." .. name, ("pghost.%s has no 'nothing_like_it'"):format(name), function()
    return require("pghost." .. name).nothing_like_it
  end }
end

describe("a misspelt", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    pghost.write(folder .. "/item.csv", "id,name\n1,a\n")
    conn = keep(connection.open { dsn = dsn })
  end)

  before_each(function()
    run = start { schema = "elsewhere", parameters = { min_area = 10 } }
  end)

  after_each(function()
    run:close()
  end)

  for _, case in ipairs(cases) do
    it(case[1] .. " is an error that names the nearest", function()
      local good, problem = pcall(case[3])
      assert.is_false(good)
      shown.has(tostring(problem), case[2])
    end)
  end
end)

describe("what is absent on purpose", function()
  it("is nil: a null, a position beyond the last, an optional setting", function()
    local one <close> = connection.open { dsn = server.get():database() }
    local row = one:query("SELECT 1 AS id, NULL AS name")[1]
    assert.is_nil(row.name)
    assert.is_nil(row[3])
    assert.is_nil(one:query("SELECT 1")[2])
    assert.is_nil(require("pghost.run.settings").of({}).workers)
  end)
end)
