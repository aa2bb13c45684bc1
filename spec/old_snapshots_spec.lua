-- A transaction that began before a run looks at what was published meanwhile: it may find nothing yet,
-- but no record that was rejected.

local connection = require "pghost.connection"
local pghost = require "support.pghost"
local server = require "support.server"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("old", { data = "FOLDER", schema = "desk" })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() } }, { key = "id" }))
run:load("other", "other.csv", r.table("other", { { "id", r.bigint():required() } }, { key = "id" }))
run:publish()
]]

describe("an old snapshot", function()
  it("never shows duplicates that were rejected, whoever may be waited for", function()
    local folder = pghost.folder()
    local dsn, database = server.get():database()
    local db <close> = connection.open { dsn = dsn }
    db:exec "DROP ROLE IF EXISTS snapshot_loader; CREATE ROLE snapshot_loader LOGIN" -- cannot see others' snapshots
    db:exec(("GRANT CREATE ON DATABASE %s TO snapshot_loader; CREATE SCHEMA desk AUTHORIZATION snapshot_loader")
      :format(database))
    pghost.write(folder .. "/old.lua", (script:gsub("FOLDER", folder)))
    pghost.write(folder .. "/item.csv", "id\n1\n2\n1\n3\n3\n3\n")
    pghost.write(folder .. "/other.csv", "id\n1\n2\n")
    local reader <close> = connection.open { dsn = dsn }
    reader:query "BEGIN ISOLATION LEVEL REPEATABLE READ"
    reader:query "SELECT count(*) FROM pg_class"
    local _, err, code = pghost.run({ folder .. "/old.lua" },
      { env = "DATABASE_URL=" .. pghost.quote((dsn:gsub("user=postgres", "user=snapshot_loader"))) })
    assert.equal(0, code, err)
    local function twice(conn)
      return conn:query("SELECT count(*) - count(DISTINCT id) AS n FROM desk.item")[1].n
    end
    assert.equal(0, twice(reader))
    -- Where nothing was rejected, records are as if they had always been there.
    assert.equal(2, reader:query("SELECT count(*) FROM desk.other")[1][1])
    reader:query "COMMIT"
    assert.equal(0, twice(reader))
    assert.equal("1 2 3", reader:query("SELECT string_agg(id::text, ' ' ORDER BY id) FROM desk.item")[1][1])
    db:exec "DROP OWNED BY snapshot_loader; DROP ROLE snapshot_loader"
    pghost.remove(folder)
  end)
end)
