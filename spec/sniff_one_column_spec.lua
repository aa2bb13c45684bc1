-- Files of one column whose values hold a sign that could separate: read as one column or refused, never split.
-- Expected is what a person sees in the text.

local auto_read = require "support.auto_read"

local refused = auto_read.refused

local values = {
  ["names of two words"] = { "Anna Koch", "Bo Vogel", "Cid Low" },
  ["titles that begin alike"] = { "The Cat", "The Dog", "The Cow" },
  ["names with a comma"] = { "Koch, Anna", "May, Bob", "Low, Cid" },
  ["lists of three"] = { "a, b, c", "d, e, f", "g, h, i" },
  ["lists with semicolons"] = { "a; b", "c; d", "e; f" },
  ["sums with the currency first"] = { "EUR 13.50", "EUR 7.20", "EUR 1.00" },
  ["sums with a decimal comma"] = { "EUR 13,50", "EUR 7,20", "EUR 1,00" },
  ["lengths with a unit"] = { "5 km", "7 km", "12 km" },
  ["labels and values"] = { "x: 1", "y: 2", "z: 3" },
  ["ratios"] = { "1:2", "3:4", "16:9" },
  ["hardware addresses"] = { "00:1b:44:11", "00:1c:45:12", "00:1d:46:13" },
  ["names of C++"] = { "a::b", "c::d", "std::move" },
  ["parts with a hyphen"] = { "030-12-5", "089-44-1", "040-17-3" },
  ["ranges with a dash"] = { "1–2", "3–4", "9–10" },
  ["products"] = { "3*4", "5*6", "7×8" },
  ["companies"] = { "AT&T", "B&O", "R&D" },
  ["about numbers"] = { "~5", "~6", "~7" },
  ["powers"] = { "x^2", "y^2", "z^3" },
  ["places"] = { "52.5, 13.4", "48.1, 11.6", "50.1, 8.7" },
  ["pairs"] = { "a|b", "c|d", "e|f" },
  ["mail addresses"] = { "Ann <a@x.org>", "Bob <b@x.org>", "Cid <c@x.org>" },
}

local heads = { "item", "Item", "full name", "code-area-n", "size (cm)", "name:" }
local changes = {
  function(text) return text end,
  function(text) return "\u{feff}" .. text end,
  function(text) return (text:gsub("\n", "\r\n")) end,
}

local function file(head, list, count)
  local lines = { head }
  for i = 1, count do
    lines[#lines + 1] = list[(i - 1) % #list + 1]
  end
  return table.concat(lines, "\n")
end

describe("a file of one column", function()
  for name, list in pairs(values) do
    it("of " .. name .. " is not split", function()
      for _, head in ipairs(heads) do
        for i, count in ipairs { 1, 2, 3, 30, 300 } do
          local one = file(head, list, count)
          local seen = auto_read.outcome(changes[i % #changes + 1](one .. "\n"))
          assert.is_true(seen == one:gsub("\n", "/") or seen:find("^refused: .*not clear") ~= nil,
            ("%s x %d: %s"):format(head, count, seen:sub(1, 200)))
        end
      end
    end)
  end
end)

describe("several columns", function()
  auto_read.check {
    { "separated by spaces, of numbers below names", "x y\n1 2\n3 4\n5 6\n7 8\n", "x,y/1,2/3,4/5,6/7,8" },
    { "separated by spaces, of which two are texts", "name town age\nAnn Rome 5\nBob Oslo 6\nCid Bern 17\n",
      "name,town,age/Ann,Rome,5/Bob,Oslo,6/Cid,Bern,17" },
    { "separated by spaces, below a title", "Results\nx y\n1 2\n3 4\n5 6\n7 8\n", "x,y/1,2/3,4/5,6/7,8", refused },
    { "below a title, with names", "Report 2024\nid,n\n1,a\n2,b\n3,c\n", "id,n/1,a/2,b/3,c" },
    { "below a title and a blank line", "Report 2024\n\n1,2,a\n2,3,b\n3,4,c\n", "-/1,2,a/2,3,b/3,4,c" },
  }
end)

describe("the refusal of a name above split values", function()
  it("says what to give for each of the two", function()
    local seen = auto_read.outcome ("ratio\n" .. ("1:2\n3:4\n16:9\n5:4\n"):rep(9))
    assert.matches("line 1 could be the name of one column, with ':' (colon) in its values; give --skip 0 --header 1 "
      .. "--delimiter , if it is, else --skip 1 --no-header", seen, 1, true)
  end)
end)
