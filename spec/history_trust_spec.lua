-- The schema `pghost` of a stranger is not used, and texts that a database cannot hold do not fail what
-- records them.

local assert = require "luassert"
local connection = require "pghost.connection"
local pghost = require "support.pghost"
local recordable = require "pghost.run.recordable"
local server = require "support.server"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("trust", { data = ".", retries = 0 })
run:load("item", "*.csv", r.table("item", { { "id", r.bigint() } }))
run:publish()
]]

describe("the schema pghost", function()
  local own, admin, folder, dsn

  local function run(...)
    local _, err, code = pghost.run({ "--dsn", dsn, ... }, { cd = folder })
    return err:match("pghost: ([^\n]*)") or err, code
  end

  setup(function()
    own = server.get()
    own:psql [[CREATE ROLE trust_mallory; CREATE ROLE trust_pipeline LOGIN; CREATE ROLE trust_team]]
    folder = pghost.folder()
    pghost.write(folder .. "/pipeline.lua", script)
    pghost.write(folder .. "/item.csv", "id\n1\n")
  end)

  teardown(function()
    pghost.remove(folder)
    own:psql "DROP ROLE trust_mallory; DROP ROLE trust_team"
  end)

  before_each(function()
    local name
    dsn, name = own:database()
    admin = connection.open { dsn = dsn }
    admin:exec(("GRANT CREATE ON DATABASE %s TO trust_mallory, trust_pipeline"):format(name))
    admin:exec "GRANT ALL ON SCHEMA public TO trust_pipeline"
    dsn = dsn:gsub("user=postgres", "user=trust_pipeline")
  end)

  after_each(function()
    admin:exec "DROP OWNED BY trust_mallory, trust_team, trust_pipeline CASCADE"
    admin:close()
  end)

  it("is refused when somebody made it before, by runs and by commands", function()
    admin:exec [[SET ROLE trust_mallory; CREATE SCHEMA pghost; GRANT ALL ON SCHEMA pghost TO public;
      CREATE FUNCTION pghost.steal() RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''stolen''; END';
      CREATE VIEW pghost.runs AS SELECT pghost.steal() AS run_id, 1 AS replay_of;
      GRANT SELECT ON pghost.runs TO public; RESET ROLE]]
    local expected = "schema 'pghost' is not safe to use: schema pghost belongs to 'trust_mallory', who could run "
      .. "code with your rights; rename or drop it, or have a superuser, the database's owner or a role that you are a "
      .. "member of own it"
    for _, words in ipairs { { "pipeline.lua" }, { "runs" }, { "rejects" }, { "replay", "1" } } do
      local message, code = run(table.unpack(words))
      assert.equal(expected, message)
      assert.equal(1, code)
    end
  end)

  it("is refused to a superuser too, who is a member of every role as pg_has_role has it", function()
    dsn = dsn:gsub("user=trust_pipeline", "user=postgres")
    admin:exec "SET ROLE trust_mallory; CREATE SCHEMA pghost; RESET ROLE"
    for _, words in ipairs { { "pipeline.lua" }, { "runs" } } do
      local message, code = run(table.unpack(words))
      assert.matches("^schema 'pghost' is not safe to use: schema pghost belongs to 'trust_mallory'", message)
      assert.equal(1, code)
    end
    admin:exec(("ALTER DATABASE %s OWNER TO trust_mallory"):format(admin:query("SELECT current_database() AS n")[1].n))
    assert.matches("belongs to 'trust_mallory'", (run "runs"))
    admin:exec(("ALTER DATABASE %s OWNER TO postgres"):format(admin:query("SELECT current_database() AS n")[1].n))
    admin:exec "DROP SCHEMA pghost"
    assert.equal(0, select(2, run "pipeline.lua"))
  end)

  it("is refused when a stranger may create in it or make triggers", function()
    assert.equal(0, select(2, run "pipeline.lua"))
    admin:exec "GRANT CREATE ON SCHEMA pghost TO trust_mallory"
    local message, code = run "pipeline.lua"
    assert.equal("schema 'pghost' is not safe to use: schema pghost gives 'trust_mallory' the right create, who could "
      .. "run code with your rights; revoke create on schema pghost from trust_mallory", message)
    assert.equal(1, code)
    admin:exec "REVOKE CREATE ON SCHEMA pghost FROM trust_mallory; GRANT ALL ON pghost.runs TO public"
    assert.matches("table runs gives 'public' the right trigger.*revoke trigger on pghost.runs from public",
      (run "pipeline.lua"))
    admin:exec "REVOKE TRIGGER ON pghost.runs FROM public"
    assert.equal(0, select(2, run "pipeline.lua"))
  end)

  it("is taken from a role that ours is a member of, and from the database's owner", function()
    admin:exec "CREATE SCHEMA pghost AUTHORIZATION trust_team; GRANT trust_team TO trust_pipeline"
    assert.equal(0, select(2, run "pipeline.lua"))
    admin:exec "REVOKE trust_team FROM trust_pipeline; ALTER SCHEMA pghost OWNER TO postgres"
    admin:exec "GRANT USAGE ON SCHEMA pghost TO trust_pipeline"
    assert.equal(0, select(2, run "pipeline.lua"))
  end)

  it("is not used with a search_path that has others before pg_catalog", function()
    local database = admin:query("SELECT current_database() AS name")[1].name
    admin:exec(("ALTER ROLE trust_pipeline IN DATABASE %s SET search_path = public, pg_catalog"):format(database))
    local message, code = run "pipeline.lua"
    assert.matches("^the search_path of 'trust_pipeline' has schema public before pg_catalog", message)
    assert.equal(1, code)
    admin:exec(("ALTER ROLE trust_pipeline IN DATABASE %s SET search_path = public"):format(database))
    assert.equal(0, select(2, run "pipeline.lua"))
  end)

  it("is migrated whatever the target schema shadows", function()
    admin:exec [[CREATE FUNCTION public.jsonb_build_array(jsonb) RETURNS jsonb LANGUAGE plpgsql
      AS 'BEGIN RAISE EXCEPTION ''captured''; END']]
    assert.equal(0, select(2, run "pipeline.lua"))
  end)

  it("has a comment on every table and column", function()
    run "pipeline.lua"
    assert.equal("", admin:query([[
      SELECT coalesce(string_agg(concat_ws('.', c.relname, a.attname), ', '), '') AS missing
      FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
      WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind IN ('r', 'v')
        AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)]])[1].missing)
  end)
