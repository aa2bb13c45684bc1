-- Named pipes and the like, given by path: their bytes are there once, as those of standard input.

local connection = require "pghost.connection"
local csv = require "pghost.native.csv"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

fixture.once(function(keep)
  dsn = server.get():database()
  db = keep(connection.open { dsn = dsn })
end)

before_each(function()
  folder = pghost.folder()
  os.execute("mkfifo " .. folder .. "/pipe")
end)

after_each(function()
  pghost.remove(folder)
  db:exec "DROP SCHEMA IF EXISTS pghost, pghost_build_1 CASCADE; DROP TABLE IF EXISTS item, item_raw"
end)

-- More than a pipe holds, and more than is read to find the header.
local function write_items(count)
  local lines = { "id,name" }
  for i = 1, count or 60000 do
    lines[#lines + 1] = i .. ",name " .. i
  end
  return pghost.write(folder .. "/item.csv", table.concat(lines, "\n") .. "\n")
end

-- A command that writes into the pipe for a while; it ends by itself.
local function feed(command)
  os.execute(("cd %s && ((timeout 20 sh -c '%s' >pipe) </dev/null >/dev/null 2>&1 &)"):format(folder, command))
end

local function run(words)
  local command = { "timeout", "30", pghost.path, "--dsn", dsn, table.unpack(words) }
  for i, word in ipairs(command) do
    command[i] = pghost.quote(word)
  end
  return pghost.shell(("cd %s && %s"):format(folder, table.concat(command, " ")))
end

local function ask(sql)
  return shown.text(db, sql)
end

describe("a named pipe", function()
  it("is loaded whole, whatever the number of workers", function()
    write_items()
    for _, workers in ipairs { 1, 3 } do
      for _, command in ipairs { "cat item.csv", "gzip -c item.csv", "cat item.csv; sleep 0.5" } do
        feed(command)
        local _, err, code = run { "load", "pipe", "--into", "item", "--create", "--workers", tostring(workers) }
        assert.equal(0, code, err)
        assert.equal("60000|1800030000|2", ask [[SELECT count(*), sum(id::bigint), (SELECT count(*) FROM pg_attribute
          WHERE attrelid = 'item'::regclass AND attnum > 0) FROM item]])
        db:exec "DROP TABLE item"
      end
    end
  end)

  it("is loaded beside files, and without a header", function()
    write_items(10)
    pghost.write(folder .. "/more.csv", "20,x\n")
    db:exec "CREATE TABLE item (id int, name text)"
    feed "tail -n +2 item.csv"
    local _, err, code = run { "load", "pipe", "more.csv", "--no-header", "--into", "item", "--max-rejects", "1%" }
    assert.equal(0, code, err)
    assert.equal("11|75", ask "SELECT count(*), sum(id) FROM item")
  end)

  it("has a budget as a share at its end", function()
    write_items(200)
    db:exec "CREATE TABLE item (id int, name text)"
    for share, expected in pairs { ["1%"] = 0, ["0.9%"] = 4 } do
      feed "sed -e s/^7,/x,/ -e s/^8,/y,/ item.csv"
      local _, err, code = run { "load", "pipe", "--into", "item", "--max-rejects", share }
      assert.equal(expected, code, err)
    end
    assert.equal("198", ask "SELECT count(*) FROM item")
  end)

  it("cannot be looked at before it is loaded: --auto says so", function()
    write_items(10)
    for word, message in pairs {
      pipe = "'pipe' is a named pipe and can be read only once",
      ["/dev/null"] = "'/dev/null' is a device and can be read only once",
      ["-"] = "standard input can be read only once",
    } do
      local _, err, code = run { "load", word, "--auto", "--into", "item", "--create" }
      assert.equal(2, code, err)
      assert.equal("pghost: " .. message .. ", so its dialect cannot be detected: give it as options\n", err)
    end
  end)

  it("can be sniffed", function()
    write_items()
    feed "cat item.csv"
    local out, err, code = run { "sniff", "pipe" }
    assert.equal(0, code, err)
    assert.matches("^pipe: 2 columns, confidence [%d.]+ %(whole file, 60,000 records%)", out)
  end)

  it("that holds nothing is empty", function()
    feed "true"
    local _, err, code = run { "load", "pipe", "--into", "item", "--create" }
    assert.equal(1, code, err)
    assert.equal("pghost: 'pipe' is empty\n", err)
  end)

  it("is a source in Lua", function()
    write_items()
    feed "cat item.csv"
    local source <close> = assert(csv.open(folder .. "/pipe"))
    local count = 0
    for _ in source:records() do
      count = count + 1
    end
    assert.equal(60000, count)
  end)
end)

describe("a pipeline with a named pipe", function()
  local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local rules = r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" })
local run <close> = pipeline.start("job", { data = "." })
%s
]]

  local function run_script(text, words)
    pghost.write(folder .. "/job.lua", script:format(text))
    return run { "job.lua", table.unpack(words or {}) }
  end

  it("loads it whole, and knows its content when it comes again", function()
    write_items(3000)
    local text = [[run:load("item", "pipe", rules, { mode = "append", workers = 2 }) run:publish()]]
    feed "cat item.csv"
    local _, err, code = run_script(text)
    assert.equal(0, code, err)
    assert.equal("3000|3000", ask "SELECT count(*), (SELECT count(*) FROM item_raw) FROM item")
    local hash = pghost.shell(("sha256sum <%s/item.csv"):format(folder)):match "^%x+"
    assert.equal(hash, ask "SELECT sha256 FROM pghost.files")
    feed "cat item.csv"
    _, err, code = run_script(text)
    assert.equal(1, code, err)
    assert.matches("pipe: was loaded by run 1 as 'pipe': the option force loads it again", err)
    assert.equal("3000", ask "SELECT count(*) FROM item")
  end)

  it("has a budget as a share, of the table and of the file", function()
    write_items(3000)
    for share, expected in pairs { ["1%"] = 0, ["0.9%"] = 4 } do
      for _, budget in ipairs { 'share = "%s"', 'per_file = { share = "%s" }' } do
        feed "sed -e s/00,/x,/ item.csv"
        local _, err, code = run_script(([[run:load("item", "pipe", rules, { budget = { %s } }) run:publish()]])
          :format(budget:format(share)))
        assert.equal(expected, code, err)
        assert.equal("30", ask [[SELECT count(*) FROM pghost.rejects
          WHERE run_id = (SELECT max(run_id) FROM pghost.runs)]])
      end
    end
    assert.equal("2970", ask "SELECT count(*) FROM item")
  end)

  it("is not done again, and says why", function()
    write_items(10)
    feed "cat item.csv"
    local _, err, code = run_script [[
      run:load("item", "pipe", rules)
      local admin <close> = require("pghost.connection").open()
      admin:query("SELECT pg_terminate_backend($1)", run.conn:pid())
      run:publish()]]
    assert.equal(3, code, err)
    assert.matches("\npghost: terminating connection [^\n]*; not retried: '[^\n]*pipe' is a named pipe and can be read "
      .. "only once\n", err)
    assert.not_matches("attempt", err)
  end)

  it("is loaded anew by a run that goes on with one that was killed", function()
    write_items(3000)
    local load = [[run:load("item", { "pipe" }, rules)]]
    feed "cat item.csv"
    local _, err, code = run_script(load .. [[ os.execute "kill -9 $PPID" ]], { "--resume", "yes" })
    assert.equal(137, code, err)
    feed "cat item.csv"
    _, err, code = run_script(load .. " run:publish()", { "--resume", "yes" })
    assert.equal(0, code, err)
    assert.equal("3000|3000", ask "SELECT count(*), (SELECT count(*) FROM item_raw) FROM item")
  end)

  it("refuses dialect = auto", function()
    local _, err, code = run_script [[run:load("item", "pipe", rules, { dialect = "auto" })]]
    assert.equal(2, code, err)
    assert.matches("is a named pipe and can be read only once, so its dialect cannot be detected", err)
  end)
