-- Files of several tables, and of none, with --auto: refused with what is seen, or the table that a person takes for
-- it.

local connection = require "pghost.connection"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

setup(function()
  folder, dsn = pghost.folder(), server.get():database()
end)

teardown(function()
  pghost.remove(folder)
end)

local function load(text, ...)
  pghost.write(folder .. "/a.csv", text)
  local db <close> = connection.open { dsn = dsn }
  db:query "SET client_min_messages = warning"
  db:query "DROP TABLE IF EXISTS public.t"
  local _, err, code = pghost.run({ "--dsn", dsn, "load", "a.csv", "--auto", "--into", "public.t", "--create", ... },
    { cd = folder })
  return err, code
end

local wide = "id,n,d,e,f\n1,a,2024-01-01,5,x\n2,b,2024-01-02,6,y\n3,c,2024-01-03,7,z\n4,d,2024-01-04,8,w\n"

describe("a small table above a wide one", function()
  for name, above in pairs {
    ["of texts"] = "name,city\nAnn,Rome\nBob,Oslo\nCid,Bern\n",
    ["of texts of several words"] = "place,person\nRome,Ann Koch\nOslo,Bob May\nBern,Cid Low\n",
    ["of words and numbers"] = "code,qty\nAA,5\nBB,6\nCC,7\n",
    ["of numbers"] = "x,y\n1,2\n3,4\n",
  } do
    it(name .. " is not skipped", function()
      local err, code = load(above .. "\n" .. wide)
      local lines = select(2, above:gsub("\n", ""))
      assert.equal(1, code)
      assert.matches(("could be a record: it has 2 fields, those below have 5; give --skip %d --header 1"):format(
        lines + 1), err, 1, true)
      err, code = load(above .. "\n" .. wide, "--skip", tostring(lines + 1), "--header", "1")
      assert.equal(0, code, err)
    end)
  end

  for name, above in pairs {
    ["names and values"] = "IBAN,DE02120300000000202051\nKunde,Ann\nStand,2024-01-01\n",
    ["labels"] = "Customer:,Ann\nCity:,Rome\nBank:,Big\n",
    ["a title"] = "Bookings of June\n",
  } do
    it("but " .. name .. " are", function()
      local err, code = load(above .. "\n" .. wide)
      assert.equal(0, code, err)
      assert.matches("loaded 4 records", err, 1, true)
    end)
  end
end)

describe("a second table of the same width", function()
  for name, text in pairs {
    ["with other names"] = "id,n\n1,a\n2,b\n3,c\n\nplace,qty\nRome,5\nOslo,6\nBern,7\n",
    ["with the same names"] = "id,n\n1,a\n2,b\n3,c\n\nid,n\n7,x\n8,y\n9,z\n",
    ["with names of several words"] = "id;n\n1;a\n2;b\n3;c\n\n"
      .. "place name;day of birth\nRome;2024-01-02\nOslo;2024-01-03\n",
  } do
    it(name .. " is refused, and why", function()
      local err, code = load(text)
      assert.equal(1, code)
      assert.matches("a.csv: another table seems to begin in line 6, below a blank line: words, and then numbers or "
        .. "dates below them; make it a file of its own, or give --skip 5 --header 1 if what is above is no table, "
        .. "--header 1 (--no-header) if it is a record", err, 1, true)
    end)
  end

  it("is none where blank lines part groups of records", function()
    for _, text in ipairs {
      "name,note,qty\nAnn,hello,1\n\nBob,world,2\nCid,5,3\n\nDan,x,4\n",
      "name,city\nAnn,Rome\nBob,Oslo\n\nCid,Bern\nDan,Bonn\nEva,Kiel\n\nFay,Ulm\n",
      "id,n\n1,a\n\n2,b\n3,c\n\n4,d\n",
      "day,qty\n2024-01-01,5\n2024-01-02,6\n\n2024-01-03,n/a\n2024-01-04,7\n2024-01-05,8\n",
    } do
      local err, code = load(text)
      assert.equal(0, code, err)
    end
  end)
end)

describe("a file of white space", function()
  for _, text in ipairs { "   \n \t \n\n", "  ", "\t", "\r\n \r\n" } do
    it(("%q is told as that"):format(text), function()
      local err, code = load(text)
      assert.same({ "pghost: a.csv: holds nothing but blanks and line ends\n", 1 }, { err, code })
      assert.same({ "", "pghost: a.csv: holds nothing but blanks and line ends\n", 1 },
        { pghost.run({ "sniff", "a.csv" }, { cd = folder }) })
    end)
  end
end)
