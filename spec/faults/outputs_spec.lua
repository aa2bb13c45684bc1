-- Files that pghost writes besides tables, where there is no room for them or the disk fails: each is the old one or
-- the whole new one, and a run ends as it would have ended without them.

local pghost = require "support.pghost"
local process = require "faults.process"
local project = require "support.project"
local prompt = require "support.prompt"

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("outputs", { data = ".", schema = "public", report = "run.html",
    metrics = "run.prom", openlineage = "run.jsonl" })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() } }))
  run:publish()
]]

-- A file that grows beyond 1,024 bytes gets an error, after what has room.
local without_room <const> = [[bash -c 'trap "" XFSZ; ulimit -f 1; exec "$@"' _]]
local options <const> = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" -- LeakSanitizer traces, too

describe("an output file:", function()
  local p

  before_each(function()
    p = project.new { ["pipeline.lua"] = script, ["item.csv"] = "id\n1\n2\n" }
  end)

  after_each(function()
    p:remove()
  end)

  local function run(prefix, ...)
    local one <close> = process.start({ "-q", "--dsn", p.dsn, ... }, { ASAN_OPTIONS = options },
      { cd = p.folder, prefix = prefix })
    return one:wait()
  end

  local function listing()
    return (pghost.shell("cd " .. p.folder .. " && ls -A"))
  end

  it("a run that has no room for its files succeeds, warns, and leaves the old ones", function()
    local old <const> = ('{"old": "%s"}\n'):format(("x"):rep(1000))
    for _, name in ipairs { "run.html", "run.prom", "run.jsonl" } do
      p:write(name, old)
    end
    local before = listing()
    local code, err = run(without_room, "pipeline.lua")
    assert.equal(0, code, err)
    assert.equal("2", p:ask "SELECT count(*) FROM item")
    for _, name in ipairs { "run.html", "run.prom", "run.jsonl" } do
      assert.is_truthy(err:find("'" .. name .. "'", 1, true), err)
      assert.equal(old, p:read(name), name)
    end
    assert.equal(before, listing())
  end)

  it("events are appended in one piece, and what was there stays", function()
    p:write("run.jsonl", '{"old": true}\n')
    assert.equal(0, (run(nil, "pipeline.lua")))
    assert.equal(0, (run(nil, "pipeline.lua")))
    local kinds = p:python([[
import json, sys
print([json.loads(line).get("eventType", "old") for line in open(sys.argv[1])])]], "run.jsonl")
    assert.is_truthy(kinds:find("['old', 'START'", 1, true), kinds)
    assert.equal(2, select(2, kinds:gsub("'START'", "")))
  end)

  it("a command that has no room for its files fails, names one, and leaves the old ones", function()
    assert.equal(0, (run(nil, "pipeline.lua")))
    for _, words in ipairs { { "--junit", "a.xml" }, { "--metrics", "a.prom" }, { "-o", "a.html" } } do
      local name <const> = words[2]
      p:write(name, ("old"):rep(500))
      local before = listing()
      local code, err = run(without_room, "report", "1", table.unpack(words))
      assert.equal(name == "a.xml" and code == 0 and 0 or 1, code, err)
      if code == 1 then
        assert.is_truthy(err:find(("could not write '%s'"):format(name), 1, true), err)
        assert.equal(("old"):rep(500), p:read(name))
      end
      assert.equal(before, listing())
    end
  end)

  for _, call in ipairs { "fsync", "rename" } do
    it("a report in three forms whose " .. call .. " fails is the old or the new one", function()
      assert.equal(0, (run(nil, "pipeline.lua")))
      local names <const> = { "a.html", "a.xml", "a.prom" }
      local words <const> = { "report", "1", "-o", "a.html", "--junit", "a.xml", "--metrics", "a.prom" }
      local ends, failed = {}, 0
      assert.equal(0, (run(nil, table.unpack(words))))
      for _, name in ipairs(names) do
        ends[name] = p:read(name):sub(-40)
      end
      for n = 1, 3 do
        for _, name in ipairs(names) do
          p:write(name, "old")
        end
        local inject <const> = "strace -f -qq -o /dev/null -e trace=%s -e inject=%s:error=EIO:when=%d"
        local code, err = run(inject:format(call, call, n), table.unpack(words))
        assert.equal(1, code, err)
        for _, name in ipairs(names) do
          local text = p:read(name)
          failed = failed + (text == "old" and 1 or 0)
          assert.is_true(text == "old" or text:sub(-40) == ends[name], name)
        end
        pghost.shell(("cd %s && rm -f *.tmp"):format(p.folder)) -- named by the message, where it could not be renamed
      end
      assert.is_true(failed >= 3, "nothing failed")
    end)
  end

  it("the history of the prompt stays as it was where the new one has no room", function()
    local state <const> = p.folder .. "/.local/state/pghost"
    local function type_line(text, prefix)
      return select(2, prompt.talk(p.folder, { text .. "\n", { "> " }, "\4" }, "", prefix))
    end
    assert.equal(0, type_line "first = 1")
    local before = pghost.read(state .. "/history")
    assert.is_truthy(before:find("first", 1, true))
    local long <const> = ("second = '%s'"):format(("y"):rep(1500))
    assert.equal(0, type_line(long, without_room))
    assert.equal(before, pghost.read(state .. "/history"))
    assert.equal("history\n", (pghost.shell("ls -A " .. state)))
    assert.equal(0, type_line(long))
    assert.is_truthy(pghost.read(state .. "/history"):find("yyy", 1, true))
  end)
end)
