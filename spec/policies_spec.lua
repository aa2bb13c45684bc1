-- Policies for records that are not as they should be: what is read, in one go and in chunks of every
-- size; and what becomes of it in a load on a real server, with one worker and with three.

local connection = require "pghost.connection"
local csv = require "pghost.native.csv"
local dialects = require "support.dialects"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local read = dialects.read

describe("a policy of reading", function()
  it("pads and cuts records, or keeps what is too much", function()
    local text = 'a,b,c\n1\n1,2,3\n1,2,3,4,"5,5"\n"x\ny",\n"1","2""",3,\n'
    assert.same({ "2: 1|NULL|NULL", "3: 1|2|3", '4! too many fields: 5 of 3: 1,2,3,4,"5,5"', "5: x\ny|NULL|NULL",
      '7! too many fields: 4 of 3: "1","2""",3,' }, read(text, { too_few = "pad" }))
    assert.same({ "2! too few fields: 1 of 3: 1", "3: 1|2|3", '4! too many fields: 5 of 3: 1,2,3,4,"5,5"',
      '5! too few fields: 2 of 3: "x\ny",', '7: 1|2"|3' }, read(text, { too_many = "cut" }))
    local seen, columns = read(text, { too_many = "extra", too_few = "pad" })
    assert.same({ "a", "b", "c", "_extra" }, columns)
    assert.same({ "2: 1|NULL|NULL|NULL", "3: 1|2|3|NULL", '4: 1|2|3|4,"5,5"', "5: x\ny|NULL|NULL|NULL",
      '7: 1|2"|3|NULL' }, seen)
    assert.same({ "2: 1|2::::;3|3" }, read("a::b\n1::2\\::\\:\\:\\;3::3\n", { delimiter = "::", escape = "\\",
      too_many = "extra" }))
  end)

  it("stops where it is told to", function()
    local text = "a,b\n1,2\n3\n4,5,6\n7,8\n"
    assert.same({ "2: 1|2", "stopped: string:3: too few fields: 1 of 2" }, read(text, { too_few = "stop" }))
    assert.same({ "2: 1|2", "3! too few fields: 1 of 2: 3", "stopped: string:4: too many fields: 3 of 2" },
      read(text, { too_many = "stop" }))
    assert.same({ "stopped: string:2: too few fields: 1 of 2" }, read("a,b\n1\n", { too_few = "stop" }))
  end)

  it("takes a stray quote as data, if the fields then are as many as they should be", function()
    local options = { stray_quote = "repair" }
    assert.same({ '2: 3.5" disk|x', '3: say "hi"|x', '4: "Eve"x|y', '5: a "b" c|d' },
      read('a,b\n3.5" disk,x\n"say "hi"",x\n"Eve"x,y\n"a "b" c",d\n', options))
    assert.same({ '2! stray quote: a"b', '3! stray quote: a"b,c,d', '4: 1|2', '5: x, "y"|""z' },
      read('a,b\na"b\na"b,c,d\n1,2\n"x, "y"",""z\n', options))
    -- The stray quote is on another line than the one that opens the field.
    assert.same({ '2: 1|"two', '3: 5" disk"|2', "4: 3|4" },
      read('a,b\n1,"two\n5" disk",2\n3,4\n', options))
    assert.same({ '2: 1|"two', "3: 3|4" }, read('a,b\n1,"two\n3,4\n', options))
  end)

  it("caps records by bytes, lines and fields", function()
    assert.same({ '2! unterminated quote: 1,"a', "3! too few fields: 1 of 2: b", '4! stray quote: c"', "5: 2|d\ne" },
      read('a,b\n1,"a\nb\nc"\n2,"d\ne"\n', { max_record_lines = 2 }))
    assert.same({ '2! unterminated quote: 1,"a', "3: b|c", '4: x|y' },
      read('a,b\n1,"a\nb,c\nx,y\n', { max_record_lines = 3 }))
    assert.same({ "2: abc|d", "3! field too long: column 2: a,bcde", '4! field too long: column 1: "a""bc",d' },
      read('a,b\nabc,d\na,bcde\n"a""bc",d\n', { max_field = 3 }))
  end)

  it("finds the header again", function()
    local text = 'a, b\n1,2\na, b\n"a"," b"\na,c\n3,4\n'
    assert.same({ "2: 1|2", "3! the header again: a, b", '4! the header again: "a"," b"', "5: a|c", "6: 3|4" },
      read(text, {}))
    assert.same({ "2: 1|2", "5: a|c", "6: 3|4" }, read(text, { repeated_header = "skip" }))
    assert.same({ "2: 1|2", "3: a| b", "4: a| b", "5: a|c", "6: 3|4" }, read(text, { repeated_header = "load" }))
    assert.same({ "2: a", "3: b" }, read("a\na\nb\n", {}))
    assert.same({ "3: 1|2|NULL", "6: 3|4|NULL" },
      read("x,\na,b\n1,2\nx,\na,b\n3,4\n", { header = 2, repeated_header = "skip", too_many = "extra" }))
    assert.same({ "1: a|b", "2: a|b" }, read("a,b\na,b\n", { header = 0 }))
  end)

  it("ends at a second table", function()
    local text = "a,b\n1,2\n\n3,4\n\n\nx,y,z\n5,6,7\n8,9\n"
    assert.same({ "2: 1|2", "4: 3|4", "7! too many fields: 3 of 2: x,y,z", "8! too many fields: 3 of 2: 5,6,7",
      "9: 8|9" }, read(text, {}))
    assert.same({ "2: 1|2", "4: 3|4", "7! a second table starts here: x,y,z" }, read(text, { second_table = "stop" }))
    assert.same({ "2: 1|2", "4: 3|4", "7! a second table starts here: x,y,z" },
      read((text:gsub("\n", "\r\n")), { second_table = "stop", too_many = "cut", footer = 1 }))
    assert.same({ "2: 1|2", "3! too few fields: 1 of 2: x", "4: 3|4" },
      read("a,b\n1,2\nx\n3,4\n", { second_table = "stop" }))
    assert.same({ "2: NULL", "3: 1" }, read("a\n\n1\n", { second_table = "stop" }))
  end)

  it("is one switch for all of it", function()
    local seen, _, columns = dialects.in_one_go('a,,a\n1\na,,a\n1,2,3,4\nx"y,2,3\n', { tolerant = true })
    assert.same({ "a", "column_2", "a_2", "_extra" }, columns)
    assert.same({ "2: 1|NULL|NULL|NULL", "4: 1|2|3|4", '5: x"y|2|3|NULL' }, seen)
    seen = dialects.in_one_go("a,b\n1,2,3\n1,2,,\n", { tolerant = true, too_many = "cut" })
    assert.same({ "2! too many fields: 3 of 2: 1,2,3", "3: 1|2" }, seen)
  end)
end)

