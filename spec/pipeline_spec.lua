-- Runs from start to end, on a real server: what they build, what they leave, what they refuse.

local cjson = require "cjson"
local r = require "pghost.rules"
local server = require "support.server"
local world = require "support.small_pipeline"

local shell = server.shell

local ask, write, with_run, must_run = world.ask, world.write, world.with_run, world.must_run
local load_and_publish, assert_clean_end, last_state = world.load_and_publish, world.assert_clean_end, world.last_state
local rules, good, remove_folder = world.rules, world.good, world.remove_folder
local folder

local function make_folder()
  folder = world.make_folder()
end

describe("a pipeline", function()
  before_each(make_folder)
  after_each(remove_folder)

  it("gives the same tables with several workers, each with connections of its own", function()
    local records = {}
    for i = 1, 20000 do
      records[i] = ('%d,"name\n%d",%s'):format(i % 19990, i, i % 500 == 0 and "x" or i / 4)
    end
    write("item.csv", "id,name,price\n" .. table.concat(records, "\n"))
    local sums = {}
    for i, count in ipairs { 1, 3 } do
      must_run(function(run)
        run:load("item", "item.csv", rules, { workers = count, unlogged = count == 3 })
        run:publish()
      end)
      sums[i] = ask "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM item AS t" .. "/"
        .. ask "SELECT count(*), md5(string_agg(row(id, name, price, _line)::text, '' ORDER BY _line)) FROM item_raw"
        .. "/" .. ask([[SELECT count(*), md5(string_agg(concat_ws('|', line, reason, original), '|' ORDER BY line))
          FROM pghost.rejects WHERE run_id = ]] .. i)
    end
    assert.equal(sums[1], sums[2])
    assert.truthy(sums[1]:find("^199%d%d|"))
    assert.equal("u", ask "SELECT relpersistence FROM pg_class WHERE relname = 'item_raw'")
  end)

  it("leaves nothing to a first reader or to VACUUM in tables that one transaction has made and filled", function()
    write("item.csv", "id,name,price\n1,a,2\n2,b,3\nx,c,4\n")
    must_run(load_and_publish)
    ask "CREATE EXTENSION IF NOT EXISTS pg_visibility"
    assert.equal("t|t", ask [[SELECT (SELECT bool_and(all_visible AND all_frozen) FROM pg_visibility('item_raw')),
      (SELECT bool_and(all_visible AND all_frozen) FROM pg_visibility('item'))]])
    assert.equal("1|a|2.00\n2|b|3.00", ask "SELECT * FROM item ORDER BY id")
  end)

  it("gives every raw record the run's time: with one transaction, one a file, several workers", function()
    write("item2.csv", "id,name,price\n7,g,2\n8,h,3\n")
    for _, config in ipairs { {}, { resume = true, checkpoint = 1 }, { workers = 3 } } do
      must_run(load_and_publish, config)
      assert.equal("6|6", ask [[SELECT count(*), count(*) FILTER (WHERE _loaded_at = (SELECT max(started_at)
        FROM pghost.runs)) FROM item_raw]])
    end
  end)

  it("shows a hook each table before it is filled, and lets it change it", function()
    local seen = {}
    must_run(load_and_publish, { table_created = function(conn, schema, name)
      local place = conn:quote_identifier(schema) .. "." .. conn:quote_identifier(name)
      seen[#seen + 1] = name .. " " .. conn:query([[SELECT string_agg(attname, ' ' ORDER BY attnum) AS columns
        FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0]], place)[1].columns
      conn:query(("ALTER TABLE %s SET (fillfactor = 50)"):format(place))
    end })
    table.sort(seen)
    assert.same({ "item id name price _file_id _line", "item_raw id name price _file_id _line _loaded_at" }, seen)
    assert.equal("{fillfactor=50}|{fillfactor=50}", ask [[SELECT (SELECT reloptions FROM pg_class WHERE
      oid = 'item'::regclass), (SELECT reloptions FROM pg_class WHERE oid = 'item_raw'::regclass)]])
  end)

  it("loads raw and clean, keeps the first of a key, and publishes", function()
    must_run(load_and_publish)
    assert.equal("1|one|1.50\n2|two\nlines|", ask "SELECT * FROM item ORDER BY id")
    assert.equal("1|one|1.5|2\n2|two\nlines||3\n 3 |three|x|5\n1|again|2|6",
      ask "SELECT id, name, price, _line FROM item_raw ORDER BY _line")
    assert.equal("t", ask "SELECT bool_and(_loaded_at = started_at) FROM item_raw, pghost.runs")
    assert.equal("bigint|t|p", ask [[
      SELECT format_type(atttypid, atttypmod), attnotnull, contype FROM pg_attribute JOIN pg_constraint
      ON conrelid = attrelid AND conkey = ARRAY[attnum] WHERE attrelid = 'item'::regclass]])
    assert.equal("published", last_state())
    assert_clean_end()
  end)

  it("keeps rejects with reason, place and original bytes", function()
    must_run(load_and_publish)
    assert.equal(table.concat({
      "5|39|11|price|type|not a numeric 'x'| 3 ,three,x",
      "6|51|9|id|key|duplicate of id '1' at item.csv:2|1,again,2",
    }, "\n"), ask [[
      SELECT line, byte_offset, byte_length, column_name, rule, reason, convert_from(original, 'UTF8')
      FROM pghost.rejects ORDER BY line]])
    assert.equal("4|2|1|1|0|" .. #good, ask [[
      SELECT records, loaded, rejected, duplicates, filtered, size FROM pghost.files]])
    assert.equal(shell("sha256sum < " .. folder .. "/item.csv"):match("%x+"), ask "SELECT sha256 FROM pghost.files")
  end)

  it("takes files in the order of their names: the first of a key is in the first file", function()
    write("item.csv", "id,name,price\n1,last,1\n")
    write("item-b.csv", 'PRICE, Name ,"Id",extra\r\n2,"b\r\n""x""",1,e\r\n3,c,2,f\r\n')
    write("item-a.csv", "id,name,price\n7,a,1\n1,a,1\n")
    local log = must_run(load_and_publish)
    assert.equal("1|a\n2|c\n7|a", ask "SELECT id, name FROM item ORDER BY id")
    assert.equal("item-b.csv:2 duplicate of id '1' at item-a.csv:3\nitem.csv:2 duplicate of id '1' at item-a.csv:3",
      ask [[SELECT f.name || ':' || line || ' ' || reason FROM pghost.rejects JOIN pghost.files f USING (file_id)
        ORDER BY f.name]])
    assert.equal('2,"b\r\n""x""",1,e', ask [[
      SELECT convert_from(original, 'UTF8') FROM pghost.rejects JOIN pghost.files f USING (file_id)
      WHERE f.name = 'item-b.csv']])
    assert.equal("e\nf\n\n\n", ask "SELECT extra FROM item_raw ORDER BY extra")
    assert.matches("item%-b.csv: only in the raw table: extra", log)
  end)

  it("finds the original bytes in files of old Macs, and across the blocks they are read in", function()
    local filler = {}
    for i = 1, 60000 do
      filler[i] = ("%d,name of item number %d,1"):format(i, i)
    end
    local lines = "id,name,price\r" .. table.concat(filler, "\r") .. "\r"
    write("item.csv", lines .. '7,"a\rb",1\r9,last,1')
    must_run(load_and_publish)
    assert.equal(("60002|%d|7,\"a\rb\",1\n60004|%d|9,last,1"):format(#lines, #lines + 10), ask [[
      SELECT line, byte_offset, convert_from(original, 'UTF8') FROM pghost.rejects ORDER BY line]])
  end)

  it("gives the same by stage and clean as by load", function()
    must_run(load_and_publish)
    local tables = "SELECT * FROM item ORDER BY id"
    local rejects = [[SELECT line, byte_offset, byte_length, column_name, rule, reason, original FROM pghost.rejects
      WHERE run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY line]]
    local counts = [[SELECT records, loaded, rejected, duplicates, filtered, unreadable, size, sha256, state
      FROM pghost.files WHERE run_id = (SELECT max(run_id) FROM pghost.runs)]]
    local before = { ask(tables), ask(rejects), ask(counts), ask "SELECT id, name, _line FROM item_raw ORDER BY 3" }
    must_run(function(run)
      run:stage("item", "item.csv", rules)
      run:clean("item", rules)
      run:publish()
    end)
    assert.same(before, { ask(tables), ask(rejects), ask(counts),
      ask "SELECT id, name, _line FROM item_raw ORDER BY 3" })
  end)

  it("cleans again from a published raw table, without the files", function()
    must_run(load_and_publish)
    os.remove(folder .. "/item.csv")
    must_run(function(run)
      run:clean("item", r.table("item", { { "id", r.bigint():trim():required() } }))
      run:publish()
    end)
    assert.equal("1\n1\n2\n3", ask "SELECT id FROM item ORDER BY id")
    assert.equal("4", ask "SELECT count(*) FROM item_raw")
  end)

  it("stages a file without rules, every column as text", function()
    write("odd.csv", 'a;b,"Drop table ""x""",\xc3\xa9\n1,,""\n')
    must_run(function(run)
      run:stage("odd", "odd.csv")
      run:publish()
    end)
    assert.equal('1|t|f|1', ask "SELECT a_b, drop_table_x IS NULL, é IS NULL, 1 FROM odd_raw")
  end)

  it("gives byte-identical tables when it is run five times", function()
    local function dump()
      return ask "SELECT * FROM item" .. ask "SELECT id, name, price, _line FROM item_raw" .. ask "SELECT * FROM total"
    end
    shell(("mkdir %s/sql && echo 'SELECT id, price FROM item WHERE id > 0' > %s/sql/total.sql"):format(folder, folder))
    local first
    for _ = 1, 5 do
      must_run(function(run)
        run:load("item", "item.csv", rules)
        run:analyse(folder .. "/sql")
        run:publish()
      end)
      first = first or dump()
      assert.equal(first, dump())
    end
    assert.equal("5", ask "SELECT count(*) FROM pghost.runs WHERE state = 'published'")
  end)

  it("comments every table and column of its history", function()
    must_run(load_and_publish)
    assert.equal("", ask [[
      SELECT c.relname || '.' || coalesce(a.attname, '') FROM pg_class c
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind = 'r'
        AND col_description(c.oid, coalesce(a.attnum, 0)) IS NULL]])
    assert.equal("0", ask [[SELECT count(*) FROM pg_class WHERE relnamespace = 'pghost'::regnamespace AND relkind = 'r'
      AND obj_description(oid) IS NULL]])
  end)

  it("records steps, and keeps secrets out of the config", function()
    must_run(load_and_publish,
      { parameters = { db_password = "hunter2", link = "postgresql://u:hunter2@h/d", n = 3 }, as_of = "2024-01-31" })
    assert.equal("load|item|done|4\npublish|public|done|",
      ask "SELECT kind, name, state, counts->>'records' FROM pghost.steps ORDER BY step_id")
    local config = cjson.decode(ask "SELECT config FROM pghost.runs")
    assert.equal(3, config.n)
    assert.is_nil(config.db_password)
    assert.equal("0", ask "SELECT count(*) FROM pghost.runs WHERE runs::text LIKE '%hunter2%'")
    assert.equal("2024-01-31 00:00:00", ask "SELECT as_of FROM pghost.runs")
  end)

  it("takes settings from the command line", function()
    must_run(function(run)
      assert.is_false(run.settings.parameters.leave_out)
      assert.equal(7, run.settings.parameters.limit)
      assert.equal("2024-06-30 00:00:00.000000", run.as_of)
      load_and_publish(run)
    end, { parameters = { leave_out = true, limit = 5 }, schema = "public", as_of = "" },
      { "--leave-out", "no", "--limit", "7", "--schema", "other place", "--as-of", "2024-06-30 00:00:00" })
    assert.equal("2", ask 'SELECT count(*) FROM "other place".item')
    for _, words in ipairs { { "--limit", "x" }, { "--leave-out", "maybe" }, { "--nothing" }, { "--as-of", "soon" } } do
      local _, problem = with_run(load_and_publish, { parameters = { leave_out = true, limit = 5 } }, words)
      assert.equal(2, problem.exit)
    end
  end)
