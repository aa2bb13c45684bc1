-- Every type against the server's own input function, over thousands of texts: what it refuses we
-- refuse, what we accept has the same bytes, and what only we refuse has not the shape that
-- support/type_cases.lua states. Dates, times, intervals and addresses have other spellings besides, which may be
-- accepted, and by then are the server's: spellings_spec.lua says which ones must be.

local cases = require "support.type_cases"
local driver = require "support.type_driver"
local making = require "support.types.making"

local RANDOM = 1500

local function texts_of(case)
  math.randomseed(20240630)
  local texts = {}
  for _, text in ipairs(case.picked or {}) do
    texts[#texts + 1] = text
  end
  for _ = 1, case.count or RANDOM do
    local text = case.make()
    texts[#texts + 1] = text
    if case.alphabet and math.random(3) == 1 then
      texts[#texts + 1] = making.mutate(text, case.alphabet)
    end
  end
  return texts
end

local function parse(name, texts, format)
  local commands = {}
  for i, text in ipairs(texts) do
    commands[i] = ("parse\t%s\t%s%s"):format(name, driver.hex(text), format and "\t" .. format or "")
  end
  return driver.ask(commands)
end

local function shown(text)
  return ("%q"):format(#text > 80 and text:sub(1, 80) .. "..." or text)
end

-- Compares answers one by one; returns how many were accepted.
local function check(texts, ours, theirs, shape, spellings)
  local accepted = 0
  local wrong = {}
  for i, text in ipairs(texts) do
    local refused = ours[i]:sub(1, 1) == "-"
    accepted = accepted + (refused and 0 or 1)
    local expected = theirs[i] ~= "-" and (not shape or shape(text) or (spellings and not refused))
    if refused == expected or (not refused and ours[i] ~= theirs[i]) then
      wrong[#wrong + 1] = ("%s: ours %s, the server's %s"):format(shown(text), ours[i]:sub(1, 200),
        theirs[i]:sub(1, 200))
    end
  end
  assert.equal("", table.concat(wrong, "\n", 1, math.min(#wrong, 20)))
  return accepted
end

describe("a type", function()
  for _, case in ipairs(cases.types) do
    it(case.name .. " is the server's", function()
      local texts = texts_of(case)
      local theirs = driver.column_fields(case.name, case.send, texts)
      local accepted = check(texts, parse(case.name, texts), theirs, case.shape, case.spellings)
      assert.is_true(accepted > #texts / 20, "hardly any text was accepted: " .. accepted)
      assert.is_true(accepted < #texts or case.name == "text" or case.name == "varchar", "no text was refused")
    end)
  end
end)

describe("an explicit format", function()
  for _, case in ipairs(cases.formats) do
    it(("%s of a %s is the server's"):format(case.format, case.kind), function()
      local texts = texts_of(case)
      local moment = ("to_timestamp($1, '%s')"):format(case.format)
      local cast = case.kind == "timestamptz" and "" or "::" .. case.kind
      local theirs = driver.server_fields(("%s_send((%s)%s)"):format(case.kind, moment, cast), texts)
      local accepted = check(texts, parse(case.kind, texts, case.format), theirs, case.shape)
      assert.is_true(accepted > #texts / 20)
    end)
  end
end)

describe("the order of values", function()
  local function accepted(case)
    local texts = {}
    local all = texts_of(case)
    for i, field in ipairs(parse(case.name, all)) do
      if field:sub(1, 1) ~= "-" and #all[i] < 1000 then
        texts[#texts + 1] = all[i]
      end
    end
    return texts
  end

  local function some_pairs(texts)
    local list = {}
    for i = 1, math.min(#texts, 800) do
      local text = texts[math.random(#texts)]
      list[#list + 1] = { text, i % 10 == 0 and text or texts[math.random(#texts)] }
    end
    return list
  end

  for _, case in ipairs(cases.types) do
    if not case.name:find("^json") and not case.name:find("[%(%[]") then
      it("of " .. case.name .. " is the server's", function()
        local list = some_pairs(accepted(case))
        local commands = {}
        for i, pair in ipairs(list) do
          commands[i] = ("compare\t%s\t%s\t%s"):format(case.name, driver.hex(pair[1]), driver.hex(pair[2]))
        end
        local theirs = driver.server_orders(case.name, list)
        local wrong = {}
        for i, order in ipairs(driver.ask(commands)) do
          if order ~= theirs[i] then
            wrong[#wrong + 1] = ("%s, %s: ours %s, the server's %s"):format(shown(list[i][1]), shown(list[i][2]),
              order, theirs[i])
          end
        end
        assert.is_true(#list > 50)
        assert.equal("", table.concat(wrong, "\n", 1, math.min(#wrong, 20)))
      end)
    end
  end
end)

describe("the reason of a refusal", function()
  local reasons = {
    { "smallint", "x", "not a smallint" },
    { "smallint", "32768", "out of range for smallint" },
    { "integer", "", "not an integer" },
    { "integer", "-2147483649", "out of range for integer" },
    { "bigint", "ABC", "not a bigint" },
    { "bigint", "1x99999999999999999999", "not a bigint" },
    { "bigint", "9223372036854775808", "out of range for bigint" },
    { "numeric", "1,5", "not a numeric" },
    { "numeric(3,2)", "10", "out of range for numeric" },
    { "numeric(3,2)", "inf", "out of range for numeric" },
    { "real", "x", "not a real" },
    { "real", "1e39", "out of range for real" },
    { "double precision", "x", "not a double precision" },
    { "double precision", "1e-400", "out of range for double precision" },
    { "boolean", "o", "not a boolean" },
    { "date", "2024-02-30", "not a date" },
    { "time", "25:00", "not a time" },
    { "timestamp", "ABC", "not a timestamp" },
    { "timestamp", "2024-02-30 10:00:00", "not a timestamp" },
    { "timestamptz", "2024-02-29 10:00:00 CET", "names a time zone, give its offset, as +02:00:" },
    { "varchar(2)", "abc", "too long" },
    { "uuid", "x", "not a uuid" },
    { "json", "{", "not valid json" },
    { "jsonb", '"\\u0000"', "not valid jsonb: \\u0000 in" },
    { "jsonb", '"\\ud800"', "not valid jsonb: half a surrogate pair in" },
    { "jsonb", "1e200000", "not valid jsonb: a number out of range for numeric in" },
    { "json", ("["):rep(1001), "nested too deeply for json" },
    { "timetz", "x", "not a time with time zone" },
    { "interval", "x", "not an interval" },
    { "interval", "999999999 years", "out of range for interval" },
    { "inet", "x", "not an inet" },
    { "cidr", "10.0.0.1/8", "bits set after the network of" },
    { "bytea", "\\x1", "not a bytea" },
    { "char(2)", "abc", "too long" },
    { "bigint[]", "1", "bad syntax" },
    { "bigint[]", "{x}", "not a bigint" },
    { "bigint[]", "{{1},{2,3}}", "parts of different sizes" },
  }

  it("says what the text is not", function()
    local commands, expected = {}, {}
    for i, case in ipairs(reasons) do
      commands[i] = ("parse\t%s\t%s"):format(case[1], driver.hex(case[2]))
      expected[i] = "- " .. case[3]
    end
    assert.same(expected, driver.ask(commands))
  end)
end)

describe("the longest jsonb", function()
  it("is 32 MiB", function()
    local limit = 32 * 1024 * 1024
    assert.same({ tostring(limit + 1), "- too long for jsonb" }, driver.ask {
      ("blanks\tjsonb\t31\t%d"):format(limit - 1),
      ("blanks\tjsonb\t31\t%d"):format(limit),
    })
  end)
end)

describe("the name of a type", function()
  local names = {
    ["text"] = "text",
    ["VARCHAR"] = "varchar",
    ["varchar ( 20 )"] = "varchar(20)",
    ["character varying(20)"] = "varchar(20)",
    ["Character  Varying"] = "varchar",
    ["int2"] = "smallint",
    ["int"] = "integer",
    ["int4"] = "integer",
    ["int8"] = "bigint",
    ["numeric"] = "numeric",
    ["decimal(10)"] = "numeric(10,0)",
    ["numeric(10,2)"] = "numeric(10,2)",
    ["numeric( 10 , -2 )"] = "numeric(10,-2)",
    ["float4"] = "real",
    ["float8"] = "double precision",
    ["float"] = "double precision",
    ["bool"] = "boolean",
    ["date"] = "date",
    ["time without time zone"] = "time",
    ["timestamp without time zone"] = "timestamp",
    [" timestamp with time zone "] = "timestamptz",
    ["timestamptz"] = "timestamptz",
    ["uuid"] = "uuid",
    ["json"] = "json",
    ["jsonb"] = "jsonb",
    ["time with time zone"] = "timetz",
    ["Interval"] = "interval",
    ["char"] = "char(1)",
    ["character ( 3 )"] = "char(3)",
    ["int8[]"] = "bigint[]",
    ["character varying(5) [3] [ ]"] = "varchar(5)[]",
    ["numeric(10,2)[]"] = "numeric(10,2)[]",
    ["time with time zone[]"] = "timetz[]",
    -- what only the server knows
    ["money"] = "money",
    ["public.ltree"] = "public.ltree",
    ['"My Schema"."a ""b"" [1]"'] = '"My Schema"."a ""b"" [1]"',
    ["geometry(Point,4326)"] = "geometry(Point,4326)",
    ["timestamp(3)"] = "timestamp(3)",
    ["timestamp(3) with time zone"] = "timestamp(3) with time zone",
    ["timestamp(3)[]"] = "timestamp(3)[]",
    ["interval day to second"] = "interval day to second",
    ["bit varying(5)"] = "bit varying(5)",
    ["mood[]"] = "mood[]",
  }

  local function ask_names(list)
    local commands = {}
    for i, name in ipairs(list) do
      commands[i] = "name\t" .. name
    end
    return driver.ask(commands)
  end

  it("is read in every spelling and written in one", function()
    local spellings, expected = {}, {}
    for name, canonical in pairs(names) do
      spellings[#spellings + 1] = name
      expected[#expected + 1] = canonical
    end
    assert.same(expected, ask_names(spellings))
  end)

  it("is refused when it is not one of ours", function()
    local refused = {
      "", "(", "(5)", "varchar(0)", "varchar(10485761)", "varchar(1,2)",
      "varchar(x)", "varchar(5", "varchar(5)x",
      "numeric(0)", "numeric(1001)", "numeric(5,1001)", "numeric(5,2,1)", "numeric(99999999999)", "timestamp(7)",
      "integer(4)", "char(0)", "varchar(0)[]", "text[", "text[x]", "text]", "[]", "a.", ".a", "a..b", '"', '""', '"a',
      "x; drop table y", "x)", "x(", "x()", "x('a')", "x -- y", "x int, y", "1x", "x collate y", "time(3) x",
      "time stamp", "int 8", "varchar(-1)", "numeric(-1)", "varchar()", ("x"):rep(200),
    }
    local taken = {}
    for i, answer in ipairs(ask_names(refused)) do
      taken[#taken + 1] = answer ~= "-" and refused[i] or nil
    end
    assert.same({}, taken)
  end)

  it("is what the catalog says", function()
    local expected, columns = {}, {}
    for i, case in ipairs(cases.types) do
      expected[i] = case.name
      columns[i] = ("c%d %s"):format(i, case.name)
    end
    local answer = require("support.server").get():psql(([[
      create temp table named (%s);
      select format_type(atttypid, atttypmod) from pg_attribute
      where attrelid = 'named'::regclass and attnum > 0 order by attnum;
    ]]):format(table.concat(columns, ", ")))
    local spellings = {}
    for line in answer:gmatch("[^\n]+") do
      spellings[#spellings + 1] = line
    end
    assert.same(expected, ask_names(spellings))
  end)
end)

describe("a format that cannot be", function()
  local refused = {
    { "date", "DD/MM", "year, month and day are needed" },
    { "date", "", "year, month and day are needed" },
    { "timestamp", "HH24:MI", "year, month and day are needed" },
    { "date", "DD/MM/YYYY DD", "the same part twice" },
    { "date", "DD/MM/YYYY YY", "the same part twice" },
    { "date", "DD/MM/YYYY HH24", "a date has no time of day" },
    { "time", "YYYY HH24:MI", "a time has no date and no zone" },
    { "time", "HH24:MI TZH", "a time has no date and no zone" },
    { "time", "MI:SS", "no hour" },
    { "time", "HH12:MI", "HH12 and AM or PM go together" },
    { "time", "HH24:MI AM", "HH12 and AM or PM go together" },
    { "time", "HH24:SS", "hours, minutes, seconds, fractions: each needs those before it" },
    { "timestamp", "YYYY-MM-DD HH24:MI TZH", "a timestamp has no zone" },
    { "timestamptz", "YYYY-MM-DD HH24:MI TZM", "TZM needs TZH" },
    { "date", 'DD/MM/YYYY "x', "a double quote that is not closed" },
    { "date", "DD/MM/YYYY é", "a character that is not ASCII" },
    { "date", "DD/MM/YYYY" .. (" "):rep(60), "too long a format" },
    { "text", "DD/MM/YYYY", "only dates and times have a format" },
  }

  it("is refused with the reason", function()
    local commands, expected = {}, {}
    for i, case in ipairs(refused) do
      commands[i] = ("format\t%s\t%s"):format(case[1], case[2])
      expected[i] = "- " .. case[3]
    end
    assert.same(expected, driver.ask(commands))
  end)

  it("has a word that is none", function()
    for _, format in ipairs { "DD/MM/YYY", "DDTHMM", "FMDD/MM/YYYY", "YYYY-MM-DDT", "DDD/MM/YYYY",
      "DD/MM/YYYY 12" } do
      local answer = driver.ask({ "format\tdate\t" .. format })[1]
      assert.truthy(answer:find("^%- a word that is none of YYYY, "), format .. ": " .. answer)
    end
  end)

  it("is taken in any case and with quoted text", function()
    for _, format in ipairs { "dd/mm/yyyy", "Dd/Mm/Yyyy", 'YYYY"year"MM"12"DD', '"on "DD Month YYYY' } do
      assert.same({ "ok" }, driver.ask { "format\tdate\t" .. format })
    end
    assert.same({ "00002225" }, parse("date", { "on 7 dEcember 2023" }, '"on "DD Month YYYY'))
  end)
end)
