-- `--wait`: the second run of a pipeline waits for the first, says whom for, and gives up in time.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local waiting = require "pghost.run.waiting"

local shell = server.shell
local folder, dsn, db
local started = {} -- processes of a test, ended with it

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("queue", { data = "FOLDER" })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }))
local file = os.getenv "UNTIL"
if file then
  io.open(file .. ".ready", "w"):close()
  while not io.open(file) do
    require("pghost.native.sys").sleep(0.05)
  end
end
run:publish()
]]

local function job()
  return folder .. "/job.lua"
end

local function wait_for(condition)
  shell(("for i in $(seq 2400); do %s && exit 0; sleep 0.05; done; exit 1"):format(condition))
end

local function touch(path)
  io.open(path, "w"):close()
end

-- Starts a run that goes on until the file `name` is there; returns its process.
local function start(name, words)
  local pid = shell(("UNTIL=%s/%s DATABASE_URL=%s %s %s %s >%s/%s.log 2>&1 </dev/null & echo $!")
    :format(folder, name, pghost.quote(dsn), pghost.path, job(), words or "", folder, name))
  started[#started + 1] = pid
  return pid
end

local function start_first()
  local pid = start "first"
  wait_for(("[ -e %s/first.ready ]"):format(folder))
  return pid
end

local function run(words)
  table.insert(words, 1, job())
  local _, err, code = pghost.run(words, { env = "DATABASE_URL=" .. pghost.quote(dsn) })
  return code, err
end

describe("a duration", function()
  for text, seconds in pairs {
    ["90"] = 90, ["30s"] = 30, ["10m"] = 600, ["1.5 h"] = 5400, ["250ms"] = 0.25, ["2min"] = 120, [""] = 0,
  } do
    it("is " .. text, function()
      assert.equal(seconds, waiting.seconds(text))
    end)
  end

  it("is for ever, or nothing", function()
    assert.equal(math.huge, waiting.seconds(true))
    assert.equal(0, waiting.seconds(false))
    for _, text in ipairs { "x", "-1", "10 days", "1m30s" } do
      assert.is_nil(waiting.seconds(text))
    end
  end)
end)

describe("the second run of a pipeline", function()
  fixture.once(function(keep)
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
  end)

  before_each(function()
    repeat -- the server has noticed that those killed before are gone
      local held = db:query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")[1][1]
    until held == 0
    folder = pghost.folder()
    pghost.write(job(), (script:gsub("FOLDER", folder)))
    pghost.write(folder .. "/item.csv", "id\n1\n2\n")
  end)

  after_each(function()
    os.execute("kill -9 " .. table.concat(started, " ") .. " 2>/dev/null")
    started = {}
    pghost.remove(folder)
  end)

  local function states()
    local list = {}
    for row in db:query("SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 2"):rows() do
      list[#list + 1] = row.state
    end
    return table.concat(list, " ")
  end

  it("ends at once unless told to wait", function()
    start_first()
    local code, err = run {}
    assert.equal(1, code)
    assert.matches("pghost: pipeline 'queue' into schema 'public' is already running: run %d+ of [^\n]* "
      .. "holds the lock; try again when it is done\n$", err)
  end)

  it("waits, says once for whom, and runs when that one is done", function()
    local pid = start_first()
    start("second", "--wait")
    wait_for(("grep -q waiting %s/second.log"):format(folder))
    touch(folder .. "/second")
    shell "sleep 1"
    touch(folder .. "/first")
    wait_for(("grep -q '^done' %s/second.log"):format(folder))
    local log = pghost.read(folder .. "/second.log")
    local _, said = log:gsub("\nwait ", "\nwait ")
    assert.equal(1, said + (log:find("^wait ") and 1 or 0), log)
    assert.matches("wait +queue +waiting for run %d+ of '[^']*' on '[^']*' %(process " .. pid .. "%) since 20", log)
    assert.equal("published published", states())
  end)

  it("says so when it waits for another one", function()
    start_first()
    for _, name in ipairs { "second", "third" } do
      start(name, "--wait 60s")
      wait_for(("grep -q waiting %s/%s.log"):format(folder, name))
    end
    touch(folder .. "/first")
    local order = { "second", "third" }
    wait_for(("[ -e %s/second.ready ] || [ -e %s/third.ready ]"):format(folder, folder))
    if io.open(folder .. "/third.ready") then
      order = { "third", "second" }
    end
    wait_for(("[ $(grep -c waiting %s/%s.log) = 2 ]"):format(folder, order[2]))
    touch(folder .. "/" .. order[1])
    touch(folder .. "/" .. order[2])
    wait_for(("grep -q '^done' %s/%s.log"):format(folder, order[2]))
  end)

  it("gives up when the time is over, as without waiting", function()
    start_first()
    local code, err = run { "--wait", "600ms" }
    assert.equal(1, code)
    assert.matches("is already running: [^\n]*; try again when it is done %(waited 0%.[67]%d* s%)\n$", err)
  end)

  it("can be interrupted", function()
    start_first()
    local pid = start("second", "--wait")
    wait_for(("grep -q waiting %s/second.log"):format(folder))
    shell("kill -INT " .. pid)
    wait_for(("! kill -0 %s 2>/dev/null"):format(pid))
    assert.matches("pghost: interrupted\n$", pghost.read(folder .. "/second.log"))
  end)

  it("takes over from one that is killed", function()
    local pid = start_first()
    start("second", "--wait")
    touch(folder .. "/second")
    wait_for(("grep -q waiting %s/second.log"):format(folder))
    shell("kill -9 " .. pid)
    wait_for(("grep -q '^done' %s/second.log"):format(folder))
    assert.equal("published killed", states())
  end)

  it("is told what a duration looks like", function()
    local code, err = run { "--wait", "soon" }
    assert.equal(2, code)
    assert.truthy(err:find("a duration such as 30s, 10m or 2h expected, got 'soon'", 1, true), err)
  end)
end)
