-- pghost sniff: for people, for machines, as a rules file.

local cjson = require "cjson"
local csv = require "pghost.sniff"
local native = require "pghost.native.conn"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

describe("pghost sniff", function()
  local folder

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    pghost.write(folder .. "/Orders 2024.csv", "id;price;day\n1;1,5;31.12.2024\n2;2,5;01.01.2025\n3;\27[31m;\n")
    pghost.write(folder .. "/b.csv", "a,b\n1,2\n3,4\n")
  end)

  local function run(arguments, stdin)
    return pghost.shell(("cd %s && %s sniff %s"):format(folder, pghost.path, arguments), stdin)
  end

  it("tells people", function()
    local out, err, code = run "'Orders 2024.csv' b.csv"
    assert.same({ "", 0 }, { err, code or 0 })
    assert.truthy(out:find("Orders 2024.csv: 3 columns, confidence", 1, true), out)
    assert.truthy(out:find("delimiter    | ';' (semicolon)", 1, true), out)
    assert.truthy(out:find('options: { delimiter = ";" }', 1, true), out)
    assert.truthy(out:find("b.csv: 2 columns", 1, true), out)
    assert.is_nil(out:find("\27", 1, true))
    assert.truthy(out:find("\\x1b[31m", 1, true), out)
  end)

  it("fits 80 columns", function()
    local result = csv.sniff(folder .. "/Orders 2024.csv")
    for line in csv.text(result, 80):gmatch("[^\n]+") do
      if line:find("|", 1, true) then
        assert.is_true(utf8.len(line) <= 80, line)
      end
    end
  end)

  it("tells machines", function()
    local out = run "--json 'Orders 2024.csv' b.csv"
    local first, second = out:match("^([^\n]+)\n([^\n]+)\n$")
    assert.same({ "b.csv", "bigint", {} },
      { cjson.decode(second).file, cjson.decode(second).columns[1].type, cjson.decode(second).options })
    assert.same({ delimiter = ";" }, cjson.decode(first).options)
  end)

  it("writes a rules file", function()
    local out = run "--lua 'Orders 2024.csv'"
    assert.equal("orders_2024", assert(load(out))().name)
    assert.truthy(out:find('-- The options that read it: { delimiter = ";" }', 1, true), out)
    assert.equal("other", assert(load((run "--lua --name other b.csv")))().name)
  end)

  it("writes rules that load the file, decimal commas too", function()
    local dsn = server.get():database()
    pghost.write(folder .. "/commas.csv", "id;price;usd;day\n1; 1.234,50;1,234.5;31/01/2024\n2;1234,50;12,345,678.00;"
      .. "02/02/2024\n3;-0,75;5;NULL\n4;NULL;-0.25;28/02/2024\n")
    local written = run "--lua commas.csv"
    assert.is_nil(written:find(":replace", 1, true), written)
    pghost.write(folder .. "/commas.lua", written)
    local _, err, code = pghost.run({ "--dsn", dsn, "load", "commas.csv", "--into", "commas", "--create", "--rules",
      "commas.lua", "--auto" }, { cd = folder })
    assert.equal(0, code, err)
    local conn <close> = assert(native.connect(dsn))
    local sums = assert(conn:query [[select string_agg(concat_ws(' ', id, price::text, usd::text, day::text), ', '
      order by id) from commas]])
    assert.equal("1 1234.50 1234.5 2024-01-31, 2 1234.50 12345678.00 2024-02-02, 3 -0.75 5, 4 -0.25 2024-02-28",
      sums[1][1])
    -- What is written otherwise is no longer taken for a number a hundred times as large.
    pghost.write(folder .. "/other.csv", "id;price;usd;day\n1;12.50;1;01/01/2024\n")
    _, err, code = pghost.run({ "--dsn", dsn, "load", "other.csv", "--into", "commas", "--rules", "commas.lua",
      "--delimiter", ";" }, { cd = folder })
    assert.equal(1, code, err)
    assert.matches("price: not a number with ',' before decimals and '.' between thousands: '12.50'", err, 1, true)
  end)

  it("reads standard input, and samples", function()
    assert.truthy(run("-", "x|y\n1|2\n2|3\n"):find("standard input: 2 columns", 1, true))
    assert.truthy(run("--sample 1k -", "x|y\n" .. ("1|2\n"):rep(200000)):find("first", 1, true))
  end)

  it("refuses what makes no sense", function()
    local cases = {
      ["--lua b.csv 'Orders 2024.csv'"] = "pghost: --lua takes one file, got 2\n",
      ["--json --lua b.csv"] = "pghost: --json cannot be combined with --lua (see pghost sniff --help)\n",
      ["none.csv"] = "pghost: no such file 'none.csv'\n",
    }
    for arguments, message in pairs(cases) do
      local out, err, code = run(arguments)
      assert.same({ "", message }, { out, err })
      assert.is_true(code > 0)
    end
    local _, err, code = run "--sample much b.csv"
    assert.equal(2, code)
    assert.truthy(err:find("bytes (1000000, 64k, 10M) or 'all' expected, got 'much'", 1, true), err)
  end)
end)
