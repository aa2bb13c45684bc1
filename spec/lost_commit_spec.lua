-- A COMMIT whose answer is lost, asked about at a server that is another by then: restarted, promoted, strange.

local commit = require "pghost.run.commit"
local connection = require "pghost.connection"
local backends = require "support.backends"
local proxies = require "support.proxies"
local server = require "support.server"
local sys = require "pghost.native.sys"

-- The transaction alone, with a server of its own.
describe("a COMMIT that another life of the server is asked about", function()
  local own, standby, said

  -- The load's way: `between` happens when the answer is lost. Returns what pcall does.
  local function insert(between, mode)
    local place = proxies.start(mode or "lost", own.socket)
    local conn <close> = connection.open { dsn = ("host=%s dbname=postgres user=postgres"):format(place) }
    local target
    local session = { settings = { retries = 0 }, say = function(_, _, text)
      said = text
    end, connect = function()
      target = target or between()
      return connection.open { dsn = target.dsn }
    end }
    said = nil
    return pcall(commit.transaction, session, conn, function()
      return { what = "it", advice = "look" }, function(other, id)
        return other:query("SELECT count(*) AS n FROM item WHERE xmin = $1::xid8::xid", id)[1].n == 3
      end
    end, function()
      conn:query "INSERT INTO item SELECT generate_series(1, 3)"
      return "result"
    end)
  end

  local function assert_unknown(good, problem, why)
    assert.is_false(good)
    assert.is_true(problem.unsure, tostring(problem))
    assert.equal(3, problem.exit)
    assert.matches("; it is not known %(" .. why .. "%): look$", tostring(problem))
  end

  local function count(where)
    return (where or own):psql "SELECT count(*) FROM item"
  end

  before_each(function()
    own = server.start "wal_level = replica\n"
    own:psql "CREATE TABLE item (id bigint); CHECKPOINT"
  end)

  after_each(function()
    proxies.stop()
    if standby then
      standby:stop()
      standby = nil
    end
    if not pcall(own.psql, own, "SELECT 1") then
      own:resume()
    end
    own:stop()
  end)

  it("believes a server that was started anew where the rows are there", function()
    local good, result = insert(function()
      own:halt "fast"
      own:resume()
      return own
    end)
    assert.is_true(good, tostring(result))
    assert.equal("result", result)
    assert.matches("; the server has committed$", said)
    assert.equal("3", count())
  end)

  it("does not believe one that has had a crash where the rows are not there", function()
    local good, result = insert(function()
      own:psql "DELETE FROM item; CHECKPOINT"
      os.execute("kill -9 $(pgrep -P $(head -n 1 " .. own.folder .. "/data/postmaster.pid) -f walwriter)")
      sys.sleep(0.5)
      while not pcall(own.psql, own, "SELECT 1") do
        sys.sleep(0.1)
      end
      return own
    end)
    assert_unknown(good, result, "the server was restarted or replaced")
  end)

  it("knows a transaction that a crash has undone", function()
    local good, problem = insert(function()
      own:halt "immediate"
      own:resume()
      return own
    end, "cut")
    assert.is_false(good)
    assert.is_nil(problem.unsure, tostring(problem))
    assert.equal("0", count())
  end)

  it("believes a standby that has it and was promoted", function()
    standby = own:standby()
    local good, result = insert(function()
      backends.until_true(connection.open { dsn = standby.dsn }, "SELECT count(*) = 3 FROM item")
      own:halt "immediate"
      standby:psql "SELECT pg_promote()"
      return standby
    end)
    assert.is_true(good, tostring(result))
    assert.equal("3", count(standby))
  end)

  -- The server is lost for good, and a standby without the transaction is promoted.
  local function insert_with_old_standby(promoted)
    standby = own:standby()
    standby:halt "fast"
    return insert(function()
      own:halt "immediate"
      standby:resume()
      standby:psql "SELECT pg_promote()"
      if promoted then
        promoted()
      end
      return standby
    end)
  end

  it("knows that a standby without it has not committed it", function()
    local good, problem = insert_with_old_standby()
    assert.is_false(good)
    assert.is_nil(problem.unsure, tostring(problem))
    assert.equal("0", count(standby))
  end)

  it("does not take a stranger's transaction of the same id for its own", function()
    local good, problem = insert_with_old_standby(function()
      for _ = 1, 100 do
        standby:psql "BEGIN; SELECT pg_current_xact_id(); COMMIT"
      end
    end)
    assert_unknown(good, problem, "the server was restarted or replaced")
  end)

  it("does not ask another cluster", function()
    local other <close> = server.start(nil, nil, true)
    other:psql "CREATE TABLE item (id bigint)"
    for _ = 1, 100 do
      other:psql "BEGIN; SELECT pg_current_xact_id(); COMMIT"
    end
    local good, problem = insert(function()
      return other
    end)
    assert_unknown(good, problem, "another server answers")
  end)

  it("gives up on a COMMIT that does not end", function()
    own:psql [[
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      EXECUTE FUNCTION slow()]]
    local patience = commit.patience
    commit.patience = 0.5
    local good, problem = insert(function()
      return own
    end, "late")
    commit.patience = patience
    assert_unknown(good, problem, "the server has not finished it")
  end)
end)
