-- pghost load: how many rejects it allows, what is left of a load that is given up, and where rejects go.

local here = require "support.load_command"
local pghost = require "support.pghost"

local write, psql, load, must_load, must_fail = here.write, here.psql, here.load, here.must_load, here.must_fail

here.each()

describe("the budget of pghost load", function()
  local dirty = 'id,name\n1,a\nx,"b ""q"", c"\n3,c\n4,d,e\n5,e\n6,f\n7,g\n8,h\n9,i\n10,j\n'

  before_each(function()
    psql "CREATE TABLE item (id int, name text)"
    write("f.csv", dirty)
  end)

  local function count()
    return psql "SELECT count(*) FROM item"
  end

  it("allows a number of rejects and no more", function()
    must_fail(1, "f.csv:3: id: not an integer 'x'", { "f.csv", "--into", "item" })
    local err = must_fail(4, "more rejected records than the 1 that --max-rejects allows: nothing is loaded",
      { "f.csv", "--into", "item", "--max-rejects", "1" })
    assert.matches("^rejected: f.csv:3: id: not an integer 'x'\nrejected: f.csv:5: too many fields: 3 of 2\n", err)
    assert.equal("0", count())
    err = must_load { "f.csv", "--into", "item", "--max-rejects", "2" }
    assert.matches("\nloaded 8 records from 1 file into public.item in [^\n]*, 2 rejected\n$", err)
    assert.equal("8", count())
  end)

  it("counts over all files", function()
    write("g.csv", "name,id\nx,y\n")
    must_fail(4, "more rejected records than the 2 that --max-rejects allows: nothing is loaded",
      { "f.csv", "g.csv", "--into", "item", "--max-rejects", "2" })
    write("g.csv", "name\nx,y\n")
    must_fail(4, "more rejected records than the 2 that --max-rejects allows: nothing is loaded",
      { "f.csv", "g.csv", "--into", "item", "--max-rejects", "2" })
    assert.equal("0", count())
    must_load { "f.csv", "g.csv", "--into", "item", "--max-rejects", "3" }
  end)

  it("allows a share", function()
    must_fail(4, "2 of 10 records rejected, --max-rejects allows 19.9%: nothing is loaded",
      { "f.csv", "--into", "item", "--max-rejects", "19.9%" })
    assert.equal("0", count())
    must_load { "f.csv", "--into", "item", "--max-rejects", "20%" }
    assert.equal("8", count())
  end)

  it("stops for a share that cannot be kept any more, with what was rejected until then", function()
    local lines = { "id,name" }
    for i = 2, 500001 do
      lines[i] = i % 4 == 0 and "x,a" or i .. ",a"
    end
    write("f.csv", table.concat(lines, "\n") .. "\n")
    local err, code = load { "f.csv", "--into", "item", "--max-rejects", "2%", "--rejects", "bad.csv" }
    assert.equal(4, code)
    local rejected, records = err:match(
      "\npghost: (%d+) of the first (%d+) records rejected, its budget allows 2%%: nothing is loaded\n")
    assert.is_true(tonumber(records) < 100000, err)
    local seen = 0
    for line in io.lines(here.folder .. "/bad.csv") do
      seen = seen + (line:find("not an integer 'x'", 1, true) and 1 or 0)
    end
    assert.is_true(seen >= tonumber(rejected) and seen < 100000, err)
    assert.equal("0", count())
    must_load { "f.csv", "--into", "item", "--max-rejects", "25%" }
    assert.equal("375000", count())
  end)

  it("shows the first few of many", function()
    write("f.csv", "id\n" .. ("x\n"):rep(20000))
    local err = must_load { "f.csv", "--into", "item", "--max-rejects", "100%", "--workers", "2" }
    assert.matches("^rejected: f.csv:2: id: not an integer 'x'\n.*f.csv:6: [^\n]*\nand 19,995 rejected records more\n",
      err)
  end)

  it("reads files without a header in their encoding from the first line on", function()
    psql "TRUNCATE item"
    write("x.csv", "1,\xe9\n")
    must_load { "x.csv", "--into", "item", "--no-header", "--encoding", "latin1" }
    write("y.csv", ("2,e\n"):gsub(".", "\0%0"))
    must_load { "y.csv", "--into", "item", "--no-header", "--encoding", "utf-16be" }
    assert.equal("1|é\n2|e", psql "SELECT id, name FROM item ORDER BY id")
  end)

  it("writes the rejects of a load that was given up, and no file for another failure", function()
    load { "f.csv", "--into", "item", "--max-rejects", "10%", "--rejects", "r.csv" }
    assert.matches("too many fields", pghost.read(here.folder .. "/r.csv"))
    psql [[ALTER TABLE item ADD UNIQUE (name), ADD up text DEFAULT 'none';
      ALTER TABLE item ADD FOREIGN KEY (up) REFERENCES item (name) DEFERRABLE INITIALLY DEFERRED NOT VALID]]
    must_fail(1, 'insert or update on table "item" violates foreign key constraint "item_up_fkey"',
      { "f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "other.csv" })
    assert.equal("f.csv\nr.csv\n", (pghost.shell("ls " .. here.folder)))
    local _, code = load { "f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "nix/r.csv" }
    assert.equal(1, code)
  end)

  it("records rejects as a run of their own", function()
    assert.matches(", 2 rejected, run 1\n$",
      must_load { "f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "table" })
    assert.equal("load|public|published", psql "SELECT pipeline, target_schema, state FROM pghost.runs")
    assert.equal(("item|f.csv|10|8|2|1|loaded|%d"):format(#dirty), psql [[
      SELECT table_name, name, records, loaded, rejected, unreadable, state, size FROM pghost.files]])
    local rejects = '3|12|14|id|type|not an integer \'x\'|x,"b ""q"", c"\n5|31|5||fields|too many fields: 3 of 2|4,d,e'
    assert.equal(rejects, psql [[
      SELECT line, byte_offset, byte_length, column_name, rule, reason, convert_from(original, 'UTF8')
      FROM pghost.rejects ORDER BY line]])
    load { "f.csv", "--into", "item", "--max-rejects", "1", "--rejects", "table" }
    assert.equal("failed|budget|2", psql [[
      SELECT state, error_code, (SELECT count(*) FROM pghost.rejects WHERE run_id = 2) FROM pghost.runs
      WHERE run_id = 2]])
    assert.equal("8", count())
  end)
end)
