-- Corrections and waivers hold for a later `pghost load` of the same records, too.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"
local shown = require "support.shown"

local here

local has = shown.has

local function edit(changes)
  local text = here:read "bad.csv"
  for from, to in pairs(changes) do
    local at, stop = text:find(from, 1, true)
    assert(at, from .. "\n" .. text)
    text = text:sub(1, at - 1) .. to .. text:sub(stop + 1)
  end
  here:write("bad.csv", text)
end

local function items(name)
  return here:ask(("SELECT id, v FROM %s ORDER BY id"):format(name or "t"))
end

-- The accounts of the files of the last run, and whether they add up.
local function accounts()
  return here:ask [[
    SELECT records, loaded, corrected, rejected, waived, filtered,
      records = loaded + corrected + rejected + waived + filtered + duplicates
    FROM pghost.files WHERE run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY file_id]]
end

local text = 'id,v\n1,10\n2,x\n3,5000\n4,"7\n5,y\n6,6\n'

-- Of these records lines 3 and 4 are corrected, line 6 is waived, line 5 with its quote is open.
local function decide()
  here:write("a.csv", text)
  here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "9", "--rejects", "table")
  here:must(0, "rejects", "1", "--csv", "bad.csv")
  edit { ["2,x"] = "2,20", ["3,5000"] = "3,500" }
  here:must(0, "fix", "bad.csv")
  here:must(0, "rejects", "1", "--rule", "type", "--waive", "nobody knows")
end

