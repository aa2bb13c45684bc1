-- The sniffer: one awkwardness at a time, with what a person would say of the file; then random tables
-- in random dialects, written and read by Python's csv module.

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local csv = require "pghost.sniff"
local native = require "pghost.native.conn"
local native_csv = require "pghost.native.csv"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local function options_of(text)
  return csv.sniff_string(text).options
end

local function types_of(text)
  local list = {}
  for i, column in ipairs(csv.sniff_string(text).columns) do
    list[i] = column.format and ("%s %s"):format(column.type, column.format) or column.type
  end
  return list
end

-- One column of these values below a header that nothing is read into.
local function column_of(...)
  return csv.sniff_string("key,it\n" .. (function(values)
    local lines = {}
    for i, value in ipairs(values) do
      lines[i] = ("%d,%s\n"):format(i, value)
    end
    return table.concat(lines)
  end) { ... }).columns[2]
end

local function has_warning(result, text)
  for _, warning in ipairs(result.warnings) do
    if warning:find(text, 1, true) then
      return true
    end
  end
  error(("no warning with '%s' in: %s"):format(text, table.concat(result.warnings, " / ")), 2)
end

describe("the dialect", function()
  local cases = {
    { "of a plain file is the default", "id,name\n1,Ann\n2,Bob\n3,Cid\n", {} },
    { "may have semicolons", "id;name\n1;Ann\n2;Bob\n3;Cid\n", { delimiter = ";" } },
    { "may have tabs", "id\tname\n1\tAnn, B\n2\tBob\n3\tCid, D\n", { delimiter = "\t" } },
    { "may have pipes", "id|name|x\n1|Ann|2,5\n2|Bob|3,5\n", { delimiter = "|" } },
    { "may have colons", "root:0:0\nbin:1:1\nann:1000:1000\n", { delimiter = ":", header = false } },
    { "may have colons beside days", "status:code\n8:2003-11-26\n86:2026-08-08\n:2014-09-06\n1245:2020-04-21\n",
      { delimiter = ":" } },
    { "may have blanks", "id name x\n1 a 2\n2 b 3\n3 c 4\n", { delimiter = " " } },
    { "may have tildes beside addresses", "blue~d@a.org\nred~d@b.org\ngrey~w@a.org\nlila~d@b.org\nteal~d@a.org\n",
      { delimiter = "~", header = false } },
    { "may have carets", "a^b^c\n1^x y^2.5\n2^z, q^3.5\n", { delimiter = "^" } },
    { "may have unit separators", "a\31b\n1\0312\n2\0313\n3\0314\n", { delimiter = "\31" } },
    { "may have two pipes", "a||b||c\n1||x||2\n2||y||\n3||||4\n", { delimiter = "||" } },
    { "may have two colons", "a::b::c\n1::12:30::2\n2::13:45::3\n", { delimiter = "::" } },
    { "may have tilde, pipe, tilde", "a~|~b~|~c\n1~|~x|y~|~2\n2~|~~|~3\n", { delimiter = "~|~" } },
    { "may have what nobody thought of", "a<*>b<*>c\n1<*>x<*>2\n2<*>y<*>3\n3<*>z<*>4\n", { delimiter = "<*>" } },
    { "may have a sign beyond ASCII", "a§b§c\n1§x§2\n2§y§3\n", { delimiter = "§" } },
    { "is not misled by decimal commas", "id;price\n1;1,5\n2;2,75\n3;3,25\n", { delimiter = ";" } },
    { "is not misled by times", "10:30:00,a\n11:30:00,b\n12:45:00,c\n", { header = false } },
    { "is not misled by delimiters in quotes", 'id,t\n1,"a;b;c"\n2,"d;e;f"\n3,"g;h;i"\n', {} },
    { "may have line ends in quotes", 'id,t\n1,"a\nb"\n2,"c\nd, e"\n3,f\n', {} },
    { "may have single quotes", "id,t,x\n1,'a, b',2\n2,'it''s, so',3\n3,'c, d',4\n", { quote = "'" } },
    { "may have quotes that are data", 'id,size\n1,5" pipe\n2,6" pipe\n3,7" pipe\n', { quote = "" } },
    { "may have a backslash before quotes", 'id,t,x\n1,"a \\"b\\", c",2\n2,"d",3\n', { escape = "\\" } },
    { "may have a backslash before delimiters", "id,t,x\n1,a\\,b,2\n2,c\\, d,3\n3,e,4\n",
      { escape = "\\" } },
    { "keeps the backslashes of paths", 'id,t\n1,"C:\\dir\\a"\n2,"C:\\dir\\b"\n3,"D:\\"\n', {} },
    { "may have blanks behind delimiters", 'id, name, x\n1, "a, b", 2\n2, "c", 3\n', { skip_blanks = true } },
    { "may have a preamble", "Report 2024, all\nby: me\n\nid,name,x\n1,A,2\n2,B,3\n3,C,4\n", { skip = 3 } },
    { "may have a footer", "id,name,x\n1,A,2\n2,B,3\n3,C,4\n\n3 records\n", { footer = 2 } },
    { "may have a row of totals", "id,name,x\n1,A,2\n2,B,3\n3,C,4\nTotal,,9\n", { footer = 1 } },
    { "may have sums among its records", "id,name,x\n1,A,2\n2,B,3\nTotal,,5\n3,C,4\n4,D,4\nTotal,,8\n", {} },
    { "may be named in a first line", "sep=;\na;b\n1;2\n3;4\n", { delimiter = ";", skip = 1 } },
    { "may have comments", "# made, by, x\n#\nid,name\n1,A\n# in between, too, yes\n2,B\n3,C\n", { comment = "#" } },
    { "may have comments of two characters", "// made, by, x\nid,name\n1,A\n2,B\n3,C\n", { comment = "//" } },
    { "keeps a header that begins as a comment", "#id,name\n1,A\n2,B\n3,C\n", {} },
    { "may have no header", "1,a,2.5\n2,b,3.5\n3,c,4.5\n", { header = false } },
    { "may have a header of two lines", "id,weight,len\nno,kg,m\n1,2.5,3\n2,3.5,4\n3,4.5,7\n4,5,6\n5,7,8\n",
      { header = 2 } },
    { "takes years for names", "name,2019,2020,2021\na,5,7,8\nb,9,10,11\nc,12,30,40\n", {} },
    { "may have one column", "price\n1.5\n2.5\n3.75\n", {} },
    { "of one column may have commas in its quotes", "when\n\"a, b\"\n\"c, d\"\n\"e, f\"\n", {} },
    { "may have more comments than records", "# by hand\n# of no use, really\nid;x\n# so\n1;3\n# on\n6;7\n# end",
      { comment = "#", delimiter = ";" } },
    { "may have tabs that line the columns up", "1,\t\tA\n2,\t\tB\n10,\tC\n11,\tD\n12,\tE\n", { header = false } },
    { "may have many columns with nothing in them", "1,a,,,,,,,,x\n2,b,,,,,,,,y\n3,c,,,,,,,,z\n", { header = false } },
    { "may have titles that a spreadsheet made wide", '"Sales, all",,,\n,,,\nid,name,city,x\n1,A,Rome,2\n2,B,Oslo,3\n',
      { skip = 2 } },
    { "may have notes that a spreadsheet made wide", "id,name,city\n1,A,Rome\n2,B,Oslo\n,,\nSource: us,,\n",
      { footer = 2 } },
    { "keeps a last record of which little is filled", "name,city,x\nA,Rome,1\nB,Oslo,2\nC,,\n", {} },
    { "keeps a first record of which little is filled", "Ann,,\nBob,Rome,\nCid,Paris,7\nDan,Oslo,8\n",
      { header = false } },
    { "takes numbers over true and false for names", "who,101,102\na1,TRUE,FALSE\na2,FALSE,TRUE\na3,TRUE,TRUE\n", {} },
    { "takes days over numbers for names", "who,1/22/20,1/23/20,1/24/20\na,0,0,1\nb,2,3,5\nc,8,13,21\n", {} },
    { "takes three years for names, whatever is before them", "Rome,2019,2020,2021\nOslo,51,7,8\nBern,9,110,11\n", {} },
    { "may have years in its data", "2019,2020,2021\n2020,2021,2022\n2021,2022,2023\n", { header = false } },
    { "is that of the first of two tables", "id,name,x\n" .. ("1,A,2\n"):rep(8) .. "\nid,a,b,c,d\n"
      .. ("1,2,3,4,5\n"):rep(8), {} },
    { "takes one word throughout for no name", "area,left,right\nA,ND,ND\nB,5,6\nC,7,88\nD,9,1\nE,2,3\nF,4,5\n", {} },
    { "takes NaN and infinity for numbers", "a,b\nNaN,NaN\n-inf,Infinity\n1.5,2\n3,4\n5,6\n", {} },
    { "is that of a wide table below lines about it", "Account;12;\nFrom;1 May;\nTo;31 May;\nLeft;7,50;\n\n"
      .. "Day;Name;Why;Sum;Unit;\n02.05.2024;Ann;rent;-5,00;EUR;\n03.05.2024;Bob;pay;12,50;EUR;\n",
      { delimiter = ";", skip = 5 } },
    { "is not that of a few wide records at the end", "id;name\n1;A\n2;B\n3;C\n4;D;x;y;z\n5;E;x;y;z\n",
      { delimiter = ";" } },
    { "may have sizes above the names",
      '3,5,,,,,,\n"a","b","c","d","e","f","g","h"\n1,2,3,4,5,6,7,8\n9,1,2,3,4,5,6,7\n',
      { skip = 1 } },
    { "keeps a first record of numbers of which little is filled", "3,5,,,,,,\n1,2,3,4,5,6,7,8\n9,1,2,3,4,5,6,7\n",
      { header = false } },
    { "takes every fifth year for a name, below a row of nothing", ';"";;;;\n;"1995";"2000";"2005";"2010";\n'
      .. '"Rome";"7";"12";"120";"9";\n"Oslo";"35";"8";"41";"260";\n', { delimiter = ";", skip = 1 } },
    { "may have sentences right below a wide table", "a,b,c,d,e\n1,x,2,3,4\n5,y,6,7,8\n9,z,1,2,3\n"
      .. "What this table is about and who has counted it so,,,,\n", { footer = 1 } },
    { "keeps a sentence where another record has as little", "a,b,c,d,e\n1,x,2,3,4\n5,,,,\n9,z,1,2,3\n"
      .. "What this table is about and who has counted it so,,,,\n", {} },
    { "may have CR alone", "id,x\r1,2\r3,4\r", { line_end = "cr" } },
    { "may have CRLF", "id,x\r\n1,2\r\n3,4\r\n", {} },
    { "may be UTF-16", "\xff\xfei\0d\0,\0b\0\n\0001\0,\0002\0\n\0003\0,\0004\0\n\0", { encoding = "utf-16le" } },
    { "passes over a byte order mark", "\xef\xbb\xbfid;b\n1;2\n3;4\n", { delimiter = ";" } },
    { "needs no line end at the end", "id;b\n1;2\n3;4", { delimiter = ";" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.same(case[3], options_of(case[2]))
    end)
  end

  it("does not pass over data that is not as it should be", function()
    for _, last in ipairs { "3,C", "3", "3,C,4,c,5", '3,"C', '"3"x', "3,C,", "C" } do
      local result = csv.sniff_string("id,name,x,y\n1,A,2,a\n2,B,3,b\n" .. last)
      assert.is_nil(result.options.footer, last)
      assert.is_true(#result.warnings > 0, last)
    end
    for _, last in ipairs { "2 records", "(2 rows)", "Total,,5", "end of file\n", "\nC", "\nnotes,2" } do
      assert.equal(last:find "^\n" and 2 or 1,
        csv.sniff_string("id,name,x,y\n1,A,2,a\n2,B,3,b\n" .. last).options.footer, last)
    end
  end)

  it("does not pass over a record with which the file is cut off, or that ends early", function()
    local text = "name,town,size,on\nAnn Bell,Rome,5,2024-05-01\nCid Day,Oslo,7,2024-06-01\nEve Fox,Bern,9,2024-07-01\n"
    local days = "on,town,size\n2024-05-01 10:00,Rome,5\n2024-06-01 11:30,Oslo,7\n2024-07-01 12:15,Bern,9\n"
    for _, case in ipairs { { text, "Gus Hay,Ro" }, { text, "Gus H" }, { text, "Gus" }, { text, "Gus Hay,Rome\n" },
      { text, ",,,\nGus Hay,Ro" }, { days, "2024-08-0" }, { days, "2024-08-01 12:15,Pa" } } do
      local result = csv.sniff_string(case[1] .. case[2])
      assert.is_nil(result.options.footer, case[2])
      assert.is_true(#result.warnings > 0, case[2])
    end
    for _, last in ipairs { "Source: Bell, Day\n", "(3 rows)", "* as of May, not final\n", "\nBell, Day" } do
      assert.is_true(csv.sniff_string(text .. last).options.footer > 0, last)
    end
  end)

  it("is no single column where lines are lists of numbers", function()
    local result = csv.sniff_string("a,b,c,d\n1,2,3,4\n1,2,3,4,5\n1,2,3\n1,2,3,4\n")
    assert.is_true(#result.columns > 1 and result.confidence < 0.6)
  end)

  it("is not made of what is between cells with nothing in them", function()
    local result = csv.sniff_string("123,T,text1,,,,,,,,,,a\n345,T,text2,,,,,,,,,,b\n")
    assert.equal(13, #result.columns)
    assert.is_true(result.dialect.delimiter.confidence >= 0.6) -- what a load needs
  end)

  it("is weighed against other readings only", function()
    for _, text in ipairs { "# made by hand\nf1,f2,f3\n11,12,13\n21,22,23\n31,32,33\n", 'AA,33,\nAA,,""\nBB,35,CC\n',
      'id\tsize\tpath\n1\t"5"" pipe"\tC:\\a\n2\tb\tD:\\c\n3\td\tE:\\f\n' } do
      local result = csv.sniff_string(text)
      assert.is_true(result.dialect.delimiter.confidence > 0.85, text)
      assert.is_nil(table.concat(result.warnings, "\n"):find("two ways", 1, true))
    end
  end)

  it("is not sure of an encoding from a few bytes", function()
    for _, text in ipairs { "nome,citt\xe0\nandy,47\ntom,67\n", "a,b\n1,x\xff\xff\n2,y\n" } do
      local found = csv.sniff_string(text).dialect.encoding
      assert.is_true(found.confidence < 0.5)
      assert.matches("could be '[^']+' or '[^']+'", found.reason)
    end
    assert.equal("windows-1252", csv.sniff_string("nome,citt\xe0\nandy,47\ntom,67\n").options.encoding)
  end)

  it("knows 8-bit encodings, and says that it guesses", function()
    local result = csv.sniff_string(("id;ort\n1;M\xfcnchen\n2;K\xf6ln\n3;D\xfcsseldorf\n"):rep(1))
    assert.is_true(result.options.encoding == "iso-8859-1" or result.options.encoding == "windows-1252")
    assert.equal("München", result.columns[2].examples[1])
    has_warning(result, "is a guess")
  end)

  it("counts line ends of both kinds", function()
    local result = csv.sniff_string("id,x\r\n1,2\n3,4\r\n5,6\n")
    assert.equal("mixed", result.dialect.line_end.value)
    has_warning(result, "line ends are mixed: 2 LF, 2 CRLF")
  end)

  it("knows CR CR LF for one line end", function()
    local result = csv.sniff_string('id,x\r\r\n1,2\r\r\n\r\r\n3,"4"\r\r\n5,6\r\r\n')
    assert.equal("crcrlf", result.dialect.line_end.value)
    assert.equal(3, result.records)
    assert.same({ "2", "4", "6" }, result.columns[2].examples)
    assert.is_nil(result.options.line_end)
  end)

  it("says that a file could be read in two ways", function()
    local result = csv.sniff_string("1;2|3\n4;5|6\n7;8|9\n")
    has_warning(result, "it could be read in two ways")
    assert.is_true(result.confidence < 0.6)
    assert.is_true(#result.alternatives > 0)
  end)

  it("says where records do not fit", function()
    local lines = { "id,name,x" }
    for i = 1, 50 do
      lines[#lines + 1] = ("%d,n%d,%d"):format(i, i, i * 2)
    end
    lines[21], lines[31], lines[41] = "20,short", "30,a,b,long", '40,a"b,80'
    local result = csv.sniff_string(table.concat(lines, "\n") .. "\n")
    assert.equal(3, #result.columns)
    has_warning(result, "1 record with fewer than 3 fields, the first in line 21")
    has_warning(result, "1 record with more than 3 fields, the first in line 31")
  end)

  it("is sure enough to be loaded", function()
    for text, options in pairs {
      ["f1,f2\n.774,.52\n.902,.57\n-.55,.10\n.3,.4\n"] = {}, -- as statistics programs write what is less than one
      ["at,n\n2015/01/01 01:00:00,2\n2015/01/01 02:00:00,5\n2015/01/01 03:00:00,7\n"] = {}, -- no parts of a second
      ["'no'\t'age'\t'size'\n1\t2\t3\n4\t5\t6\n7\t8\t9\n"] = { delimiter = "\t", quote = "'" },
      [('##a=b\n##c=d "e"\n'):rep(4) .. "#pos\tname\tx\n1\ta\t2\n3\tb\t4\n5\tc\t6\n"] =
        { delimiter = "\t", skip = 8 },
    } do
      local found = csv.sniff_string(text)
      assert.same(options, found.options)
      assert.is_true(found.dialect.delimiter.confidence > 0.8, text)
      assert.is_true(found.dialect.header.confidence > 0.8, text)
    end
  end)

  it("is no single column of times where lines are lists that begin with one", function()
    for _, text in ipairs { "1950:1, 28.980,,,\n1950:2, 29.150, 29.861,,\n1950:3, 29.350, 29.803,,\n1950:4, 29.9,,,\n",
      "10:30, 5.5\n10:40, 7.25\n10:50, 8\n" } do
      assert.equal(",", csv.sniff_string(text).dialect.delimiter.value)
    end
    local days = csv.sniff_string("when\n1/2/2020, 10:00:00\n2/2/2020, 10:05:30\n13/2/2020, 11:00:00\n")
    assert.equal(1, #days.columns)
  end)

  it("is not made of signs that stand before comments, or between nothing", function()
    for _, text in ipairs {
      "name,n\n#\n# one\n# two\nRome Lazio,-12\t\t# two\nOslo A,3\t# three, four\nBern,7\t\t# a, b\nParis,71\t# c\n"
        .. "X Y,3\t\t# d, e\n",
      "A,Head,Name,Value,,,,,,,,\nA,Data,City,Rome,,,,,,,,\nA,Data,Street,1 Via, Rome, 00100,,,,,,,,\n"
        .. "A,Data,Period,May 1, 2025 - May 2, 2025,,,,,,,,\nA,Data,When,2025-05-03, 10:00:00,,,,,,,,\n"
        .. "B,Head,Name,Value,,,,,,,,\nB,Data,Sum,Ann,,,,,,,,\nB,Data,Kind,x y,,,,,,,,,\nB,Data,Type,z,,,,,,,,\n"
        .. "C,Head,Class,P,Q,R,S,T,,,,,,\nC,Data,Cash ,5.6754,6223.1,0,6223.19,6217.5,,,,,,\n",
    } do
      assert.is_true(csv.sniff_string(text).dialect.delimiter.confidence < 0.6)
    end
  end)

  it("has no quotes in a file with tabs whose first quote, far behind the start, is data", function()
    local lines = {}
    for i = 1, 9000 do
      lines[i] = ("%d\tname %d\n"):format(i, i)
    end
    local before = table.concat(lines)
    for last, quote in pairs {
      ['1\t"A" and "B"\n2\t"C\n3\tD"\n4\t5"\n'] = "",
      ['1\t"A"\n2\t"B" and "C"\n3\tD\n'] = '"', -- the first is one around a field
      ['1\t"A\n'] = '"', -- cut off
    } do
      assert.equal(quote, csv.sniff_string("id\tname\n" .. before .. last).dialect.quote.value, last)
    end
    local commas = ("id,name\n" .. before):gsub("\t", ",") .. '1,"A" and "B"\n2,"C"\n'
    assert.equal('"', csv.sniff_string(commas).dialect.quote.value)
  end)

  it("reads blanks behind a closing quote as it finds them", function()
    local text = "id | name | x\n1 | 'A b'  | 2\n2 | 'B c'  | 3\n3 | 'C d'  | 4\n"
    local found = csv.sniff_string(text)
    assert.same({ "'", "skip" }, { found.options.quote, found.options.blanks_after_quote })
    for _, _, problem in assert(native_csv.open_string(text, found.options)):records() do
      assert.is_nil(problem)
    end
  end)

  it("takes no record of words for a header to be sure of", function()
    for _, text in ipairs {
      "New York City,NY\nBoston,MA\nChicago,IL\nHouston,TX\nPhoenix,AZ\n", -- a word of a name; three of one length
      "Kansas City,Missouri\nBoston,Massachusetts\nSalem,Oregon\n",
      "State Street,Boston\nMain Road,Salem\nHigh Road,Leeds\n",
      "Ann Bell,00C1\nCid Day,00E1\nEve Fox,0103\n", -- a code above what are numbers by chance
    } do
      assert.is_true(csv.sniff_string(text).dialect.header.confidence < 0.7, text)
    end
    for _, text in ipairs {
      "first_name,home_town\nAnn,Rome\nCid,Oslo\n",
      "Name,Home\nAnn,Rome\nCid,Oslo\n",
      "First Name,Last Name\nAnn,Bell\nCid,Day\nEve,Fox\n",
      "name1,name2\nAnn,Bell\nCid,Day\nEve,Fox\n",
    } do
      local header = csv.sniff_string(text).dialect.header
      assert.is_true(header.value == 1 and header.confidence > 0.9, text)
    end
  end)

  it("is looked for as far as it is not given", function()
    local text = "a;b,c\n1;2,5\n3;4,7\n"
    assert.equal(";", csv.sniff_string(text).dialect.delimiter.value)
    assert.same({ "a;b", "c" }, { csv.sniff_string(text, { delimiter = "," }).columns[1].header,
      csv.sniff_string(text, { delimiter = "," }).columns[2].header })
    assert.equal(";", csv.sniff_string(text, { delimiter = "|" }).dialect.delimiter.value) -- it parts nothing
    local quoted = "id,it\n1,'a'\n2,'b'\n3,'c'\n"
    for quote, example in pairs { ["'"] = "a", [""] = "'a'", ['"'] = "'a'" } do
      local found = csv.sniff_string(quoted, { quote = quote })
      assert.same({ quote, example }, { found.dialect.quote.value, found.columns[2].examples[1] })
    end
    assert.has_error(function() csv.sniff_string(text, { delimiter = ("x"):rep(9) }) end)
  end)

  it("is not made of blanks that line columns up", function()
    for _, text in ipairs { "name    x   y\nAnn     1   12\nBob    12    3\nCid     5    7\n",
      "1  2  3\n4  5  6\n7  8  9\n", "  id size\n   1   20\n  12    3\n   7    4\n 100    5\n" } do
      local found = csv.sniff_string(text).dialect.delimiter
      assert.is_true(found.confidence <= 0.5)
      assert.truthy(found.reason:find("aligned with", 1, true), found.reason)
      assert.is_true(csv.sniff_string(text).confidence <= 0.5)
      has_warning(csv.sniff_string(text), "aligned with spaces, which is not CSV")
    end
    local plain = csv.sniff_string("name x y\nAnn 1 12\nBob 12 3\nCid 5 7\n").dialect.delimiter
    assert.is_true(plain.confidence > 0.7)
  end)

  it("says that records have all numbers of fields", function()
    has_warning(csv.sniff_string("a,b,c,d,e,f\n1,2\n1,2,3\n1,2,3,4\n1,2,3,4,5\n1,2,3,4,5,6\n1\n1,2\n"),
      "no reading gives most records the same number of fields: with delimiter ',' (comma)")
  end)

  it("says that records end in a delimiter, and the header not", function()
    has_warning(csv.sniff_string("a,b,c\n1,2,3,\n4,5,6,\n7,8,9,\n"),
      "skip = 0, header = true, trailing_delimiter = \"skip\"")
    local found = csv.sniff_string("a,b,c\n0,1,2\n1,2,3,\n4,5,6,\n7,8,9,\n") -- what is above is a record
    assert.is_nil(table.concat(found.warnings, "\n"):find("trailing_delimiter", 1, true))
    has_warning(found, "line 2 could be a record: it has 3 fields, those below have 4")
  end)

  it("names bytes that are not UTF-8 far behind the start", function()
    local result = csv.sniff_string("id,name\n" .. ("1,Ann\n"):rep(100000) .. "2,M\xfcller\n")
    assert.equal("utf-8", result.dialect.encoding.value)
    has_warning(result, "1 byte not valid in 'utf-8'")
  end)

  it("stands long runs of signs of several bytes", function()
    for length = 1, 40 do
      csv.sniff_string(("a%sb\n"):format(("§"):rep(length)):rep(3))
      csv.sniff_string(("a|%sb\n"):format(("═"):rep(length)):rep(3))
    end
  end)

  it("gives an empty file and a binary one as errors", function()
    local function failure(text)
      local good, problem = pcall(csv.sniff_string, text)
      assert.is_false(good)
      return tostring(problem)
    end
    assert.equal("text: is empty", failure(""))
    assert.equal("text: is empty", failure("\xef\xbb\xbf"))
    assert.equal("text: holds nothing but blanks and line ends", failure("\n\n\n"))
    assert.equal("text: looks like a binary file", failure("\x7fELF\0\0\0\1\0\0\0\0\2\3\0\0\0\0\0"))
  end)

  it("looks at a sample when told to, and says so", function()
    local text = "id;b\n" .. ("12345;67890\n"):rep(200000)
    local result = csv.sniff_string(text, { sample = 1024 * 1024 })
    assert.is_false(result.whole)
    assert.equal("first 1 MiB, 87,381 records", (result.looked_at:gsub("87,38%d", "87,381")))
    assert.equal("whole file, 200,000 records", csv.sniff_string(text).looked_at)
  end)

  it("takes a quote that is never closed for one line", function()
    local result = csv.sniff_string('id,name\n' .. ('1,"Ann"\n'):rep(20) .. '2,"oops\n' .. ('3,"Bob"\n'):rep(20))
    has_warning(result, "1 record with an unclosed quote, the first in line 22")
    assert.equal(41, result.records)
  end)
end)

describe("types of columns", function()
  it("are those of the type's own parsers", function()
    assert.same({ "bigint", "numeric", "double precision", "boolean", "date", "timestamp", "timestamptz", "time",
      "uuid", "jsonb", "text" }, types_of(([[
id,amount,ratio,flag,day,at,moment,clock,key,doc,name
1,1.50,1e-5,true,2024-01-31,2024-01-31 10:00:00,2024-01-31T10:00:00Z,10:30,UUID1,"{""a"": 1}",Ann
2,-2.25,2.5E10,f,2024-02-29,2024-02-29 11:30:00.5,2024-02-29 11:30:00+02:00,23:59:59,UUID2,"[1, 2]",Bob
]]):gsub("UUID", "8c5a0f0e-3b5e-4c55-9d3f-0a3c6b1f2d4")))
  end)

  it("may be dates in other orders", function()
    assert.equal("DD.MM.YYYY", column_of("31.12.2024", "01.02.2025").format)
    assert.equal("DD/MM/YYYY", column_of("31/12/2024", "01/02/2025").format)
    assert.equal("MM/DD/YYYY", column_of("12/31/2024", "02/01/2025").format)
    assert.equal("DD-Mon-YYYY", column_of("31-Dec-2024", "01-Feb-2025").format)
    assert.equal("YYYY/MM/DD", column_of("2024/12/31", "2025/02/01").format)
    assert.equal("DD/MM/YYYY HH24:MI:SS", column_of("31/12/2024 10:30:00", "01/02/2025 11:45:59").format)
    assert.equal("MM/DD/YYYY HH12:MI AM", column_of("12/31/2024 10:30 PM", "02/01/2025 9:15 AM").format)
    assert.equal("YYYYMMDD", column_of("20240131", "20240229", "20230301", "20241224", "19991231").format)
  end)

  it("say when day and month cannot be told apart", function()
    local result = csv.sniff_string("id,day\n1,01/02/2024\n2,03/04/2024\n3,05/06/2024\n")
    local column = result.columns[2]
    assert.is_true(column.ambiguous)
    assert.equal("DD/MM/YYYY", column.format)
    assert.equal("MM/DD/YYYY", column.alternatives[1].format)
    assert.is_true(column.confidence <= 0.5)
    has_warning(result, "column 'day': date DD/MM/YYYY, or date MM/DD/YYYY: no value tells which")
    assert.matches('{ "day", r.text():required() }, -- 01/02/2024, 03/04/2024, 05/06/2024; kept as text until you '
      .. 'choose: r.date({ format = "DD/MM/YYYY" }):required(), or r.date({ format = "MM/DD/YYYY" }): ',
      csv.rules(result, "t"), 1, true)
  end)

  it("keep the zeros in front of codes", function()
    local column = column_of("01234", "00777", "99999")
    assert.equal("text", column.type)
    assert.equal("bigint", column.alternatives[1].type)
    assert.truthy(column.reason:find("leading zeros", 1, true))
  end)

  it("may be numbers with commas", function()
    local comma = csv.sniff_string("id;x\n1;1.234,5\n2;0,75\n").columns[2]
    assert.same({ "numeric", "," }, { comma.type, comma.decimal })
    local grouped = csv.sniff_string("id;x\n1;1,234.5\n2;12,345,678.00\n").columns[2]
    assert.same({ "numeric", "." }, { grouped.type, grouped.decimal })
    assert.is_true(csv.sniff_string("id;x\n1;1,234\n2;5,678\n").columns[2].ambiguous)
  end)

  it("take words for null, and the empty field", function()
    local column = column_of("1", "N/A", "", "3", "NULL")
    assert.equal("bigint", column.type)
    assert.is_false(column.required)
    assert.same({ "N/A", "NULL" }, column.nulls)
    assert.equal('r.bigint():null_if("N/A", "NULL")', column.rule)
    assert.same({}, column_of("Ann", "NA", "-").nulls)
    assert.is_true(column_of("1", "2").required)
  end)

  it("say which values keep a column from a type", function()
    local values = {}
    for i = 1, 60 do
      values[i] = tostring(i)
    end
    values[30] = "abc"
    local column = column_of(table.unpack(values))
    assert.equal("text", column.type)
    assert.same({ "bigint", "all but 1 value: 'abc' in line 31" },
      { column.alternatives[1].type, column.alternatives[1].reason })
  end)

  it("are not told by blanks alone, which the rule takes for no value", function()
    local text = 'id,a,b,c\n1,5,x,  \n2,"  ",y,  \n3,7,  ,"  "\n4,  ,z,\n'
    local columns = csv.sniff_string(text).columns
    assert.equal('r.bigint():trim():null_if("")', columns[2].rule)
    assert.equal("r.text():trim():required()", columns[3].rule)
    assert.same({ "text", 0, "no value to infer a type from" }, { columns[4].type, columns[4].confidence,
      columns[4].reason })
  end)

  it("count characters, not bytes", function()
    local column = column_of("Łódź", "ß")
    assert.same({ 1, 4 }, { column.min_length, column.max_length })
  end)

  it("leave 0 and 1 open", function()
    local column = column_of("0", "1", "1")
    assert.same({ "bigint", true, "boolean" }, { column.type, column.ambiguous, column.alternatives[1].type })
  end)
end)

describe("the proposed rules", function()
  it("compile, and take every record of the file", function()
    local text = 'Id;Price;Day;Flag;Note;Doc\n'
      .. '1;1.234,5;31.12.2024;true;"a ""b"" \t c";"{}"\n2;N/A;01.02.2024;false;;"[]"\n3;0,5;;t;x;""\n'
    local result = csv.sniff_string(text)
    local rules = assert(load(csv.rules(result, "orders")))()
    assert.equal("orders", rules.name)
    local source <close> = assert(native_csv.open_string(text, result.options))
    local count = 0
    for _, record in source:records() do
      local values = {}
      for i, column in ipairs(result.columns) do
        values[column.name] = record[i]
      end
      local clean, problem = rules:try(values)
      assert(clean, cjson.encode(problem or {}))
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("stand whatever is in names and values", function()
    local result = csv.sniff_string('"a ""b"" \n]] \\n";"--";"--"\n"x\ny\27[31m";2;3\n"]]";4;5\n')
    local text = csv.rules(result, 'we"ird\n')
    assert.is_nil(text:find("\27", 1, true))
    local rules = assert(load(text))()
    assert.equal(3, #rules:columns())
    assert.equal("column_3", rules:columns()[3].name)
  end)
end)

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

describe("random tables in random dialects", function()
  local cases = math.tointeger(tonumber(os.getenv("PGHOST_SNIFF_CASES") or "300"))
  local seed = new_seed "PGHOST_SNIFF_SEED"

  -- Whether csv.open reads them, too; nil where it takes no such option.
  local function read_by_pghost(path, options, rows, header)
    local good, source = pcall(native_csv.open, path, options)
    if not good or not source then
      return nil
    end
    local closed <close> = source
    local at = header and 1 or 0
    for _, record in closed:records() do
      at = at + 1
      for i, cell in ipairs(rows[at] or {}) do
        if not record or (record[i] or "") ~= cell then
          return false
        end
      end
    end
    return at == #rows
  end

  it("are read with what was found", function()
    local folder = pghost.folder()
    local tool = ("python3 %s/spec/support/sniff_tables.py"):format(pghost.quote(pghost.root))
    local _, err, code = pghost.shell(("%s write %d %d %s"):format(tool, seed, cases, folder))
    assert.same({ "", 0 }, { err, code or 0 })
    local read, wrongly_read = 0, {}
    for i = 1, cases do
      local path = ("%s/%d"):format(folder, i)
      local result = csv.sniff(path .. ".csv")
      local taken = pcall(auto_dialect.sniff, { dialect = "auto" }, { path = path .. ".csv", name = "it" }, tostring)
      pghost.write(path .. ".sniff.json", cjson.encode { options = result.options, dialect = result.dialect,
        warnings = result.warnings, refused = not taken })
      local written = cjson.decode(pghost.read(path .. ".json"))
      local same = read_by_pghost(path .. ".csv", result.options, written.rows, written.dialect.header)
      read = read + (same and 1 or 0)
      if same == false then
        wrongly_read[#wrongly_read + 1] = path
      end
    end
    local report = cjson.decode((pghost.shell(("%s check %s"):format(tool, folder))))
    print(("\nsniffed with seed %d: %d tables, %d right, %d unsure, %d wrong; csv.Sniffer %d right; csv.open read %d")
      :format(seed, report.cases, report.right, report.unsure, #report.wrong, report.sniffer, read))
    assert.equal(cases, report.cases)
    local wrong = table.concat(report.wrong, "\n") .. "\nseed " .. seed
    assert.is_true(#report.wrong <= math.max(1, cases // 200), wrong)
    assert.is_true(report.right >= cases * 0.97, wrong)
    assert.is_true(#wrongly_read <= #report.wrong + report.unsure, table.concat(wrongly_read, " ") .. "\n" .. wrong)
    assert.is_true(read > cases // 4)
    pghost.remove(folder)
  end)
end)
