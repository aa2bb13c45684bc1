-- pghost init: the project that it writes of files, run at once; keys and references as Python finds them.
--
-- PGHOST_INIT_SEED: of the tables that are made up.

local cjson = require "cjson"
local lfs = require "lfs"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"
local new_seed = require "support.seed"

local sample = pghost.root .. "/data"
local oracle = pghost.root .. "/spec/support/init_oracle.py"
local seed = new_seed "PGHOST_INIT_SEED"

local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

local function files_of(folder)
  local list = {}
  for line in pghost.shell(("cd %s && find . -type f | sort"):format(pghost.quote(folder))):gmatch("[^\n]+") do
    list[#list + 1] = line:sub(3)
  end
  return list
end

local function checksums(folder)
  return (pghost.shell(("cd %s && find . -type f -exec sha256sum {} + | sort"):format(pghost.quote(folder))))
end

-- A run of the project's pipeline, its spec, and luacheck over its files.
local function assert_good(folder)
  local _, log, code = project:pghost(folder .. "/pipeline.lua")
  assert.same(0, code, log)
  local out, err, spec_code = pghost.run({ "test" }, { cd = folder })
  assert.same({ "", 0 }, { err, spec_code }, out)
  assert.matches("^%++\n%d+ success%a* / 0 failures / 0 errors / 0 pending ", out)
  local lint, _, lint_code = pghost.shell("luacheck --quiet --no-color " .. pghost.quote(folder))
  assert.same(0, lint_code, lint)
  return log
end

local function write_rows(name, header, rows)
  local lines = { header }
  for i = 1, rows or 20 do
    lines[#lines + 1] = ("%d,x%d,%.1f"):format(i, i % 3, i * 1.5)
  end
  return project:write(name, table.concat(lines, "\n") .. "\n")
end

describe("a project of the sample", function()
  local function make()
    return project:init(sample, "--into", "made", "--encoding", "utf-8", "--delimiter", ",")
  end

  it("runs at once, and its own spec passes", function()
    local out, err, code = make()
    assert.same({ "", 0 }, { err, code })
    assert.matches("booking: 20,000 records in 3 files, 8 columns\n", out, 1, true)
    assert.matches("company: 40 records in 1 file, 2 columns, key company_id\n", out, 1, true)
    local log = assert_good(project.folder .. "/made")
    assert.matches("load     booking +20,000 records in 3 files: 19,930 loaded, 70 rejected", log)
    -- what Python cannot read as a record, and nothing else, is a reject
    local found = cjson.decode((pghost.shell(("python3 %s sample %s"):format(oracle, sample))))
    for name, readable in pairs(found.readable) do
      assert.same(("%d"):format(readable), project:ask("select count(*) from made." .. name))
    end
    assert.same("3", project:ask "select count(*) from made.overview")
  end)

  it("has the references that Python finds", function()
    make()
    local found = cjson.decode((pghost.shell(("python3 %s sample %s"):format(oracle, sample))))
    local checks = pghost.read(project.folder .. "/made/checks.lua")
    local missing, all = checks:match("%-%- (%d+) of the ([%d,]+) values of booking%.user_id are not in users%.rn\n")
    assert.same({ found.missing, found.values }, { tonumber(missing), tonumber((all:gsub(",", ""))) })
    assert.matches('check.references("booking.user_id", "users.rn", { severity = "warn" }),', checks, 1, true)
  end)

  it("is not written a second time", function()
    make()
    local before = checksums(project.folder .. "/made")
    local _, err, code = make()
    assert.same({ "pghost: 'made/pipeline.lua' already exists, and nothing is overwritten: give --into another "
      .. "folder, or --add FILE for one more table\n", 1 }, { err, code })
    assert.same(before, checksums(project.folder .. "/made"))
  end)

  it("takes every file", function()
    local out, err, code = project:init(sample, "--into", "made")
    assert.same({ "", 0 }, { err, code })
    assert.matches("booking: 20,000 records in 3 files, 8 columns\n", out, 1, true)
    assert.matches("users: 2,000 records in 1 file", out, 1, true)
    assert_good(project.folder .. "/made")
  end)

  it("names what is not clear, and goes on without it", function()
    lfs.mkdir(project.folder .. "/csv")
    pghost.write(project.folder .. "/csv/towns.csv", "id,town\n1,Plze\xe5\n2,Brno\n3,Praha\n")
    pghost.write(project.folder .. "/csv/items.csv", "id,item\n1,nut\n2,bolt\n3,screw\n")
    local _, err, code = project:init("csv", "--into", "made")
    assert.same(0, code)
    assert.matches("warning: left out: towns.csv: the encoding is not clear", err, 1, true)
    local script = pghost.read(project.folder .. "/made/pipeline.lua")
    assert.matches("\n%-%- left out: towns%.csv: the encoding is not clear: .-%-%-encoding windows%-125", script)
    assert_good(project.folder .. "/made")
  end)
end)

describe("keys and references", function()
  for i = 0, 4 do
    it(("are those of tables made up with seed %d"):format(seed + i), function()
      lfs.mkdir(project.folder .. "/csv")
      local made = cjson.decode((pghost.shell(("python3 %s make %s %d"):format(oracle, project.folder .. "/csv",
        seed + i))))
      local out, err, code = project:init("csv", "--into", "p")
      assert.same({ "", 0 }, { err, code })
      for name, column in pairs { customers = "customer_id", products = "product_code", orders = "order_id" } do
        local rules = pghost.read(project.folder .. "/p/rules/" .. name .. ".lua")
        local key = ('\n  key = "%s",'):format(column)
        assert.same(made.keys[name], rules:find(key, 1, true) ~= nil, rules)
      end
      assert.matches("orders.customer_id refers to customers.customer_id\n", out, 1, true)
      assert.matches("orders.product_code refers to products.product_code\n", out, 1, true)
      assert.is_nil(out:find("pieces refers", 1, true))
      local reason = made.strangers == 0 and ("all %d values of orders.customer_id are in customers.customer_id")
        :format(made.orders) or ("%d of the %d values of orders.customer_id are not in customers.customer_id")
        :format(made.strangers, made.orders)
      assert.matches(reason, pghost.read(project.folder .. "/p/checks.lua"), 1, true)
      local log = assert_good(project.folder .. "/p")
      assert.same(made.strangers > 0, log:find("orders.customer_id references customers warn", 1, true) ~= nil)
    end)
  end

  it("say when records repeat as a whole, and when they differ", function()
    local lines = { "item_id,name" }
    for i = 1, 200 do
      lines[#lines + 1] = ("%d,n%d"):format(i, i)
    end
    project:write("same.csv", table.concat(lines, "\n") .. "\n7,n7\n")
    project:write("other.csv", table.concat(lines, "\n"):gsub("^item_id,name", "thing_id,label") .. "\n7,x\n")
    project:init("same.csv", "other.csv", "--into", "p")
    assert.matches('1 of 201 records repeat an earlier one as a whole.-\n  key = "item_id",',
      pghost.read(project.folder .. "/p/rules/same.lua"))
    assert.matches('not sure: 1 of 201 values of \'thing_id\' repeat.-\n  %-%- key = "thing_id",',
      pghost.read(project.folder .. "/p/rules/other.lua"))
  end)
end)

describe("files of one table", function()
  it("have the same header, and new ones of their kind come along", function()
    write_rows("sales_2024-01.csv", "id,kind,price", 10)
    write_rows("sales_2024-02.csv", "price,kind,id", 0)
    project:write("sales_2024-02.csv", "price,kind,id\n1.5,a,100\n2.25,b,101\n")
    local out = project:init(".", "--into", "p")
    assert.matches("sales: 12 records in 2 files, 3 columns, key id\n", out, 1, true)
    assert.matches('run:load("sales", "sales_2024-*.csv", require "rules.sales")',
      pghost.read(project.folder .. "/p/pipeline.lua"), 1, true)
    assert_good(project.folder .. "/p")
    assert.same("12|201", project:ask "select count(*), max(id) + 100 from p.sales")
  end)

  it("are not one for a header of two names alone", function()
    project:write("country.csv", "id,name\n1,Peru\n2,Chad\n")
    project:write("colour.csv", "id,name\n1,red\n2,blue\n")
    local out = project:init(".", "--into", "p")
    assert.matches("colour: 2 records in 1 file", out, 1, true)
    assert.matches("country: 2 records in 1 file", out, 1, true)
  end)

  it("with types that differ are text, and say so", function()
    project:write("a_1.csv", "id,when_,n\n1,2024-01-01,1\n2,2024-01-02,2\n")
    project:write("a_2.csv", "id,when_,n\n3,soon,1.5\n4,late,2\n")
    project:init(".", "--into", "p")
    local rules = pghost.read(project.folder .. "/p/rules/a.lua")
    assert.matches('%-%- not sure: date in one file, text in another: kept as text\n  { "when_", r.text%(%)', rules)
    assert.matches('{ "n", r.numeric():required() }', rules, 1, true)
    assert_good(project.folder .. "/p")
  end)
end)

describe("names of files and columns", function()
  local hostile = {
    ["a\"b'c.csv"] = "id,\"we\"\"ird\",price", ["new\nline.csv"] = "id,\"li\nne\",other",
    ["x]]--.csv"] = "id,\"]] --[[ os.exit(3)\",p3", ["--.csv"] = "id,--,end", ["end.csv"] = "id,end,\"select\"",
    ["select.csv"] = "id,user,\"table\"", ["Foo Bar.csv"] = "id,a1,b1", ["foo-bar.csv"] = "id,a2,b2",
    ["foo_bar_raw.csv"] = "id,a3,b3", [("n"):rep(70) .. ".csv"] = "id," .. ("c"):rep(70) .. ",z",
    [("é"):rep(35) .. ".csv"] = "id," .. ("ü"):rep(35) .. ",zz", ["pg_class.csv"] = "id,relname,q",
    ["overview.csv"] = "id,records,r", ["a*[1]?.csv"] = "id,g1,g2", ["%s%d.csv"] = "id,%s,%d",
    ["config.csv"] = "id,k1,k2", ["checks.csv"] = "id,xmin,ctid", ["init.csv"] = "id,_line,_file_id",
    ["dup.csv"] = "id,a,a", ["$(touch x);`id`.csv"] = "id,:as_of,\":x\"", ["back\\slash.csv"] = "id,c\\d,e\\n",
  }

  it("that break out elsewhere give a project that runs", function()
    lfs.mkdir(project.folder .. "/csv")
    local count = 0
    for name, header in pairs(hostile) do
      write_rows("csv/" .. name, header)
      count = count + 1
    end
    project:write("csv/bad\xff.csv", "id,h1,h2\n1,2,3\n")
    project:write("csv/empty.csv", "")
    project:write("csv/header.csv", "id,name,created_at,price\n")
    local _, err, code = project:init("csv", "--into", "p")
    assert.same(0, code, err)
    assert.same("warning: left out: bad\\xff.csv: its name is not valid UTF-8: rename it\n"
      .. "warning: left out: empty.csv: is empty\n"
      .. "warning: left out: header.csv: it has no records yet: add it once it has some\n", err)
    assert_good(project.folder .. "/p")
    assert.same(tostring(20 * count), project:ask [[select sum((xpath('/row/n/text()', query_to_xml(
      format('select count(*) as n from %I.%I', schemaname, tablename), false, true, '')))[1]::text::int)
      from pg_tables where schemaname = 'p' and tablename like '%\_raw' and tablename <> 'foo_bar_raw_2']])
    assert.is_nil(lfs.attributes(project.folder .. "/x"))
  end)
end)

describe("--add", function()
  before_each(function()
    lfs.mkdir(project.folder .. "/csv")
    write_rows("csv/first.csv", "id,kind,price")
    project:init("csv", "--into", "p")
    lfs.mkdir(project.folder .. "/p/deep")
  end)

  local function add(...)
    return pghost.run({ "init", "--add", ... }, { cd = project.folder .. "/p/deep" })
  end

  it("adds a table to the project that the folder is in", function()
    project:write("csv/second.csv", "a;b\n1;2\n3;4\n")
    local out, err, code = add("../../csv/second.csv")
    assert.same({ "", 0 }, { err, code })
    assert.matches("second: 2 records in 1 file, 2 columns", out, 1, true)
    assert.matches('require "rules.first")\nrun:load("second", "second.csv", require "rules.second", '
      .. '{ delimiter = ";" })\n', pghost.read(project.folder .. "/p/pipeline.lua"), 1, true)
    assert_good(project.folder .. "/p")
    assert.same("2", project:ask "select count(*) from p.second")
  end)

  it("refuses what is there already, what is not clear, and a place that is no project", function()
    local before = checksums(project.folder .. "/p")
    local _, err, code = add("../../csv/first.csv")
    assert.matches("pghost: 'first.csv' is loaded by '.*/p/pipeline.lua' already\n", err)
    assert.same(1, code)
    project:write("csv/odd.csv", "Anna Koch\nBen Ruiz\nCai Li\n")
    local _, unclear, unclear_code = add("../../csv/odd.csv")
    assert.matches("odd.csv: the .* is not clear", unclear)
    assert.same(1, unclear_code)
    assert.same(before, checksums(project.folder .. "/p"))
    local _, nowhere, nowhere_code = project:init("--add", "csv/first.csv")
    assert.same({ "pghost: no project here: no pipeline.lua in this folder or one above it (pghost init DIR makes "
      .. "one)\n", 2 }, { nowhere, nowhere_code })
  end)
end)

describe("what is given", function()
  it("makes the columns and types those of the load", function()
    project:write("v.csv", "version,name,made,end\n1,a,2024-01-01\n2,b,2024-01-02\n3,c,2024-01-03,2024-02-01\n")
    local _, err, code = project:init(".", "--into", "p", "--delimiter", ",", "--header", "1", "--too-few", "pad")
    assert.same({ "", 0 }, { err, code })
    local rules = pghost.read(project.folder .. "/p/rules/v.lua")
    assert.matches('{ "version", r.bigint():required() }', rules, 1, true)
    assert.matches('{ "end", r.date() }', rules, 1, true)
    assert_good(project.folder .. "/p")
    assert.same("3|1", project:ask 'select count(*), count("end") from p.v')
  end)

  it("can be that there is no header", function()
    project:write("v.csv", "1,a,2024-01-01\n2,b,2024-01-02\n3,c,2024-01-03\n")
    local _, err, code = project:init(".", "--into", "p", "--no-header")
    assert.same({ "", 0 }, { err, code })
    assert_good(project.folder .. "/p")
    assert.same("3", project:ask "select count(*) from p.v")
  end)
end)

describe("a project's place", function()
  it("is found from a subfolder, and run from anywhere", function()
    write_rows("t.csv", "id,kind,price")
    project:init(".")
    lfs.mkdir(project.folder .. "/sub")
    lfs.mkdir(project.folder .. "/sub/sub")
    local words = { "--dsn", project.dsn, "pipeline.lua" }
    local _, err, code = pghost.run(words, { cd = project.folder .. "/sub/sub" })
    assert.same(0, code, err)
    local _, whole, whole_code = pghost.run({ "--dsn", project.dsn, project.folder .. "/pipeline.lua" }, { cd = "/" })
    assert.same(0, whole_code, whole)
  end)

  it("is not looked for where everybody can write", function()
    project:write("pipeline.lua", "print 'somebody else'")
    lfs.mkdir(project.folder .. "/sub")
    pghost.shell("chmod 777 " .. project.folder)
    local out, err, code = pghost.run({ "pipeline.lua" }, { cd = project.folder .. "/sub" })
    assert.same({ "", "pghost: could not open script 'pipeline.lua': no such file or directory\n", 2 },
      { out, err, code })
    local _, add_err = pghost.run({ "init", "--add", "x.csv" }, { cd = project.folder .. "/sub" })
    assert.matches("no project here", add_err, 1, true)
  end)

  it("is not among pghost's own files, and nothing is left of one that cannot be written", function()
    write_rows("t.csv", "id,kind,price")
    local _, err, code = project:init(".", "--into", pghost.root .. "/scripts/mine")
    assert.matches("is among pghost's own files: give --into a folder of your own", err, 1, true)
    assert.same(2, code)
    project:write("README.md", "mine")
    local before = files_of(project.folder)
    local _, there, there_code = project:init(".")
    assert.same({ "pghost: 'README.md' already exists, and nothing is overwritten: give --into another folder\n", 1 },
      { there, there_code })
    project:write("taken", "")
    local _, _, file_code = project:init(".", "--into", "taken/x")
    assert.same(1, file_code)
    table.insert(before, "taken")
    table.sort(before)
    assert.same(before, files_of(project.folder))
  end)
end)

describe("misuse", function()
  for _, case in ipairs {
    { {}, "a folder with CSV files expected: pghost init DIR (see pghost init --help)", 2 },
    { { "nowhere" }, "no such file 'nowhere'", 1 },
    { { "." }, "no CSV file in folder '.': give the folder that they are in", 1 },
    { { ".", "--add", "x.csv" },
      "--add cannot be combined with DIR or --into: it is for the project that the current folder is in", 2 },
    { { ".", "--header", "1", "--no-header" },
      "--header cannot be combined with --no-header (see pghost init --help)", 2 },
    { { ".", "--delimter", ";" }, "unknown option '--delimter': did you mean '--delimiter'? (see pghost init --help)",
      2 },
  } do
    it(("is one line: %s"):format(table.concat(case[1], " ")), function()
      local _, err, code = project:init(table.unpack(case[1]))
      assert.same({ "pghost: " .. case[2] .. "\n", case[3] }, { err, code })
    end)
  end
end)
