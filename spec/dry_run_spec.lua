-- A dry run: what it says would change, held against what is then published; and that nothing stays.

local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

local keyed = r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text() },
  { "price", r.numeric(10, 2) },
}, { key = "id" })

local keyless = r.table("event", { { "what", r.text() }, { "doc", r.json() } })

local function write(name, text)
  pghost.write(folder .. "/" .. name, text)
end

-- Runs the pipeline; returns what it printed and its log.
local function run(arguments, config)
  local out, log_out = shown.sink(), shown.sink()
  config = config or {}
  config.data = folder
  local one <close> = pipeline.start("dry", config, {
    arguments = arguments or {}, dsn = dsn, log = { out = log_out, format = "text", quiet = false }, out = out,
  })
  one:load("item", "item.csv", keyed)
  one:load("event", "event.csv", keyless)
  one:check { { name = "prices", sql = "SELECT * FROM item WHERE price < 0" } }
  one:publish()
  return out.text, log_out.text
end

-- Cells of the printed table by name of the table.
local function cells(text)
  local found = {}
  for line in text:gmatch("[^\n]+") do
    local row = {}
    for cell in (line .. "|"):gmatch("%s*(.-)%s*|") do
      row[#row + 1] = cell
    end
    found[row[1]] = table.concat(row, " ", 2)
  end
  return found
end

local function ask(sql)
  return db:query(sql)[1][1]
end

describe("a dry run", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
  end)

  it("over nothing says that the tables are new, and makes none", function()
    write("item.csv", "id,name,price\n1,one,1.5\n2,two,\n3,three,3\n")
    write("event.csv", 'what,doc\na,"{""x"": 1}"\na,"{""x"": 1}"\nb,\n')
    local out, log = run { "--dry-run" }
    local found = cells(out)
    assert.equal("3 3 0  new table", found.item)
    assert.equal("3 3 0  new table", found.event_raw)
    assert.matches("would +item +new table of 3 records", log)
    assert.is_nil(ask "SELECT to_regclass('item')::text")
    assert.equal("unpublished", ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal(0, ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)

  it("tells records added, removed and changed, by key or as whole records", function()
    run()
    local before = ask "SELECT string_agg(t::text, '|' ORDER BY id) FROM item AS t"
    write("item.csv", "id,name,price\n2,two,\n1,one,1.50\n3,drei,3\n4,four,4\n5,five,\n")
    write("event.csv", 'what,doc\na,"{""x"": 1}"\nb,"{}"\nb,\nb,\n')
    local found = cells((run({ "--dry-run" })))
    assert.equal("5 2 0 1 key", found.item) -- 1.5 is 1.50, and the order of lines is nothing
    assert.equal("5 4 2  whole record", found.item_raw) -- here 1.50 is not 1.5
    assert.equal("4 2 1  whole record", found.event)
    assert.equal(before, ask "SELECT string_agg(t::text, '|' ORDER BY id) FROM item AS t")
    run()
    found = cells((run({}, { dry_run = true })))
    assert.equal("5 0 0 0 key", found.item)
    assert.equal("5 0 0  whole record", found.item_raw)
    assert.equal("4 0 0  whole record", found.event)
  end)

  it("compares what both have when columns and types differ", function()
    db:exec [[
      DROP TABLE item; CREATE TABLE item (id integer, price text, old text, _pghost text);
      INSERT INTO item VALUES (1, '1.50'), (2, 'x'), (NULL, '1'), (9, '')]]
    local found = cells((run { "--dry-run", "--adopt", "yes" }))
    assert.equal("5 3 2 1 key", found.item)
    db:exec "DROP TABLE item; CREATE TABLE item (other text); INSERT INTO item VALUES ('a'), ('b')"
    found = cells((run { "--dry-run", "--adopt", "yes" }))
    assert.equal("5 5 2  whole record", found.item)
    db:exec "DROP TABLE item"
  end)

  it("fails as the real one would: checks, and what cannot be replaced", function()
    write("item.csv", "id,name,price\n1,one,-1\n")
    local _, problem = pcall(run, { "--dry-run" })
    assert.equal("check", problem.code)
    write("item.csv", "id,name,price\n1,one,1\n")
    db:exec "CREATE VIEW item AS SELECT 1 AS id"
    _, problem = pcall(run, { "--dry-run" })
    assert.matches("exists and is not a table", tostring(problem))
    db:exec "DROP VIEW item"
  end)
end)
