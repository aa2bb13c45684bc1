-- The schema `pghost` is no target: not by name, not by search_path, not as a setting.

local fixture = require "support.fixture"
local project = require "support.project"

describe("the schema pghost", function()
  local p
  local refusal = "pghost: schema 'pghost' holds pghost's own records and cannot be a target: "

  fixture.each(function(keep)
    p = keep(project.new { ["t.csv"] = "a,b\n1,2\n", ["p.lua"] = [[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start("x", { max_rejects = "" })]] })
  end)

  local function tables()
    return p:ask([[select string_agg(relname, ',' order by relname) from pg_class
      where relnamespace = to_regnamespace('pghost') and relkind = 'r']])
  end

  it("is refused by name", function()
    for _, words in ipairs { { "--into", "pghost.runs" }, { "--into", "PGHOST.files", "--truncate" },
      { "--into", '"pghost"."x"', "--create" }, { "--into", "x", "--schema", "pghost", "--create" } } do
      local _, err, code = p:pghost("load", "t.csv", table.unpack(words))
      assert.same({ refusal .. "name another schema\n", 2 }, { err, code })
    end
    assert.equal("", tables())
  end)

  it("is refused where the search_path leads there", function()
    p.conn:exec [[create schema pghost; create table pghost.mine (a text, b text);
      do $$ begin execute format('alter database %I set search_path = pghost, public', current_database()); end $$]]
    local _, err, code = p:pghost("load", "t.csv", "--into", "mine")
    assert.same({ refusal .. "the search_path finds \"mine\" there, so give --schema\n", 2 }, { err, code })
    _, err, code = p:pghost("load", "t.csv", "--into", "fresh", "--create")
    assert.same({ refusal .. "it is the first on the search_path, so give --schema\n", 2 }, { err, code })
    assert.equal("mine", tables())
    _, err, code = p:pghost("load", "t.csv", "--into", "fresh", "--create", "--schema", "public")
    assert.equal(0, code, err)
    assert.equal("1", p:ask "select count(*) from public.fresh")
  end)

  it("is refused as a setting", function()
    for _, setting in ipairs { "schema", "build_schema" } do
      local err, code = p:run("p.lua", { "--" .. setting:gsub("_", "-"), "pghost" })
      assert.same({ refusal .. ("give the setting %s another value\n"):format(setting), 2 }, { err, code })
    end
    assert.equal("", tables())
  end)
end)
