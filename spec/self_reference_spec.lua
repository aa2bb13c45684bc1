-- Foreign keys of a table to itself, which the server checks when all records are in: what it refuses is told with its
-- line in the file, and is a reject where there may be some.

local fixture = require "support.fixture"
local projects = require "support.project"
local shown = require "support.shown"

describe("a foreign key to the table itself", function()
  local here

  local function load(...)
    local _, err, code = here:pghost("load", ...)
    return err, code
  end

  fixture.each(function(keep)
    here = keep(projects.new())
  end)

  local definition = [[CREATE TABLE emp (id int PRIMARY KEY, boss int REFERENCES emp %s,
    name text CHECK (name <> 'bad'), d text DEFAULT 'given' NOT NULL, n int GENERATED ALWAYS AS IDENTITY)]]

  -- Records refer to later ones; there is a blank line, and a record over two lines.
  local text = 'id,boss,name\n1,2,a\n2,100,b\n\n3,9,"c\nd"\n4,3,e\n5,4,f\n'

  for _, when in ipairs { "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED" } do
    it(("%s names file, line and value of the first that refers to nothing"):format(when), function()
      here:ask(definition:format(when))
      here:ask "INSERT INTO emp VALUES (100, NULL, 'root')"
      here:write("e.csv", text)
      local err, code = load("e.csv", "--into", "emp")
      assert.equal(1, code, err)
      shown.has(err, 'e.csv:5: insert or update on table "emp" violates foreign key constraint "emp_boss_fkey": '
        .. 'Key (boss)=(9) is not present in table "emp".')
      assert.equal("100", here:ask "SELECT string_agg(id::text, ',') FROM emp")
    end)

    it(("%s makes rejects of these and of those that refer to them"):format(when), function()
      here:ask(definition:format(when))
      here:ask "INSERT INTO emp VALUES (100, NULL, 'root')"
      here:write("e.csv", text .. "6,1,bad\n7,x,q\n1,100,again\n100,1,there\n")
      local err, code = load("e.csv", "--into", "emp", "--max-rejects", "8", "--rejects", "table")
      assert.equal(0, code, err)
      assert.equal("1|2|given|t\n2|100|given|t\n100|∅|given|t", (here:ask [[
        SELECT id, coalesce(boss::text, '∅') AS boss, d, n > 0 FROM emp ORDER BY id]]))
      assert.equal("5|Key (boss)=(9)\n7|Key (boss)=(3)\n8|Key (boss)=(4)\n9|\n10|\n11|Key (id)=(1)\n12|Key (id)=(100)",
        here:ask "SELECT line, substring(reason, 'Key [^ ]* *[^ ]*=[^ ]*') FROM pghost.rejects ORDER BY line")
      assert.equal('3,9,"c\nd"', here:ask "SELECT convert_from(original, 'UTF8') FROM pghost.rejects WHERE line = 5")
      assert.equal("9|2|7", here:ask "SELECT records, loaded, rejected FROM pghost.files")
      err, code = load("e.csv", "--into", "emp", "--truncate", "--max-rejects", "5")
      assert.equal(4, code, err)
      shown.has(err, "more rejected records than the 5 that --max-rejects allows: nothing is loaded")
      assert.equal("3", here:ask "SELECT count(*) FROM emp")
    end)
  end

  it("over two columns, and to a record of another file with other columns", function()
    here.conn:exec [[CREATE TABLE part (a int, b text, pa int, pb text, note text, PRIMARY KEY (a, b),
      FOREIGN KEY (pa, pb) REFERENCES part (a, b))]]
    here:write("f.csv", "a,b,pa,pb\n1,x,2,y\n3,z,2,q\n4,n,9,\n")
    here:write("g.csv", "b,a,note\ny,2,root\n")
    local err, code = load("f.csv", "g.csv", "--into", "part")
    assert.equal(1, code, err)
    shown.has(err, "f.csv:3: ", "Key (pa, pb)=(2, q) is not present")
    err, code = load("f.csv", "g.csv", "--into", "part", "--max-rejects", "1")
    assert.equal(0, code, err)
    shown.has(err, "f.csv:3: ", "Key (pa, pb)=(2, q) is not present")
    assert.equal("1|x|\n2|y|root\n4|n|", here:ask "SELECT a, b, note FROM part ORDER BY a")
  end)

  it("that all records keep, or that a role cannot look at, is as it was", function()
    here:ask "CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t)"
    here:write("f.csv", "a,b\n1,2\n2,3\n3,\n")
    assert.equal(0, select(2, load("f.csv", "--into", "t", "--max-rejects", "1")))
    assert.equal("3", here:ask "SELECT count(*) FROM t")
    here:write("f.csv", "a,b\n4,9\n")
    local _, err, code = here:pghost("load", "/dev/stdin", "--into", "t")
    assert.not_equal(0, code, err)
    here:ask "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    here:ask "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION same()"
    err, code = load("f.csv", "--into", "t", "--max-rejects", "1")
    assert.equal(1, code, err)
    shown.has(err, "Key (b)=(9) is not present")
  end)
end)
