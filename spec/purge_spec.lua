-- pghost purge and the setting keep_history: what goes of the history, what later runs need and keep, and what happens
-- while a run or another purge is in progress.

local cjson = require "cjson"
local connection = require "pghost.connection"
local fixture = require "support.fixture"
local projects = require "support.project"

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", %s })
  run:load("item", "item*.csv", r.table("item", { { "id", r.bigint():trim() } }, { key = "id" }), { mode = %q })
  run:check { check.holds("item", "id > 0") }
  run:publish()
]]

local here

local function pipeline(mode, settings, name)
  here:write(name or "pipeline.lua", script:format(settings or "", mode))
end

local function run(name)
  local err, code = here:run(name or "pipeline.lua")
  assert.equal(0, code, err)
  return err
end

-- All that has run so far, long ago.
local function age(days)
  here.conn:exec(([[UPDATE pghost.runs SET started_at = started_at - interval '%d days',
    finished_at = finished_at - interval '%d days']]):format(days, days))
end

local function purge(...)
  local out, err, code = here:pghost("purge", "--keep", "90d", ...)
  assert.same({ "", 0 }, { err, code })
  return out
end

local function ids(sql)
  return here:ask(("SELECT coalesce(string_agg(x::text, ' ' ORDER BY x), '') FROM (%s) AS t (x)"):format(sql))
end

fixture.each(function(keep)
  here = keep(projects.new { ["item1.csv"] = "id\n 1\nx\n" })
end)

describe("pghost purge", function()
  it("removes runs that ended before, with all that is recorded of them, and keeps the last that published", function()
    pipeline "replace"
    for _ = 1, 3 do
      run()
    end
    age(100)
    local dry = purge "--dry-run"
    assert.matches("^ended before 20[%d%-: UTC]+: 2 runs would be removed\n", dry)
    assert.matches("\n  rows     2 rejects, 6 checks, 2 cleaning, 2 definitions, 4 lineage, "
      .. "2 profiles, 6 steps, 2 files, 2 runs\n"
      .. "  kept     1 run: the last that published a table\n", dry)
    assert.equal("1 2 3", ids "SELECT run_id FROM pghost.runs")
    local before = here:ask "SELECT count(*) FROM pghost.rejects"
    local out = purge()
    assert.equal((dry:gsub("before [%d%-: ]+", ""):gsub("would be ", "")), (out:gsub("before [%d%-: ]+", "")))
    assert.equal("3", before)
    for _, name in ipairs { "runs", "steps", "files", "checks", "cleaning", "definitions", "rejects" } do
      assert.equal("3", ids("SELECT DISTINCT run_id FROM pghost." .. name), name)
    end
    assert.equal("1", here:ask "SELECT count(*) FROM item")
  end)

  it("leaves alone what is not old, and other pipelines", function()
    pipeline "replace"
    run()
    run()
    age(89)
    assert.matches(": 0 runs removed\n$", purge())
    age(2)
    assert.matches(": 0 runs removed\n$", purge("--pipeline", "other"))
    assert.matches(": 1 run removed\n", purge("--pipeline", "shop"))
  end)

  it("keeps the ledger: a file that was appended long ago is not loaded twice", function()
    pipeline "append"
    run()
    here:write("item2.csv", "id\n2\n")
    run()
    here:write("item3.csv", "id\n3\n")
    run()
    age(100)
    assert.matches("\n  kept     1 run: the last that published a table\n"
      .. " +2 runs: a table has its files; its details go\n", purge())
    assert.equal("1 2 3", ids "SELECT run_id FROM pghost.files WHERE state = 'loaded'")
    assert.equal("3", ids "SELECT DISTINCT run_id FROM pghost.checks")
    local err = run()
    assert.matches("3 files left out: their content is in the table already", err)
    assert.equal("3", here:ask "SELECT count(*) FROM item")
  end)

  it("keeps rejects that can be replayed, unless told otherwise", function()
    pipeline "append"
    run()
    here:write("item2.csv", "id\n2\n")
    run()
    age(100)
    purge()
    assert.equal("1", ids "SELECT run_id FROM pghost.rejects WHERE state = 'open'")
    local csv, _, code = here:pghost("rejects", "1", "--csv", "-")
    assert.equal(0, code)
    here:write("fixed.csv", (csv:gsub("\nx", "\n9")))
    local out, err
    out, err, code = here:pghost("fix", "1", "fixed.csv")
    assert.equal(0, code, out .. err)
    assert.equal("1 2 9", ids "SELECT id FROM item")
    here.conn:exec "UPDATE pghost.rejects SET state = 'open'"
    purge "--open-rejects"
    assert.equal("", ids "SELECT run_id FROM pghost.rejects")
    assert.equal("1", here:ask "SELECT count(*) FROM pghost.corrections")
  end)

  it("keeps rejects of failed runs into tables that nothing has rebuilt since", function()
    pipeline("append", "max_rejects = '0'", "strict.lua")
    local _, code = here:run "strict.lua"
    assert.equal(4, code)
    age(100)
    assert.matches("\n  kept     1 run: has open rejects that can be replayed; its details go\n", purge())
    here:write("item1.csv", "id\n1\n")
    pipeline "replace"
    run()
    assert.matches(": 1 run removed\n", purge())
  end)

  it("keeps corrections and waivers", function()
    pipeline "replace"
    run()
    here:pghost("rejects", "1", "--waive", "never mind")
    run()
    age(100)
    purge()
    assert.equal("waived|never mind", here:ask "SELECT kind, note FROM pghost.corrections")
    assert.matches("1 waived", run())
  end)

  it("keeps what can be resumed", function()
    pipeline("replace", "resume = true")
    run()
    here.conn:exec [[INSERT INTO pghost.runs (pipeline, target_schema, state, build_schema, finished_at)
      VALUES ('shop', 'public', 'interrupted', 'pghost_build_2', now()); CREATE SCHEMA pghost_build_2]]
    age(100)
    assert.matches("1 run: in progress, or can be resumed\n", purge())
    assert.equal("1 2", ids "SELECT run_id FROM pghost.runs")
  end)

  it("is safe beside a run: the other session's run goes on and publishes, and its own rows stay", function()
    pipeline "append"
    run()
    run()
    age(100)
    here:write("item2.csv", "id\n2\n")
    here:write("slow.lua", [[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("shop", { data = "." })
      run.conn:query "UPDATE pghost.runs SET started_at = started_at - interval '1 year' WHERE state = 'running'"
      run:load("item", "item*.csv", r.table("item", { { "id", r.bigint():trim() } }, { key = "id" }),
        { mode = "append" })
      local pipe = io.popen(os.getenv "PURGE")
      io.stderr:write(pipe:read "a")
      pipe:close()
      run:publish()]])
    local pghost = require "support.pghost"
    local purge_command = ("%s --dsn '%s' purge --keep 90d"):format(pghost.path, here.dsn)
    local _, err, code = pghost.run({ "--dsn", here.dsn, "slow.lua" }, { cd = here.folder,
      env = "PURGE=" .. pghost.quote(purge_command) })
    assert.equal(0, code, err)
    assert.matches("\n  kept     1 run: in progress, or can be resumed\n", err)
    assert.equal("1 2", ids "SELECT id FROM item")
    assert.equal("published", here:ask "SELECT state FROM pghost.runs WHERE run_id = 3")
    assert.equal("3", ids "SELECT DISTINCT run_id FROM pghost.checks WHERE run_id > 2")
  end)

  it("is one at a time", function()
    pipeline "replace"
    run()
    local other <close> = connection.open { dsn = here.dsn }
    other:exec "BEGIN"
    assert.is_true(require("pghost.run.lock").try_here(other, "purge", "pghost"))
    local _, err, code = here:pghost("purge", "--keep", "1d")
    assert.same({ "pghost: another purge is in progress: try again when it is done\n", 1 }, { err, code })
    other:exec "ROLLBACK"
    assert.matches(": 0 runs removed", purge())
  end)

  it("gives JSON", function()
    pipeline "replace"
    run()
    run()
    age(100)
    local out = purge("--json", "--dry-run")
    local found = cjson.decode(out)
    assert.same({ true, { 1 }, {}, { { runs = 1, reason = "the last that published a table" } }, 1 },
      { found.dry_run, found.runs, found.details_of, found.kept, found.rows.runs })
  end)

  it("says what is wrong with its words", function()
    local function refused(message, ...)
      return here:refused(message, "purge", ...)
    end
    assert.equal(2, refused "pghost purge needs --keep TIME, a time such as 36h, 90d, 12w or 1y")
    local wrong = "--keep: a time such as 36h, 90d, 12w or 1y expected, got '%s' (see pghost purge --help)"
    for _, word in ipairs { "90", "x", "90 days", "1.5d", "9999999d" } do
      assert.equal(2, refused(wrong:format(word), "--keep", word))
    end
    assert.equal(1, refused("no runs yet: no pipeline has run in this database", "--keep", "90d"))
    assert.equal("", here:ask "SELECT to_regnamespace('pghost')")
  end)
end)

