-- Declared records: what they refuse; and that plans of loads are such.

local plans = require "pghost.load.plan"
local record = require "pghost.lib.record"
local results = require "pghost.load.result"

describe("pghost.lib.record", function()
  local point = record.kind("point", { x = "integer", y = "integer?", label = "any?" })

  it("makes records of the fields that are declared", function()
    local one = point { x = 1, label = "a" }
    assert.same({ 1, nil, "a" }, { one.x, one.y, one.label })
    local seen = {}
    for field, value in pairs(one) do
      seen[field] = value
    end
    assert.same({ x = 1, label = "a" }, seen)
  end)

  it("refuses what is not declared, missing, or of another type", function()
    assert.error_matches(function()
      point { x = 1, z = 2 }
    end, "point: no field 'z' is declared")
    assert.error_matches(function()
      point { y = 2 }
    end, "point: field 'x' is integer, got nil")
    assert.error_matches(function()
      point { x = 1.5 }
    end, "point: field 'x' is integer, got number")
    assert.error_matches(function()
      return point({ x = 1 }).z
    end, "point: no field 'z' is declared")
  end)

  it("lets nothing be set afterwards", function()
    local one = point { x = 1 }
    for _, field in ipairs { "x", "y", "z" } do
      assert.error_matches(function()
        one[field] = 2
      end, ("point: '%s' cannot be changed once it is made"):format(field))
    end
  end)
end)

local function plan()
  local file = plans.file { path = "a.csv", name = "a.csv", header = { "a" } }
  return plans.make { name = "t", options = {}, targets = {}, files = { file }, skipped = {}, batches = {},
    mode = "replace", missing = "keep", first = true, forced = false, position = false, complete = false }
end

describe("a plan of a load", function()
  it("and its files and batches are not changed", function()
    local one = plan()
    for _, made in ipairs { one, one.files[1], plans.batch { files = {} } } do
      assert.error_matches(function()
        made.counts = {}
      end, "'counts' cannot be changed once it is made")
    end
  end)

  it("has its findings in a result, of which all fields are declared", function()
    local one = plan()
    local result = results.new(one)
    result:of(one.files[1]).counts = { records = 1 }
    result:add { records = 1, loaded = 1 }
    assert.same({ 1, 1, 0 }, { result.totals.records, result.totals.loaded, result.totals.rejected })
    assert.error_matches(function()
      result.problems = {}
    end, "result: no field 'problems' is declared")
  end)
end)

-- Lua files below folders that hold a pattern.
local function files_with(pattern, folders)
  local list = {}
  local pipe <close> = io.popen(("find %s -name '*.lua' | sort"):format(folders or "scripts/pghost bench"))
  for path in pipe:lines() do
    local file <close> = assert(io.open(path))
    if file:read("a"):find(pattern) then
      list[#list + 1] = path
    end
  end
  return list
end

describe("the load engine", function()
  it("is opened in one place, and files to load in one", function()
    assert.same({ "scripts/pghost/load/engine.lua" }, files_with "native_load%.open")
    -- The other two read the rows of a table through it.
    assert.same({ "scripts/pghost/load/engine.lua", "scripts/pghost/load/profiled.lua",
      "scripts/pghost/load/raw_table.lua" },
      files_with "pghost%.native%.load")
    assert.same({ "scripts/pghost/load/inputs.lua" }, files_with "contents%.open%(file, file%.reading%)")
  end)

  it("and whoever looks into a file: it is opened, hashed and sniffed in one place", function()
    for _, call in ipairs { "csv%.open%(", "csv%.digest%(", "csv%.look%(" } do
      assert.same({ "scripts/pghost/input/contents.lua" }, files_with("\n[^-\n]*[^.]" .. call, "scripts/pghost"))
    end
    assert.same({ "scripts/pghost/init/reread.lua", "scripts/pghost/input/contents.lua" }, -- the former: its own copy
      files_with("\n[^-\n]*[^_]sniff%.sniff%(", "scripts/pghost"))
  end)
end)
