-- Servers that end idle sessions: a run and a load by itself keep their connections while others do the work.

local fixture = require "support.fixture"
local projects = require "support.project"

describe("idle_session_timeout", function()
  local project

  fixture.each(function(keep)
    project = keep(projects.new { ["item.csv"] = "id\n1\n2\n", ["more.csv"] = "id\n3\n", ["shop.lua"] = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local sys = require "pghost.native.sys"
local run <close> = pipeline.start("shop", { data = ".", schema = "public", retries = 0 })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }))
sys.sleep(1)
run:load("more", "more.csv", r.table("more", { { "id", r.bigint() } }))
sys.sleep(1)
run:publish()
]] })
    project:ask("SELECT 1")
    project.conn:exec(("ALTER DATABASE %s SET idle_session_timeout = '300ms'"):format(
      project.conn:quote_identifier(project:ask "SELECT current_database()")))
  end)

  it("does not end a run", function()
    local err, code = project:run "shop.lua"
    assert.equal(0, code, err)
    assert.equal("2|1", project:ask "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM more)")
  end)

  it("does not end a load that waits for its input", function()
    local pghost = require "support.pghost"
    local _, err, code = pghost.shell(("{ printf 'id\\n1\\n'; sleep 1; echo 2; } | %s load - --into slow --create "
      .. "--retries 0 --dsn %s"):format(pghost.quote(pghost.path), pghost.quote(project.dsn)))
    assert.equal(0, code, err)
    assert.equal("2", project:ask "SELECT count(*) FROM slow")
  end)

  it("is not switched off in a session that a pooler gives to others next", function()
    local pooler <close> = require("support.pooler").start(require("support.server").get(), "transaction")
    local through = pooler:through(project.dsn)
    local pghost = require "support.pghost"
    local _, err, code = pghost.run({ "shop.lua" }, { cd = project.folder,
      env = "DATABASE_URL=" .. pghost.quote(through) })
    assert.equal(0, code, err)
    assert.equal("2|1", project:ask "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM more)")
    local shown = pghost.shell(("for i in 1 2 3 4 5 6 7 8 9; do "
      .. "psql -X -At -d %s -c 'SHOW idle_session_timeout' & done; wait"):format(pghost.quote(through)))
    assert.equal(("300ms\n"):rep(9), shown)
  end)

  it("stays as it is for others, as for a prompt", function()
    local _, err, code = project:pghost("-e", [[local conn <close> = require("pghost.connection").open()
      conn:query("SELECT 1") require("pghost.native.sys").sleep(1) conn:query("SELECT 1")]])
    assert.equal(3, code)
    assert.matches("idle%-session timeout", err)
  end)
end)