describe("corrections in pghost load", function()
  fixture.each(function(keep)
    here = keep(project.new {})
    here:ask "CREATE TABLE t (id int, v numeric CHECK (v < 1000))"
    decide()
    here:ask "TRUNCATE t"
  end)

  it("are applied to the same records again, and waivers count", function()
    local err = here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "1")
    has(err, "loaded 2 records from 1 file into public.t", "2 corrected, 1 rejected, 1 waived")
    assert.equal("1|10\n2|20\n3|500\n6|6", items())
  end)

  it("are recorded with the load, shown and reverted", function()
    os.rename(here.folder .. "/a.csv", here.folder .. "/b.csv")
    here:must(0, "load", "b.csv", "--into", "t", "--max-rejects", "1", "--rejects", "table")
    assert.equal("6|2|2|1|1|0|t", accounts())
    local _, out = here:must(0, "rejects", "--corrected")
    has(out, "run 3 of 'load'", "2 corrected rejects", "b.csv:3: v: not a numeric 'x'", "b.csv:4: ")
    has(select(2, here:must(0, "rejects", "--waived")), "1 waived reject",
      "b.csv:6: v: not a numeric 'y' [nobody knows]")
    has(select(2, here:must(0, "rejects")), "1 open reject", "b.csv:5: ")
    assert.equal("3\n3", here:ask "SELECT replayed_by FROM pghost.rejects WHERE run_id = 3 AND state = 'corrected'")
    has(select(2, here:must(0, "rejects", "3", "--revert")),
      "run 3: 1 waived reject open again, 2 corrections reverted")
    here:must(0, "load", "b.csv", "--into", "t", "--truncate", "--max-rejects", "9", "--rejects", "table")
    assert.equal("1|10\n6|6", items())
    assert.equal("6|2|0|4|0|0|t", accounts())
  end)

  it("do not count for budgets, and are not what is reported", function()
    local err = here:must(1, "load", "a.csv", "--into", "t")
    has(err, "a.csv:5: ")
    here:must(4, "load", "a.csv", "--into", "t", "--max-rejects", "0")
    here:must(4, "load", "a.csv", "--into", "t", "--max-rejects", "10%")
    assert.equal("", items())
    has(here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "20%"), "1 rejected")
    here:must(0, "rejects", "1", "--waive")
    here:ask "TRUNCATE t"
    has(here:must(0, "load", "a.csv", "--into", "t"), "loaded 2 records", "2 corrected, 2 waived")
    assert.equal("1|10\n2|20\n3|500\n6|6", items())
  end)

  it("leave in the rejects file what is still open, also of a load that failed", function()
    here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "1", "--rejects", "new.csv")
    assert.equal(1, select(2, here:read("new.csv"):gsub("a.csv,", "")))
    here:must(4, "load", "a.csv", "--into", "t", "--max-rejects", "0", "--rejects", "newer.csv")
    assert.equal(1, select(2, here:read("newer.csv"):gsub("a.csv,", "")))
    here:must(4, "load", "a.csv", "--into", "t", "--max-rejects", "0", "--rejects", "table")
    assert.equal("open\nopen\nopen\nwaived", here:ask [[
      SELECT state FROM pghost.rejects WHERE run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY line]])
  end)

  it("are numbers of the JSON event", function()
    local err = here:must(0, "--log-format", "json", "load", "a.csv", "--into", "t", "--max-rejects", "1")
    local last = cjson.decode(err:match "([^\n]+)\n$")
    assert.same({ "done", 6, 2, 2, 1, 1, 0 }, { last.event, last.records, last.loaded, last.corrected, last.rejected,
      last.waived, last.filtered })
  end)

  it("hold in another table, waivers do not, and the log says where they are from", function()
    here:ask "CREATE TABLE u (id int, v numeric CHECK (v < 1000))"
    local err = here:must(0, "load", "a.csv", "--into", "u", "--max-rejects", "2")
    has(err, "2 corrections made for public.t applied", "2 corrected, 2 rejected")
    assert.equal("1|10\n2|20\n3|500\n6|6", items "u")
    here:must(0, "load", "a.csv", "--into", "u", "--truncate", "--max-rejects", "2", "--rejects", "table")
    has(select(2, here:must(0, "rejects", "--corrected")), "[as corrected for public.t]")
    has(select(2, here:must(0, "rejects", "3", "--revert")), "2 corrections reverted")
    has(here:must(0, "load", "a.csv", "--into", "u", "--truncate", "--max-rejects", "9"), "s), 4 rejected")
    here:must(0, "load", "a.csv", "--into", "made", "--create", "--max-rejects", "1")
    assert.equal("1|10\n2|x\n3|5000\n5|y\n6|6", items "made") -- as text all but one pass as they are
  end)

  it("that differ between other tables are not chosen from", function()
    here:ask "CREATE TABLE u (id int, v numeric)"
    here:ask "CREATE TABLE w (id int, v numeric)"
    here:must(0, "load", "a.csv", "--into", "u", "--max-rejects", "9") -- as those of t are
    here:ask [[INSERT INTO pghost.corrections (kind, target_schema, table_name, file_sha256, line, original_sha256,
        original, columns, fields, bytes, reject_id)
      SELECT kind, target_schema, 'u', file_sha256, line, original_sha256, original, columns, '["2","21"]', bytes,
        reject_id FROM pghost.corrections WHERE line = 3]]
    here:must(0, "load", "a.csv", "--into", "w", "--max-rejects", "9", "--rejects", "table")
    assert.equal("1|10\n3|5000\n6|6", items "w")
    has(select(2, here:must(0, "rejects")), "[its corrections for public.t and public.u differ]")
  end)

  it("of a rejects file alone hold, too, are shown and reverted", function()
    here:write("c.csv", 'id,v\n1,x\n2,2,2\n3,y\n4,4\n5,z\n')
    here:must(0, "load", "c.csv", "--into", "t", "--max-rejects", "9", "--rejects", "bad.csv", "--force")
    edit { ["1,x"] = "1,11", ['"2,2,2"'] = '"2,22"', ["5,z"] = "5,zz" }
    has(here:must(0, "fix", "bad.csv"), "2 corrected, 0 passed as they were, 2 still open")
    assert.equal("1|11\n2|22\n4|4", items())
    local _, out = here:must(0, "runs", "3")
    has(out, "c.csv")
    assert.equal("c.csv|4|0|2|2", here:ask [[
      SELECT name, records, loaded, corrected, rejected FROM pghost.files WHERE run_id = 3]])
    has(select(2, here:must(0, "rejects", "3", "--corrected")), "2 corrected rejects", "c.csv:2: v: not a numeric 'x'",
      "c.csv:3: ")
    here:ask "TRUNCATE t"
    has(here:must(0, "load", "c.csv", "--into", "t", "--max-rejects", "2"), "loaded 1 record",
      "2 corrected, 2 rejected")
    assert.equal("1|11\n2|22\n4|4", items())
    has(select(2, here:must(0, "rejects", "3", "--revert")), "2 corrections reverted")
    local err = here:must(0, "load", "c.csv", "--into", "t", "--truncate", "--max-rejects", "4")
    has(err, "loaded 1 record", "s), 4 rejected")
  end)

  it("that do not pass leave the reject open, with the reason", function()
    here:ask "ALTER TABLE t ADD CHECK (v <> 20)"
    local err = here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "2", "--rejects", "table")
    has(err, "warn: 1 record rejected although corrected before", "1 corrected, 2 rejected, 1 waived")
    assert.equal("6|2|1|2|1|0|t", accounts())
    has(select(2, here:must(0, "rejects")), "[its correction does not pass: ")
    assert.equal("1|10\n3|500\n6|6", items())
  end)

  it("are not applied to a record that passes as it is, which is said", function()
    here:ask "ALTER TABLE t DROP CONSTRAINT t_v_check"
    local err = here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "2")
    has(err, "1 correction not applied: the record passes as it is", "1 corrected, 1 rejected, 1 waived")
    assert.equal("1|10\n2|20\n3|5000\n6|6", items())
  end)

  it("are not those of other content, lines or bytes", function()
    here:write("a.csv", text .. "7,7\n")
    has(here:must(0, "load", "a.csv", "--into", "t", "--max-rejects", "9"), "loaded 3 records", ", 4 rejected")
  end)

  it("hold in each of several files of that content", function()
    here:must(0, "rejects", "1", "--waive")
    here:write("b.csv", text)
    has(here:must(0, "load", "a.csv", "b.csv", "--into", "t"), "loaded 4 records from 2 files", "4 corrected, 4 waived")
    assert.equal("1|10\n1|10\n2|20\n2|20\n3|500\n3|500\n6|6\n6|6", items())
  end)

  it("are of what comes from a pipe, too", function()
    local _, err, code = pghost.run({ "--dsn", here.dsn, "load", "-", "--into", "t", "--max-rejects", "1" },
      { stdin = text })
    assert.equal(0, code, err)
    assert.equal("1|10\n2|20\n3|500\n6|6", items())
  end)

  it("may refer to each other, also to records that nobody has changed", function()
    here:ask "CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, v int)"
    here:write("tree.csv", "id,parent,v\n1,,1\n2,1,x\n3,2,3\n4,99,4\n5,98,5\n")
    here:must(0, "load", "tree.csv", "--into", "tree", "--max-rejects", "9", "--rejects", "bad.csv", "--force")
    edit { ["2,1,x"] = "2,1,2", ["4,99,4"] = "4,3,4" }
    here:must(0, "fix", "bad.csv")
    assert.equal("1\n2\n3\n4", here:ask "SELECT id FROM tree ORDER BY 1")
    here:ask "TRUNCATE tree"
    has(here:must(1, "load", "tree.csv", "--into", "tree"), "tree.csv:6: ", "Key (parent)=(98) is not present")
    assert.equal("", here:ask "SELECT id FROM tree")
    local err = here:must(0, "load", "tree.csv", "--into", "tree", "--max-rejects", "1")
    has(err, "3 corrected, 1 rejected")
    assert.is_nil(err:find("not applied", 1, true), err)
    assert.equal("1\n2\n3\n4", here:ask "SELECT id FROM tree ORDER BY 1")
  end)

  it("do not concern a role that may not read them: it loads as ever", function()
    local role = "stranger_" .. here.dsn:match "dbname=(%S+)"
    here:ask(("CREATE ROLE %s LOGIN"):format(role))
    here:ask(("GRANT INSERT, SELECT ON t TO %s"):format(role))
    local _, err, code = pghost.run({ "--dsn", (here.dsn:gsub(" ?user=%S+", "") .. " user=" .. role), "load", "a.csv",
      "--into", "t", "--max-rejects", "9" }, { cd = here.folder })
    here:ask(("DROP OWNED BY %s"):format(role))
    here:ask(("DROP ROLE %s"):format(role))
    assert.equal(0, code, err)
    has(err, "loaded 2 records", ", 4 rejected")
  end)
end)