end)

describe("checks", function()
  local check = require "pghost.check"

  before_each(make_folder)
  after_each(remove_folder)

  it("warn, are recorded passed or not, and let the run go on", function()
    local log = must_run(function(run)
      run:load("item", "item.csv", rules)
      run:check {
        check.unique("item.id"),
        check.holds("item", "id < :top", { severity = "warn", name = "small" }),
        check.references("item.id", "item.price", { severity = "warn" }),
        check.row_count("item", 2, 2),
        check.not_null("item.price", { severity = "warn" }),
      }
      run:publish()
    end, { parameters = { top = 2 } })
    assert.equal(table.concat({
      "item: nothing lost, nothing twice|error|t|0|",
      "item is not empty|error|t|0|",
      "item is unique by id|error|t|0|",
      'small|warn|f|1|[{"id": 2, "name": "two\\nlines", "price": null}]',
      'item.id references item|warn|f|2|[{"id": 1, "rows": 1}, {"id": 2, "rows": 1}]',
      "item has 2 to 2 rows|error|t|0|",
      'item.price is never null|warn|f|1|[{"id": 2, "name": "two\\nlines", "price": null}]',
    }, "\n"), ask "SELECT name, severity, passed, violations, samples FROM pghost.checks ORDER BY check_id")
    assert.matches("warn: 2 violations", log)
  end)

  it("of severity error run to the end, then stop; nothing is published", function()
    must_run(load_and_publish)
    write("item.csv", "id,name,price\n8,new,\n")
    local _, problem = with_run(function(run)
      run:load("item", "item.csv", rules)
      run:check { check.holds("item", "id < 5", { name = "small" }), check.row_count("item", 1) }
      run:publish()
    end)
    assert.equal("1 check failed, nothing is published: small", tostring(problem))
    assert.same({ "check", 4 }, { problem.code, problem.exit })
    assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    assert.equal("2", ask "SELECT count(*) FROM pghost.checks WHERE name IN ('small', 'item has at least 1 rows')")
    assert.equal("failed", last_state())
    assert_clean_end()
  end)

  it("find a table from which every record was rejected", function()
    write("item.csv", "id,name,price\nx,y,z\n")
    local _, problem = with_run(load_and_publish)
    assert.equal("1 check failed, nothing is published: item is not empty", tostring(problem))
    assert.equal(4, problem.exit)
    assert.equal("1", ask "SELECT count(*) FROM pghost.rejects")
  end)
end)

