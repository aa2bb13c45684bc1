-- kill -9 of runs that add to what is published, that go on where one was killed, and of replays: nothing
-- is loaded twice, nothing is lost. What must come out is computed by models in Lua.
--
-- PGHOST_FAULTS_KILLS: an eighth of it is the number of kills of each.

local outcomes = require "faults.outcomes"
local new_seed = require "support.seed"
local process = require "faults.process"
local fixture = require "support.fixture"
local project = require "support.project"
local sys = require "pghost.native.sys"

local kills = math.max(1, outcomes.number("PGHOST_FAULTS_KILLS", 40) // 8)
local seed = new_seed "PGHOST_FAULTS_SEED"

local here

-- Waits until the server has noticed that its client is dead.
local function settle()
  local deadline = sys.clock() + 5
  while here:ask [[SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()]] ~= "0" do
    assert(sys.clock() < deadline, "sessions of dead clients")
    sys.sleep(0.005)
  end
end

local function start(...)
  return process.start { "--dsn", here.dsn, "--quiet", ... }
end

local function must(...)
  local one <close> = start(...)
  local code, err = one:wait()
  assert.equal(0, code, err)
  assert.equal("", one.left)
  return one.seconds
end

-- Kills a process at a random moment within `seconds`; returns whether it had ended.
local function kill(seconds, ...)
  local one <close> = start(...)
  sys.sleep(math.random() * seconds)
  one:signal(9)
  local code = one:wait(10)
  assert.equal("", one.left)
  settle()
  return code ~= 137
end

local left = {
  "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'",
  "SELECT count(*) FROM pghost.runs WHERE state = 'running'",
  "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
  "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()",
}

local function assert_nothing_left()
  settle()
  for _, query in ipairs(left) do
    assert.equal("0", here:ask(query), query)
  end
end

-- Counts what a kill left: the old state, the new one, and runs that had ended before it.
local function count(seen, kind)
  seen[kind] = (seen[kind] or 0) + 1
end

local function report(what, seen, rest)
  outcomes.add("modes", ("kill -9 of %s at %d random moments"):format(what, kills),
    ("%d times the old state, %d times the new one, %d times it had ended before; %s"):format(seen.old or 0,
      seen.new or 0, seen.ended or 0, rest))
end

-- Adding to what is published -----------------------------------------------------------------------

local adding = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local function rules(name)
  return r.table(name, { { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" })
end
local run <close> = pipeline.start("adding", { schema = "public", data = "%s" })
run:load("appended", "append*.csv", rules "appended", { mode = "append" })
run:load("merged", "change*.csv", rules "merged", { mode = "merge" })
run:load("kept", "change*.csv", rules "kept", { mode = "history" })
run:publish()
]]

local rows_of_a_day, keys = 800, 1500

-- Two files of a day, each with a record that is rejected, and what the tables hold behind them.
local function add_day(model, day)
  local append, change = { "id,name", "none,x" }, { "id,name", "none,x" }
  for n = 1, rows_of_a_day do
    local id, key, name = day * rows_of_a_day + n, (day * 311 + n) % keys, ("v%d"):format((day + n % 3) // 2)
    append[#append + 1] = ("%d,day %d"):format(id, day)
    change[#change + 1] = ("%d,%s"):format(key, name)
    local states = model[key] or {}
    if states[#states] ~= name then
      states[#states + 1] = name
    end
    model[key] = states
  end
  here:write(("append%03d.csv"):format(day), table.concat(append, "\n") .. "\n")
  here:write(("change%03d.csv"):format(day), table.concat(change, "\n") .. "\n")
end

local function expected(model, days)
  local merged, kept = {}, {}
  for key = 0, keys - 1 do
    local states = model[key]
    if states then
      merged[#merged + 1] = key .. "=" .. states[#states]
      kept[#kept + 1] = key .. "=" .. table.concat(states, ">")
    end
  end
  local total = days * rows_of_a_day
  local last = total + rows_of_a_day
  return table.concat({ total, (last * (last + 1) - rows_of_a_day * (rows_of_a_day + 1)) // 2, total + days,
    table.concat(merged, ","), table.concat(kept, ","), 3 * days, 3 * days }, "|")
end

local states = [[
SELECT (SELECT concat_ws('|', count(*), sum(id), (SELECT count(*) FROM appended_raw)) FROM appended),
  (SELECT string_agg(id || '=' || name, ',' ORDER BY id) FROM merged),
  (SELECT string_agg(states, ',' ORDER BY id) FROM (
     SELECT id, id || '=' || string_agg(name, '>' ORDER BY _valid_from) AS states FROM kept GROUP BY id) AS s),
  (SELECT count(*) FROM pghost.files JOIN pghost.runs USING (run_id) WHERE runs.state = 'published'
     AND files.state = 'loaded' AND files.records = %d),
  (SELECT count(*) FROM pghost.rejects JOIN pghost.runs USING (run_id) WHERE runs.state = 'published')]]

local gaps = [[
SELECT count(*) FROM (
  SELECT _valid_to, lead(_valid_from) OVER (PARTITION BY id ORDER BY _valid_from) AS next FROM kept) AS s
WHERE _valid_to IS DISTINCT FROM next]]

local loaded = "SELECT count(*) FROM pghost.files WHERE state = 'loaded'"

local function state()
  return here:ask(states:format(rows_of_a_day + 1))
end

describe("kill -9", function()
  fixture.each(function(keep)
    here = keep(project.new())
    math.randomseed(seed)
  end)

  it("of runs that append, merge and keep history", function()
    local script = here:write("adding.lua", adding:format(here.folder))
    local model, seen, length = {}, {}, 0
    for day = 1, 2 do
      add_day(model, day)
      length = math.max(length, must(script))
    end
    local old = expected(model, 2)
    assert.equal(old, state())
    for i = 1, kills do
      add_day(model, i + 2)
      local new = expected(model, i + 2)
      local ended = kill(length, script)
      local now = state()
      assert.is_true(now == old or now == new, ("kill %d, seed %d: %s"):format(i, seed, now))
      count(seen, ended and "ended" or now == old and "old" or "new")
      must(script)
      assert.equal(new, state())
      local before = here:ask(loaded)
      must(script) -- once more: every file is known
      assert.equal(new, state())
      assert.equal(before, here:ask(loaded))
      assert.equal("0", here:ask(gaps))
      assert_nothing_left()
      old = new
    end
    report("a pipeline of append, merge and history", seen,
      "the next run loads each file once, the one after that nothing")
  end)

  -- Partitions ---------------------------------------------------------------------------------------

  it("of runs that replace partitions", function()
    local script = here:write("parts.lua", ([[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("parts", { schema = "public", data = "%s" })
      run:load("part", "part*.csv", r.table("part", { { "id", r.bigint():required() }, { "day", r.date() },
        { "turn", r.integer() } }, { key = { "id", "day" } }), { mode = "partitions",
        partition = { by = "month", column = "day" } })
      run:publish()]]):format(here.folder))
    local model, seen, length, name = {}, {}, 0, nil
    local function turn(i) -- a file of two of five months
      local lines = { "id,day,turn", "none,2026-01-01,0" }
      for _, month in ipairs { i % 5 + 1, (i + 1) % 5 + 1 } do
        for id = 1, 300 do
          lines[#lines + 1] = ("%d,2026-%02d-%02d,%d"):format(id, month, id % 28 + 1, i)
        end
        model[month] = ("part_p2026_%02d|300|%d|%d"):format(month, i, i)
      end
      os.remove(name or "")
      name = here:write(("part%d.csv"):format(i), table.concat(lines, "\n") .. "\n")
      local list = {}
      for month = 1, 5 do
        list[#list + 1] = model[month]
      end
      return table.concat(list, "\n")
    end
    local function parts()
      return here:ask "SELECT tableoid::regclass::text, count(*), min(turn), max(turn) FROM part GROUP BY 1 ORDER BY 1"
    end
    local old
    for i = 1, 2 do
      old = turn(i)
      length = math.max(length, must(script))
      assert.equal(old, parts())
    end
    for i = 3, kills + 2 do
      local new = turn(i)
      local ended = kill(length, script)
      local now = parts()
      assert.is_true(now == old or now == new, ("kill %d, seed %d: %s"):format(i, seed, now))
      count(seen, ended and "ended" or now == old and "old" or "new")
      must(script)
      assert.equal(new, parts())
      assert.equal("0", here:ask [[SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace = 'public'::regnamespace AND relname NOT IN ('part', 'part_raw')]])
      assert_nothing_left()
      old = new
    end
    report("a pipeline that replaces partitions", seen, "the next run replaces exactly those that its files touch")
  end)

  -- Going on ------------------------------------------------------------------------------------------

  it("of runs that go on where one was killed", function()
    local script = here:write("resume.lua", [[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("resume", { schema = "public", data = "", resume = true, checkpoint = 1 })
      for _, name in ipairs { "one", "two" } do
        run:load(name, name .. "*.csv", r.table(name, {
          { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" }))
      end
      run:publish()
    ]])
    local wanted = {}
    for which, shift in pairs { a = 0, b = 7 } do
      os.execute(("mkdir %s/%s"):format(here.folder, which))
      local sum = 0
      for file = 1, 4 do
        local lines = { "id,name", "none,x" }
        for n = 1, 500 do
          local id = shift + file * 500 + n
          lines[#lines + 1] = id .. ",name"
          sum = sum + id
        end
        lines[#lines + 1] = (shift + 501) .. ",again" -- a duplicate; in the first file of itself
        for _, name in ipairs { "one", "two" } do
          here:write(("%s/%s%d.csv"):format(which, name, file), table.concat(lines, "\n") .. "\n")
        end
      end
      wanted[which] = ("2000|%d|2008|2000|%d|2008"):format(sum, sum)
    end
    local function now()
      return here:ask [[SELECT (SELECT concat_ws('|', count(*), sum(id)) FROM one), (SELECT count(*) FROM one_raw),
        (SELECT concat_ws('|', count(*), sum(id)) FROM two), (SELECT count(*) FROM two_raw)]]
    end
    local accounts = [[
      SELECT string_agg(concat_ws(':', name, n, records, loaded, rejected, duplicates), ' ' ORDER BY name) FROM (
        SELECT name, count(*) AS n, sum(records) AS records, sum(loaded) AS loaded, sum(rejected) AS rejected,
          sum(duplicates) AS duplicates
        FROM pghost.files WHERE run_id = (SELECT max(run_id) FROM pghost.runs WHERE state = 'published')
        GROUP BY name) AS f]]
    must(script, "--data", here.folder .. "/a")
    local length = must(script, "--data", here.folder .. "/b")
    local whole, old, seen, resumed = here:ask(accounts), "b", {}, 0
    assert.equal(wanted.b, now())
    for i = 1, kills do
      local new = old == "a" and "b" or "a"
      local words = { script, "--data", here.folder .. "/" .. new }
      for _ = 1, 2 do -- the second is one that goes on, mostly
        local ended = kill(length, table.unpack(words))
        local is = now()
        assert.is_true(is == wanted[old] or is == wanted[new], ("kill %d, seed %d: %s"):format(i, seed, is))
        count(seen, ended and "ended" or is == wanted[old] and "old" or "new")
      end
      must(table.unpack(words))
      assert.equal(wanted[new], now(), ("kill %d, seed %d"):format(i, seed))
      assert.equal(whole, here:ask(accounts), ("kill %d, seed %d"):format(i, seed))
      assert_nothing_left()
      resumed = resumed + tonumber(here:ask [[SELECT resumed FROM pghost.runs
        WHERE run_id = (SELECT max(run_id) FROM pghost.runs WHERE state = 'published')]])
      old = new
    end
    report("a run with `resume`, twice each,", seen,
      ("%d times a run resumed it; tables, files and rejects as of a run that nobody killed"):format(resumed))
  end)

  -- Replay --------------------------------------------------------------------------------------------

  it("of a replay", function()
    local rules = [[
      local r = require "pghost.rules"
      return r.table("item", { { "id", r.bigint():required() }, { "price", r.numeric(10, 2)%s } }, { key = "id" })]]
    local script = here:write("replayed.lua", ([[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start("replayed", { schema = "public", data = "%s" })
      run:load("item", "item.csv", require "item_rules")
      run:publish()
    ]]):format(here.folder))
    local lines = { "id,price" }
    for n = 1, 3000 do
      lines[#lines + 1] = n .. (n % 3 == 0 and ",none" or n % 500 == 1 and ",bad" or ",1.50")
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n")
    local old, new = "1996|1004|0", "2996|4|1000" -- in the table, open, replayed
    local function now(run)
      return here:ask(([[
        SELECT (SELECT count(*) FROM item), count(*) FILTER (WHERE state = 'open'),
          count(*) FILTER (WHERE state = 'replayed') FROM pghost.rejects WHERE run_id = %s]]):format(run))
    end
    local function fresh()
      here:write("item_rules.lua", rules:format "")
      must(script, "--max-rejects", "100%")
      here:write("item_rules.lua", rules:format ":null_if('none')")
      return here:ask "SELECT max(run_id) FROM pghost.runs WHERE state = 'published' AND replay_of IS NULL"
    end
    local run = fresh()
    assert.equal(old, now(run))
    local length, seen = must("replay", run), {}
    assert.equal(new, now(run))
    for i = 1, kills do
      run = fresh()
      assert.equal(old, now(run))
      local ended = kill(length, "replay", run)
      local is = now(run)
      assert.is_true(is == old or is == new, ("kill %d, seed %d: %s"):format(i, seed, is))
      count(seen, ended and "ended" or is == old and "old" or "new")
      must("replay", run)
      assert.equal(new, now(run))
      assert_nothing_left()
    end
    report("`pghost replay`", seen, "the next replay takes in what passes, once")
  end)
end)
