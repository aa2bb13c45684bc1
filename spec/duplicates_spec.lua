-- Which of several records with one key stays: the oracle is the server's own cast over the raw table, DISTINCT ON the
-- key.

local connection = require "pghost.connection"
local modes = require "support.modes"
local r = require "pghost.rules"
local repeats = require "pghost.load.repeats"

local world = modes.world()
local write, ask, publish = world:functions()

-- By type: columns of the key, the SQL type that says which values are equal, and ways to write some.
local families = {
  { "k_bigint", r.bigint(), "bigint", { "%d", "+%d", "0%d" } },
  { "k_numeric", r.numeric(), "numeric", { "%d", "%d.0", "%d.000", "0%d.00", "%d.5", "%d.50", "-%d", "-%d.0" } },
  { "k_scaled", r.numeric(12, 2), "numeric(12,2)", { "%d", "%d.001", "%d.004", "%d.01" } },
  { "k_real", r.real(), "real", { "%d", "%d.0", "-%d", "%de0" } },
  { "k_double", r.double(), "double precision", { "%d", "%d.0", "-%d", "%de0", "0e%d", "-0e%d", "NaN" } },
  { "k_text", r.text(), "text", { "%d", "%d ", "ä%d", "Ä%d", "ab%d", "AB%d" } },
  { "k_varchar", r.varchar(9), "varchar(9)", { "%d", "%d ", "x%d" } },
  { "k_char", r.char(9), "char(9)", { "%d", "%d  ", " %d", "x%d   " } },
  { "k_interval", r.interval(), "interval", { "%d mons", "%d mons 30 days", "%d days", "%d hours",
    "%d days 24:00:00" } },
  { "k_stamp", r.timestamptz(), "timestamptz", { "2024-01-01 00:00:%02d+00", "2024-01-01 01:00:%02d+01",
    "2024-01-01 00:00:%02d.000+00" }, 60 },
  { "k_timetz", r.timetz(), "timetz", { "10:00:%02d+00", "11:00:%02d+01", "10:00:%02d.0+00" }, 60 },
  { "k_date", r.date(), "date", { "2024-01-1%d", " 2024-01-1%d" }, 10 },
  { "k_boolean", r.boolean(), "boolean", { "true", "t", "1", "false" } },
  { "k_uuid", r.uuid(), "uuid", { "00000000-0000-0000-0000-0000abcd%04d", "00000000-0000-0000-0000-0000ABCD%04d",
    "000000000000000000000000abcd%04d" }, 5000 },
  { "k_inet", r.inet(), "inet", { "10.0.%d.1", "10.0.%d.1/32", "10.0.%d.1/24", "::ffff:10.0.%d.1" }, 250 },
  { "k_bytea", r.bytea(), "bytea", { "\\x%04d", "\\x%04dff", "\\x%04dFF" }, 5000 },
  { "k_jsonb", r.jsonb(), "jsonb", { '{"a":%d}', '{"a": %d.0}', '{ "a" : %d }', "[%d]" } },
  { "k_array", r.array(r.integer()), "integer[]", { "{%d}", "{ %d }", "{%d,NULL}", "{{%d}}" } },
  { "k_enum", r.enum { "small", "large", "huge" }, "text", { "small", "large", "huge" } },
}

local function cell(text)
  return text:find '[",]' and '"' .. text:gsub('"', '""') .. '"' or text
end