end)

describe("texts of the history", function()
  local function database(encoding)
    local own = server.get()
    local name = "recordable_" .. encoding:lower()
    own:psql(("DROP DATABASE IF EXISTS %s"):format(name))
    own:psql(("CREATE DATABASE %s ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"):format(name, encoding))
    return connection.open { dsn = ("host=%s dbname=%s user=postgres"):format(own.socket, name) }
  end

  it("are escaped as far as the database cannot hold them", function()
    local texts = { "plain\\x", "M\xc3\xbcller", "M\xfcller", "5 \xe2\x82\xac", "\xc5\x82", "a\0b", "\xf0\x9f\x98\x80!",
      "\xc3", "\xed\xa0\x80" }
    local expected = {
      UTF8 = { "plain\\x", "Müller", "M\\xfcller", "5 €", "ł", "a\\x00b", "😀!", "\\xc3", "\\xed\\xa0\\x80" },
      LATIN1 = { "plain\\x", "Müller", "M\\xfcller", "5 \\u{20AC}", "\\u{0142}", "a\\x00b", "\\u{1F600}!", "\\xc3",
        "\\xed\\xa0\\x80" },
      LATIN2 = { "plain\\x", "Müller", "M\\xfcller", "5 \\u{20AC}", "ł", "a\\x00b", "\\u{1F600}!", "\\xc3",
        "\\xed\\xa0\\x80" },
    }
    for encoding, wanted in pairs(expected) do
      local conn <close> = database(encoding)
      conn:exec "CREATE TABLE held (n int, t text)"
      for i, text in ipairs(texts) do
        local held = recordable.text(conn, text)
        assert.equal(wanted[i], held, encoding)
        conn:query("INSERT INTO held VALUES ($1, $2)", i, held)
        assert.equal(held, conn:query("SELECT t FROM held WHERE n = $1", i)[1].t)
      end
      conn:transaction(function() -- and within a transaction, which goes on
        assert.equal(encoding == "UTF8" and "\xe2\x82\xac\xe2\x82\xad" or "\\u{20AC}\\u{20AD}",
          recordable.text(conn, "\xe2\x82\xac\xe2\x82\xad"))
        conn:query "SELECT 1"
      end)
    end
  end)

  it("tell how a run ended in a database in LATIN1", function()
    local conn <close> = database "LATIN1"
    local folder = pghost.folder()
    pghost.write(folder .. "/pipeline.lua", [[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start("euro", { data = ".", retries = 0, parameters = { word = "5 \u{20AC}" } })
      run:check { { name = "caf\xC3\xA9 \u{20AC}", sql = "SELECT 1 WHERE false" } }
      error("broken by \u{20AC} and \xFC", 0)
    ]])
    local _, err, code = pghost.run({ "--dsn", ("host=%s dbname=recordable_latin1 user=postgres"):format(
      server.get().socket), folder .. "/pipeline.lua" })
    pghost.remove(folder)
    assert.equal(1, code, err)
    local row = conn:query([[SELECT r.state, r.error, r.config::text AS config, c.name
      FROM pghost.runs AS r JOIN pghost.checks AS c USING (run_id)]])[1]
    assert.same({ "failed", "broken by \\u{20AC} and \\xfc", "caf\xc3\xa9 \\u{20AC}" },
      { row.state, row.error, row.name })
    assert.matches([["5 \\u{20AC}"]], row.config, 1, true)
  end)
end)