describe("a load with policies", function()
  local folder, db, dsn

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
  end)

  local function write(name, text)
    pghost.write(folder .. "/" .. name, text)
  end

  local function ask(sql)
    return shown.lines(db, sql)
  end

  local rules = r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } })

  local function run_load(options)
    local out = shown.sink()
    db:query "DROP TABLE IF EXISTS item, item_raw"
    local _, problem = pcall(function()
      local run <close> = pipeline.start("spec", { data = folder }, { arguments = {}, dsn = dsn,
        log = { out = out, format = "text", quiet = false }, out = shown.sink() })
      run:load("item", "item.csv", rules, options)
      run:publish()
    end)
    return out.text, problem
  end

  local last_file = " FROM pghost.files ORDER BY file_id DESC LIMIT 1"

  -- Blocks are cut every 64 KiB.
  local function many(count, every, other)
    local lines = { "id,name" }
    for i = 1, count do
      lines[#lines + 1] = i % every == 0 and other(i) or ('%d,"name\n%d"'):format(i, i)
    end
    return table.concat(lines, "\n") .. "\n"
  end

  for _, workers in ipairs { 1, 3 } do
    it(("counts and records every repair: %d workers"):format(workers), function()
      write("item.csv", many(30000, 1000, function(i)
        local kinds = { "%d", "%d,a,b,c", '%d,5" disk', "id,name" }
        return kinds[i // 1000 % 4 + 1]:format(i)
      end))
      local log, problem = run_load { workers = workers, tolerant = true }
      assert.is_nil(problem, tostring(problem))
      assert.matches("item.csv: 7 records padded, 8 with extra fields, 8 with a stray quote repaired, "
        .. "7 skipped that repeat the header", log, 1, true)
      assert.same({ '30000|29993|0|7|7|{"extra": 8, "header": 7, "padded": 7, "quotes": 8}' },
        ask("SELECT records, loaded, rejected, filtered, unreadable, repairs" .. last_file))
      assert.same({ "29993|7|8" }, ask [[
        SELECT count(*), count(*) FILTER (WHERE name IS NULL), count(*) FILTER (WHERE name = '5" disk') FROM item]])
      assert.same({ "b,c|8", "NULL|29985" }, ask "SELECT _extra, count(*) FROM item_raw GROUP BY 1 ORDER BY 1")
    end)

    it(("fails at the first record that it stops at: %d workers"):format(workers), function()
      write("item.csv", many(30000, 9000, function(i)
        return tostring(i)
      end))
      local _, problem = run_load { workers = workers, too_few = "stop" }
      assert.equal(folder .. "/item.csv:18000: too few fields: 1 of 2", problem.message)
      assert.equal("data", problem.code)
      assert.same({ "NULL" }, ask "SELECT to_regclass('item')")
    end)

    it(("passes over footers and second tables, every byte counted: %d workers"):format(workers), function()
      local text = many(20000, 1e9) .. "\nx,y,z\n" .. ("1,2,3\n"):rep(30000)
      write("item.csv", "a title\n" .. text)
      local log, problem = run_load { workers = workers, skip = 1, second_table = "stop" }
      assert.is_nil(problem, tostring(problem))
      assert.matches("30,001 lines of a second table not read", log, 1, true)
      assert.same({ ('20001|20000|1|{"second_table": 30001}|%d'):format(#text + 8) },
        ask("SELECT records, loaded, rejected, repairs, size" .. last_file))
      assert.same({ ("second_table|x,y,z|40004|%d"):format(#"a title\n" + text:find("x,y,z", 1, true) - 1) }, ask [[
        SELECT rule, convert_from(original, 'UTF8'), line, byte_offset FROM pghost.rejects
        WHERE rule = 'second_table' ORDER BY reject_id DESC LIMIT 1]])
      write("item.csv", many(20000, 1e9) .. ("sum,1\n"):rep(1000))
      _, problem = run_load { workers = workers, footer = 1000 }
      assert.is_nil(problem, tostring(problem))
      assert.same({ "20000|20000|0|NULL" }, ask("SELECT records, loaded, rejected, repairs" .. last_file))
    end)
  end

  it("refuses tables that are too wide before anything is created", function()
    local names = {}
    for i = 1, 1700 do
      names[i] = "c" .. i
    end
    write("item.csv", "id,name," .. table.concat(names, ",") .. "\n1,x" .. (","):rep(1700) .. "\n")
    local _, problem = run_load {}
    assert.equal("table 'item_raw' would have 1702 columns, more than the maximum of 1597",
      problem.message)
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "item.csv", "--into", "wide", "--create" }, { cd = folder })
    assert.equal(1, code)
    assert.matches("item.csv: table 'wide' would have 1702 columns, more than the maximum of 1600", err, 1, true)
  end)

  it("is said on the command line too", function()
    write("item.csv", '# by us\nid;name;name\n1;2\n1;a;b;c\n"x\\"";2;3\n')
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "item.csv", "--into", "told", "--create", "--delimiter",
      "semicolon", "--comment", "#", "--escape", "\\", "--too-few", "pad", "--too-many", "extra", "--header-names",
      "repair" }, { cd = folder })
    assert.equal(0, code, err)
    assert.matches("item.csv: column 3 'name' is named name_2\n", err, 1, true)
    assert.matches("item.csv: 1 record padded, 1 with extra fields\n", err, 1, true)
    assert.same({ "1|2|NULL|NULL", "1|a|b|c", 'x"|2|3|NULL' }, ask "SELECT * FROM told")
    write("item.csv", "id,name\n1,2,3\n4\n")
    _, err, code = pghost.run({ "--dsn", dsn, "load", "item.csv", "--into", "kept", "--create", "--tolerant" },
      { cd = folder })
    assert.equal(0, code, err)
    assert.same({ "1|2|3", "4|NULL|NULL" }, ask "SELECT * FROM kept")
    write("bare.csv", "1,2\n3,4,5\n6\n")
    _, err, code = pghost.run({ "--dsn", dsn, "load", "bare.csv", "--into", "bare", "--create", "--tolerant",
      "--no-header" }, { cd = folder })
    assert.equal(0, code, err)
    assert.same({ "1|2|NULL", "3|4|5", "6|NULL|NULL" }, ask "SELECT column_1, column_2, _extra FROM bare")
    db:query "CREATE TABLE narrow (id int, name text)"
    write("item.csv", 'id,name\n1,2,"",\n4\n')
    _, err, code = pghost.run({ "--dsn", dsn, "load", "item.csv", "--into", "narrow", "--tolerant" }, { cd = folder })
    assert.equal(0, code, err)
    assert.matches("item.csv: 1 record padded, 1 cut\n", err, 1, true)
    assert.same({ "1|2", "4|NULL" }, ask "SELECT * FROM narrow")
    _, err, code = pghost.run({ "load", "item.csv", "--into", "x", "--delimiter", '"' }, { cd = folder })
    assert.equal(2, code)
    assert.matches("delimiter and quote are the same", err, 1, true)
  end)

  it("is checked where the options are given", function()
    local good, problem = pcall(csv.check_options, { footer = -1 })
    assert.is_false(good)
    assert.matches("option 'footer': lines from 0 to 1000 expected", problem, 1, true)
  end)
end)
