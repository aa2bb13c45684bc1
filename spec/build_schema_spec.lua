-- A named schema to build in, as a role that may do nothing else; what it is told when a right is
-- missing, and the rights that suffice (docs/PUBLISHING.md lists them).

local connection = require "pghost.connection"
local pghost = require "support.pghost"
local server = require "support.server"

local shell = server.shell
local folder, dsn, db, database, loader_dsn

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start(arg[0]:match("([^/]*)%.lua$"), { data = "FOLDER", schema = "desk" })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" }))
if os.getenv "SLOW" then
  io.open("FOLDER/ready", "w"):close()
  require("pghost.native.sys").sleep(60)
end
run:publish()
]]

local function run(options)
  options = options or {}
  local words = { folder .. "/" .. (options.script or "one") .. ".lua" }
  table.move(options.words or {}, 1, #(options.words or {}), 2, words)
  local _, err, code = pghost.run(words, { env = "DATABASE_URL=" .. pghost.quote(options.dsn or loader_dsn) })
  return code, err
end

-- It ends with exit code 1, a last line with `text` and nothing of it in the database.
local function refused(text, options)
  local code, err = run(options)
  assert.equal(1, code, err)
  local last = err:match("([^\n]*)\n$")
  assert.truthy(last:find("pghost: " .. text, 1, true), last)
end

local function ask(sql)
  return tostring(db:query(sql)[1][1])
end

local function in_build()
  return ask "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'build'::regnamespace"
end

local build = { words = { "--build-schema", "build" } }

describe("a role with few rights", function()
  setup(function()
    folder = pghost.folder()
    dsn, database = server.get():database()
    db = connection.open { dsn = dsn }
    loader_dsn = dsn:gsub("user=postgres", "user=few_rights")
    db:exec "DROP ROLE IF EXISTS few_rights; CREATE ROLE few_rights LOGIN"
    db:exec(("REVOKE ALL ON DATABASE %s FROM PUBLIC; GRANT CONNECT ON DATABASE %s TO few_rights")
      :format(database, database))
    db:exec "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    for _, name in ipairs { "one", "two" } do
      pghost.write(folder .. "/" .. name .. ".lua", (script:gsub("FOLDER", folder)))
    end
    pghost.write(folder .. "/item.csv", "id,name\n1,a\n2,b\n1,c\n")
  end)

  teardown(function()
    db:exec "DROP OWNED BY few_rights; DROP ROLE few_rights"
    db:close()
    pghost.remove(folder)
  end)

  it("is told each one that is missing, and with those it can publish", function()
    refused(("'few_rights' may not create schemas in database '%s': grant create on database to it, or have the "
      .. "history made by a role that may, and grant usage on schema pghost, and select, insert, update, delete on all "
      .. "tables in it"):format(database), build)
    assert(require("pghost.run.schema").migrate(db) == nil)
    refused(("'few_rights' may not use schema 'pghost' in database '%s': grant it usage"):format(database), build)
    db:exec "GRANT USAGE ON SCHEMA pghost TO few_rights"
    refused("'few_rights' may not read table pghost.migrations: grant it usage on schema pghost, and select", build)
    db:exec "GRANT SELECT ON ALL TABLES IN SCHEMA pghost TO few_rights"
    refused(("'few_rights' may not write to tables of schema 'pghost' (%s)"):format(ask [[
      SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
      WHERE relnamespace = 'pghost'::regnamespace AND relkind = 'r' AND relname <> 'migrations']]), build)
    db:exec "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pghost TO few_rights"
    refused(("'few_rights' may not create schemas in database '%s': grant create on database to it, or name a schema "
      .. "it may build in (build_schema)"):format(database))
    refused("no schema 'desk', and 'few_rights' may not create it: create it, and grant create, usage on schema to it",
      build)
    db:exec "CREATE SCHEMA desk"
    refused("'few_rights' may not create tables in schema 'desk': grant create, usage on schema to it", build)
    db:exec "GRANT CREATE, USAGE ON SCHEMA desk TO few_rights"
    refused("no build schema 'build': create it, and grant create, usage on schema to it ('few_rights')", build)
    db:exec "CREATE SCHEMA build"
    refused("'few_rights' may not create tables in build schema 'build': grant create, usage on schema to it", build)
    db:exec "GRANT CREATE, USAGE ON SCHEMA build TO few_rights"
    for _ = 1, 2 do
      local code, err = run(build)
      assert.equal(0, code, err)
      assert.equal("2", ask "SELECT count(*) FROM desk.item")
      assert.equal("nil", in_build())
    end
    assert.equal("build", ask "SELECT build_schema FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal("0", ask "SELECT count(*) FROM pghost.runs WHERE state = 'running'")
  end)

  it("is told that a published table is somebody else's", function()
    db:exec "ALTER TABLE desk.item OWNER TO postgres"
    local _, err = run(build)
    assert.truthy(err:find("cannot publish: 'desk.item' belongs to 'postgres', and publishing replaces", 1, true), err)
    db:exec "ALTER TABLE desk.item OWNER TO few_rights"
    assert.equal("nil", in_build())
  end)

  it("is told that the history is of an older version and somebody else's", function()
    local newest = ask "SELECT max(version) FROM pghost.migrations"
    db:exec(("DELETE FROM pghost.migrations WHERE version = %s"):format(newest))
    refused("schema 'pghost' is at version ", build)
    db:exec(("INSERT INTO pghost.migrations (version, name) VALUES (%s, 'again')"):format(newest))
  end)

  describe("builds in a named schema", function()
    before_each(function()
      db:exec "DROP SCHEMA build CASCADE; CREATE SCHEMA build; GRANT CREATE, USAGE ON SCHEMA build TO few_rights"
    end)

    it("that holds nothing of others", function()
      db:exec "CREATE TABLE build.precious (n integer); CREATE TYPE build.mood AS ENUM ('good')"
      refused("build schema 'build' is not empty, and was not left by a killed run: it holds mood, precious; "
        .. "empty it, or name another", build)
      assert.equal("precious", in_build())
    end)

    it("that is not the one it publishes into", function()
      local code, err = run { words = { "--build-schema", "desk" } }
      assert.equal(2, code)
      assert.truthy(err:find("build_schema: 'desk' is the schema that is published into: name another", 1, true), err)
    end)

    local function start_slow()
      os.remove(folder .. "/ready")
      local pid = shell(("SLOW=1 DATABASE_URL=%s %s %s/one.lua --build-schema build >%s/out 2>&1 </dev/null & echo $!")
        :format(pghost.quote(loader_dsn), pghost.path, folder, folder))
      finally(function()
        os.execute("kill -9 " .. pid .. " 2>/dev/null")
      end)
      shell(("for i in $(seq 600); do [ -e %s/ready ] && exit 0; sleep 0.05; done; cat %s/out; exit 1")
        :format(folder, folder))
      return pid
    end

    local function end_of(pid)
      shell(("for i in $(seq 200); do kill -0 %s 2>/dev/null || break; sleep 0.05; done"):format(pid))
      repeat
        local held = ask "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
      until held == "0"
    end

    it("as the only one", function()
      start_slow()
      local options = { script = "two", words = { "--build-schema", "build" } }
      refused("build schema 'build' is in use: pipeline 'one': run ", options)
      options.words[3] = "--wait=1s"
      local code, err = run(options)
      assert.equal(1, code)
      assert.matches("wait +two +waiting for pipeline 'one': run %d+ of ", err)
      assert.matches("try again when it is done %(waited [12]%.%d+ s%)\n$", err)
      assert.equal("item,item_pkey,item_raw", in_build())
    end)

    it("in which a killed run has left something", function()
      local pid = start_slow()
      shell("kill -9 " .. pid)
      end_of(pid)
      assert.equal("item,item_pkey,item_raw", in_build())
      local code, err = run { script = "two", words = { "--build-schema", "build" } } -- another pipeline
      assert.equal(0, code, err)
      assert.equal("nil", in_build())
      pid = start_slow()
      shell("kill -9 " .. pid)
      end_of(pid)
      code, err = run(build) -- the same one
      assert.equal(0, code, err)
      assert.matches("run %d+ was killed: what it had built is removed", err)
      assert.equal("nil", in_build())
      assert.equal("0", ask "SELECT count(*) FROM pghost.runs WHERE state = 'running'")
    end)

    it("which is empty again when it is interrupted", function()
      local pid = start_slow()
      shell("kill -INT " .. pid)
      end_of(pid)
      assert.equal("nil", in_build())
      assert.equal("interrupted", ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    end)
  end)
end)
