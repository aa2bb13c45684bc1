-- Where tables go in a Citus cluster: what is refused on a server without the extension, and before anything is loaded.
-- citus_spec.lua has what needs a cluster.

local assert = require "luassert"
local declared = require "pghost.distribute.declared"
local fixture = require "support.fixture"
local project = require "support.project"

local pipeline = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("p", { data = ".", retries = 0, %s })
run:load("users", "users.csv", r.table("users", { { "id", r.bigint():required() } }, { key = "id" }), { %s })
run:publish()
]]

describe("distribute on a server without Citus", function()
  local here

  fixture.each(function(keep)
    here = keep(project.new { ["users.csv"] = "id\n1\n2\n" })
  end)

  local function run(setting, option, ...)
    here:write("p.lua", pipeline:format(setting, option))
    return here:run("p.lua", { ... })
  end

  it("is refused before anything is loaded", function()
    for _, given in ipairs { { "", "distribute = 'id'" }, { "distribute = 'id'", "" },
      { "distribute = { users = 'id' }", "" } } do
      local err, code = run(given[1], given[2])
      assert.equal(1, code, err)
      assert.truthy(err:find("table 'users': distribute = 'id': the database does not have the extension citus: have "
        .. "an administrator create it, or leave the option out", 1, true), err)
      assert.falsy(err:find("loaded", 1, true), err)
    end
    assert.equal("", here:ask "SELECT to_regclass('users')")
    local err, code = run("distribute = 'local'", "", "--distribute", "reference")
    assert.equal(1, code, err)
    assert.truthy(err:find("distribute = 'reference'", 1, true), err)
  end)

  it("may be local, which everything is", function()
    local err, code = run("distribute = { users = 'reference' }", "distribute = 'local'")
    assert.equal(0, code, err)
    assert.equal("2", here:ask "SELECT count(*) FROM users")
  end)

  it("must be a name", function()
    for _, given in ipairs { { "", "distribute = 3" }, { "", "distribute = ''" } } do
      local err, code = run(given[1], given[2])
      assert.equal(1, code, err)
      assert.truthy(err:find("run:load 'users': distribute: the name of a column, 'reference' or 'local' expected", 1,
        true), err)
    end
    local err, code = run("distribute = { users = 3 }", "")
    assert.equal(2, code, err)
    assert.truthy(err:find("distribute: the name of a column, 'reference' or 'local', or a table with one for each "
      .. "name", 1, true), err)
    err, code = run("", "distributed = 'id'")
    assert.equal(1, code, err)
    assert.truthy(err:find("unknown option 'distributed': did you mean 'distribute'?", 1, true), err)
  end)
end)

describe("what is said of a table", function()
  local function run(setting)
    return { settings = { distribute = setting } }
  end

  it("is its option, else the config's word for its name, else that for all", function()
    local config = run { a = "x" }
    assert.equal("y", declared.of(config, "a", "y"))
    assert.equal("x", declared.of(config, "a"))
    assert.is_nil(declared.of(config, "b"))
    assert.is_nil(declared.of_all(config))
    assert.equal("x", declared.of_all(run "x"))
    assert.is_nil(declared.of(run "x", "a"))
    assert.is_nil(declared.of_all(run ""))
  end)
end)

describe("a foreign key between tables of a cluster", function()
  local unkept_keys = require "pghost.distribute.unkept_keys"
  local by_user = { kind = "key", column = "user_id" }
  local by_id = { kind = "key", column = "id" }
  local by_user_elsewhere = { kind = "key", column = "user_id", colocation = 7 }
  local whole, home, schema = { kind = "reference" }, { kind = "local" }, { kind = "schema" }

  local function is_possible(from, to)
    return unkept_keys.is_possible({ name = "k", from = "a", to = "b", from_columns = { "x", "user_id" },
      to_columns = { "y", "user_id" } }, { name = "a", placement = from }, { name = "b", placement = to })
  end

  it("is possible to a reference table, at home, and between colocated tables by their columns", function()
    for _, pair in ipairs { { by_user, whole }, { home, whole }, { whole, whole }, { home, home }, { schema, home },
      { by_user, by_user }, { by_user, by_user_elsewhere } } do
      assert.is_true(is_possible(pair[1], pair[2]))
    end
  end)

  it("is not possible elsewhere", function()
    for _, pair in ipairs { { by_user, home }, { home, by_user }, { whole, by_user }, { whole, home },
      { by_user, by_id }, { by_id, by_user },
      { { kind = "key", column = "user_id", colocation = 3 }, by_user_elsewhere } } do
      assert.is_false(is_possible(pair[1], pair[2]))
    end
  end)
end)
