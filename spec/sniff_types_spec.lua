-- Guessed types lose nothing: a column gets a type where each of its texts can be had back from the value, else it
-- stays text, or what is lost is said. The server decides: it has the same file as text beside it.

local csv = require "pghost.sniff"
local lists = require "pghost.lib.lists"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"
local shown = require "support.shown"

-- One column of these values, in a file with `delimiter` between the fields.
local function column_of(delimiter, values)
  local lines = { "key" .. delimiter .. "it" }
  for i, value in ipairs(values) do
    lines[i + 1] = i .. delimiter .. value
  end
  return csv.sniff_string(table.concat(lines, "\n") .. "\n").columns[2]
end

describe("a guessed type", function()
  local cases = {
    { "numeric", ",", { "135217135789158401", "1e3", "5" }, "more digits than a double keeps" },
    { "numeric", ",", { "0.12345678901234567", "1e-05" }, "more digits than a double keeps" },
    { "numeric", ",", { "1352171357E+5", "135217135789158401" } },
    { "double precision", ",", { "1e3", "2.5" } },
    { "text", ",", { "01.11", "2.5" }, "leading zeros" },
    { "text", ",", { "001.0", "2.5" }, "leading zeros" },
    { "text", ";", { "01,11", "2,5" }, "leading zeros" },
    { "text", ";", { "01.234,5", "2,5" } },
    { "text", ",", { "000123456789012345678901", "5" }, "leading zeros" },
    { "text", ",", { "-007", "5" }, "leading zeros" },
    { "text", ",", { "+49301234567", "+2" }, "plus sign" },
    { "text", ",", { "+2", "3" }, "plus sign" },
    { "text", ",", { "+1.5", "3" }, "plus sign" },
    { "text", ",", { '"2,3"', '"24,5"', "7" }, "perhaps lists" },
    { "text", ",", { '"1,2"', '"3,4"' }, "perhaps lists" },
    { "numeric", ",", { '"1.234,5"', '"2,3"' }, "decimal comma" },
    { "numeric", ";", { "2,3", "24,5" }, "decimal comma" },
    { "numeric", ";", { "0,123", "5,678" }, "decimal comma" },
    { "text", ",", { "1E5", "2E7", "3E2" }, "digits, an E and digits" },
    { "bigint", ",", { "-0", "5" }, "-0 becomes 0" },
    { "numeric", ",", { "-0.0", "5.5" }, "-0.0 becomes 0.0" },
    { "text", ",", { "2023-07-20T22:02:38Z", "2023-07-20T22:02:38" }, "1 of them without a zone" },
    { "timestamptz", ",", { "2023-07-20T22:02:38Z", "2023-07-20T22:02:38+02" } },
    { "text", ",", { "5*", "6", "7" }, "values are of no other type" },
    { "text", ",", { "12A", "13A" }, "values are of no other type" },
    { "text", ",", { "5", "12%" }, "values are of no other type" },
    { "numeric", ",", { "5.", "6.5" } },
    { "boolean", ",", { "true", "False", "FALSE", "yes" }, "2 values in other words" },
    { "uuid", ",", { "8C5A0F0E-3B5E-4C55-9D3F-0A3C6B1F2D41", "8c5a0f0e-3b5e-4c55-9d3f-0a3c6b1f2d42" },
      "1 value in another form" },
    { "jsonb", ";", { '{"a": 1}', "[1]" }, "duplicate keys are not kept" },
  }
  for _, case in ipairs(cases) do
    it(("of %s is %s"):format(table.concat(case[3], " "), case[1]), function()
      local column = column_of(case[2], case[3])
      assert.equal(case[1], column.type)
      assert.is_truthy(column.reason:find(case[4] or "", 1, true), column.reason)
    end)
  end

  it("is a day in ISO order before others, where hyphens are", function()
    local column = column_of(",", { "23-07-20", "24-08-21" })
    assert.same({ "date", "YY-MM-DD", true }, { column.type, column.format, column.ambiguous })
    assert.equal("DD-MM-YY", column.alternatives[1].format)
    assert.same({ "DD.MM.YY" }, { column_of(",", { "23.07.20", "24.08.21" }).format })
    local sure = column_of(",", { "99-07-20", "24-08-21" })
    assert.same({ "YY-MM-DD", false }, { sure.format, sure.ambiguous })
  end)
end)

-- Columns at random ---------------------------------------------------------------------------------

local random = math.random

