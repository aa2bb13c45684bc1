-- What dialect = "auto" must never do: pass over a header or records, take a header for a record, or the
-- other way round. Each file is read to its end with what was found in it. Expected is the table that a
-- person sees in the text, or a refusal.

local auto_read = require "support.auto_read"

local check, refused = auto_read.check, auto_read.refused

local many = {}
for i = 1, 32 do
  many[i] = ("%d,%d,%d,%d"):format(i, i * 3, i * 7, i * 11)
end

describe("a header above the records", function()
  check {
    { "ends in a delimiter", "id,price,qty,\n1,2.50,3\n2,3.50,4\n3,4.50,5\n", refused },
    { "has another delimiter", "qty;price;id\n1,2.50,3\n2,3.50,4\n3,4.50,5\n", refused },
    { "has another delimiter, over texts", "who;where\nAnn,Rome\nBob,Oslo\nCid,Bern\n", refused },
    { "has a broken quote", 'id,price,"qty\n1,2.50,3\n2,3.50,4\n3,4.50,5\n', refused },
    { "has more names than the records have fields", "a,b,c,d,e,f,g,h,i,j,k,l\n" ..
      ("1,2,3,4,5,6,7,8,9,10\n"):rep(4), refused },
    { "has fewer names", "size,cyl\nA X4,21.0,6\nB 7,22.8,4\nC,21.4,6\n", refused },
    { "is known by the table", "who,where\nAnn,Rome\nBob,Oslo\n", "who,where/Ann,Rome/Bob,Oslo",
      columns = { "who", "where" } },
    { "is known by the table, in another order", "where,who\nRome,Ann\nOslo,Bob\n", "where,who/Rome,Ann/Oslo,Bob",
      columns = { "who", "where" } },
    { "has the table's columns and another", "mail,Airport,x\na,b,c\n", "mail,Airport,x/a,b,c",
      columns = { "airport", "mail", "e-mail" } },
    { "is there alone, and is known by the table", "Town,Person\n", "Town,Person", columns = { "person", "town" } },
    { "is the name of the table's one column", "name\nAnna Koch\nBo Vogel\n", "name/Anna Koch/Bo Vogel",
      columns = { "name" } },
    { "is a guess, into a table", "1,a\n2,b\n3,c\n", refused, columns = { "id", "name" } },
    { "is not there, without a table", "1,a\n2,b\n3,c\n", "-/1,a/2,b/3,c" },
    { "begins with no name", ",2011,2012\nRome,5,6\nOslo,7,8\nBern,9,10\n",
      ",2011,2012/Rome,5,6/Oslo,7,8/Bern,9,10", refused },
    { "begins with no name, over texts", ",a\n0,x\n1,y\n2,z\n", ",a/0,x/1,y/2,z", refused },
    { "begins with no name, over numbers", ",1,2\nx,5,6\ny,7,8\n", refused },
    { "is of two years", "x,2011,2012\nRome,5,6\nOslo,7,8\n", refused },
    { "has a title above it, and no names", "Export;;\n1;2;3\n4;5;6\n7;8;9\n", refused },
    { "has comments with its number of fields above it", "# x\n#\n# y, z\nid,n\n1,a\n2,b\n", refused,
      "id,n/1,a/2,b" },
    { "stands over texts", "team,points\nreds,many\nblues,few\ngreens,none\n",
      "team,points/reds,many/blues,few/greens,none", refused },
    { "is of many records of texts", "who;where\n" .. ("Person;Town\nOther;Land\n"):rep(60),
      "who,where" .. ("/Person,Town/Other,Land"):rep(60) },
    { "is there alone", "a,b,c\n", "a,b,c" },
    { "is there alone, without a line end", "id,name", "id,name" },
    { "has brackets", "[id],[day],[price]\n1,2020-01-02,3.5\n2,2020-01-03,4.5\n3,2020-01-04,5.5\n",
      "[id],[day],[price]/1,2020-01-02,3.5/2,2020-01-03,4.5/3,2020-01-04,5.5" },
    { "has braces", "{id},{day},{price}\n1,2020-01-02,3.5\n2,2020-01-03,4.5\n3,2020-01-04,5.5\n",
      "{id},{day},{price}/1,2020-01-02,3.5/2,2020-01-03,4.5/3,2020-01-04,5.5" },
    { "has years above it", ",2023,,2024,\nregion,sales,cost,sales,cost\nnorth,1,2,3,4\nsouth,5,6,7,8\n"
      .. "west,9,10,11,12\n", refused },
    { "has a title above it", "Meetings,,,,,\nMinister,Date,Organisation,Purpose,,\n"
      .. "Mr Swan,Oct-14,Tearfund,Education,,\nMr Swan,Nov-14,Oxfam,Meeting,,\nMs Reed,Nov-14,MSF,Ebola,,\n"
      .. "Ms Reed,Dec-14,Red Cross,Funding,,\n",
      "Minister,Date,Organisation,Purpose,,/Mr Swan,Oct-14,Tearfund,Education,,/Mr Swan,Nov-14,Oxfam,Meeting,,/"
      .. "Ms Reed,Nov-14,MSF,Ebola,,/Ms Reed,Dec-14,Red Cross,Funding,,", refused },
    { "has a title in two columns above it", "Summary of card spend for the period ,\n,\nRow Labels,Sum of Amount\n"
      .. "Travel,120.50\nStationery,80.10\nHotels,310.00\nFood,12.00\n",
      "Row Labels,Sum of Amount/Travel,120.50/Stationery,80.10/Hotels,310.00/Food,12.00", refused },
    { "has sums above it", ";;;57;290;125\nID;NAME;FIRST;Maths;Physics;Art\n1;Kral;Jan;1;0;1\n2;Novak;Petr;0;1;1\n"
      .. "3;Maly;Ivan;1;1;0\n",
      "ID,NAME,FIRST,Maths,Physics,Art/1,Kral,Jan,1,0,1/2,Novak,Petr,0,1,1/3,Maly,Ivan,1,1,0", refused },
    { "is of two lines", "Supplementary Table 2. Genes,,,,,\n,,,,,\ngene_name,symbol,RPKM,,,Fold Change\n"
      .. ",,d0,d1,d2,\nA1,Abc,1.5,2.5,3.5,2.0\nB2,Bcd,1.6,2.6,3.6,2.1\nC3,Cde,1.7,2.7,3.7,2.2\n",
      "gene_name,symbol,RPKM d0,d1,d2,Fold Change/A1,Abc,1.5,2.5,3.5,2.0/B2,Bcd,1.6,2.6,3.6,2.1/"
      .. "C3,Cde,1.7,2.7,3.7,2.2", refused },
    { "of texts has a title above it", "Staff list 2014,,,\nname,unit,room,building\nAnn,Sales,East,Main\n"
      .. "Bob,Sales,West,Main\nCy,IT,East,Annex\n",
      "name,unit,room,building/Ann,Sales,East,Main/Bob,Sales,West,Main/Cy,IT,East,Annex", refused },
    { "has a title with a comma above it, and a blank line", "Sales, all\n\nid,name\n1,Ann\n2,Bob\n3,Cid\n", refused },
    { "has dashes below it", "id,name,qty\n--,----,---\n1,Ann,5\n2,Bob,NULL\n\n(2 rows affected)\n", refused },
    { "is of the extended log format", "#Software: IIS 10.0\n#Version: 1.0\n#Fields: date time c-ip sc-status\n"
      .. "2024-01-05 00:00:01 192.0.2.1 200\n2024-01-05 00:00:02 192.0.2.1 404\n2024-01-05 00:00:03 192.0.2.7 200\n",
      refused },
    { "has groups of names above it", "person,,place,\nfirst,last,city,zip\nAnn,Koch,Rome,12345\n"
      .. "Bob,Vogel,Oslo,23456\nCy,Lang,Bern,34567\n", refused },
    { "of texts has groups of names above it", "person,,where,\nfirst,last,town,land\nAnn,Koch,Rome,Italy\n"
      .. "Bob,Vogel,Oslo,Norway\nCy,Lang,Bern,Suisse\n", refused },
    { "is of a second table, with another of two records above it", "a,b\n1,2\n3,4\n\nx,y,z\n1,2,3\n4,5,6\n5,6,7\n",
      refused },
    { "is of a second table, much wider than that above it",
      "a,b\n1,2\n3,4\n\nx,y,z,u,v\n1,2,3,4,5\n4,5,6,4,5\n5,6,7,4,5\n", refused },
    { "is below names and values", "Account;DE02 1203\nFrom;2024-01-02\n\nday;text;sum;in;out\n2024-01-02;a;1;2;3\n"
      .. "2024-01-03;b;2;3;4\n2024-01-04;c;5;6;7\n",
      "day,text,sum,in,out/2024-01-02,a,1,2,3/2024-01-03,b,2,3,4/2024-01-04,c,5,6,7" },
    { "ends in CR, the records in LF", "a,b\r1,2\n3,4\n", refused, "refused: a.csv" },
  }
end)

