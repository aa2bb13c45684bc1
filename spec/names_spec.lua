-- Names of columns: one naming for `load --create`, `sniff --lua` and pipelines, and rules that say what their columns
-- are called in the files. The cells of every file here say in which column of which record they stand.

local names = require "pghost.catalog.names"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local r = require "pghost.rules"
local new_seed = require "support.seed"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

fixture.once(function(keep)
  folder, dsn = keep(pghost.folder()), server.get():database()
  db = keep(require("pghost.connection").open { dsn = dsn })
end)

local function psql(sql)
  return shown.text(db, sql)
end

local function quoted(text)
  return '"' .. text:gsub('"', '""') .. '"'
end

-- Two records under the header: cell i of record j is 100 * j + i.
local function write(name, header)
  local lines = { {}, {}, {} }
  for i, one in ipairs(header) do
    lines[1][i], lines[2][i], lines[3][i] = quoted(one), tostring(100 + i), tostring(200 + i)
  end
  for i, line in ipairs(lines) do
    lines[i] = table.concat(line, ",")
  end
  return pghost.write(folder .. "/" .. name, table.concat(lines, "\n") .. "\n")
end

local function values_expected(count)
  local sums = {}
  for i = 1, count do
    sums[i] = ("%d|%d"):format(100 + i, 200 + i)
  end
  return table.concat(sums, ",")
end

