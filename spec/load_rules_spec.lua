-- pghost load --create and --rules: tables made of headers and of rules, records cleaned and checked.

local here = require "support.load_command"

local write, psql, must_load, must_fail = here.write, here.psql, here.must_load, here.must_fail

here.each()

describe("pghost load --create", function()
  it("makes safe names of odd headers and reports them", function()
    local long = ("ä"):rep(40)
    write("f.csv", ('id,"Desk No.",,A,a,2020,ctid,%s,%s,"x""y",_,id\n1,2,3,4,5,6,7,8,9,10,11,""\n'):format(long, long))
    local err = must_load { "f.csv", "--into", "T", "--create" }
    assert.equal(table.concat({ "id", "desk_no", "column_3", "a", "a_2", "_2020", "ctid_2", ("ä"):rep(31),
      ("ä"):rep(30) .. "_2", "x_y", "column_11", "id_2" }, "|"), psql [[
      SELECT string_agg(attname, '|' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0]])
    assert.equal("text", psql [[
      SELECT DISTINCT format_type(atttypid, atttypmod) FROM pg_attribute
      WHERE attrelid = 't'::regclass AND attnum > 0]])
    assert.equal("1|2|3|4|5|6|7|8|9|10|11|", psql "SELECT * FROM t")
    assert.matches("\nf.csv: column 3 '' is named column_3 in the table\n", "\n" .. err)
    assert.matches("\nf.csv: column 5 'a' is named a_2 in the table\n", err)
    assert.is_nil(err:find("column 1 ", 1, true))
  end)

  it("makes nothing when the load fails, or when the table is there", function()
    write("f.csv", "a,b\n1,2\n3\n")
    must_fail(1, "f.csv:3: too few fields: 1 of 2", { "f.csv", "--into", "t", "--create" })
    assert.equal("f", psql "SELECT to_regclass('t') IS NOT NULL")
    must_load { "f.csv", "--into", "t", "--create", "--max-rejects", "1" }
    must_fail(1, 'relation "t" already exists', { "f.csv", "--into", "t", "--create", "--max-rejects", "1" })
  end)

  it("has the columns of all files, and numbers those without a header", function()
    write("a.csv", "x,y\n1,2\n")
    write("b.csv", "Y,z\n3,4\n")
    must_load { "a.csv", "b.csv", "--into", "t", "--create", "--schema", "public" }
    assert.equal("1|2|\n|3|4", psql "SELECT x, y, z FROM t ORDER BY y")
    must_load({ "-", "--into", "u", "--create", "--no-header" }, { stdin = "a,b\nc,d\n" })
    assert.equal("a|b\nc|d", psql "SELECT column_1, column_2 FROM u ORDER BY 1")
  end)
end)

describe("pghost load --rules", function()
  local function rules(columns, more)
    write("rules.lua", ([[
      local r = require "pghost.rules"
      local clean = require "shared"
      return r.table("item", { %s }, { %s })]]):format(columns, more or ""))
    write("shared.lua", "return function(column) return column:trim() end")
  end

  local function words(...)
    return { "f.csv", "--into", "item", "--rules", "rules.lua", ... }
  end

  it("cleans, checks and filters by them", function()
    psql "CREATE TABLE item (name varchar(10), extra int DEFAULT 3, id bigint)"
    rules('{ "id", clean(r.bigint()):required() }, { "name", clean(r.text()):upper() }',
      'row = { r.filter("name", "=", "TEST") }')
    write("f.csv", "name,other,id\n a ,x, 1 \nb,y,\ntest,z,3\n")
    local err = must_load(words("--max-rejects", "1"))
    assert.matches("^f.csv: not loaded, since no rule names it: other\nrejected: f.csv:3: id: is required\n"
      .. "loaded 1 record from [^\n]*, 1 rejected, 1 filtered\n$", err)
    assert.equal("A|3|1", psql "SELECT * FROM item")
  end)

  it("tells a column without a name that no rule takes by its position", function()
    psql "CREATE TABLE item (id int)"
    rules('{ "id", r.integer() }')
    write("f.csv", "id,\n1,x\n")
    assert.matches("f.csv: not loaded, since no rule names it: column 2, which has no name\n", must_load(words()))
  end)

  it("runs rules written in Lua, and counts what they reject", function()
    psql "CREATE TABLE item (id int)"
    rules('{ "id", r.integer() }', 'row = { r.check("id", function(id) return id < 3, "too big" end) }')
    write("f.csv", "id\n1\n2\n3\n4\n")
    must_fail(1, "f.csv:4: id: too big", words())
    must_fail(4, "more rejected records than the 1 that --max-rejects allows: nothing is loaded",
      words("--max-rejects", "1"))
    must_load(words("--max-rejects", "50%"))
    assert.equal("2", psql "SELECT count(*) FROM item")
  end)

  it("takes --null before the rules", function()
    psql "CREATE TABLE item (id int)"
    rules '{ "id", r.integer():default(5) }'
    write("f.csv", "id\n-\n1\n")
    must_load(words("--null", "-"))
    assert.equal("1\n5", psql "SELECT id FROM item ORDER BY 1")
  end)

  it("must fit the table and the file", function()
    psql [[CREATE TYPE mood AS ENUM ('happy');
      CREATE TABLE item (id int, m mood, g int GENERATED ALWAYS AS (1) STORED, p point)]]
    write("f.csv", "id,m,p\n1,happy,\n2,sad,\"(1,2)\"\n")
    rules '{ "nix", r.integer() }'
    must_fail(1, "the rules have a column 'nix' that public.item does not have", words())
    rules '{ "id", r.bigint() }'
    must_fail(1, "column 'id' is bigint in the rules and integer in public.item: make them the same", words())
    rules '{ "g", r.integer() }'
    must_fail(1, "the rules have a column 'g' that the server generates in public.item: leave it out", words())
    rules '{ "id", r.integer() }, { "m", r.text() }, { "p", r.text() }'
    local err = must_load(words("--max-rejects", "1"))
    assert.matches("rejected: f.csv:3: m: ", err)
    assert.equal("1|happy|", psql "SELECT id, m, p FROM item")
    write("f.csv", "id\n1\n")
    must_fail(1, "f.csv: no columns 'm', 'p' (has: id); in the rules, from = \"...\" gives another name", words())
    write("rules.lua", "return 1")
    must_fail(2, "'rules.lua' returns no rules: `return r.table(...)` expected", words())
  end)

  it("give the types of a table to create", function()
    rules '{ "id", r.integer():required() }, { "price", r.numeric(6, 2) }'
    write("f.csv", "price,id,x\n1.5,1,y\n")
    must_load(words("--create"))
    assert.equal("id integer t, price numeric(6,2) f", psql [[
      SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 0]])
  end)
end)