describe("a first record", function()
  local rest = "2,Bob,6\n3,Cid,7\n4,Dan,8\n"
  local tail = "/2,Bob,6/3,Cid,7/4,Dan,8"
  check {
    { "whose quote is open is none of the lines above", '1,"Ann,5\n' .. rest, refused, "-/!1" .. tail },
    { "with another delimiter is none of the lines above", "1;Ann;5\n" .. rest, refused, "-/!1" .. tail },
    { "with a field too much is none of the lines above", "1,Ann,5,x\n" .. rest, refused, "-/!1" .. tail },
    { "that leaves off its last field is none of the lines above", "1,Ann\n" .. rest, refused, "-/!1" .. tail },
  }
  local short, expected = {}, {}
  for i = 1, 40 do
    short[i] = i <= 8 and ("%d,n%d\n"):format(i, i) or ("%d,n%d,%d.5\n"):format(i, i, i)
    expected[i] = i <= 8 and "!" .. i + 1 or short[i]:sub(1, -2)
  end
  check {
    { "and seven more that leave off an empty field are no preamble", "id,n,x\n" .. table.concat(short),
      "id,n,x/" .. table.concat(expected, "/"), refused },
    { "and seven more that leave off an empty field are no preamble, without a header", table.concat(short), refused },
  }
end)