-- The values of all columns of a table, in its order.
local function values_in(table_name)
  local list = {}
  for row in db:query([[
      SELECT a.attname::text AS name FROM pg_attribute AS a WHERE a.attrelid = $1::regclass AND a.attnum > 0
      AND a.attname NOT IN ('_file_id', '_line', '_loaded_at') ORDER BY a.attnum]], table_name):rows() do
    local values = db:query(("SELECT string_agg(c::text, '|' ORDER BY c) AS all FROM (SELECT %s AS c FROM %s) AS t")
      :format(db:quote_identifier(row.name), table_name))[1].all
    list[#list + 1] = values
  end
  return table.concat(list, ",")
end

describe("identifiers", function()
  local long = ("ä"):rep(40)
  local cases = {
    { { "id", "Desk No.", "", "A", "a", "2020" }, { "id", "desk_no", "column_3", "a", "a_2", "_2020" } },
    { { "xmin", "ctid", "tableoid", "oid" }, { "xmin_2", "ctid_2", "tableoid_2", "oid" } },
    { { "_line", "_file_id", "_loaded_at" }, { "_line_2", "_file_id_2", "_loaded_at_2" } },
    { { long, long }, { ("ä"):rep(31), ("ä"):rep(30) .. "_2" } },
    { { 'x"y', "x'y", "x]]y", "x--y", "x\ny" }, { "x_y", "x_y_2", "x_y_3", "x_y_4", "x_y_5" } },
    { { "a_2", "a", "a" }, { "a_2", "a", "a_3" } },
    { { "  pad ", "\t", "😀", "---", "a\xffb" }, { "pad", "column_2", "😀", "column_4", "a_b" } },
    { { "select", "user", "table" }, { "select", "user", "table" } },
  }
  for _, case in ipairs(cases) do
    it(table.concat(case[1], ", "):gsub("[%c\x80-\xff]", "?"), function()
      assert.same(case[2], names.identifiers(case[1]))
    end)
  end
end)

describe("the column of a rule", function()
  local header = { "Town (code)", "mail", "e-mail", "a", "a", "A", "Größe" }
  local function found(...)
    return names.match("f.csv", header, { ... })[1]
  end

  it("is found by name, in any case, by the identifier of its name, and by position", function()
    assert.equal(2, found { name = "mail" })
    assert.equal(2, found { name = "MAIL" })
    assert.equal(1, found { name = "town_code" })
    assert.equal(1, found { name = "town", from = "town (code)" })
    assert.equal(3, found { name = "mail", from = { "no such", "e-mail", "mail" } })
    assert.equal(5, found { name = "a", from = 5 })
    assert.equal(6, found { name = "x", from = "A" })
    assert.is_nil(found { name = "x", from = 8 })
    assert.same({ 1 }, select(2, names.match("f.csv", header, { { name = "x", from = { "y", 9 } } })))
  end)

  it("is refused where several could be meant", function()
    local good, problem = pcall(found, { name = "a" })
    assert.is_false(good)
    assert.equal("f.csv: several columns of the header are named 'a': pick one by its position, as in from = 2",
      tostring(problem))
  end)

  it("is said by a name, a position, or a list, and by nothing else", function()
    local function message(entry)
      local _, text = pcall(r.table, "t", { entry })
      return (tostring(text):gsub("^[^ ]*:%d+: ", ""))
    end
    for _, bad in ipairs { "", 0, 1.5, true, { 1.5 } } do
      assert.matches("rules 't': column 'x': from: a name in the header or a position from 1 expected, got '",
        message { "x", r.text(), from = bad })
    end
    assert.equal("rules 't': column 'x': from: at least one name or position expected",
      message { "x", r.text(), from = {} })
    assert.equal("rules 't': column 'x': unknown option 'form': only 'from' is known",
      message { "x", r.text(), form = "y" })
    assert.matches("x from 'e%-mail' or 3",
      r.table("t", { { "x", r.text(), from = { "e-mail", 3 } } }):describe())
  end)
end)

-- Headers as nobody would want them. The names are drawn so that they meet each other.
local function hostile_headers(count, seed)
  local pool = { "id", "ID", "Id", "", " ", "airport name", "airport_name", "Airport-Name", "xmin", "ctid",
    "_line", "_file_id", "select", "order", 'quo"ted', "it's", "--", "]]", "]=] --", "a\nb", "a\r\nb",
    "tab\there", "\\", "%d", ("long"):rep(20), ("long"):rep(20) .. "x", ("ü"):rep(40), "column_3", "column_1",
    "1st", "2020", "größe", "GRÖSSE", "_extra", "😀", "a b", "a_b", "a,b", "a;b", "x\127", "end", "nil", "#", "é",
    "\u{0301}" }
  math.randomseed(seed)
  local list = {}
  for i = 1, count do
    local header = { "id_" .. i }
    for k = 2, math.random(3, 12) do
      header[k] = pool[math.random(#pool)]
    end
    list[i] = header
  end
  return list
end

describe("rules that sniff writes", function()
  it("load the file, whatever its header is like: by load, and in a pipeline", function()
    local seed = new_seed()
    local headers = hostile_headers(24, seed)
    local script = { 'local pipeline = require "pghost.pipeline"\nlocal run <close> = pipeline.start("names", {})\n' }
    for i, header in ipairs(headers) do
      local name = ("h%d"):format(i)
      local path = write(name .. ".csv", header)
      local what = ("seed %d: %s"):format(seed, table.concat(header, " | "))
      local rules, err, code = pghost.run { "sniff", "--lua", path, "--name", "p_" .. name }
      assert.equal(0, code, what .. err)
      pghost.write(("%s/%s_rules.lua"):format(folder, name), rules)
      err, code = select(2, pghost.run { "--dsn", dsn, "load", path, "--rules",
        ("%s/%s_rules.lua"):format(folder, name), "--create", "--into", "public.l_" .. name, "--header", "1" })
      assert.equal(0, code, what .. "\n" .. rules .. err)
      assert.equal(values_expected(#header), values_in("public.l_" .. name), what)
      script[#script + 1] = ('run:load("p_%s", "%s", dofile "%s/%s_rules.lua")\n'):format(name, path, folder, name)
    end
    script[#script + 1] = "run:publish()\n"
    local _, err, code = pghost.run { "--dsn", dsn, pghost.write(folder .. "/names.lua", table.concat(script)) }
    assert.equal(0, code, err)
    for i, header in ipairs(headers) do
      assert.equal(values_expected(#header), values_in(("public.p_h%d"):format(i)), table.concat(header, " | "))
      assert.equal(values_expected(#header), values_in(("public.p_h%d_raw"):format(i)), table.concat(header, " | "))
    end
  end)

  it("name the same columns as load --create", function()
    local header = { "id", "Airport Name", "", "xmin", "Id", "2020", "a;b" }
    local path = write("same.csv", header)
    local rules = load((pghost.run { "sniff", "--lua", path }))()
    local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--create", "--into", "public.same" }
    assert.equal(0, code, err)
    local made = {}
    for i, column in ipairs(rules) do
      made[i] = column.name
    end
    assert.equal(table.concat(made, ","), psql [[
      SELECT string_agg(attname, ',' ORDER BY attnum) AS names FROM pg_attribute
      WHERE attrelid = 'public.same'::regclass AND attnum > 0]])
    assert.same(names.identifiers(header), made)
  end)

  it("load files without a header, by load and in a pipeline", function()
    local path = pghost.write(folder .. "/bare.csv", "1,2024-01-05,x\n2,2024-01-06,y\n")
    local rules = pghost.run { "sniff", "--lua", path, "--name", "bare" }
    assert.matches('{ "column_2", r.date%(%):required%(%), from = 2 }', rules)
    pghost.write(folder .. "/bare_rules.lua", rules)
    local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--no-header", "--rules", folder .. "/bare_rules.lua",
      "--create", "--into", "public.bare_l" }
    assert.equal(0, code, err)
    _, err, code = pghost.run { "--dsn", dsn, pghost.write(folder .. "/bare.lua", ([[
      local run <close> = require("pghost.pipeline").start("bare", {})
      run:load("bare", "%s", dofile "%s/bare_rules.lua", { header = false })
      run:publish()]]):format(path, folder)) }
    assert.equal(0, code, err)
    for _, name in ipairs { "bare", "bare_l" } do
      assert.equal("1|2024-01-05|x\n2|2024-01-06|y",
        psql("SELECT * FROM public." .. name .. " ORDER BY 1"))
    end
  end)
end)

describe("a pipeline", function()
  local function load(text, rules)
    pghost.write(folder .. "/in.csv", text)
    pghost.write(folder .. "/in.lua", ([[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("one", {})
      run:load("one", "%s/in.csv", r.table("one", %s))
      run:publish()]]):format(folder, rules))
    local _, err, code = pghost.run { "--dsn", dsn, folder .. "/in.lua" }
    return err, code
  end

  it("takes columns by other names and by position, and keeps the rest under names made fit", function()
    local err, code = load("Town (code),e-mail,n,n,Extra Col,_x\n1,a,5,6,e,f\n",
      '{ { "town", r.bigint(), from = "Town (code)" }, { "mail", r.text(), from = { "mail", "e-mail" } },'
      .. ' { "n1", r.bigint(), from = 3 }, { "n2", r.bigint(), from = 4 }, { "again", r.text(), from = 4 } }')
    assert.equal(0, code, err)
    assert.matches("column 5 'Extra Col' is named extra_col in the raw table", err)
    assert.equal("1|a|5|6|6", psql "SELECT * FROM public.one")
    assert.equal("1|a|5|6|6|e|f",
      psql "SELECT town, mail, n1, n2, again, extra_col, _x FROM public.one_raw")
  end)

  it("says what it looked for, and refuses what is not clear", function()
    for _, case in ipairs {
      { "a,b\n1,2\n", '{ { "x", r.text(), from = { "u", "v" } } }',
        "no column 'u' or 'v' (has: a, b); in the rules, from = \"...\" gives another name" },
      { "a,b\n1,2\n", '{ { "x", r.text(), from = 3 } }',
        "no column 3 (has: a, b); in the rules, from = \"...\" gives another name" },
      { "a,a,c\n1,2,3\n", '{ { "x", r.text(), from = 3 } }',
        "several columns of the header are named 'a', and no rule takes column 1 by its position" },
      { "a,,c\n1,2,3\n", '{ { "x", r.text(), from = 3 } }',
        "column 2 of the header has no name: header_names 'repair' numbers such columns" },
    } do
      local err, code = load(case[1], case[2])
      assert.equal(1, code, err)
      assert.is_truthy(err:find(case[3], 1, true), err)
    end
  end)
end)

describe("load --auto --create", function()
  local function load_files(files, ...)
    local words = { "--dsn", dsn, "load", "--auto", "--create" }
    for i, text in ipairs(files) do
      words[#words + 1] = pghost.write(("%s/auto%d.csv"):format(folder, i), text)
    end
    db:query "DROP TABLE IF EXISTS public.auto"
    for _, word in ipairs { "--into", "public.auto", ... } do
      words[#words + 1] = word
    end
    local _, err, code = pghost.run(words)
    return err, code
  end

  local function types()
    return psql [[SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = 'public.auto'::regclass AND attnum > 0]]
  end

  it("makes typed columns, and text where it is not sure", function()
    local err, code = load_files { "id;Price;Day;when;n;code;at\n"
      .. "1;1.234,5;31.12.2024;01/02/2024;x;007;2024-01-01T10:00:00Z\n"
      .. "2;0,5;01.02.2024;02/03/2024; y ;012;2024-01-01T10:00:00+02\n3;NULL;01.02.2024;02/03/2024;NULL;1;\n" }
    assert.equal(0, code, err)
    assert.equal("id bigint, price numeric, day date, when text, n text, code text, at timestamp with time zone",
      types())
    assert.matches("column 'when' stays text: date DD/MM/YYYY, or date MM/DD/YYYY", err)
    assert.equal("1|1234.5|2024-12-31|01/02/2024|x|007|10\n2|0.5|2024-02-01|02/03/2024| y |012|8\n"
      .. "3||2024-02-01|02/03/2024|NULL|1|",
      psql [[SELECT id, price, day, "when", n, code, extract(hour FROM at AT TIME ZONE 'UTC') FROM public.auto
        ORDER BY 1]])
  end)

  it("has one type for all files, text where they differ", function()
    local err, code = load_files { "id,x,y,z\n1,1,2024-01-01,\n2,2,2024-01-02,\n", "id,x,y,z\n3,1.5,5,7\n4,-,6,8\n" }
    assert.equal(0, code, err)
    assert.equal("id bigint, x numeric, y text, z bigint", types())
    assert.matches("column 'y' stays text: the files differ in its type", err)
  end)

  it("stays text where records come in that were not looked at", function()
    local text = "id,x,y\n" .. ("1,2,3\n"):rep(20) .. "1,2\n"
    local err, code = load_files({ text }, "--too-few", "pad")
    assert.equal(0, code, err)
    assert.equal("id text, x text, y text", types())
  end)
end)