describe("the setting keep_history", function()
  it("purges after a run has published, its own pipeline alone", function()
    pipeline "replace"
    run()
    run()
    here.conn:exec [[INSERT INTO pghost.runs (pipeline, target_schema, state, finished_at)
      VALUES ('other', 'public', 'failed', now())]]
    age(100)
    pipeline("replace", "keep_history = '90d'")
    local _, code = here:run("pipeline.lua", { "--dry-run" })
    assert.equal(0, code)
    assert.equal("1 2 3 4", ids "SELECT run_id FROM pghost.runs")
    assert.matches("\npurge +shop +2 runs older than 90d removed from the history\n", run())
    assert.equal("3 4 5", ids "SELECT run_id FROM pghost.runs")
  end)

  it("never changes how the run ended", function()
    pipeline("replace", "keep_history = '90d'")
    local other <close> = connection.open { dsn = here.dsn }
    other:exec "BEGIN"
    require("pghost.run.lock").try_here(other, "purge", "pghost")
    other:exec "SELECT 1" -- drops the snapshot that publishing would wait for
    assert.matches("\npurge +shop +warn: the history was not purged: another purge is in progress", run())
    assert.equal("1", here:ask "SELECT count(*) FROM item")
  end)

  it("is refused where it is none", function()
    pipeline("replace", "keep_history = 'ever'")
    local err, code = here:run "pipeline.lua"
    assert.matches("pghost: keep_history: a time such as 36h, 90d, 12w or 1y expected, got 'ever'", err, 1, true)
    assert.equal(2, code)
  end)
end)
