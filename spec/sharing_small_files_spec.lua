-- Many small files of a shared run: a loader takes several at once, which count all or not at all.

local pghost = require "support.pghost"
local project = require "support.project"
local round_trips = require "support.round_trips"
local shared = require "support.shared"

describe("small files of a shared run", function()
  local one, started

  before_each(function()
    started = {}
  end)

  after_each(function()
    for _, loader in ipairs(started) do
      loader:__close()
    end
    one:remove()
  end)

  local function start(...)
    started[#started + 1] = shared.start(one, ...)
    return started[#started]
  end

  local function ends(code, loader)
    local got, err = loader:wait()
    assert.equal(code, got, err)
    return err
  end

  local function same()
    assert.equal(shared.expected(one), shared.published(one))
    assert.equal("0", one:ask "SELECT count(*) FROM pghost.work WHERE state <> 'loaded'")
  end

  local function taken_together()
    return one:ask [[SELECT max(n) FROM (SELECT count(*) AS n FROM pghost.work WHERE table_name = 'item'
      GROUP BY owner, taken_at) AS x]]
  end

  it("are loaded together, an eighth of what is left at a time", function()
    one = shared.new(40)
    assert.equal(0, select(2, one:run("pipeline.lua", { "--share", "yes" })))
    same()
    assert.equal("5", taken_together())
    assert.match("| item  | +40 |", select(2, one:must(0, "runs", "1")))
  end)

  it("are taken one by one where they are large", function()
    one = shared.new(24)
    for place = 1, 2 do -- of 4.5 million bytes: one has room for small ones beside it, and not for the other
      one:write(("item%02d.csv"):format(place), "id,name\n" .. (place .. ",k" .. (" "):rep(100000) .. "\n"):rep(45))
    end
    assert.equal(0, select(2, one:run("pipeline.lua", { "--share", "yes" })))
    same()
    assert.equal("1, 2 3, 4 5", one:ask [[SELECT string_agg(places, ', ' ORDER BY first) FROM (
      SELECT min(place) AS first, string_agg(place::text, ' ' ORDER BY place) AS places
      FROM pghost.work WHERE table_name = 'item' GROUP BY taken_at) AS x WHERE first <= 4]])
  end)

  it("cost a few round trips each", function()
    one = project.new()
    local script <const> = [[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("many", { data = "", share = true })
      run:load("t", "FILES", r.table("t", { { "id", r.bigint() } }))
      run:publish()]]
    for i = 1, 200 do
      one:write(("t%03d.csv"):format(i), ("id\n%d\n"):format(i))
    end
    local function turns(files)
      return round_trips.of(one, function(near)
        local _, err, code = pghost.run({ "--dsn", near, one:write("many.lua", (script:gsub("FILES", files))) },
          { cd = one.folder })
        assert.equal(0, code, err)
      end)
    end
    local few = turns "t00*.csv"
    local all = turns "t*.csv"
    assert.equal("200", one:ask "SELECT count(*) FROM public.t")
    local each = (all - few) / 191 -- 23 where each has an attempt of its own
    assert.is_true(each <= 4, each)
  end)

  it("are given back by name, and the others loaded, where a helper cannot load one", function()
    one = shared.new(40)
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    shared.expire(one)
    one:write("item08.csv", (one:read("item08.csv"):gsub("again", "AGAIN")))
    local helper = start { "pipeline.lua", "--join" }
    shared.await("all others are loaded, those too that the holder lost", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE state = 'loaded'" == "39"
    end)
    assert.equal("8", one:ask "SELECT string_agg(place::text, ' ') FROM pghost.work WHERE refusals <> '{}'")
    one:write("item08.csv", (one:read("item08.csv"):gsub("AGAIN", "again")))
    one:write("go", "")
    assert.match("4 files: given back: .*"
      .. "item08.csv: given back: %S+/item08.csv: has other contents on this host", ends(0, helper))
    ends(0, holder)
    same()
  end)

  it("are loaded by others where a loader was killed among them", function()
    one = shared.new(40)
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at3")
    shared.reached(one, holder)
    local helper = start({ "pipeline.lua", "--join" }, "at7")
    shared.reached(one, helper)
    helper:signal(9)
    ends(137, helper)
    shared.expire(one, "place > 5")
    one:write("go", "")
    ends(0, holder)
    same()
    assert.equal("4", one:ask "SELECT count(*) FROM pghost.work WHERE attempt > 1")
  end)
end)
