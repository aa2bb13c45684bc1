-- Readings of a file that one cell after the other does not tell apart. Expected is what a person sees in the text.

local csv = require "pghost.sniff"

local function read(text)
  local found = csv.sniff_string(text)
  return { found.dialect.delimiter.value, found.dialect.quote.value, #found.columns }, found
end

local list = {}
for i = 1, 40 do
  list[i] = ("Item %d"):format(i)
end

describe("the delimiter", function()
  it("is that of the record, and not that of a longer list in one of its fields", function()
    for _, sign in ipairs { ",", ";", "\t" } do
      local fields = { "1", "All", table.concat(list, "|"), "OFF", "2.5" }
      assert.same({ sign, '"', 5 }, (read(table.concat(fields, sign) .. "\n")), sign)
    end
    assert.same({ "|", '"', 3 }, (read("a, b|1.5|c, d\n")))
    assert.same({ "|", '"', 4 }, (read("1,5|2,5|3,5|4,5\n")))
  end)

  it("is told by sums of money with a blank beside the currency", function()
    assert.same({ ";", '"', 3 }, (read("Ann;£ 1,80;£ 9000,50\nBo;£ 2,00;£ 100000,30\n")))
    assert.same({ ";", '"', 3 }, (read("Ann;1,80 €;9000,50 €\nBo;2,00 €;100000,30 €\n")))
  end)

  it("is a blank where columns are lined up with blanks, which is not clear all the same", function()
    local found = csv.sniff_string("ID    NAME        QTY\n"
      .. "1     Ann           5\n2     Bob          16\n3     Cy          107\n")
    local delimiter = found.dialect.delimiter
    assert.same({ " ", true }, { delimiter.value, delimiter.doubtful })
    assert.is_true(delimiter.confidence <= 0.5)
  end)
end)

describe("the quote", function()
  it("is no apostrophe where quotes stand around fields, and apostrophes around nothing", function()
    local text = 'size\t"A (of 4)"\t"B (of 4)"\n' .. ("100\t\'\'\t0.5\n"):rep(6) .. ("200\t0.4\t0.5\n"):rep(6)
    local seen, found = read(text)
    assert.same({ "\t", '"', 3 }, seen)
    assert.equal("A (of 4)", found.columns[2].header)
  end)

  it("is an apostrophe around most fields, even if one is in quotes", function()
    assert.same({ ",", "'", 2 }, (read("'id','name'\n'1','a, b'\n'2',\"c\"\n'3','d, e'\n")))
  end)

  it("makes a rare delimiter likely where it stands in pairs between blanks", function()
    local lines = {}
    for i = 1, 12 do
      lines[i] = ("  %d # '%d columbia dr' # ' amherst, ma 01002'"):format(i, 100 + i)
    end
    local seen = read(table.concat(lines, "\n") .. "\n")
    assert.same({ "#", "'", 3 }, seen)
  end)
end)
