-- pghost init: keys of two columns, as Python finds them by comparing all pairs.
--
-- PGHOST_INIT_SEED: of the tables that are made up.

local cjson = require "cjson"
local fixture = require "support.fixture"
local found_pairs = require "pghost.init.found_pairs"
local pghost = require "support.pghost"
local projects = require "support.project"
local new_seed = require "support.seed"

local oracle = pghost.root .. "/spec/support/pairs_oracle.py"
local seed = new_seed "PGHOST_INIT_SEED"
local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

local function init(...)
  return pghost.run({ "init", ... }, { cd = project.folder })
end

local function rules_of(name)
  return project:read(("p/rules/%s.lua"):format(name))
end

local function assert_runs()
  local _, log, code = project:pghost("p/pipeline.lua")
  assert.same(0, code, log)
  assert.matches(" 0 warnings", log, 1, true)
  local out, _, spec_code = pghost.run({ "test" }, { cd = project.folder .. "/p" })
  assert.same(0, spec_code, out)
end

describe("a key of two columns", function()
  for i = 0, 2 do
    it(("is what Python finds in tables made up with seed %d"):format(seed + i), function()
      local made = cjson.decode((pghost.shell(("python3 %s %s %d"):format(oracle, project.folder, seed + i))))
      local out, err, code = init(".", "--into", "p")
      assert.same({ "", 0 }, { err, code })
      for name, pairs_there in pairs(made) do
        local left, right = rules_of(name):match('\n  key = { "([^"]*)", "([^"]*)" },\n}%)')
        assert.same(pairs_there[1], left and { left, right }, name)
        assert.same(left ~= nil, out:find(("%s: [^\n]*, key %s, %s\n"):format(name, left, right)) ~= nil)
      end
      assert_runs()
      assert.same("PRIMARY KEY (order_id, line_no)", project:ask [[select pg_get_constraintdef(oid)
        from pg_constraint where conrelid = 'p.lines'::regclass and contype = 'p']])
    end)
  end

  it("is a comment where the names do not say so", function()
    local lines = { "symbol,date,price" }
    for day = 1, 28 do
      for i, symbol in ipairs { "AA", "BB", "CC", "DD" } do
        lines[#lines + 1] = ("%s,02/%02d/2024,%d"):format(symbol, day, i * day % 7)
      end
    end
    project:write("stocks.csv", table.concat(lines, "\n") .. "\n")
    init(".", "--into", "p")
    assert.matches("not sure: all 112 pairs of 'symbol' and 'date' differ, and none is missing, but their names do not "
      .. "say that they are a key key = { \"symbol\", \"date\" },", (rules_of("stocks"):gsub("\n *%-%- ", " ")), 1,
      true)
    assert.matches("| stocks | stocks.csv | 112 | symbol, date? |", project:read "p/README.md", 1, true)
    assert_runs()
  end)

  it("is of two references", function()
    local airports, flights = { "code,town" }, { "origin,destination,count" }
    for i = 1, 12 do
      airports[#airports + 1] = ("A%02d,t%d"):format(i, i)
      for j = 1, 12 do
        flights[#flights + 1] = i ~= j and ("A%02d,A%02d,%d"):format(i, j, (i * j) % 5) or nil
      end
    end
    project:write("airports.csv", table.concat(airports, "\n") .. "\n")
    project:write("flights.csv", table.concat(flights, "\n") .. "\n")
    local out = init(".", "--into", "p")
    assert.matches("flights: 132 records in 1 file, 3 columns, key origin, destination\n", out, 1, true)
    assert_runs()
  end)

  it("says that columns of very many values were not compared", function()
    local lines = { "order_id,line_no" }
    for order = 1, 100001 do
      for line = 1, 2 do
        lines[#lines + 1] = ("%d,%d"):format(order * 7 % 100003, line)
      end
    end
    project:write("lines.csv", table.concat(lines, "\n") .. "\n")
    init(".", "--into", "p")
    assert.matches("no key: no column or pair of columns looks like one; 'order_id' has too many different values to "
      .. "compare them here. With a key,", (rules_of("lines"):gsub("\n *%-%- ", " ")), 1, true)
  end)

  it("is none of measures, nor of few records, nor of what could be missing", function()
    local measures = { "town,height,weight" }
    for i = 0, 199 do
      measures[#measures + 1] = ("T,%d,%d"):format(i % 20 + 1, i // 20 + 1)
    end
    project:write("measures.csv", table.concat(measures, "\n") .. "\n")
    project:write("few.csv", "town_id,kind_id\n1,1\n1,2\n2,1\n2,2\n")
    local gaps = { "shop_id,day,sold" }
    for shop = 1, 10 do
      for day = 1, 20 do
        gaps[#gaps + 1] = ("%s,2024-01-%02d,1"):format(shop == 5 and day == 5 and "" or shop, day)
      end
    end
    project:write("gaps.csv", table.concat(gaps, "\n") .. "\n")
    init(".", "--into", "p")
    for _, name in ipairs { "few", "gaps" } do
      assert.matches("no key: no column or pair of columns looks like one", rules_of(name), 1, true)
    end
    assert.is_nil(rules_of("measures"):find('"height", "weight"', 1, true))
  end)
end)

describe("the search for pairs", function()
  -- A table in memory of columns named so, over a file written with these records.
  local function new_table(header, records)
    local values = require "pghost.init.values"
    local files = require "pghost.input.files"
    local path = project:write("t.csv", header .. "\n" .. table.concat(records, "\n") .. "\n")
    local columns, positions = {}, {}
    for name in header:gmatch("[^,]+") do
      columns[#columns + 1] = { name = name, type = "bigint", nulls = {}, max_length = 8 }
      positions[#positions + 1] = #columns
    end
    local one = { columns = columns, positions = { positions }, refers = {},
      files = { { file = files.resolve({ path })[1], options = { delimiter = ",", header = 1 } } } }
    values.read(one, { left = 1000000 })
    return one
  end

  local function product(left, right)
    local records = {}
    for i = 1, left do
      for j = 1, right do
        records[#records + 1] = ("%d,%d"):format(i, j)
      end
    end
    return records
  end

  it("keeps no more pairs of values than there is room for, and gives the room back", function()
    local one = new_table("a_id,b_id", product(20, 30))
    for _, room in ipairs { 600, 599 } do
      local budget = { left = room }
      local key = found_pairs.of(one, budget)
      assert.same({ room == 600 and { "a_id", "b_id" } or nil, room }, { key and key.columns, budget.left })
    end
  end)

  it("reads no file where no pair can be one, and only the start of one where all repeat soon", function()
    local one = new_table("a_id,b_id", product(20, 30))
    local records = product(20, 30)
    records[2], records[31] = "1,1", "2,2" -- each value as often as before
    local early = new_table("a_id,b_id", records)
    local files = require "pghost.init.values"
    local opened, taken, open = 0, 0, files.open
    files.open = function(...)
      opened = opened + 1
      local source = open(...)
      return setmetatable({}, { __close = function() source:close() end, __index = { records = function()
        local each, state, at = source:records()
        return function(...)
          taken = taken + 1
          return each(...)
        end, state, at
      end } })
    end
    local good, problem = pcall(function()
      assert.is_nil(found_pairs.of(early, { left = 1000000 }))
      assert.same({ 1, 2 }, { opened, taken })
      one.columns[2].seen.nulls = 1
      assert.is_nil(found_pairs.of(one, { left = 1000000 }))
      assert.same(1, opened)
    end)
    files.open = open
    assert.truthy(good, problem)
  end)
end)