local function pick(list)
  return list[random(#list)]
end

local function digits(most)
  local list = { tostring(random(1, 9)) }
  for i = 2, random(1, most) do
    list[i] = tostring(random(0, 9))
  end
  return table.concat(list)
end

local function sometimes(value, other)
  return random(12) == 1 and other or value
end

local function day(format)
  return os.date("!" .. format, random(0, 2000000000))
end

-- Each gives one value; a column is of one of them, or of two.
local makers = {
  function() return sometimes(digits(6), "-" .. digits(4)) end,
  function() return sometimes(digits(20), digits(3)) end,
  function() return ("%s.%s"):format(digits(3), digits(4)) end,
  function() return sometimes(("%s.%s0"):format(digits(3), digits(2)), "0." .. digits(17)) end,
  function() return sometimes(digits(2) .. "." .. digits(3) .. "e" .. random(-20, 20), digits(18)) end,
  function() return sometimes(digits(5), "0" .. digits(3)) end,
  function() return sometimes(digits(5), "+" .. digits(8)) end,
  function() return sometimes("0" .. digits(1) .. "." .. digits(2), "-0.0") end,
  function() return sometimes(digits(3) .. "," .. digits(2), ("%s.%03d,5"):format(digits(1), random(999))) end,
  function() return sometimes(digits(3), digits(2) .. "," .. ("%03d"):format(random(999))) end,
  function() return pick { "true", "false" } end,
  function() return pick { "t", "F", "yes", "no", "TRUE" } end,
  function() return pick { "0", "1" } end,
  function() return day "%Y-%m-%d" end,
  function() return day "%d.%m.%Y" end,
  function() return day "%y-%m-%d" end,
  function() return day "%Y%m%d" end,
  function() return day "%Y-%m-%d %H:%M:%S" .. sometimes("", "." .. digits(6)) end,
  function() return day "%Y-%m-%dT%H:%M:%S" .. sometimes("Z", pick { "+02:00", "-0530", "" }) end,
  function() return day "%H:%M:%S" .. sometimes("", "." .. digits(5)) end,
  function() return day "%m/%d/%Y %H:%M" end,
  function() return ("%08x-%04x-4aaa-8bbb-cccccccccccc"):format(random(2^31), random(60000)) end,
  function() return pick { "Ann", " Bob", "Cid ", "NULL", "n/a", "1e", "--", "é", "x,y", "" } end,
  function() return pick { '{"a": 1}', "[]", '{"b": [1, 2]}' } end,
}

local function random_table(rows, columns)
  local lines = { {} }
  for i = 0, rows do
    lines[i + 1] = { i == 0 and "id" or tostring(i) }
  end
  for c = 2, columns do
    local first, second = pick(makers), pick(makers)
    local mixed = random(6) == 1
    lines[1][c] = "c" .. c
    for i = 1, rows do
      local value = ((mixed and random(4) == 1) and second or first)()
      value = random(25) == 1 and "" or value
      lines[i + 1][c] = value:find '[,;"]' and '"' .. value:gsub('"', '""') .. '"' or value
    end
  end
  return lines
end

local function text_of(lines, delimiter)
  return table.concat(lists.map(lines, function(line)
    return table.concat(line, delimiter)
  end), "\n") .. "\n"
end

-- SQL that is true where `t.c`, of the type found, gives back what `p.c` has: a text in which %s is the column.
local function comparison(column)
  local number = "p.%s"
  if column.decimal == "," then
    number = "translate(p.%s, ',.', '.')"
  elseif column.decimal == "." then
    number = "replace(p.%s, ',', '')"
  end
  if column.type == "bigint" then
    return "t.%s::text = p.%s OR (p.%s = '-0' AND t.%s = 0)"
  elseif column.type == "numeric" then
    return ("CASE WHEN p.%%s ~ '[eE]' THEN t.%%s = p.%%s::numeric ELSE t.%%s::text = regexp_replace(%s, "
      .. "'^-(0[.]0*)$', '\\1') END"):format(number)
  elseif column.type == "double precision" then
    return "t.%s::numeric = p.%s::numeric" -- the server's cast keeps 15 digits, and no more were guessed to be one
  elseif column.format then
    return ("to_char(t.%%s, '%s') = p.%%s"):format(column.format)
  elseif column.type == "time" then
    return "t.%s = p.%s::time"
  end
  return ("t.%%s = trim(p.%%s)::%s"):format(column.type)
end

describe("guessed types of random columns", function()
  local folder, dsn, db

  fixture.once(function(keep)
    folder, dsn = keep(pghost.folder()), server.get():database()
    db = keep(require("pghost.connection").open { dsn = dsn })
    db:query "SET timezone = 'UTC'"
  end)

  local function load(path, into, ...)
    local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--into", into, "--create", "--header", "1", ... }
    assert.equal(0, code, err)
  end

  local function types_of(name)
    local types = {}
    for row in db:query([[SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = $1::regclass AND attnum > 0]], name):rows() do
      types[row.name] = row.type
    end
    return types
  end

  it("give back every text", function()
    local seed = new_seed()
    math.randomseed(seed)
    local typed = 0
    for i = 1, 25 do
      local delimiter = pick { ",", ";" }
      local path = pghost.write(folder .. "/in.csv", text_of(random_table(30, 9), delimiter))
      local there, plain = ("public.typed%d"):format(i), ("public.plain%d"):format(i)
      load(path, there, "--auto")
      load(path, plain, "--delimiter", delimiter)
      local types = types_of(there)
      for _, column in ipairs(csv.sniff(path).columns) do
        local name = column.name
        local is_text = types[name] == "text"
        typed = typed + (is_text and 0 or 1)
        local same = is_text and "t.%s = p.%s" or comparison(column)
        local wrong = shown.text(db, ([[
          SELECT string_agg(p.%s || ' -> ' || coalesce(t.%s::text, 'NULL'), ', ') FROM %s AS t JOIN %s AS p
          ON t.id::text = p.id WHERE p.%s IS NOT NULL AND NOT coalesce(%s, false)]]):format(name, name, there, plain,
          name, (same:gsub("%%s", name))))
        assert.equal("", wrong, ("seed %d, column %s: %s"):format(seed, name, column.rule))
        assert.equal("0", shown.text(db, ([[
          SELECT count(*) FROM %s AS t JOIN %s AS p ON t.id::text = p.id
          WHERE p.%s IS NULL AND t.%s IS NOT NULL]]):format(there, plain, name, name)))
      end
    end
    assert.is_true(typed > 50, "only " .. typed .. " columns got a type")
  end)
end)
