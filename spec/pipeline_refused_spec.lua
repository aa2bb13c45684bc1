-- Runs that cannot be: bad input, missing rights, another run of the pipeline. One line says why, and nothing is left.

local server = require "support.server"
local world = require "support.small_pipeline"

local shell = server.shell
local binary = shell "readlink /proc/$PPID/exe"

local ask, write, with_run, must_run = world.ask, world.write, world.with_run, world.must_run
local load_and_publish, assert_clean_end, last_state = world.load_and_publish, world.assert_clean_end, world.last_state
local rules, good, remove_folder = world.rules, world.good, world.remove_folder
local folder, dsn, db

local function make_folder()
  folder, dsn, db = world.make_folder()
end

describe("bad input stops the run with one line that names it", function()
  before_each(function()
    make_folder()
    must_run(load_and_publish)
  end)

  after_each(function()
    remove_folder()
  end)

  local function refused(fn, code)
    local log, problem = with_run(fn)
    assert.is_truthy(problem)
    assert.equal(1, problem.exit)
    if code then
      assert.equal(code, problem.code)
    end
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    assert.equal("failed", last_state())
    assert.equal(tostring(problem), ask "SELECT error FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert_clean_end()
    return (tostring(problem):gsub(folder, "F")), log
  end

  local otherwise = '; in the rules, from = "..." gives another name'

  it("a missing column, before anything is loaded", function()
    write("item-b.csv", "id,nom\n1,x\n")
    assert.equal("item-b.csv: no columns 'name', 'price' (has: id, nom)" .. otherwise, refused(load_and_publish))
    write("item-b.csv", "id,nom,price\n1,x,2\n")
    assert.equal("item-b.csv: no column 'name' (has: id, nom, price)" .. otherwise, refused(load_and_publish))
    assert.equal("1", ask "SELECT count(*) FROM pghost.files")
  end)

  it("names that would clash", function()
    write("item.csv", "id,name,price,Id \n1,x,2,3\n")
    assert.matches("item.csv:1: columns 1 and 4 of the header are both named 'Id'", refused(load_and_publish))
    write("item.csv", "id,name,price,_line\n1,x,2,3\n")
    assert.equal("item.csv: column '_line' has a name that the load itself uses: rename it", refused(load_and_publish))
    write("item.csv", "id,name,price," .. ("x"):rep(64) .. "\n1,x,2,3\n")
    assert.equal("item.csv: column name '" .. ("x"):rep(64)
      .. "' is longer than 63 bytes: shorten it, or give header_names = 'repair'",
      refused(load_and_publish))
  end)

  it("missing files, folders, matches", function()
    assert.equal("no such file 'F/none.csv'", refused(function(run)
      run:load("item", "none.csv", rules)
    end, "ENOENT"))
    assert.equal("no file matches 'F/none*.csv'", refused(function(run)
      run:load("item", "none*.csv", rules)
    end, "ENOENT"))
  end)

  it("empty files and files with a header only", function()
    write("item.csv", "id,name,price\n")
    assert.equal("item.csv: no record below the header: leave the file out, or load it with allow_empty",
      refused(load_and_publish))
    write("item.csv", "")
    assert.matches("item.csv", refused(load_and_publish))
  end)

  it("a binary file", function()
    write("item.csv", "\127ELF\0\0\1\2\n\0\0")
    assert.matches("item.csv", refused(load_and_publish))
  end)

  it("a target that is a view", function()
    db:exec "DROP TABLE item; CREATE VIEW item AS SELECT id FROM (VALUES (1), (2)) AS v (id)"
    assert.equal("'public.item' exists and is not a table: rename it or publish into another schema",
      refused(load_and_publish))
  end)

  it("a script's own error, and a run that is not published", function()
    local _, problem = with_run(function(run)
      run:load("item", "item.csv", rules)
      error("oh no", 0)
    end)
    assert.equal("oh no", problem)
    assert.equal("failed|oh no", ask "SELECT state, error FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    must_run(function(run)
      run:load("item", "item.csv", rules)
    end)
    assert.equal("unpublished", last_state())
    assert_clean_end()
  end)

  it("a file that changes while it is read", function()
    local contents, inputs = require "pghost.input.contents", require "pghost.load.inputs"
    local open_source, small = inputs.open, contents.small
    local opened = 0
    finally(function()
      inputs.open, contents.small = open_source, small
    end)
    contents.small = 0 -- small files are read once, so that this cannot happen to them
    inputs.open = function(...)
      opened = opened + 1
      if opened == 2 then -- the first time it was for the header
        write("item.csv", good .. "9,late,1\n")
      end
      return open_source(...)
    end
    local message = refused(load_and_publish, "account")
    assert.equal(("table 'item': the accounts do not add up: item.csv: bytes: %d expected, %d found; "
      .. "did a file change while it was read?"):format(#good, #good + 9), message)
    assert.equal("f|1", ask "SELECT passed, violations FROM pghost.checks ORDER BY check_id DESC LIMIT 1")
  end)

  it("an empty file is fine where it is allowed", function()
    write("item-0.csv", "id,name,price\n")
    must_run(function(run)
      run:load("item", "item*.csv", rules, { allow_empty = true })
      run:publish()
    end)
    assert.equal("0\n4", ask "SELECT records FROM pghost.files WHERE run_id = 2 ORDER BY name")
  end)
end)

describe("rights", function()
  before_each(make_folder)
  after_each(remove_folder)

  it("that are missing are told before anything is loaded", function()
    must_run(load_and_publish)
    local role = "weak_" .. os.time()
    db:exec(("CREATE ROLE %s LOGIN; GRANT ALL ON SCHEMA pghost TO %s; GRANT ALL ON ALL TABLES IN SCHEMA pghost TO %s")
      :format(role, role, role))
    world.dsn = world.database:gsub("user=postgres", "user=" .. role)
    local _, problem = with_run(load_and_publish)
    assert.matches("^'weak_%d+' may not create schemas in database '[%w_]+': grant create on database to it, "
      .. "or name a schema it may build in %(build_schema%)$", tostring(problem))
    db:exec(("GRANT CREATE ON DATABASE %s TO %s"):format(world.database:match("dbname=(%S+)"), role))
    _, problem = with_run(load_and_publish)
    assert.matches("^'weak_%d+' may not create tables in schema 'public': grant create, usage on schema to it$",
      tostring(problem))
    db:exec(("DROP OWNED BY %s; DROP ROLE %s"):format(role, role))
    assert_clean_end()
  end)
end)

describe("two runs of a pipeline", function()
  local script = [[
    package.path = "%s/?.lua;" .. package.path
    local pipeline = require "pghost.pipeline"
    local run <close> = pipeline.start("spec", { data = "%s" }, { arguments = {}, dsn = "%s" })
    local r = require "pghost.rules"
    run:load("item", "item.csv", r.table("item", { { "id", r.text() } }))
    io.open("%s/ready", "w"):close()
    require("pghost.native.sys").sleep(60)
    run:publish()
  ]]

  local pid

  before_each(function()
    make_folder()
    write("slow.lua", script:format(folder, folder, dsn, folder))
    pid = shell(("%s %s/slow.lua >%s/out 2>%s/err </dev/null & echo $!"):format(binary, folder, folder, folder))
    shell(("for i in $(seq 600); do [ -e %s/ready ] && exit 0; sleep 0.05; done; cat %s/err; exit 1")
      :format(folder, folder))
  end)

  after_each(function()
    os.execute("kill -9 " .. pid .. " 2>/dev/null")
    remove_folder()
  end)

  local function wait_until_gone()
    shell(("for i in $(seq 200); do kill -0 %s 2>/dev/null || exit 0; sleep 0.05; done; exit 1"):format(pid))
  end

  it("exclude each other, and the second says who is running", function()
    local _, problem = with_run(load_and_publish)
    assert.equal("locked", problem.code)
    assert.matches("^pipeline 'spec' into schema 'public' is already running: run 1 of '[^']+' on '[^']+' "
      .. "%(process " .. pid .. "%) since %d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d %S+ holds the lock", tostring(problem))
    must_run(load_and_publish, { schema = "elsewhere" })
  end)

  it("what a killed one leaves is removed by the next", function()
    shell("kill -9 " .. pid)
    wait_until_gone()
    shell(([[for i in $(seq 200); do
      n=$(psql -XAtd '%s' -c "select count(*) from pg_locks where locktype = 'advisory'")
      [ "$n" = 0 ] && exit 0; sleep 0.05; done; exit 1]]):format(dsn))
    assert.equal("1", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
    local log = must_run(load_and_publish)
    assert.matches("run 1 was killed: what it had built is removed", log)
    assert.equal("killed|found dead by a later run\npublished|",
      ask "SELECT state, error FROM pghost.runs ORDER BY run_id")
    assert_clean_end()
  end)

  it("an interrupted one cleans up after itself", function()
    shell("kill -INT " .. pid)
    wait_until_gone()
    assert.equal("interrupted", last_state())
    assert_clean_end()
    assert.equal("0", ask "SELECT count(*) FROM pg_class WHERE relname = 'item'")
  end)
end)

describe("the first runs of a new database", function()
  it("create the history once", function()
    make_folder()
    db:query "DROP SCHEMA pghost CASCADE"
    local script = [[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start(arg[1], { data = "%s", schema = arg[1] }, { arguments = {}, dsn = "%s" })
      local r = require "pghost.rules"
      run:load("item", "item.csv", r.table("item", { { "id", r.text() } }))
      run:publish()
    ]]
    write("run.lua", script:format(folder, dsn))
    shell(([[for n in a b c d; do %s %s/run.lua $n & pids="$pids $!"; done
      for p in $pids; do wait $p || exit 1; done]]):format(binary, folder))
    assert.equal("4|" .. shell "ls sql/metadata/*.sql | wc -l", ask [[
      SELECT (SELECT count(*) FROM pghost.runs WHERE state = 'published'), (SELECT count(*) FROM pghost.migrations)]])
    remove_folder()
  end)
end)
