-- Fixes at the same time as others, in processes of their own: each record is in the table once, and whoever was second
-- waits or is told.

local pghost = require "support.pghost"
local projects = require "support.project"

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "price", r.numeric()%s } }))
  run:publish()
]]

local count <const> = 600 -- records; half of them are rejects

describe("fixes at the same time", function()
  local here

  -- Starts all commands at once; returns what each says, and its exit code.
  local function together(...)
    local words = {}
    for i, command in ipairs { ... } do
      words[i] = ("(%s --dsn '%s' %s >out%d 2>&1; echo $? >code%d) &"):format(pghost.path, here.dsn, command, i, i)
    end
    os.execute(("cd %s && (%s wait)"):format(here.folder, table.concat(words, " ")))
    local said, codes = {}, {}
    for i in ipairs(words) do
      said[i], codes[i] = here:read("out" .. i), tonumber(here:read("code" .. i))
    end
    return said, codes
  end

  local function corrected_of(text)
    return tonumber((text:match "([%d,]+) corrected, %d+ passed as they were" or "0"):gsub(",", ""), 10)
  end

  -- Records from..to of the rejects file of run 1, corrected.
  local function part(name, from, to)
    local at, lines = 0, {}
    for line in here:read("all.csv"):gmatch "[^\n]*\n" do
      lines[#lines + 1] = (at == 0 or at >= from and at <= to) and line:gsub(",x,", ",2,") or nil
      at = at + 1
    end
    here:write(name, table.concat(lines))
  end

  local function once(expected)
    assert.equal(("%d|%d"):format(expected, expected), here:ask "SELECT count(*), count(DISTINCT id) FROM item")
  end

  before_each(function()
    local lines = { "id,price" }
    for i = 1, count do
      lines[#lines + 1] = i .. (i % 2 == 0 and ",x" or ",1")
    end
    here = projects.new { ["item.csv"] = table.concat(lines, "\n") .. "\n", ["shop.lua"] = script:format "" }
    here:must(0, "shop.lua")
    here:must(0, "rejects", "--csv", "all.csv")
  end)

  after_each(function()
    here:remove()
  end)

  it("of one file: one takes all in, and those that wait are told", function()
    part("a.csv", 1, count)
    local said, codes = together("fix a.csv -- --wait", "fix a.csv -- --wait", "fix a.csv -- --wait")
    assert.same({ 0, 0, 0 }, codes, table.concat(said))
    once(count)
    local sum, told = 0, 0
    for _, text in ipairs(said) do
      sum = sum + corrected_of(text)
      told = told + select(2, text:gsub("was already corrected by run 2: not loaded", ""))
    end
    assert.same({ count // 2, 2 * (count // 2) }, { sum, told })
  end)

  it("of two files of one run: both, or the second is told to retry", function()
    part("a.csv", 1, 200)
    part("b.csv", 150, 300) -- some records are in both
    local said, codes = together("fix a.csv", "fix b.csv")
    for i, text in ipairs(said) do
      assert.truthy(codes[i] == 0 or codes[i] == 1 and text:find "is already running", text)
    end
    here:must(0, "fix", "a.csv")
    here:must(0, "fix", "b.csv")
    once(count)
  end)

  it("as a run of the pipeline: no record twice, and none without a word", function()
    part("a.csv", 1, count)
    local said, codes = together("fix a.csv -- --wait", "shop.lua --wait")
    assert.equal(0, codes[2], said[2])
    if codes[1] ~= 0 then -- it was after the run; before it, the run has applied the corrections
      assert.truthy(said[1]:find("run 2 has rebuilt table 'item' since run 1", 1, true), said[1])
      once(count // 2)
      local err = here:must(0, "fix", "a.csv")
      assert.truthy(err:find("run 2 has rebuilt item since run 1: the same records are fixed there",
        1, true))
    end
    once(count)
  end)

  it("as a replay: each record is taken in by one of them", function()
    part("a.csv", 1, count)
    here:write("shop.lua", script:format ':null_if("x")')
    local said, codes = together("fix a.csv -- --wait", "replay 1 -- --wait")
    assert.same({ 0, 0 }, codes, table.concat(said))
    once(count)
    assert.equal("0", here:ask "SELECT count(*) FROM pghost.rejects WHERE state = 'open'")
  end)

  it("as a waiver: a record is waived or in the table, and not both", function()
    part("a.csv", 1, count)
    local said, codes = together("fix a.csv", "rejects 1 --waive gone")
    assert.equal(0, codes[2], said[2])
    assert.truthy(codes[1] == 0 or said[1]:find("deleted during the replay: run it again", 1, true),
      said[1])
    local waived = tonumber(here:ask "SELECT count(*) FROM pghost.rejects WHERE state = 'waived'")
    once(count - waived)
  end)

  it("of a load: as pghost load of the same file, which then loads nothing", function()
    here:ask "CREATE TABLE t (id int, price numeric)"
    here:must(0, "load", "item.csv", "--into", "t", "--max-rejects", "100%", "--rejects", "table")
    here:must(0, "rejects", "--csv", "bad.csv")
    here:write("bad.csv", (here:read("bad.csv"):gsub(",x,", ",2,")))
    local said, codes = together("fix bad.csv", "load bad.csv --into t", "fix bad.csv", "load bad.csv --into t")
    for i, text in ipairs(said) do
      assert.truthy(codes[i] == 0 or i % 2 == 0 and text:find("leave the record out", 1, true), text)
    end
    assert.equal(("%d|%d"):format(count, count), here:ask "SELECT count(*), count(DISTINCT id) FROM t")
  end)
end)