describe("the last record", function()
  check {
    { "with a field less", "name,id\nperson1,1\nperson2,2\nperson3,3\nperson200\n",
      "name,id/person1,1/person2,2/person3,3/!5", refused },
    { "with other delimiters", "id,name,qty\n198,person198,5\n199,person199,5\n200;person200;5\n",
      "id,name,qty/198,person198,5/199,person199,5/!4", refused },
    { "with other delimiters, cut off", "id,name,qty\n198,person198,5\n199,person199,5\n200;person200;5",
      "id,name,qty/198,person198,5/199,person199,5/!4", refused },
    { "of a company that is named Total", "company,employees\nShell,93\nBP,67\nTotal,25\n",
      "company,employees/Shell,93/BP,67/Total,25", refused },
    { "of a company that is named Total, with three columns",
      "company,employees,country\nShell,93,GB\nBP,67,GB\nTotal,25,FR\n",
      "company,employees,country/Shell,93,GB/BP,67,GB/Total,25,FR", refused },
    { "whose quote is open", 'id,name,qty\n1,Ann,5\n2,Bob,6\n1,"Ann,5\n', "id,name,qty/1,Ann,5/2,Bob,6/!4", refused },
    { "with semicolons", "id,name,qty\n1,Ann,5\n2,Bob,6\n1;Ann;5\n", "id,name,qty/1,Ann,5/2,Bob,6/!4", refused },
    { "is a sum", "id,name,qty\n1,a,5\n2,b,6\nTotal,,11\n", "id,name,qty/1,a,5/2,b,6", refused },
    { "is Ctrl-Z", "id,t\r\n1,a\r\n2,b\r\n\x1a", refused, "id,t/1,a/2,b", "id,t/1,a/2,b/!4" },
  }
end)

describe("what begins as a comment and has the table's fields", function()
  check {
    { "is a record, with --", "temp,day\n12.5,1\n--,2\n13.1,3\n12.9,4\n--,5\n13.3,6\n",
      "temp,day/12.5,1/--,2/13.1,3/12.9,4/--,5/13.3,6" },
    { "is a record, with !", "id,n\n1,a\n!20,b\n3,c\n4,d\n", "id,n/1,a/!20,b/3,c/4,d" },
    { "is a record, with //", "n,x\nfoo,1\n// bar,3\nbaz,4\nqux,5\n", "n,x/foo,1/// bar,3/baz,4/qux,5" },
    { "is a record beside comments", "id,n\n# a comment\n1,a\n#2,b\n3,c\n4,d\n", refused, "id,n/!2/1,a/#2,b/3,c/4,d" },
    { "is a record where comments have a delimiter in some", "id,n\n1,a\n-- by hand, twice, too\n--,b\n3,c\n4,d\n",
      refused, "id,n/1,a/!3/--,b/3,c/4,d" },
    { "is none, where it has not", "id,n\n# by hand\n1,a\n# so\n3,c\n4,d\n", "id,n/1,a/3,c/4,d" },
  }
end)

