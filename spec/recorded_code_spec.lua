-- The history and rejects files name scripts and rules, which are Lua. Who wrote the history or the file must not
-- decide what runs here: code is taken from there only if nobody else can have written it.

local pghost = require "support.pghost"
local projects = require "support.project"
local shown = require "support.shown"

local evil = 'io.stderr:write("evil code runs\\n") os.exit(66)'

local script = [[
local r = require "pghost.rules"
local run <close> = require("pghost.pipeline").start("shop", { data = "." })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }))
run:publish()
]]

describe("code that is recorded", function()
  local here, planted

  before_each(function()
    here = projects.new {}
    planted = here.folder .. "/planted/evil.lua"
    pghost.shell(("mkdir %s/planted"):format(here.folder))
    here:write("planted/evil.lua", evil)
  end)

  after_each(function()
    here:remove()
  end)

  local function refused(pattern, ...)
    local _, err, code = here:pghost(...)
    assert.equal(2, code, err)
    assert.not_matches("evil code runs", err, 1, true)
    shown.has(err, pattern)
  end

  -- The ways in which a file can be somebody else's.
  local ways = {
    ["is world-writable"] = "chmod 666 %s",
    ["is in a folder that is world-writable"] = "chmod 777 $(dirname %s)",
  }
  if (pghost.shell "id -u") == "0\n" then
    ways["belongs to another user"] = "chown daemon %s"
    ways["is in a folder that belongs to another user"] = "chown daemon $(dirname %s)"
  end

  for problem, command in pairs(ways) do
    it("is not run where the script of a run " .. problem, function()
      here:write("item.csv", "id\n1\nx\n")
      here:write("pipeline.lua", script)
      here:must(0, "pipeline.lua")
      here:must(0, "rejects", "--csv", "bad.csv")
      here:write("bad.csv", (here:read "bad.csv":gsub("\nx,", "\n2,")))
      here:ask(("UPDATE pghost.runs SET script = '%s'"):format(planted))
      pghost.shell(command:format(planted))
      refused(("the script of run 1, '%s', %s and is not run: name it if you trust it, pghost replay 1 SCRIPT"):format(
        planted, problem), "replay", "1")
      refused(("%s and is not run: name it if you trust it, pghost fix 1 bad.csv SCRIPT"):format(problem), "fix",
        "bad.csv")
      local _, err, code = here:pghost("replay", "1", planted) -- the user says so
      assert.same({ "evil code runs\n", 66 }, { err, code })
      here:must(0, "fix", "1", "bad.csv", "pipeline.lua")
      assert.equal("1,2", here:ask "SELECT string_agg(id::text, ',' ORDER BY id) FROM item")
    end)

    it("is not run where the rules of a load " .. problem, function()
      here:ask "CREATE TABLE t (id int)"
      here:write("rules.lua", 'local r = require "pghost.rules" return r.table("t", { { "id", r.integer() } })')
      here:write("item.csv", "id\n1\nx\n")
      here:must(0, "load", "item.csv", "--into", "t", "--rules", "rules.lua", "--max-rejects", "9",
        "--rejects", "table")
      here:must(0, "rejects", "--csv", "bad.csv")
      here:ask(("UPDATE pghost.runs SET config = pg_catalog.jsonb_set(config::jsonb, '{load}', pg_catalog.to_jsonb("
        .. "pg_catalog.replace(config::jsonb ->> 'load', '%s/rules.lua', '%s')))"):format(here.folder, planted))
      pghost.shell(command:format(planted))
      refused(("the rules '%s' of run 1: the file %s and is not run: give --rules FILE if you trust it"):format(planted,
        problem), "fix", "bad.csv")
      here:write("bad.csv", (here:read "bad.csv":gsub("\nx,", "\n2,")))
      here:must(0, "fix", "bad.csv", "--rules", "rules.lua")
    end)
  end

  it("is not run where a rejects file names rules, with a path or without", function()
    here:ask "CREATE TABLE t (id int)"
    here:write("item.csv", "id\n1\nx\n")
    here:must(0, "load", "item.csv", "--into", "t", "--max-rejects", "9", "--rejects", "bad.csv")
    local text = here:read("bad.csv"):gsub("\nx,", "\n2,")
    for _, name in ipairs { planted, "planted/evil.lua", "./planted/evil.lua" } do
      here:write("bad.csv", (text:gsub('""into""', ('""rules"":""%s"",%%0'):format(name))))
      refused(("'bad.csv' is of a load with rules '%s': give --rules FILE"):format(name), "fix", "bad.csv")
    end
    here:write("bad.csv", text)
    here:must(0, "fix", "bad.csv")
    assert.equal("1,2", here:ask "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")
  end)
end)