-- Files of records with a key of each family.
local function write_files(count, records, pool)
  for file = 1, count do
    local out, names = {}, {}
    for i, family in ipairs(families) do
      names[i] = family[1]
    end
    out[1] = table.concat(names, ",") .. ",part"
    for record = 1, records do
      local cells = {}
      for i, family in ipairs(families) do
        local forms = family[4]
        local form = forms[math.random(#forms)]
        cells[i] = cell((form:gsub("%%0?%d?d", function(word)
          return word:format(math.random(math.min(pool, family[5] or pool)) - 1)
        end)))
      end
      out[record + 1] = table.concat(cells, ",") .. "," .. math.random(3)
    end
    write(("part%d.csv"):format(file), table.concat(out, "\n") .. "\n")
  end
end


-- What must be in the clean table of a family: of each key the first record, or the last.
local function expected(family, last)
  local key, order = ("btrim(%s)::%s"):format(family[1], family[3]), last and " DESC" or ""
  if family[3] == "text" or family[3]:find "char" then
    key = ("%s::%s"):format(family[1], family[3]) -- blanks count
  end
  return ([[SELECT DISTINCT ON (%s) name, _line FROM %s_raw JOIN pghost.files USING (file_id) ORDER BY %s, _file_id%s,
    _line%s]]):gsub("USING %(file_id%)", "ON file_id = _file_id"):format(key, family[1], key, order, order)
end

-- The records that are rejected are all but those, each with its own bytes; and the table has as many as stay.
local function check(family, last)
  local name = family[1]
  local wrong = ask(([[
    WITH stay AS (%s), gone AS (
      SELECT f.name, x._line FROM %s_raw AS x JOIN pghost.files AS f ON f.file_id = x._file_id
      EXCEPT SELECT * FROM stay
    ), rejected AS (
      SELECT f.name, d.line FROM pghost.rejects AS d JOIN pghost.files AS f USING (file_id)
      WHERE d.table_name = '%s' AND d.rule = 'key')
    SELECT (SELECT count(*) FROM stay) - (SELECT count(*) FROM %s),
      (SELECT count(*) FROM (SELECT * FROM gone EXCEPT SELECT * FROM rejected) AS a),
      (SELECT count(*) FROM (SELECT * FROM rejected EXCEPT SELECT * FROM gone) AS a),
      (SELECT count(*) FROM rejected) > 0]]):format(expected(family, last), name, name, name))
  assert.equal("0|0|0|t", wrong, name)
  -- Each says which record stays.
  assert.equal("0", ask(([[
    SELECT count(*) FROM pghost.rejects AS d WHERE table_name = '%s' AND rule = 'key'
      AND substring(reason FROM ' at (.*)$') NOT IN (SELECT name || ':' || _line FROM (%s) AS stay)]]):format(name,
    expected(family, last))), name)
end

local function check_all(list, last)
  for _, family in ipairs(list) do
    check(family, last)
  end
end

-- Original bytes as the files have them, line by line.
local function check_originals()
  for row in world.db:query([[SELECT f.name, d.line, d.original, d.byte_offset FROM pghost.rejects AS d
    JOIN pghost.files AS f USING (file_id) ORDER BY d.reject_id]]):rows() do
    local file <close> = assert(io.open(world.folder .. "/" .. row.name, "rb"))
    file:seek("set", row.byte_offset or -1)
    assert.equal(file:read "l", row.original, row.name .. ":" .. row.line)
  end
end

local function load_all(list, options)
  return publish(function(run)
    for _, family in ipairs(list) do
      run:load(family[1], "part*.csv", r.table(family[1], { { family[1], family[2] }, { "part", r.integer() } },
        { key = family[1] }), options)
    end
  end)
end

-- Some families by name.
local function some(...)
  local list = {}
  for _, name in ipairs { ... } do
    for _, family in ipairs(families) do
      list[#list + 1] = family[1] == "k_" .. name and family or nil
    end
  end
  return list
end

-- What the engine nominates is that of another key for as long as fn runs.
local function nominating(columns, fn)
  local new = repeats.new
  repeats.new = function(...)
    local made = new(...)
    made.key = columns
    return made
  end
  local good, problem = pcall(fn)
  repeats.new = new
  assert(good, problem)
end

describe("duplicates of a key", function()
  world:use(setup, teardown, before_each, after_each)

  it("leave the first record in the order of files and lines, whatever the type of the key", function()
    write_files(2, 400, 300)
    load_all(families, {})
    check_all(families, false)
    check_originals()
  end)

  it("leave the first one with several workers over several files of many blocks, too", function()
    write_files(4, 6000, 5000)
    local list = some("bigint", "numeric", "text", "interval", "uuid")
    load_all(list, { workers = 3 })
    check_all(list, false)
  end)

  it("leave the last one in the modes that bring a table up to date", function()
    for workers = 1, 2 do
      write_files(3, 3000, 2000)
      local list = some("bigint", "numeric", "double", "char")
      load_all(list, { mode = workers == 1 and "merge" or "history", workers = workers })
      check_all(list, true)
      world:clear()
    end
  end)

  it("are found in a raw table, and get the bytes of the files", function()
    write_files(2, 1500, 1000)
    local list = some("numeric", "uuid")
    publish(function(run)
      for _, family in ipairs(list) do
        local rules = r.table(family[1], { { family[1], family[2] }, { "part", r.integer() } }, { key = family[1] })
        run:stage(family[1], "part*.csv", rules)
        run:clean(family[1], rules)
      end
    end)
    check_all(list, false)
    check_originals()
  end)

  it("of a key of two columns are told by both", function()
    write("two.csv", "a,b\n1,x\n1.0,y\n1.00,x\n2,x\n,x\n1,y\n")
    publish(function(run)
      run:load("two", "two.csv", r.table("two", { { "a", r.numeric() }, { "b", r.text() } }, { key = { "a", "b" } }))
    end)
    assert.equal("1|x\n1.0|y\n2|x", ask "SELECT a, b FROM two ORDER BY 1, 2")
    assert.equal("4|duplicate of a, b '1.00, x' at two.csv:2|1.00,x\n6|is required|,x\n7|duplicate of a, b '1, y' at "
      .. "two.csv:3|1,y", ask "SELECT line, reason, convert_from(original, 'UTF8') FROM pghost.rejects ORDER BY line")
  end)

  it("are those that the server finds, whatever the engine nominates", function()
    local list = some("bigint", "text")
    for _, mode in ipairs { "replace", "merge" } do
      for workers = 1, 2 do
        write_files(2, 1500, 1000)
        nominating({ 2 }, function() -- one of three values: nearly all records
          load_all(list, { mode = mode, workers = workers })
        end)
        check_all(list, mode == "merge")
        check_originals()
        world:clear()
      end
    end
  end)

  it("that nobody has nominated are found", function()
    write_files(2, 1500, 1000)
    local list = some("bigint", "array")
    nominating(nil, function()
      load_all(list, {})
    end)
    check_all(list, false)
    check_originals()
  end)

  it("are found where memory is too little for all keys, which is said", function()
    local lines = { "k_bigint,part" }
    for i = 1, 300000 do
      lines[i + 1] = (i % 100000 == 7 and 7 or i) .. ",1"
    end
    write("part1.csv", table.concat(lines, "\n") .. "\n")
    local log = publish(function(run)
      run:load("k_bigint", "part1.csv", r.table("k_bigint", { { "k_bigint", r.bigint() }, { "part", r.integer() } },
        { key = "k_bigint" }))
    end, { memory = 1024 * 1024 })
    assert.matches("more keys than the setting memory = 1048576 has room for: duplicates among the last ones are found "
      .. "by the server", log)
    check(families[1], false)
    assert.equal("2", ask "SELECT count(*) FROM pghost.rejects")
  end)

  it("do not come back for those who looked before they were judged", function()
    write_files(1, 1500, 1000)
    local list = some("bigint")
    local dsn, db = world.dsn, world.db
    -- A role that cannot see the snapshots of others.
    db:exec "DROP ROLE IF EXISTS duplicates_loader; CREATE ROLE duplicates_loader LOGIN"
    db:exec(("GRANT CREATE ON DATABASE %s TO duplicates_loader"):format(db:query(
      "SELECT current_database() AS name")[1].name))
    db:exec "GRANT ALL ON SCHEMA public TO duplicates_loader"
    local reader <close> = connection.open { dsn = dsn }
    reader:query "BEGIN ISOLATION LEVEL REPEATABLE READ"
    reader:query "SELECT count(*) FROM pg_class"
    world.dsn = dsn:gsub("user=postgres", "user=duplicates_loader")
    nominating({ 2 }, function()
      load_all(list, {})
    end)
    world.dsn = dsn
    -- Every record that stays: those that were judged are frozen as all others are.
    local count = reader:query("SELECT count(*) AS n FROM k_bigint")[1].n
    assert.equal(tonumber((ask "SELECT count(*) FROM k_bigint")), count)
    reader:query "COMMIT"
    db:exec "DROP OWNED BY duplicates_loader; DROP ROLE duplicates_loader"
  end)
end)
