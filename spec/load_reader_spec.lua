-- Files that pghost load must take as \copy does, name, or refuse by name: no header, zips, names of files.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

local function psql(sql)
  local out, err = pghost.psql(dsn, sql)
  assert.equal("", err)
  return out
end

local function load(...)
  local _, err, code = pghost.run({ "--dsn", dsn, "load", ... }, { cd = folder })
  return code, err
end

local function zip(name, ...)
  local words = {}
  for i, word in ipairs { ... } do
    words[i] = pghost.quote(word)
  end
  server.shell(("python3 %s/spec/support/packed.py zip %s/%s %s"):format(pghost.root, folder, name,
    table.concat(words, " ")))
end

describe("pghost load", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    psql "CREATE TABLE t (a text, b text)"
  end)

  it("loads no record of a file that has only the header that is skipped", function()
    for _, text in ipairs { "a,b\n", "a,b" } do
      pghost.write(folder .. "/h.csv", text)
      local code, err = load("h.csv", "--into", "t", "--no-header", "--skip", "1")
      assert.equal(0, code, err)
      assert.equal("0\n", psql "SELECT count(*) FROM t")
    end
  end)

  it("has policies and budgets for the first record of a file without a header", function()
    pghost.write(folder .. "/f.csv", "1\n1,2\n")
    local code, err = load("f.csv", "--into", "t", "--no-header", "--too-few", "pad")
    assert.equal(0, code, err)
    assert.equal("1|\n1|2\n", psql "TABLE t")
    code, err = load("f.csv", "--into", "t", "--no-header", "--max-rejects", "1", "--truncate")
    assert.equal(0, code, err)
    assert.equal("1|2\n", psql "TABLE t")
    pghost.write(folder .. "/f.csv", '3" disk,2\n')
    code, err = load("f.csv", "--into", "t", "--no-header", "--stray-quote", "repair", "--truncate")
    assert.equal(0, code, err)
    assert.equal('3" disk|2\n', psql "TABLE t")
    pghost.write(folder .. "/f.csv", "1,2,3\n1,2\n")
    code, err = load("f.csv", "--into", "t", "--no-header", "--truncate")
    assert.equal(1, code)
    assert.matches("f.csv:1: too many fields: 3 of 2", err, 1, true)
  end)

  it("names what a zip holds besides, and refuses packed files in it", function()
    zip("a.zip", "a.csv=a,b\\n1,2\\n", "read.md=x", "more.json={}")
    local code, err = load("a.zip", "--into", "t")
    assert.equal(0, code, err)
    assert.matches("not loaded from the zip 'a.zip': 'read.md', 'more.json'", err, 1, true)
    for _, name in ipairs { "b.csv.gz", "inner.zip", "c.CSV.XZ" } do
      zip("b.zip", "a.csv=a,b\\n1,2\\n", name .. "=x")
      code, err = load("b.zip", "--into", "t")
      assert.equal(1, code)
      local message = ("'%s' in the zip 'b.zip' is itself compressed: unpack the zip and load the files"):format(name)
      assert.matches(message, err, 1, true)
    end
    zip("c.zip", "only.csv.gz=a,b\\n1,2\\n")
    code, err = load("c.zip", "--into", "t")
    assert.equal(1, code)
    assert.matches("'only.csv.gz' in the zip 'c.zip' is itself compressed", err, 1, true)
    pghost.write(folder .. "/none.zip", "PK\5\6" .. ("\0"):rep(18)) -- an empty one
    code, err = load("none.zip", "--into", "t")
    assert.equal(1, code)
    assert.matches("pghost: could not read 'none.zip': unrecognized archive format\n", err, 1, true)
  end)

  it("takes files whose names are no UTF-8, and escapes them", function()
    pghost.write(folder .. "/caf\xe9.csv", "a,b\n1,2\n3\n")
    local code, err = load("caf\xe9.csv", "--into", "t", "--too-few", "pad")
    assert.equal(0, code, err)
    assert.matches("caf\\xe9.csv: 1 record padded", err, 1, true)
    server.shell(("mkdir -p %s/data"):format(folder))
    pghost.write(folder .. "/data/caf\xe9.csv", "a,b\n1,2\n")
    pghost.write(folder .. "/p.lua", [[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("p", {})
      run:load("item", "caf*.csv", r.table("item", { { "a", r.bigint() }, { "b", r.text() } }, { key = "a" }))
      run:publish()]])
    for _ = 1, 2 do
      local _, message, exit = pghost.run({ "--dsn", dsn, "p.lua" }, { cd = folder })
      assert.equal(0, exit, message)
    end
    assert.equal("caf\\xe9.csv|data/caf\\xe9.csv\n", psql "SELECT DISTINCT name, right(path, 16) FROM pghost.files")
  end)

  it("reads the log of a web server as it is told to", function()
    pghost.write(folder .. "/w.log", "#Version: 1.0\n#Fields: date time\nx y\n")
    local code, err = load("w.log", "--into", "t", "--comment", "#", "--delimiter", "space")
    assert.equal(1, code)
    assert.matches("w.log:3: the columns are named by a line '#Fields:'", err, 1, true)
    code, err = load("w.log", "--into", "t", "--comment", "#", "--delimiter", "space", "--no-header")
    assert.equal(0, code, err)
    assert.equal("x|y\n", psql "TABLE t")
  end)
end)