describe("blanks", function()
  check {
    { "of a damaged record are not data", 'id;name;qty\n1;"Ann;5\n2;Bob;6\n3;Cy;7\n4;Di;8\n', refused },
    { "before each quote are no data", 'id, name,x\n1, "ann",5\n2, "bob",6\n3, "cid, jr",7\n',
      "id,name,x/1,ann,5/2,bob,6/3,cid, jr,7", refused },
    { "after each quote are no data", 'id,name,x\n1,"ann" ,5\n2,"bob" ,6\n3,"cid" ,7\n',
      "id,name,x/1,ann,5/2,bob,6/3,cid,7" },
    { "after each quote are no data, without a header", '1,"ann" ,5\n2,"bob" ,6\n3,"cid" ,7\n',
      "-/1,ann,5/2,bob,6/3,cid,7" },
    { "before each quote are no data, without a header", '1, "ann",5\n2, "bob",6\n3, "cid",7\n',
      "-/1,ann,5/2,bob,6/3,cid,7", refused },
    { "are no delimiter in names", "name\nAnna Koch\nBert Vogel\nCora Lang\nDirk Wolf\n",
      "name/Anna Koch/Bert Vogel/Cora Lang/Dirk Wolf" },
    { "are no delimiter in names of one and two words", "colour\nlight blue\nred\ndark green\ngrey\n", refused,
      "colour/light blue/red/dark green/grey" },
    { "may be one in a table of numbers with a word above it", "Report\n1 2\n3 4\n5 6\n", refused },
    { "are no delimiter in prices", "price\nEUR 13.50\nEUR 14.00\nEUR 1.75\nEUR 8.20\n",
      "price/EUR 13.50/EUR 14.00/EUR 1.75/EUR 8.20" },
    { "are no delimiter in streets", "street\n1 Koch Street\n23 Mill Lane\n4 High Street\n17 Park Road\n",
      "street/1 Koch Street/23 Mill Lane/4 High Street/17 Park Road" },
    { "are no delimiter in sums", "sum\n7,50 €\n8,20 €\n19,00 €\n3,10 €\n", refused,
      "sum/7,50 €/8,20 €/19,00 €/3,10 €" },
    { "are no delimiter in names without a header", "Anna Koch\nBert Vogel\nCora Lang\nDirk Wolf\n",
      "-/Anna Koch/Bert Vogel/Cora Lang/Dirk Wolf", refused },
    { "within quotes say nothing of those after delimiters",
      'id,shape\n1,"LINESTRING(1 2, 3 4, 5 6)"\n2, x\n3,"POLYGON((0 0, 1 1, 1 0, 0 0), (2 2, 3 3))"\n'
      .. '4,"LINESTRING(7 8, 9 9, 1 1, 2 2, 3 3, 4 4, 5 5, 6 6)"\n',
      "id,shape/1,LINESTRING(1 2, 3 4, 5 6)/2, x/3,POLYGON((0 0, 1 1, 1 0, 0 0), (2 2, 3 3))/"
      .. "4,LINESTRING(7 8, 9 9, 1 1, 2 2, 3 3, 4 4, 5 5, 6 6)" },
  }
end)

describe("a record longer than the sample", function()
  local long = ("x"):rep(70000)
  check {
    { "is read", "id,t\n1,a\n2," .. long .. "\n3,c\n", "id,t/1,a/2," .. long .. "/3,c" },
    { "is read where it is the first below the header", "id,t\n1," .. long .. "\n2,b\n3,c\n",
      "id,t/1," .. long .. "/2,b/3,c" },
    { "is read where it is in quotes", 'id,t\n1,"' .. long .. '"\n2,b\n3,c\n', "id,t/1," .. long .. "/2,b/3,c" },
  }
end)

describe("files of numbers", function()
  check { { "are read whole", "a,b,c,d\n" .. table.concat(many, "\n") .. "\n", "a,b,c,d/" .. table.concat(many, "/") } }
end)
