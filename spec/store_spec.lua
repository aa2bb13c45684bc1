-- A store written by others (s3rver): what is loaded is what another client put there, what is written is what another
-- client gets. Signatures and faults are in remote_spec.lua.

local assert = require "luassert"
local busted = require "busted"
local pghost = require "support.pghost"
local server = require "support.server"
local stores = require "support.store"
local it = busted.it

local there, problem = stores.available()
local describe = there and busted.describe or function(name)
  busted.pending(name .. ": " .. problem)
end

describe("a store of others", function()
  local store, dsn

  local function psql(sql)
    local out, err, code = pghost.shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d %s"):format(pghost.quote(dsn)), sql)
    assert.equal(0, code, err)
    return (out:gsub("\n$", ""))
  end

  local function run(words, env)
    return pghost.run({ "--dsn", dsn, table.unpack(words) }, { env = store.env .. " " .. (env or "") })
  end

  local function load(url, env)
    psql "DROP TABLE IF EXISTS got"
    local _, err, code = run({ "load", url, "--into", "got", "--create" }, env)
    return code, err
  end

  busted.setup(function()
    store = stores.start()
    dsn = server.get():database()
  end)

  busted.teardown(function()
    store:stop()
  end)

  it("gives the objects that a glob means, on whatever page of a list of more than 1,000 they are", function()
    local objects = {}
    for i = 0, 1004 do
      objects[("day/%04d.txt"):format(i)] = "no data\n"
    end
    for i, key in ipairs { "0", "0500", "1003x", "zz", "deep/1" } do
      objects["day/" .. key .. ".csv"] = ("id,name\n%d,n%d\n"):format(i, i)
    end
    store:put(objects)
    local code, err = load "s3://lake/day/*.csv"
    assert.equal(0, code, err)
    assert.equal("1,2,3,4", psql "SELECT string_agg(id, ',' ORDER BY id) FROM got")
    code, err = load "s3://lake/day/"
    assert.equal(0, code, err)
    assert.equal("1,2,3,4", psql "SELECT string_agg(id, ',' ORDER BY id) FROM got")
    code, err = load "s3://lake/day/none*.csv"
    assert.equal(1, code)
    assert.equal("pghost: no object matches 's3://lake/day/none*.csv'\n", err)
  end)

  it("gives back what was written there, in one piece and in parts", function()
    for key, records in pairs { ["small.csv"] = 1000, ["a/large.csv"] = 260000, ["packed.csv.gz"] = 50000 } do
      local query = ("SELECT i AS id, md5(i::text) || md5((i + 1)::text) AS name FROM generate_series(1, %d) AS i")
        :format(records)
      local _, err, code = run { "export", query, "-o", "s3://lake/" .. key }
      assert.equal(0, code, err)
      local text = store:get(key)
      if not key:find "gz$" then
        assert.equal(psql(("COPY (%s) TO STDOUT (FORMAT csv, HEADER)"):format(query)) .. "\n", text)
      end
      code, err = load("s3://lake/" .. key)
      assert.equal(0, code, err)
      assert.equal("0", psql(("SELECT count(*) FROM (SELECT id::text, name FROM (%s) q EXCEPT ALL TABLE got) x")
        :format(query)))
      assert.equal(tostring(records), psql "SELECT count(*) FROM got")
    end
  end)

  it("refuses a key that it does not know, and what is not there", function()
    local code, err = load("s3://lake/small.csv", "AWS_ACCESS_KEY_ID=NOBODY")
    assert.equal(1, code)
    assert.equal("pghost: could not read 's3://lake/small.csv': HTTP status 403, InvalidAccessKeyId\n", err)
    code, err = load "s3://lake/none.csv"
    assert.equal(1, code)
    assert.equal("pghost: could not read 's3://lake/none.csv': HTTP status 404, NoSuchKey\n", err)
    code, err = load "s3://nowhere/day/*.csv"
    assert.equal(1, code)
    assert.equal("pghost: could not read 's3://nowhere/day/': HTTP status 404, NoSuchBucket\n", err)
  end)
end)
