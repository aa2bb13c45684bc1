-- A table that pghost has not published is not dropped: what is refused, when, and how one lets it.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn, db

local SCRIPT = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = "FOLDER", MORE })
run:load("users", "users.csv", r.table("users", { { "id", r.bigint():required() } }, { key = "id" }))
run:analyse("FOLDER/sql")
run:publish()
]]

local function run(more, words)
  pghost.write(folder .. "/shop.lua", (SCRIPT:gsub("FOLDER", folder):gsub("MORE", more or "")))
  local all = { folder .. "/shop.lua" }
  table.move(words or {}, 1, #(words or {}), 2, all)
  local _, err, code = pghost.run(all, { env = "DATABASE_URL=" .. pghost.quote(dsn) })
  return code, err
end

local function adopt(...)
  local _, err, code = pghost.run({ "adopt", ... }, { env = "DATABASE_URL=" .. pghost.quote(dsn) })
  return code, err
end

local function ask(sql)
  return tostring(db:query(sql)[1][1])
end

local function refused(name)
  local code, err = run()
  assert.equal(1, code, err)
  local message = ("table 'public.%s' was not published by pghost and would be dropped with its data: "
    .. "rename it, or hand it over with pghost adopt public.%s, or adopt = true"):format(name, name)
  assert.truthy(err:find(message, 1, true), err)
  return err
end

describe("a table that no run has published", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
    pghost.write(folder .. "/users.csv", "id\n1\n2\n")
    os.execute("mkdir " .. folder .. "/sql")
    pghost.write(folder .. "/sql/total.sql", "select count(*) as n from users")
  end)

  it("is not replaced, and nothing is loaded before that is said", function()
    db:exec "CREATE TABLE users (note text); INSERT INTO users VALUES ('mine')"
    refused "users"
    assert.equal("mine", ask "SELECT note FROM users")
    assert.equal("0", ask "SELECT count(*) FROM pghost.files")
    db:exec "DROP TABLE users; CREATE TABLE users_raw (note text); INSERT INTO users_raw VALUES ('mine')"
    refused "users_raw"
    db:exec "DROP TABLE users_raw; CREATE TABLE total (note text); INSERT INTO total VALUES ('mine')"
    refused "total"
    assert.equal("mine", ask "SELECT note FROM total")
    assert.equal("nil", ask "SELECT to_regclass('users')::text")
  end)

  it("is replaced where that is said: by a setting, an option, or pghost adopt", function()
    local function mine(name)
      db:exec(("DROP TABLE IF EXISTS %s CASCADE; CREATE TABLE %s (id bigint); CREATE VIEW on_%s AS SELECT id FROM %s")
        :format(name, name, name, name))
    end
    mine "users"
    local code, err = run("adopt = true")
    assert.equal(0, code, err)
    assert.matches("'public.users' was not published by pghost and is replaced", err)
    assert.equal("2", ask "SELECT count(*) FROM on_users")
    mine "users"
    code, err = run(nil, { "--adopt", "yes" })
    assert.equal(0, code, err)
    mine "users"
    refused "users"
    code, err = adopt "users"
    assert.equal(0, code, err)
    assert.matches("'public.users' may be replaced by the next run", err)
    code, err = run()
    assert.equal(0, code, err)
    assert.equal("2", ask "SELECT count(*) FROM on_users")
  end)

  it("is one that was made by hand under the name of a published one", function()
    assert.equal(0, (run()))
    assert.equal(0, (run()))
    db:exec "DROP TABLE users; CREATE TABLE users (id bigint); INSERT INTO users VALUES (7)"
    refused "users"
    assert.equal("7", ask "SELECT id FROM users")
  end)

  it("is not one that came back from a dump together with the history", function()
    assert.equal(0, (run()))
    local copy, name = server.get():database()
    server.shell(("pg_dump -d '%s' | psql -X -q -v ON_ERROR_STOP=1 -d '%s' >/dev/null"):format(dsn, copy))
    assert.truthy(name)
    dsn = copy
    db:close()
    db = connection.open { dsn = dsn }
    db:exec "CREATE TABLE apart (id bigint); DROP TABLE apart"
    local code, err = run()
    assert.equal(0, code, err)
    db:exec "DROP TABLE users; CREATE TABLE users (id bigint)" -- from the first run on, oids count here too
    refused "users"
  end)

  it("is not one that an earlier version published", function()
    assert.equal(0, (run()))
    db:exec [[
      DROP TABLE pghost.told; ALTER TABLE pghost.published DROP COLUMN history; TRUNCATE pghost.published;
      DELETE FROM pghost.migrations WHERE version = 11]]
    local code, err = run()
    assert.equal(0, code, err)
  end)

  it("is told apart by pghost adopt from what is no table", function()
    assert.equal(0, (run()))
    local code, err = adopt "nothing"
    assert.equal(1, code)
    assert.matches("no table 'public.nothing'", err)
    db:exec "CREATE VIEW v AS SELECT 1 AS a"
    code, err = adopt "public.v"
    assert.equal(1, code)
    assert.matches("'public.v' is not a plain table", err)
    code, err = adopt()
    assert.equal(2, code, err)
  end)

  it("is nothing that a publication for all tables is silent about, once", function()
    db:exec "SET client_min_messages = error; CREATE PUBLICATION every FOR ALL TABLES"
    local _, err = run()
    assert.matches("'every' is for all tables: a subscriber stops at pghost.runs until it has the schema pghost", err)
    _, err = run()
    assert.is_nil(err:find("for all tables", 1, true))
  end)
end)