end)

-- Seconds until a load in the background ends, its exit code, and what it has said. `prepare` are shell
-- commands that may feed the pipe through descriptor 3; `fault` ends the wait.
local function ends(words, prepare, fault)
  local script = ([[
    set -m; cd %s
    '%s' --dsn '%s' load %s --into item --create 2>err & pid=$!
    %s
    sleep 1
    start=$(date +%%s%%N); %s
    wait $pid; code=$?; echo $code $((($(date +%%s%%N) - start) / 1000000))
  ]]):format(folder, pghost.path, dsn, words, prepare, fault)
  local out, err = pghost.shell("timeout -s KILL 40 bash -c " .. pghost.quote(script))
  local code, ms = out:match "(%d+) (%d+)\n$"
  assert.truthy(code, out .. err)
  return tonumber(ms) / 1000, math.tointeger(tonumber(code)), pghost.read(folder .. "/err")
end

describe("a load that waits for a named pipe", function()
  it("without a writer ends with Ctrl-C", function()
    local seconds, code, err = ends("pipe", "", "kill -INT $pid")
    assert.equal(130, code, err)
    assert.is_true(seconds < 5, seconds)
  end)

  it("in its middle ends with Ctrl-C, also where it is standard input", function()
    write_items()
    for _, words in ipairs { "pipe", "pipe --workers 3", "- <pipe" } do
      local seconds, code, err = ends(words, "exec 3>pipe; cat item.csv >&3", "kill -INT $pid")
      assert.equal(130, code, err)
      assert.is_true(seconds < 5, seconds)
      assert.equal("", ask "SELECT to_regclass('item')")
    end
  end)

  it("for more ends when the server fails, though nothing comes and the pipe stays open", function()
    write_items()
    local terminate = ([[until [ "$(psql -X -q -A -t -d '%s' -c "
      SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%%'
      ")" -gt 0 ]; do sleep 0.1; done]]):format(dsn)
    local seconds, code, err = ends("pipe --retries 0", "exec 3>pipe; cat item.csv >&3", terminate)
    assert.equal(3, code, err)
    assert.matches("terminating connection due to administrator command", err)
    assert.is_true(seconds < 12, seconds)
  end)
end)
