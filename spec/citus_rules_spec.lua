-- SQL that pghost issues keeps to what Citus can run, read from the sources: docs/SCALE.md has the list.
-- citus_features_spec.lua runs it over a cluster.

local assert = require "luassert"
local conditions = require "pghost.modes.conditions"
local comparison = require "pghost.modes.comparison"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local obstacles = require "pghost.distribute.obstacles"
local pghost = require "support.pghost"
local query_kinds = require "pghost.checks.query_kinds"
local retry = require "pghost.run.retry"
local sql = require "pghost.lib.sql"

-- The sources of the library without comments: { path = text }.
local function sources()
  local root, list = pghost.root .. "/scripts/pghost/", {}
  local pipe <close> = assert(io.popen("cd " .. root .. " && find . -name '*.lua' | sort"))
  for path in pipe:lines() do
    list[path:gsub("^%./", "")] = pghost.read(root .. path):gsub("%-%-%[%[.-%]%]", ""):gsub("%f[%-]%-%-[^\n]*", "")
  end
  return list
end

-- Paths and what of their text a pattern finds, but where `allowed` says that it is of another thing.
local function found(pattern, allowed)
  local list = {}
  for path, text in pairs(sources()) do
    for piece in text:gmatch(pattern) do
      list[#list + 1] = not allowed(piece, path) and path .. ": " .. piece or nil
    end
  end
  table.sort(list)
  return table.concat(list, "\n")
end

describe("SQL of the library", function()
  it("has no SELECT without columns but of the catalog and the history, which are never distributed", function()
    assert.equal("", found("SELECT FROM [%w_.%%]+", function(piece, path)
      return piece:find("FROM pg_") or piece:find("FROM pghost%.") or piece:find("FROM regexp_matches")
        or path:find("^prompt/") or path:find("^init/")
    end))
  end)

  it("deletes with USING from no table of a load: Citus refuses that for reference tables", function()
    assert.equal("", found("DELETE FROM %S+ AS %w+%s+USING %S+ AS %w+", function(_, path)
      return path == "rejects/replay/outcome.lua" -- its tables are local
    end))
  end)

  it("has no MERGE, and no ctid but in comments", function()
    assert.equal("", found("MERGE INTO%s+%S+", function() return false end))
    assert.equal("", found("%f[%w]ctid%f[%W]", function(_, path)
      return path:find("^partitions/") or path == "catalog/names.lua" -- a list of names that columns cannot have
        or path == "load/raw_table.lua" -- of tables whose rows are in pages of their own
    end))
  end)

  it("carries over options of columns that are the user's, not the server's pg_attver", function()
    local text = pghost.read(pghost.root .. "/scripts/pghost/publish/attributes.lua")
    assert.truthy(text:find("IN ('n_distinct', 'n_distinct_inherited')", 1, true))
  end)
end)

describe("an anti join of a mode", function()
  local function change(more)
    local one = { mode = "merge", new = "new", published = "old", held = "held", few = false,
      keys = { { name = "k", cast = "", operator = "OPERATOR(pg_catalog.=)", exact = true } } }
    for name, value in pairs(more) do
      one[name] = value
    end
    return one
  end

  it("is plain on one server, and where equal keys are on one node", function()
    for _, one in ipairs { change { distributed = false, together = false },
      change { distributed = true, together = true } } do
      assert.truthy(conditions.not_published(one):find("FROM old AS p", 1, true))
      assert.truthy(conditions.not_new(one):find("FROM new AS n", 1, true))
    end
  end)

  it("looks into a subquery that is run first elsewhere, and always for keys of rejected records", function()
    local apart = change { distributed = true, together = false }
    assert.truthy(conditions.not_published(apart):find('FROM (SELECT "k" FROM old OFFSET 0) AS p', 1, true))
    assert.truthy(conditions.is_published(apart):find('FROM (SELECT "k" FROM old OFFSET 0) AS p', 1, true))
    assert.truthy(conditions.not_new(apart):find('FROM (SELECT "k" FROM new OFFSET 0) AS n', 1, true))
    local together = conditions.missing(change { distributed = true, together = true })
    assert.truthy(together:find('FROM (SELECT "k" FROM held OFFSET 0) AS n', 1, true))
  end)

  it("never sets the column that the table is distributed by", function()
    local one = change { fixed = "k", columns = { { name = "k" }, { name = "v" } } }
    one.keys[1].exact = false
    assert.equal('"v" = n."v"', (comparison.update(one, "n")))
    one.fixed = nil
    assert.equal('"k" = n."k", "v" = n."v"', (comparison.update(one, "n")))
  end)
end)

describe("a check", function()
  it("of not_empty reads one row", function()
    for _, kind in ipairs(query_kinds) do
      if kind.name == "not_empty" then
        local text = kind.rows({ source = function() return "t" end }, { table = "t" })
        assert.truthy(text:find("SELECT 1 FROM t AS t LIMIT 1", 1, true), text)
      end
    end
  end)
end)

describe("parameters of SQL", function()
  local parameters = { a = sql.parameter("it's \\ so"), b = sql.parameter(-3), c = sql.parameter(true),
    d = sql.parameter("2026-01-01", "timestamp"), e = sql.parameter(nil, "date") }

  it("are constants on Citus, where a repartition join has no parameter $1", function()
    local text = sql.parse("SELECT :a, :b, :c, :d, :e"):inline(parameters)
    assert.equal([[SELECT E'it''s \\ so'::text, (-3)::bigint, true::boolean, '2026-01-01'::timestamp, NULL::date]],
      text)
  end)

  it("keep an error's place", function()
    local text, places = sql.parse("SELECT :a, nope"):inline(parameters)
    local problem = errors.new { message = "column", position = #text - 3 }
    sql.parse("SELECT :a, nope"):locate(problem, text, text, places)
    assert.truthy(problem.message:find("\n%s+%^"), problem.message)
  end)
end)

describe("a lost node", function()
  it("is transient, also where it has no SQLSTATE of its own", function()
    local function is(code, message)
      return retry.is_transient(errors.new { code = code, message = message }, true)
    end
    assert.is_true(is("08006", "connection to the remote node postgres@w:5432 failed"))
    assert.is_true(is("XX000", "connection to the remote node postgres@w:5432 failed with the following error: x"))
    assert.is_true(is("XX000", "failure on connection marked as essential: w:5432"))
    assert.is_false(is("XX000", "cache lookup failed for relation 1"))
    assert.is_false(is("23505", "connection to the remote node"))
  end)
end)

describe("streams", function()
  it("have one backend on each node of a cluster", function()
    local sent = {}
    local conn = { query = function(_, text) sent[#sent + 1] = text end }
    distribute.one_backend_per_node({ cluster = true }, { conn, conn })
    distribute.one_backend_per_node({ cluster = false }, { conn })
    assert.equal(2, #sent)
    assert.truthy(sent[1]:find("set_config('citus.max_adaptive_executor_pool_size', '1', true)", 1, true))
  end)

  it("that a node has no room for are refused before they are opened", function()
    local run = { conn = { query = function() return { { free = 5 } } end } }
    local plan = { name = "t", workers = 3, targets = { raw = true, clean = true } }
    local fine, problem = pcall(obstacles.check_room, run, plan)
    assert.is_false(fine)
    assert.equal("table 't': 3 workers need 6 connections on each node, and the server has room for 5: give fewer "
      .. "workers, or raise max_connections", problem.message)
    plan.targets.raw = nil
    obstacles.check_room(run, plan)
    plan.workers = 1
    obstacles.check_room({}, plan)
  end)
end)

describe("where tables go", function()
  local function run(placement)
    return { cluster = true, placements = { t = placement } }
  end

  it("decides what is created before any stream, and what is joined on one node", function()
    assert.is_true(distribute.is_placed(run { kind = "key", column = "k" }, "t"))
    assert.is_true(distribute.is_placed(run { kind = "reference" }, "t"))
    assert.is_false(distribute.is_placed(run { kind = "local" }, "t"))
    assert.is_false(distribute.is_placed(run(nil), "t"))
    assert.same({ true, true, "k" }, { distribute.joined(run { kind = "key", column = "k" }, "t") })
    assert.same({ false, false }, { distribute.joined(run { kind = "local" }, "t") })
    assert.same({ true, false }, { distribute.joined(run(nil), "t") })
    assert.same({ false, false }, { distribute.joined({ placements = {} }, "t") })
  end)
end)
