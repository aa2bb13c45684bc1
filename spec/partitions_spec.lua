-- Partitioned clean tables: what a load makes of its records is what the server makes of the same records in partitions
-- made by hand.

local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, _, load = world:functions()

local function options(partition)
  return { partition = partition, max_rejects = "100%" }
end

local function rules(kind, key)
  return r.table("item", { { "k", kind }, { "v", r.text() } }, key and { key = key } or nil)
end

local function file(name, list)
  write(name, "k,v\n" .. table.concat(list, ",x\n") .. ",x\n")
end

-- Partitions with their bounds and records, by name.
local function partitions(name)
  return ask(([[
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds, (xpath('/row/n/text()',
        query_to_xml(format('SELECT count(*) AS n FROM %%I', c.relname), false, true, '')))[1] AS n
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = '%s'::regclass
    ORDER BY c.relname]]):format(name or "item"))
end

describe("a partitioned table", function()
  world:use(setup, teardown, before_each, after_each)

  -- What hand-made partitions of plain SQL hold of the same file.
  local function by_hand(kind, strategy, bounds)
    os.execute("chmod 755 " .. world.folder)
    world.db:exec(("CREATE TABLE hand (k %s, v text) PARTITION BY %s (k)"):format(kind, strategy))
    for _, bound in ipairs(bounds) do
      world.db:exec(("CREATE TABLE hand%s PARTITION OF hand %s"):format(bound[1],
        bound[2] and "FOR VALUES " .. bound[2] or "DEFAULT"))
    end
    world.db:exec(("CREATE TABLE given (k %s, v text)"):format(kind))
    world.db:exec(("COPY given FROM '%s/a.csv' (FORMAT csv, HEADER)"):format(world.folder))
    world.db:exec "INSERT INTO hand SELECT * FROM given"
    return (partitions "hand":gsub("hand", "item"))
  end

  it("by month has the months of the records", function()
    file("a.csv", { "2026-03-01 00:00:00", "2026-02-28 23:59:59.999999", "2026-03-31 23:59:59",
      "2025-12-31 23:59:59" })
    load("a.csv", options { by = "month", column = "k" }, rules(r.timestamp()))
    assert.equal(by_hand("timestamp", "RANGE", {
      { "_p2025_12", "FROM ('2025-12-01') TO ('2026-01-01')" },
      { "_p2026_02", "FROM ('2026-02-01') TO ('2026-03-01')" },
      { "_p2026_03", "FROM ('2026-03-01') TO ('2026-04-01')" } }), partitions())
    assert.equal(ask "SELECT * FROM hand ORDER BY 1", ask "SELECT * FROM item ORDER BY 1")
  end)

  it("of a timestamptz has the months of UTC, whatever the time zone of the role", function()
    world.db:exec "ALTER ROLE CURRENT_USER SET timezone = 'America/New_York'"
    file("a.csv", { "2026-03-01 00:30:00+02", "2026-02-28 20:00:00-05", "2026-03-08 02:30:00-05",
      "2026-10-31 23:30:00-02", "2026-11-01 01:30:00-04", "2026-11-01 01:30:00-05" })
    load("a.csv", options { by = "month", column = "k" }, rules(r.timestamptz()))
    world.db:exec "ALTER ROLE CURRENT_USER RESET timezone"
    assert.equal(by_hand("timestamptz", "RANGE", {
      { "_p2026_02", "FROM ('2026-02-01 00:00Z') TO ('2026-03-01 00:00Z')" },
      { "_p2026_03", "FROM ('2026-03-01 00:00Z') TO ('2026-04-01 00:00Z')" },
      { "_p2026_11", "FROM ('2026-11-01 00:00Z') TO ('2026-12-01 00:00Z')" } }), partitions())
  end)

  local units = {
    day = {
      { "_p2025_12_28", "FROM ('2025-12-28') TO ('2025-12-29')" },
      { "_p2025_12_31", "FROM ('2025-12-31') TO ('2026-01-01')" },
      { "_p2026_01_01", "FROM ('2026-01-01') TO ('2026-01-02')" } },
    week = {
      { "_w2025_12_22", "FROM ('2025-12-22') TO ('2025-12-29')" },
      { "_w2025_12_29", "FROM ('2025-12-29') TO ('2026-01-05')" } },
    year = {
      { "_p2025", "FROM ('2025-01-01') TO ('2026-01-01')" },
      { "_p2026", "FROM ('2026-01-01') TO ('2027-01-01')" } },
  }
  for unit, bounds in pairs(units) do
    it("by " .. unit .. " of a date", function()
      file("a.csv", { "2026-01-01", "2025-12-31", "2025-12-28" })
      load("a.csv", options { by = unit, column = "k" }, rules(r.date()))
      assert.equal(by_hand("date", "RANGE", bounds), partitions())
    end)
  end

  it("rejects what has no partition, with its line", function()
    file("a.csv", { "infinity", "2026-03-01", "", "-infinity", "2026-04-01" })
    for _, kind in ipairs { r.date(), r.timestamp(), r.timestamptz() } do
      load("a.csv", options { by = "year", column = "k" }, rules(kind))
      assert.equal("2", ask "SELECT count(*) FROM item")
      assert.equal("2|k|partition\n4|k|partition\n5|k|partition",
        ask [[SELECT line, column_name, rule FROM pghost.rejects
          WHERE run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY line]])
    end
    assert.equal("no partition for null", ask "SELECT DISTINCT reason FROM pghost.rejects WHERE line = 4")
    assert.equal("no partition by year for 'infinity'", ask "SELECT DISTINCT reason FROM pghost.rejects WHERE line = 2")
    assert.equal("-infinity,x", ask [[
      SELECT DISTINCT rtrim(convert_from(original, 'UTF8'), E'\n') FROM pghost.rejects WHERE line = 5]])
  end)

  it("has a default partition if asked", function()
    file("a.csv", { "infinity", "2026-03-01", "" })
    load("a.csv", options { by = "month", column = "k", default = true }, rules(r.date()))
    assert.equal(by_hand("date", "RANGE", {
      { "_default", nil }, { "_p2026_03", "FROM ('2026-03-01') TO ('2026-04-01')" } }), partitions())
  end)

  it("by list has a partition for each value, whatever it says", function()
    local values = { "de", "DE", "Côte d'Ivoire", "'; DROP TABLE item; --", ("lang"):rep(50), "a b", "a_b",
      " ", "\\", "" }
    local lines = {}
    for i, value in ipairs(values) do
      lines[i] = '"' .. value .. '"'
    end
    file("a.csv", lines)
    load("a.csv", options { by = "list", column = "k" }, rules(r.text()))
    local bounds, names = {}, {}
    for i, value in ipairs(values) do
      bounds[i] = { i, ("IN (%s)"):format(world.db:quote_literal(value)) }
    end
    local function without_names(text)
      return (text:gsub("%f[^\n\0][^|\n]*|", ""))
    end
    local theirs, ours = {}, {}
    for line in (without_names("\n" .. by_hand("text", "LIST", bounds)) .. "\n"):gmatch "[^\n]+" do
      theirs[#theirs + 1] = line
    end
    for line in (without_names("\n" .. partitions()) .. "\n"):gmatch "[^\n]+" do
      ours[#ours + 1] = line
    end
    table.sort(theirs)
    table.sort(ours)
    assert.same(theirs, ours)
    for _, value in ipairs { " ", "\\", "" } do -- nothing of which can be said in a name
      names[#names + 1] = "item_v_" .. ask(("SELECT left(md5(%s), 8)"):format(world.db:quote_literal(value)))
    end
    names[4] = "item_v_c_te_d_i_" .. ask "SELECT left(md5('Côte d''Ivoire'), 8)"
    names[5] = "item_v_de"
    for _, name in ipairs(names) do
      assert.truthy(("\n" .. partitions()):find("\n" .. name .. "|", 1, true), name)
    end
  end)

  it("by list of numbers, by hash", function()
    file("a.csv", { "1", "2", "-3", "2", "1234567890123" })
    load("a.csv", options { by = "list", column = "k" }, rules(r.bigint()))
    assert.equal("1,1234567890123,2,2,-3", ask [[
      SELECT string_agg(k::text, ',' ORDER BY tableoid::regclass::text, k) FROM item]])
    file("a.csv", { "1", "2", "-3", "2", "1234567890123", "" })
    load("a.csv", options { by = "hash", column = "k", count = 3 }, rules(r.bigint()))
    assert.equal(by_hand("bigint", "HASH", { { "_h0", "WITH (MODULUS 3, REMAINDER 0)" },
      { "_h1", "WITH (MODULUS 3, REMAINDER 1)" }, { "_h2", "WITH (MODULUS 3, REMAINDER 2)" } }), partitions())
  end)

  it("has any name, and a column of any name", function()
    local name, column = 'It"em %s', [[d"a'y %d]]
    local odd = r.table(name, { { "id", r.bigint() }, { column, r.date() } }, { key = { "id", column } })
    write("a.csv", 'id,"d""a\'y %d"\n1,2026-01-01\n2,2026-02-01\n')
    write("b.csv", 'id,"d""a\'y %d"\n3,2026-02-02\n4,2026-03-01\n')
    write("c.csv", 'id,"d""a\'y %d"\n5,2026-02-02\n6,2026-04-01\n')
    for file_name, mode in pairs { ["a.csv"] = "replace", ["b.csv"] = "append", ["c.csv"] = "partitions" } do
      write(mode .. ".csv", (assert(io.open(world.folder .. "/" .. file_name)):read "a"))
    end
    for _, mode in ipairs { "replace", "replace", "append", "partitions" } do
      world:publish(function(run)
        run:load(name, mode .. ".csv", odd, { mode = mode, partition = { by = "month", column = column } })
      end)
    end
    assert.equal('"It""em %s_p2026_01"|1\n"It""em %s_p2026_02"|5\n"It""em %s_p2026_03"|4\n"It""em %s_p2026_04"|6',
      ask [[SELECT tableoid::regclass, id FROM "It""em %s" ORDER BY tableoid::regclass::text]])
  end)

  it("has a name of at most 43 bytes, so that those of its partitions fit", function()
    local longest = ("x"):rep(43)
    file("a.csv", { '"' .. ("de/"):rep(40) .. '"', "x" })
    world:publish(function(run)
      run:load(longest, "a.csv", r.table(longest, { { "k", r.text() }, { "v", r.text() } }),
        { partition = { by = "list", column = "k" } })
    end)
    assert.equal("2|63", ask(([[SELECT count(*), max(length(inhrelid::regclass::text)) FROM pg_inherits
      WHERE inhparent = '%s'::regclass]]):format(longest)))
    modes.fails("a name of at most 43 bytes", world.publish, world, function(run)
      run:load(longest .. "x", "a.csv", r.table(longest .. "x", { { "k", r.text() }, { "v", r.text() } }),
        { partition = { by = "list", column = "k" } })
    end)
  end)

  it("is refused before a record is read where the declaration does not fit", function()
    file("a.csv", { "2026-01-01" })
    for text, case in pairs {
      ["partition: unknown key 'colum': did you mean 'column'%?"] = { { by = "month", colum = "k" } },
      ["partition: by must be one of .*, got 'mont': did you mean 'month'%?"] = { { by = "mont", column = "k" } },
      ["partition: no column given"] = { { by = "month" } },
      ["partition: the rules have no column 'kk'"] = { { by = "month", column = "kk" } },
      ["column 'v' is text, and by = 'month' takes a date, timestamp or timestamptz"] =
        { { by = "month", column = "v" } },
      ["by = 'hash' needs a count"] = { { by = "hash", column = "k" } },
      ["count is for by = 'hash'"] = { { by = "month", column = "k", count = 2 } },
      ["count: a whole number from 1 to 1024 expected, got '0'"] = { { by = "hash", column = "k", count = 0 } },
      ["a table expected, such as { by = 'month', column = 'created_at' }, got string"] = { "month" },
      ["the key of the rules %('v'%) lacks 'k'.*add 'k' to the key"] = { { by = "month", column = "k" }, { "v" } },
    } do
      modes.fails(text, load, "a.csv", { partition = case[1] }, rules(r.date(), case[2]))
    end
    modes.fails("column 'k' is json, which PostgreSQL cannot partition by list: data type json has no default operator "
      .. "class", load, "a.csv", { partition = { by = "list", column = "k" } }, rules(r.json()))
    modes.fails("it is about the clean table: give it to run:load or run:clean", world.publish, world, function(run)
      run:stage("item", "a.csv", nil, { partition = { by = "month", column = "k" } })
    end)
    assert.equal("0", ask "SELECT count(*) FROM pghost.files")
  end)
end)
