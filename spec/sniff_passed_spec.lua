-- What is passed over is seen: each line with its number and text, in the log and in the history; and a
-- file that is only nearly read right says so.

local cjson = require "cjson"
local connection = require "pghost.connection"
local csv = require "pghost.sniff"
local other_delimiter = require "pghost.input.other_delimiter"
local pghost = require "support.pghost"
local server = require "support.server"

local function warnings_of(text)
  return table.concat(csv.sniff_string(text).warnings, "\n")
end

describe("lines that are passed over", function()
  it("are known by number, place and text", function()
    local found = csv.sniff_string("Sales of 2024\n\nid,name\n1,Ann\n# by hand, so, far\n2,Bob\n3,Cid\n\n(3 rows)\n")
    assert.same({
      { line = 1, what = "above", text = "Sales of 2024" },
      { line = 5, what = "comment", text = "# by hand, so, far" },
      { line = 9, what = "below", text = "(3 rows)" },
    }, found.passed)
    assert.equal(3, found.passed_lines)
  end)

  it("are shown in part where they are long or many, as text that jsonb takes", function()
    local lines = { ("é"):rep(100) .. "\1\t" }
    for i = 2, 40 do
      lines[i] = "# " .. i
    end
    local found = csv.sniff_string(table.concat(lines, "\n", 2) .. "\n" .. lines[1] .. "\nid;n\n1;a\n2;b\n3;c\n")
    assert.equal(24, #found.passed)
    assert.is_true(found.passed_lines >= 39)
    found = csv.sniff_string("x\1y " .. lines[1] .. "\n\nid;n\n1;a\n2;b\n3;c\n")
    assert.equal("x\\x01y " .. ("é"):rep(58) .. "...", found.passed[1].text)
    assert.is_truthy(utf8.len(found.passed[1].text))
  end)

  it("are warnings of a load, and recorded", function()
    local folder, dsn = pghost.folder(), server.get():database()
    local db <close> = connection.open { dsn = dsn }
    pghost.write(folder .. "/a.csv", "Sales of 2024\n\nid,name\n1,Ann\n2,Bob\n3,Cid\n\n(3 rows)\n")
    local arguments = { "--dsn", dsn, "--log-format", "json", "load", "a.csv", "--auto", "--into", "public.t",
      "--create", "--rejects", "table", "--max-rejects", "0" }
    local _, err, code = pghost.run(arguments, { cd = folder })
    assert.equal(0, code, err)
    local seen = {}
    for line in err:gmatch "[^\n]+" do
      local event = cjson.decode(line)
      assert.equal("string", type(event.level))
      seen[#seen + 1] = event.message:find("skipped", 1, true) and event.level .. " " .. event.message or nil
    end
    assert.same({ "warn a.csv:1: skipped, above the table: 'Sales of 2024'",
      "warn a.csv:8: skipped, below the table: '(3 rows)'" }, seen)
    local recorded = cjson.decode(db:query("SELECT sniffed FROM pghost.files")[1].sniffed)
    assert.same({ { line = 1, what = "above", text = "Sales of 2024" },
      { line = 8, what = "below", text = "(3 rows)" } }, recorded.passed)
    pghost.remove(folder)
  end)
end)

describe("records far below the sample", function()
  local rows = {}
  for i = 1, 9000 do
    rows[i] = ("%d,%d.5\n"):format(i, i)
  end
  local body = table.concat(rows)

  it("that begin as the comments above do are told of", function()
    local text = "# by hand\nid,x\n" .. body .. "#7,2.5\n8,3.5\n"
    local warning = "1 comment with 2 fields, as records have them, the first in line 9003"
    assert.truthy(warnings_of(text):find(warning, 1, true))
    assert.is_true(csv.sniff_string(text).dialect.comment.confidence < 0.6)
  end)

  it("that have another width up to the end are told of", function()
    local text = "id,x\n" .. body .. "who,where,when\nAnn,Rome,1\nBob,Oslo,2\n"
    local warning = "another table could begin in line 9002: 3 records of 3 fields up to the end"
    assert.truthy(warnings_of(text):find(warning, 1, true))
    assert.falsy(warnings_of(text .. "1,2\n"):find("another table", 1, true))
  end)
end)

describe("a header of one name", function()
  it("looks like another delimiter where that parts it into names", function()
    assert.equal("a.csv: the header 'name;city' looks like delimiter ';': give --delimiter ';', or --auto",
      other_delimiter.hint("a.csv", { "name;city" }))
    assert.equal("a.csv: the header 'name city' looks like delimiter 'tab': give --delimiter 'tab', or --auto",
      other_delimiter.hint("a.csv", { "name\tcity" }))
  end)

  it("looks right where it is prose, or nothing parts it", function()
    for _, name in ipairs { "name", "name, as written; in full", "why?", ";name", "a;", "" } do
      assert.is_nil(other_delimiter.hint("a.csv", { name }), name)
    end
    assert.is_nil(other_delimiter.hint("a.csv", { "a;b", "c" }))
  end)

  it("is told of by a load that has no dialect", function()
    local folder, dsn = pghost.folder(), server.get():database()
    pghost.write(folder .. "/a.csv", "name;city\nAnn;Rome\n")
    local hint = "a.csv: the header 'name;city' looks like delimiter ';': give --delimiter ';', or --auto\n"
    local arguments = { "--dsn", dsn, "load", "a.csv", "--into", "public.t", "--create" }
    local _, err, code = pghost.run(arguments, { cd = folder })
    assert.equal(0, code)
    assert.truthy(err:find(hint, 1, true), err)
    _, err = pghost.run({ "--dsn", dsn, "load", "a.csv", "--into", "public.u", "--create", "--delimiter", ";" },
      { cd = folder })
    assert.falsy(err:find("looks like", 1, true), err)
    pghost.remove(folder)
  end)
end)
