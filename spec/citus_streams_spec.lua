-- Streams into distributed tables go over all nodes that can be used.

local assert = require "luassert"
local busted = require "busted"
local citus = require "support.citus"
local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pipeline = require "pghost.pipeline"
local project = require "support.project"
local r = require "pghost.rules"
local shown = require "support.shown"

citus.describe("streams into distributed tables", function()
  local here, out, database

  fixture.each(function(keep)
    database = keep(citus.database())
    here = keep(project.new({}, database.dsn))
    out = shown.sink()
    local lines = { "id,user_id" }
    for i = 1, 30000 do
      lines[#lines + 1] = ("%d,%d"):format(i, i % 70)
    end
    here:write("t.csv", table.concat(lines, "\n") .. "\n")
  end)

  -- The nodes whose connections fill the table, of a run that has published.
  local function load(workers)
    local run <close> = pipeline.start("p", { data = here.folder, retries = 0, schema = "public" }, { arguments = {},
      dsn = database.dsn, out = shown.sink(), log = { out = out, format = "text" } })
    run:load("t", "t.csv", r.table("t", { { "id", r.bigint() }, { "user_id", r.bigint() } },
      { key = { "id", "user_id" } }), { workers = workers, distribute = "user_id" })
    local groups = {}
    for i = 1, workers do
      groups[i] = run.connections["clean" .. i]:query("SELECT groupid::int8 AS id FROM pg_dist_local_group")[1].id
    end
    run:publish()
    return table.concat(groups, " ")
  end

  local function assert_whole()
    assert.equal("30000|450015000", here:ask "SELECT count(*), sum(id) FROM t")
    assert.equal("30000", here:ask "SELECT count(*) FROM t_raw")
  end

  busted.it("go over each node in turn, the first over the coordinator", function()
    local nodes = here:ask "SELECT string_agg(groupid::text, ' ' ORDER BY groupid) FROM pg_dist_node"
    local list = {}
    for group in nodes:gmatch "%d+" do
      list[#list + 1] = group
    end
    list[#list + 1] = list[1]
    assert.equal(table.concat(list, " "), load(#list))
    assert_whole()
    assert.equal("0", load(1))
    assert_whole()
  end)

  busted.it("go over the coordinator where a node cannot be reached", function()
    local real = connection.open_at
    local _ <close> = setmetatable({}, { __close = function()
      connection.open_at = real
    end })
    connection.open_at = function(options, place)
      return real(options, { host = place.host, port = 1, database = place.database })
    end
    assert.equal("0 0 0", load(3))
    assert_whole()
    assert.truthy(out.text:find("is not used for streams: ", 1, true), out.text)
  end)

  busted.it("go over the coordinator where a node is not what it is said to be", function()
    local real = connection.open_at
    local _ <close> = setmetatable({}, { __close = function()
      connection.open_at = real
    end })
    connection.open_at = function(options, place)
      return real(options, { host = place.host, port = place.port, database = "postgres" })
    end
    assert.equal("0 0 0", load(3))
    assert_whole()
    assert.truthy(out.text:find("is not used for streams: ", 1, true), out.text)
  end)
end)
