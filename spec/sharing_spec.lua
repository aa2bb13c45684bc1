-- Runs that several loaders share: what is published is what one process publishes, whoever loads which file, and
-- whoever dies.

local fixture = require "support.fixture"
local shared = require "support.shared"

describe("a run that is shared", function()
  local one

  fixture.each(function(keep)
    one = keep(shared.new(6))
  end)

  local function ends_well(loader)
    local code, err = loader:wait()
    assert.equal(0, code, err)
    return err
  end

  local function same()
    assert.equal(shared.expected(one), shared.published(one))
    assert.equal("3", one:ask "SELECT count(*) FROM public.plain")
    assert.equal("0", one:ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
    -- The profile is of all records, whoever loaded them.
    local last = "run_id = (SELECT max(run_id) FROM pghost.runs WHERE state = 'published')"
    assert.equal(one:ask(([[
      SELECT (SELECT sum(loaded + duplicates) FROM pghost.files WHERE table_name = 'item' AND %s), 0, count(*), min(id),
        max(id) FROM public.item]]):format(last)), one:ask(([[
      SELECT records, nulls, distinct_values, least, greatest FROM pghost.profiles
      WHERE table_name = 'item' AND column_name = 'id' AND %s]]):format(last)))
  end

  it("is loaded by all who join, each file once", function()
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local first <close> = shared.start(one, { "pipeline.lua", "--join" })
    local second <close> = shared.start(one, { "pipeline.lua", "--join" })
    shared.await("the helpers have loaded five files", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE state = 'loaded' AND table_name = 'item'" == "5"
    end)
    one:write("go", "")
    local log, shown = ends_well(holder), select(2, one:must(0, "runs", "1"))
    assert.match("\nloaders\n loader +| table | files | records | bytes | records_per_second *\n", shown)
    assert.match("\n %S+:%d+:%x+ *| item  | +%d | +%d+ | +%d+ | +%d+ *\n", shown)
    assert.match("6 files loaded by %d loaders", log)
    assert.match("run 1 has published; loaded here: %d files?", ends_well(first))
    ends_well(second)
    same()
    assert.equal("1", one:ask [[SELECT count(*) FROM pghost.work WHERE table_name = 'item' AND owner = (
      SELECT owner FROM pghost.work WHERE table_name = 'item' AND place = 1)]])
  end)

  it("is joined by pghost worker, by the name of its pipeline too, and shows who loads what", function()
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local worker <close> = shared.start(one, { "worker", "shared" }, "at2")
    shared.reached(one, worker)
    local _, shown = one:must(0, "runs", "1")
    assert.match("item01.csv", shown:match "\nloaders\n(.-)\n\n")
    assert.match("item02.csv", shown:match "\nloaders\n(.-)\n\n")
    one:write("go", "")
    ends_well(holder)
    assert.match("run 1 has published", ends_well(worker))
    same()
    assert.match("no script and no pipeline 'other': name its script", (one:must(2, "worker", "other")))
  end)

  it("is taken over by pghost worker", function()
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    local worker <close> = shared.start(one, { "worker", "--wait" })
    shared.await("a file is loaded", function()
      return one:ask "SELECT count(*) > 0 FROM pghost.work WHERE state = 'loaded'" == "t"
    end)
    holder:signal(9)
    holder:wait()
    shared.expire(one)
    assert.match("the holder of run 1 is gone.*resumes run 1", ends_well(worker))
    same()
  end)

  it("is loaded by the holder alone where nobody joins", function()
    assert.equal(0, select(2, one:run("pipeline.lua", { "--share", "yes" })))
    same()
  end)

  it("refuses who has another script, other settings or no run to join", function()
    local function refused(text, code, ...)
      local err, got = one:run(...)
      assert.equal(code, got, err)
      assert.is_truthy(err:find(text, 1, true), err)
    end
    refused("no run of pipeline 'shared' into schema 'public' is in progress: start one with --share, or give --wait",
      1, "pipeline.lua", { "--join" })
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    one:write("other.lua", (shared.script:gsub(":trim%(%)", "")))
    refused("run:load 'item': other rules or options than in run 1: give this host the script that the run was "
      .. "started with", 1, "other.lua", { "--join" })
    refused("setting 'max_rejects' is '5' here, and '' in run 1: give a helper the settings of the run", 1,
      "pipeline.lua", { "--join", "--max-rejects", "5" })
    local version = one:ask "SELECT version FROM pghost.runs"
    one:ask "UPDATE pghost.runs SET version = '0.0.9' RETURNING run_id"
    refused(("run 1 is of pghost 0.0.9, and this is %s: a helper must have the same version"):format(version), 1,
      "pipeline.lua", { "--join" })
    one:ask "UPDATE pghost.runs SET version = NULL RETURNING run_id"
    refused("run 1 is of pghost ?, and this is " .. version, 1, "pipeline.lua", { "--join" })
    one:write("go", "")
    ends_well(holder)
  end)

  it("cannot be joined where it was not started to be shared", function()
    local holder <close> = shared.start(one, { "pipeline.lua" }, "at1")
    shared.reached(one, holder)
    local err, code = one:run("pipeline.lua", { "--join" })
    assert.equal(1, code)
    assert.match("run 1 of 'shared' was not started with %-%-share: it cannot be joined", err)
    one:write("go", "")
    ends_well(holder)
    same()
    assert.equal("0", one:ask "SELECT count(*) FROM pghost.shared_loads")
  end)
end)
