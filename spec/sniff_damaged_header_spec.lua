-- A header that does not fit the records below it, in several languages, widths, lengths, delimiters and line ends:
-- the names and all records, or refused. Expected is what was written; never records without these names.

local auto_read = require "support.auto_read"

local tables = {
  { "kunde", "ort", "betrag", "Müller,Köln,12", "Schäfer,Bonn,7", "Weiß,Kiel,130", "Groß,Ulm,9" },
  { "Customer Name", "City", "Qty", "Ann Smith,York,3", "Bob Jones,Leeds,12", "Cy Young,Bath,5", "Di Fox,Ely,7" },
  { "имя", "город", "сумма", "Анна,Москва,10", "Борис,Тула,25", "Вера,Омск,17", "Глеб,Пермь,8" },
  { "id", "x", "y", "1,2.5,30", "2,3.5,31", "3,4.5,32", "4,5.5,33" },
  { "team", "coach", "home", "reds,Ann,east", "blues,Bob,west", "greens,Cid,north", "blacks,Dee,south" },
}

local forms = { { ",", "\n", "" }, { ";", "\r\n", "\u{feff}" }, { "\t", "\n", "" }, { "|", "\r\n", "" } }

local function cells(line)
  local list = {}
  for cell in line:gmatch "[^,]+" do
    list[#list + 1] = cell
  end
  return list
end

-- Calls make(names, rows) for each table, 2 and 3 columns wide, of 1 to 60 records; it gives the lines of the header
-- and of the records.
local function each(make, visit)
  for _, source in ipairs(tables) do
    for width = 2, 3 do
      for _, count in ipairs { 1, 2, 3, 5, 60 } do
        local names, rows = table.move(source, 1, width, 1, {}), {}
        for i = 1, count do
          rows[i] = table.move(cells(source[3 + (i - 1) % 4 + 1]), 1, width, 1, {})
        end
        for _, form in ipairs(forms) do
          local lines = make(names, rows, form[1])
          visit(form[3] .. table.concat(lines, form[2]) .. form[2], names, count)
        end
      end
    end
  end
end

-- The file has the names, and a record or a reject for each of its lines.
local function check(make)
  each(make, function(text, names, count)
    local seen = auto_read.outcome(text)
    if seen:find("^refused: .*not clear") then
      return
    end
    local header, rest, written = seen:match "^([^/]*)", seen:match "/.*$", table.concat(names, ",")
    assert.equal(written, header:sub(1, #written), text:sub(1, 200))
    assert.equal(count, select(2, rest:gsub("/", "")), text:sub(1, 200))
  end)
end

local function lines_of(header, rows, sign, change)
  local lines = { header }
  for i, row in ipairs(rows) do
    lines[i + 1] = table.concat(change and change(row, i) or row, sign)
  end
  return lines
end

describe("a header", function()
  it("that ends in a delimiter is not skipped", function()
    check(function(names, rows, sign) return lines_of(table.concat(names, sign) .. sign, rows, sign) end)
  end)

  for _, other in ipairs { ",", ";", "\t", "|" } do
    it(("separated by %q is not skipped"):format(other), function()
      check(function(names, rows, sign) return lines_of(table.concat(names, other), rows, sign) end)
    end)
  end

  it("that is in quotes as a whole is not skipped", function()
    check(function(names, rows, sign) return lines_of('"' .. table.concat(names, sign) .. '"', rows, sign) end)
  end)

  it("of which the last two names are parted by another delimiter is not skipped", function()
    check(function(names, rows, sign)
      local text = table.concat(names, sign, 1, #names - 1) .. (sign == ";" and "," or ";") .. names[#names]
      return lines_of(text, rows, sign)
    end)
  end)

  it("that is there twice is neither a record nor part of the names", function()
    for _, text in ipairs { "id,town,x/1,Rome,2/2,Oslo,3/3,Bern,4", "id;x/1;2.5/2;3.5",
      "Artikel,town,Anschrift/IT-681,Bern,20 Ring/DE-0,Graz,4" } do
      local header = text:match "^[^/]*"
      local seen = auto_read.outcome((header .. "/" .. text):gsub("/", "\n") .. "\n")
      local right = text:gsub("/", "/!2/", 1):gsub(";", ",")
      assert.is_true(seen == right or seen:find("^refused: .*not clear") ~= nil, seen)
    end
  end)

  it("with a quote that nothing closes is not skipped", function()
    check(function(names, rows, sign)
      local damaged = table.move(names, 1, #names, 1, {})
      damaged[#damaged] = '"' .. damaged[#damaged]
      return lines_of(table.concat(damaged, sign), rows, sign)
    end)
  end)

  for _, sign in ipairs { "//", "*", "#", ";", "-- " } do
    it(("that begins with %q is no record"):format(sign), function()
      for _, text in ipairs { "имя,город/Анна,Москва/Борис,Тула/Вера,Омск/Глеб,Пермь",
        "name,town/Ann,Rome/Bob,Oslo/Cid,Bern", "ort,land/Köln,Rhein/Ulm,Donau/Kiel,Ostsee/Bonn,Rhein" } do
        local seen = auto_read.outcome(sign .. text:gsub("/", "\n") .. "\n")
        assert.is_true(seen:find("^refused: .*not clear") ~= nil or seen == text or seen == sign .. text, seen)
      end
    end)
  end

  it("of more names than the records have fields is not skipped", function()
    check(function(names, rows, sign) return lines_of(table.concat(names, sign) .. sign .. "foo", rows, sign) end)
  end)

  for period = 2, 5 do
    it(("is not part of one column where only every record %d is whole"):format(period), function()
      check(function(names, rows, sign)
        return lines_of(table.concat(names, sign), rows, sign, function(row, i)
          return i % period == 1 and row or table.move(row, 1, #row - 1, 1, {})
        end)
      end)
    end)
  end
end)

describe("the last record", function()
  it("that is cut off, or has another delimiter, is a record or a reject", function()
    for _, change in ipairs {
      function(row) return { row[1] } end,
      function(row, sign) return { table.concat(row, sign == ";" and "," or ";") } end,
      function(row) return { row[1], '"' .. row[2], row[3] } end,
    } do
      check(function(names, rows, sign)
        return lines_of(table.concat(names, sign), rows, sign, function(row, i)
          return i == #rows and i > 2 and change(row, sign) or row
        end)
      end)
    end
  end)
end)
