-- How often `pghost load` waits for the server: over a distance that is what a small load costs.

local connection = require "pghost.connection"
local pghost = require "support.pghost"
local server = require "support.server"

describe("the round trips of a load", function()
  it("are few, whatever the file holds", function()
    local folder <const>, dsn = pghost.folder(), server.get():database()
    local conn <close> = connection.open { dsn = dsn }
    conn:query "CREATE TABLE t (id bigint, body text)"
    pghost.write(folder .. "/t.csv", "id,body\n1,a\n2,b\n")
    local pid = pghost.shell(("python3 %s/bench/delay.py %s %s 0 %s/turns >/dev/null 2>&1 </dev/null & echo $!"):format(
      pghost.root, folder, server.get().socket, folder)):match "%d+"
    local out = pghost.shell(("while [ ! -S %s/.s.PGSQL.5432 ]; do sleep 0.1; done"):format(folder))
    assert.equal("", out)
    local near = dsn:gsub("host=%S+", "host=" .. folder)
    local _, err, code = pghost.run { "--dsn", near, "load", folder .. "/t.csv", "--into", "t" }
    assert.equal(0, code, err)
    pghost.shell(("for i in 1 2 3 4 5 6 7 8 9; do [ -f %s/turns ] && break; sleep 0.2; done; kill %s"):format(folder,
      pid))
    assert.equal(2, conn:query("SELECT count(*) FROM t")[1][1])
    local turns = tonumber(pghost.read(folder .. "/turns"))
    assert.is_true(turns <= 13, turns)
    pghost.remove(folder)
  end)
end)
