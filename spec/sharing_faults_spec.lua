-- Loaders of a shared run that die, hang, wake up and are interrupted, and a holder that does: at named points, inside
-- the COPY of a file. What is published is always what one process publishes.

local fixture = require "support.fixture"
local shared = require "support.shared"

describe("a shared run", function()
  local one, started

  before_each(function()
    started = {}
  end)

  after_each(function()
    for _, loader in ipairs(started) do
      loader:__close()
    end
  end)

  fixture.each(function(keep)
    one = keep(shared.new(4))
  end)

  local function ends(code, loader)
    local got, err = loader:wait()
    assert.equal(code, got, err)
    return err
  end

  local function same()
    assert.equal(shared.expected(one), shared.published(one))
    assert.equal("3", one:ask "SELECT count(*) FROM public.plain")
    assert.equal("0", one:ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
    assert.equal("0", one:ask "SELECT count(*) FROM pghost.work WHERE state <> 'loaded'")
  end

  local function start(...)
    started[#started + 1] = shared.start(one, ...)
    return started[#started]
  end

  -- The holder stops in item01, a helper in item02, and the rest is loaded by another helper, which ends.
  local function holder_and(point)
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local helper = start({ "pipeline.lua", "--join" }, point)
    shared.reached(one, helper)
    return holder, helper
  end

  local function go()
    one:write("go", "")
  end

  local function loaded(count)
    shared.await(count .. " files are loaded", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE state = 'loaded' AND table_name = 'item'" == count
    end)
  end

  it("goes on without a helper that was killed in a COPY, once its lease has ended by itself", function()
    one:write("pipeline.lua", shared.leasing(1))
    local holder, helper = holder_and "at2"
    helper:signal(9)
    ends(137, helper)
    go()
    ends(0, holder)
    same()
    assert.equal("2", one:ask "SELECT attempt FROM pghost.work WHERE table_name = 'item' AND place = 2")
  end)

  it("ends the session of a helper that hangs in a COPY, which does nothing when it wakes up", function()
    local holder, helper = holder_and "at2"
    helper:signal "STOP"
    shared.expire(one, "place = 2")
    go()
    assert.match("a loader that lost its lease is still in a COPY: its session %(process %d+%) is ended",
      ends(0, holder))
    same()
    helper:signal "CONT"
    assert.match("run 1 has published; loaded here: 0 files", ends(0, helper))
    same()
  end)

  it("gets a file back at once from a helper that is interrupted", function()
    local holder, helper = holder_and "at2"
    helper:signal "TERM"
    go()
    ends(143, helper)
    ends(0, holder)
    same()
    assert.equal("1", one:ask "SELECT max(attempt) FROM pghost.work")
  end)

  it("is taken over by a helper when its holder is killed in a COPY", function()
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local helper = start({ "pipeline.lua", "--join" })
    loaded "3"
    holder:signal(9)
    ends(137, holder)
    shared.expire(one)
    local err = ends(0, helper)
    assert.match("the holder of run 1 is gone: this process takes it over", err)
    assert.match("resumes run 1", err)
    same()
    assert.equal("1 published", one:ask "SELECT concat_ws(' ', count(*), max(state)) FROM pghost.runs")
  end)

  it("is taken over when its holder is killed after the loads, by one of two helpers", function()
    local holder = start({ "pipeline.lua", "--share", "yes" }, "publish")
    local first = start({ "pipeline.lua", "--join", "--wait" })
    local second = start({ "pipeline.lua", "--join", "--wait" })
    shared.reached(one, holder)
    holder:signal(9)
    ends(137, holder)
    local both = ends(0, first) .. ends(0, second)
    assert.equal(1, select(2, both:gsub("resumes run 1", "")))
    same()
  end)

  it("waits for a holder that hangs, whose files others load", function()
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    holder:signal "STOP"
    shared.expire(one)
    local helper = start { "pipeline.lua", "--join" }
    loaded "4"
    holder:signal "CONT"
    go()
    assert.match("the lease of the file has passed to another loader", ends(0, holder))
    ends(0, helper)
    same()
  end)

  it("is gone on with by the next holder where no helper is left", function()
    local holder, helper = holder_and "at2"
    helper:signal(9)
    holder:signal(9)
    ends(137, helper)
    ends(137, holder)
    shared.expire(one)
    local err, code = one:run("pipeline.lua", { "--share", "yes" })
    assert.equal(0, code, err)
    assert.match("resumes run 1", err)
    same()
  end)

  it("ends for its helpers when its holder is interrupted, and can be resumed", function()
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local helper = start({ "pipeline.lua", "--join" })
    loaded "3"
    holder:signal "TERM"
    go()
    ends(143, holder)
    assert.match("run 1 is interrupted.*loaded here: [34] files", ends(1, helper))
    assert.equal("0", one:ask "SELECT count(*) FROM pghost.work WHERE state = 'leased'")
    local err, code = one:run("pipeline.lua", { "--share", "yes" })
    assert.equal(0, code, err)
    assert.match("resumes run 1", err)
    same()
  end)

  it("gives a file that a helper cannot read to the holder", function()
    local holder = start({ "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    one:write("item03.csv", (one:read("item03.csv"):gsub("again", "AGAIN")))
    assert.is_true(os.rename(one.folder .. "/item04.csv", one.folder .. "/away"))
    local helper = start({ "pipeline.lua", "--join" })
    shared.await("two files are given back", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE refusals <> '{}'" == "2"
    end)
    local reasons = one:ask "SELECT string_agg(refusals::text, ' ' ORDER BY place) FROM pghost.work"
    assert.match("item03.csv: has other contents on this host.*item04.csv: not on this host", reasons)
    one:write("item03.csv", (one:read("item03.csv"):gsub("AGAIN", "again")))
    assert.is_true(os.rename(one.folder .. "/away", one.folder .. "/item04.csv"))
    go()
    ends(0, holder)
    ends(0, helper)
    same()
  end)
end)
