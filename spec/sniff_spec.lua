-- The sniffer on dialects: one awkwardness at a time, with what a person would say of the file.

local csv = require "pghost.sniff"
local native_csv = require "pghost.native.csv"
local sniffed = require "support.sniffed"

local options_of, has_warning = sniffed.options_of, sniffed.has_warning

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
