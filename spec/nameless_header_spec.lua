-- Files whose header has no name: nothing is made after them.

local fixture = require "support.fixture"
local projects = require "support.project"

describe("a header without a name", function()
  local here

  fixture.each(function(keep)
    here = keep(projects.new())
  end)

  local function load(...)
    local _, err, code = here:pghost("load", "w.csv", "--into", "t", "--create", ...)
    return err, code
  end

  for name, text in pairs {
    blanks = "   ", ["blanks and a line end"] = " \n", tabs = "\t\t\n \n", ["a mark and blanks"] = "\u{feff} \n",
    ["blank lines with blanks"] = " \n\n \n", delimiters = " ,\n1,2\n", ["no-break spaces"] = "\u{a0}\n",
    ["ideographic spaces"] = "\u{3000},\u{200b}\n1,2\n", ["quoted blanks"] = '" ",""\n1,2\n',
  } do
    it("but " .. name .. " is none", function()
      here:write("w.csv", text)
      local err, code = load()
      assert.equal(1, code, err)
      assert.truthy(err:find("w.csv: no column of the header has a name: give --skip N", 1, true), err)
      assert.equal("t", here:ask "SELECT to_regclass('public.t') IS NULL AS none")
    end)
  end

  it("is none where there is to be none, and one name is enough", function()
    here:write("w.csv", " ,b\n1,2\n")
    local err, code = load()
    assert.equal(0, code, err)
    assert.equal("1|2", here:ask "SELECT column_1, b FROM t")
    here:ask "DROP TABLE t"
    err, code = load("--no-header")
    assert.equal(0, code, err)
    assert.equal("2", here:ask "SELECT count(*) FROM t")
  end)
end)