describe("analytics", function()
  before_each(function()
    make_folder()
    shell(("mkdir %s/sql"):format(folder))
  end)

  after_each(function()
    remove_folder()
  end)

  local function analyse(sql, config)
    write("sql/answer.sql", sql)
    return with_run(function(run)
      run:load("item", "item.csv", rules)
      run:analyse(folder .. "/sql")
      run:publish()
    end, config)
  end

  it("become tables of the query's columns and types, rows in the query's order", function()
    local _, problem = analyse([[
      WITH x AS (SELECT * FROM item) -- a comment; with a semicolon
      SELECT id::smallint AS "Big Id", name::varchar(9), price, :as_of AS at, :flag AS flag, 'a' || :word AS word
      FROM x ORDER BY id DESC;]], { as_of = "2024-02-29 12:00", parameters = { flag = true, word = "it's :x" } })
    assert.is_nil(problem)
    assert.equal("2|two\nlines||2024-02-29 12:00:00|t|ait's :x\n1|one|1.50|2024-02-29 12:00:00|t|ait's :x",
      ask "SELECT * FROM answer")
    assert.equal("smallint|character varying(9)|numeric(10,2)|timestamp without time zone|boolean|text", ask [[
      SELECT string_agg(format_type(atttypid, atttypmod), '|' ORDER BY attnum) FROM pg_attribute
      WHERE attrelid = 'answer'::regclass AND attnum > 0]])
  end)

  it("say which file is wrong", function()
    local _, problem = analyse "SELECT nope FROM item"
    assert.equal(folder .. '/sql/answer.sql:1: column "nope" does not exist', tostring(problem):match("[^\n]+"))
    _, problem = analyse "SELECT :nope"
    assert.matches("answer.sql: no parameter ':nope' %(has: as_of, ", tostring(problem))
    _, problem = analyse "SELECT 1 AS a; DROP TABLE item"
    assert.matches("answer.sql: more than one statement", tostring(problem))
    assert_clean_end()
  end)
end)
