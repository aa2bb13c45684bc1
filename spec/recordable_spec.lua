-- File names and settings in bytes that are no UTF-8: they are recorded escaped, and files are known by them again.

local assert = require "luassert"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"
local recordable = require "pghost.run.recordable"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local config = { schema = arg[1], data = "caf\xe9", workers = 1, %s }
local run <close> = pipeline.start("latin", config, { arguments = {} })
run:load("item", "item*.csv", r.table("item", { { "id", r.bigint() } }, { key = "id" }), { mode = "%s" })
if os.getenv "KILL" == "yes" then
  os.execute("kill -9 $PPID; sleep 5")
end
run:publish()
]]

describe("what is recorded of a file whose name is in Latin-1", function()
  local one

  local function write(name, text)
    pghost.write(("%s/caf\xe9/%s"):format(one.folder, name), text)
  end

  local function run(schema, kill)
    local _, log, code = pghost.run({ "--dsn", one.dsn, "pipeline.lua", schema },
      { cd = one.folder, env = "KILL=" .. (kill or "no") })
    return code, log
  end

  fixture.each(function(keep)
    one = keep(project.new())
    os.execute(("mkdir '%s/caf\xe9'"):format(one.folder))
    write("item\xe9.csv", "id\n1\n2\n1\nx\n")
  end)

  it("is its name with the byte escaped, and its duplicates get their original bytes", function()
    one:write("pipeline.lua", script:format("", "replace"))
    local code, log = run "whole"
    assert.equal(0, code, log)
    assert.equal("item\\xe9.csv|t|loaded", one:ask [[SELECT name, path LIKE '%/caf\\xe9/item\\xe9.csv', state
      FROM pghost.files]])
    assert.equal("key|4|1\ntype|5|x", one:ask [[SELECT rule, line, convert_from(original, 'UTF8') FROM pghost.rejects
      ORDER BY line]])
    assert.equal("caf\\xe9", one:ask "SELECT config ->> 'data' FROM pghost.runs")
  end)

  it("tells that a file was loaded, and that it has changed", function()
    one:write("pipeline.lua", script:format("", "append"))
    assert.equal(0, (run "ledger"))
    local code, log = run "ledger"
    assert.equal(0, code, log)
    assert.matches("1 file left out", log)
    write("item\xe9.csv", "id\n3\n")
    code, log = run "ledger"
    assert.equal(1, code)
    assert.matches("was loaded by run 2 with other content", log, 1, true)
  end)

  it("is found again by a run that takes over from a killed one", function()
    one:write("pipeline.lua", script:format("resume = true, checkpoint = 1", "replace"))
    assert.equal(137, (run("parts", "yes")))
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.matches("1 of 1 file loaded already", log)
    assert.equal("1\n2", one:ask "SELECT id FROM parts.item ORDER BY id")
  end)

  it("does not fail a load by itself", function()
    one.conn:query "CREATE TABLE public.plain (id bigint)"
    local _, log, code = pghost.run({ "--dsn", one.dsn, "load", "caf\xe9/item\xe9.csv", "--into", "plain",
      "--max-rejects", "1", "--rejects", "table" }, { cd = one.folder })
    assert.equal(0, code, log)
    assert.equal("caf\\xe9/item\\xe9.csv|3|1", one:ask "SELECT name, loaded, rejected FROM pghost.files")
  end)

  it("is a text that needs no escape as it is", function()
    for text, held in pairs { ["a\\b é€"] = "a\\b é€", ["\xe9t\xe9"] = "\\xe9t\\xe9", ["a\0b"] = "a\\x00b",
      ["\xed\xa0\x80"] = "\\xed\\xa0\\x80" } do
      assert.equal(held, recordable.text(one.conn, text))
      assert.equal(held, recordable.text(one.conn, held))
    end
    assert.same({ ["\\xe9"] = { "\\xe9", 1, true } }, recordable.value(one.conn, { ["\xe9"] = { "\xe9", 1, true } }))
  end)
end)
