-- The last run at the prompt: run, rejects, rules, try, reload.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

local script = [[
local pipeline = require "pghost.pipeline"
local run <close> = pipeline.start("towns", { data = "data", wait = false })
run:load("town", "town*.csv", require "rules.town", { delimiter = ";" })
run:check { require("pghost.check").row_count("town", 100, nil, { severity = "warn" }) }
run:publish()
]]

local rules = [[
local r = require "pghost.rules"
return r.table("town", {
  { "id", r.bigint():trim():required() },
  { "name", r.text():trim():lower():one_of(%s), from = "Town name" },
  { "first", r.date():null_if("-") },
  { "last", r.date() },
}, { key = "id", row = { r.compare("first", "<=", "last") } })
]]

-- The header has another order than the rules, and more.
local data = "last;Town name;more;id;first\n2024-01-02; Oslo ;x;1;2024-01-01\n2024-01-02;Bergen;x;2;2024-01-01\n"
  .. "2024-01-02;bergen;x;3;-\n;x;x;4;\n2024-01-01;oslo;x;5;2024-01-02\n;oslo;x;1;\n;oslo;x;y;\n;oslo\n"

describe("at the prompt", function()
  local dsn, home

  local function feed(...)
    return prompt.feed(home, { ... }, ("--dsn '%s'"):format(dsn))
  end

  local function write_rules(names)
    pghost.write(home .. "/rules/town.lua", rules:format(names))
  end

  fixture.once(function(keep)
    dsn = server.get():database()
    home = keep(pghost.folder())
    os.execute(("mkdir %s/rules %s/data"):format(home, home))
    pghost.write(home .. "/pipeline.lua", script)
    pghost.write(home .. "/data/town.csv", data)
    write_rules "'oslo'"
  end)

  it("run and rejects say that there is no run yet", function()
    local out, err = feed("run", "rejects", "reload()")
    assert.equal("1 file of rules read again\nno runs yet\n", out)
    local _, told = err:gsub("pghost: no runs yet of '[^']*/pipeline.lua' in this database: run it, or give the number "
      .. "of a run %(pghost runs%)\n", "")
    assert.equal(2, told, err)
  end)

  it("run shows the last run, also after a script with -i", function()
    local out, err, code = prompt.feed(home, { "run", "run.state", "run(1).pipeline", "run(7)" },
      ("--dsn '%s' pipeline.lua"):format(dsn))
    assert.equal(0, code, err)
    assert.truthy(out:find("run 1 of 'towns' into schema 'public': published; started ", 1, true), out)
    assert.truthy(out:find(" town  |     1 |       8 |      1 |        6 |          1\n"
      .. "check warn: town has at least 100 rows (1 violation)\n", 1, true), out)
    assert.truthy(out:find("\npublished\ntowns\n", 1, true), out)
    assert.truthy(err:find("pghost: no run 7 in this database", 1, true), err)
  end)

  it("rejects lists what the last run rejected, also by table and by kind", function()
    local out, err = feed("rejects", "#rejects", "rejects[1].rule .. ' ' .. rejects[1].line", "rejects[3]",
      "#rejects.town", "#rejects { rule = 'key' }", "rejects.twon", "rejects { rul = 'key' }",
      "rejects { rule = 'kye' }", "rejects[99]")
    assert.truthy(out:find("^run 1 of 'towns': 7 open rejects\n table | column | rule "), out)
    assert.truthy(out:find("\n[1] town: town.csv:3: name: not one of 'oslo': 'bergen'\n[2] ", 1, true), out)
    assert.truthy(out:find("\n7\none_of 3\ntown: town.csv:5: name: ", 1, true), out)
    assert.truthy(out:find("\n;x;x;4;\n7\n1\nnil\n$"), out)
    assert.truthy(err:find("pghost: no table 'twon' in run 1: it has town\n", 1, true), err)
    assert.truthy(err:find("rul", 1, true) and err:find("did you mean 'rule'?", 1, true), err)
    assert.truthy(err:find("pghost: no rule 'kye' in run 1: it has ", 1, true), err)
  end)

  it("rules are those of the project", function()
    pghost.write(home .. "/rules/broken.lua", "return r.table(")
    local out, err = feed("rules", "rules.town", "rules.twon", "rules.broken")
    os.remove(home .. "/rules/broken.lua")
    assert.truthy(out:find("\n town +| town +| +4 +| id +|\n"), out)
    assert.truthy(out:find("broken", 1, true) and out:find("town: 4 columns, key id\n", 1, true), out)
    assert.truthy(err:find("pghost: no rules 'twon': did you mean 'town'?\n", 1, true), err)
    assert.truthy(err:find("rules/broken.lua:1:", 1, true), err)
  end)

  it("try shows what each operation makes of each field, and which rule refuses", function()
    local out, err = feed("try(rules.town, '2024-01-02; OSLO ;more; 7 ;-')",
      "try(rules.town, '2024-01-01;x;;y;2024-01-02')",
      "try(rules.town, { id = '1', first = '2024-01-02', last = '2024-01-01' })", "try(rejects[1])",
      "try(rules.town, '2024-01-02; Oslo ;more; 7 ;-').record.name")
    assert.equal("", err)
    assert.equal([[
 column | step         | becomes
--------+--------------+--------------
 id     | field        | ' 7 '
        | trim         | '7'
        | bigint       | 7
 name   | field        | ' OSLO '
        | trim         | 'OSLO'
        | lower        | 'oslo'
        | text         | 'oslo'
 first  | field        | '-'
        | null_if('-') | <null>
        | date         | <null>
 last   | field        | '2024-01-02'
        | date         | '2024-01-02'
passes
(read as 'town.csv' was)
 column | step   | becomes
--------+--------+---------------------------------
 id     | field  | 'y'
        | type   | refused: not a bigint 'y'
 name   | field  | 'x'
        | one_of | refused: not one of 'oslo': 'x'
 first  | field  | '2024-01-02'
        | date   | '2024-01-02'
 last   | field  | '2024-01-01'
        | date   | '2024-01-01'
id: not a bigint 'y' (type)
name: not one of 'oslo': 'x' (one_of)
refused
(read as 'town.csv' was)
]], (out:match("^.-was%)\n.-was%)\n")))
    assert.truthy(out:find("first '2024-01-02' is after last '2024-01-01' (compare)\nrefused\n", 1, true), out)
    assert.truthy(out:find("\nname: not one of 'oslo': 'bergen' (one_of)\nrefused\n(read as 'town.csv' was)\noslo\n", 1,
      true), out)
  end)

  it("try takes plain CSV in the order of the rules where no file of the table is known", function()
    pghost.write(home .. "/rules/other.lua", "local r = require 'pghost.rules'\n"
      .. "return r.table('other', { { 'a', r.bigint() }, { 'b', r.text():upper() } })")
    local out, err = feed("try(rules.other, '1,x')", "try(rules.other, '1,x,y')", "try(1)", "try(rules.other)")
    os.remove(home .. "/rules/other.lua")
    assert.truthy(out:find("| 'X'\npasses\n(read as CSV in the order of the rules)\n", 1, true), out)
    assert.truthy(err:find("pghost: .*: 2 fields expected, one for each column of 'other'\n"), err)
    assert.truthy(err:find("pghost: try: rules expected, as in ", 1, true), err)
    assert.truthy(err:find("pghost: try: a line of CSV expected", 1, true), err)
  end)

  it("reload reads edited rules and counts the rejects that pass now, as a replay then loads", function()
    local out, err = feed("reload()")
    assert.equal("", err)
    assert.truthy(out:find("run 1: 0 of 7 open rejects would pass now\nnot tried: 1 (", 1, true), out)
    write_rules "'oslo', 'bergen'"
    out, err = feed("reload()", "reload().passes", "#rejects")
    assert.equal("", err)
    assert.truthy(out:find("run 1: 2 of 7 open rejects would pass now: pghost replay 1 loads them\n", 1, true), out)
    assert.truthy(out:find("\n2\n7\n$"), out)
    local _, log, code = pghost.run({ "--dsn", dsn, "replay", "1" }, { cd = home })
    assert.equal(0, code, log)
    out = feed("#rejects", "#rejects { state = 'replayed' }")
    assert.equal("5\n2\n", out)
  end)

  it("reload says where edited rules are wrong", function()
    write_rules "'oslo' 'bergen'"
    local _, err = feed("reload()")
    write_rules "'oslo'"
    assert.truthy(err:find("rules/town.lua:4:", 1, true), err)
  end)
end)
