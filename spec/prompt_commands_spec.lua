-- The commands of the prompt but those about the catalog (prompt_catalog_spec.lua).

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

describe("the prompt's command", function()
  local dsn, name, home

  setup(function()
    dsn, name = server.get():database [[
      create table town (id int primary key, name text);
      insert into town values (1, 'Ürdingen'), (2, null), (3, 'a;b');]]
  end)

  fixture.each(function(keep)
    home = keep(pghost.folder())
  end)

  local function feed(...)
    return prompt.feed(home, { ... }, ("--dsn '%s'"):format(dsn))
  end

  local function write(file, text)
    return pghost.write(home .. "/" .. file, text)
  end

  local function read(file)
    return pghost.read(home .. "/" .. file)
  end

  it("\\? lists all of them, \\h says more of one, and an unknown one is named with the nearest", function()
    local out, err = feed("\\?", "\\help \\watch", "\\timng", "\\zzz", "\\")
    for _, command in ipairs { "d", "dt", "di", "df", "l", "timing", "x", "e", "i", "o", "watch", "g", "copy", "chart",
      "profile", "help", "q", "connect", "?" } do
      assert.truthy(out:find("\n  \\" .. command .. " ", 1, true), command)
    end
    for line in out:gmatch("[^\n]+") do
      assert.is_true(#line <= 96, line)
    end
    assert.truthy(out:find("\n\\watch [SECONDS] [c=COUNT]\n", 1, true))
    assert.equal("pghost: unknown command '\\timng': did you mean '\\timing'?\n"
      .. "pghost: unknown command '\\zzz' (\\? lists them)\npghost: unknown command '\\' (\\? lists them)\n", err)
  end)

  it("\\x shows a line for each value, \\timing how long it took; both refuse other words", function()
    local out, err = feed("\\x", "select 1 as a, null as b;", "\\x off", "\\timing on", "select 2 as c;", "\\timing of",
      "\\x atuo", "\\x on off")
    assert.truthy(out:find("^expanded display is on\n%-%[ 1 %]\na | 1\nb | <null>\n%(1 row%)\nexpanded display is off\n"
      .. "timing is on\n       c\n integer\n%-+\n       2\n%(1 row%)\ntime: %d+%.%d ms\n$"), out)
    assert.equal("pghost: \\timing: on, off expected, got 'of': did you mean 'off'?\n"
      .. "pghost: \\x: on, off, auto expected, got 'atuo': did you mean 'auto'?\n"
      .. "pghost: \\x: one word too many: 'off' (\\x [on|off|auto])\n", err)
  end)

  it("\\g runs the last SQL again, also into a file in the format of its name, or into a command", function()
    local out, err = feed("\\g", "select id, name from town order by id;", "\\g a.csv", "\\g 'b c.json'", "\\g d.md",
      "\\g e.txt", "\\g | wc -l | tr -d ' '", "\\gx", "select 'x' as y \\g f.csv", "select 'x' as y \\gx",
      "\\g /no/file")
    local theirs = pghost.shell(("psql -X --csv -d '%s' -c 'select id, name from town order by id'"):format(dsn))
    assert.equal(theirs, read "a.csv")
    assert.equal('{"id":1,"name":"Ürdingen"}\n{"id":2,"name":null}\n{"id":3,"name":"a;b"}\n', read "b c.json")
    assert.truthy(read("d.md"):find("\n| *1 | Ürdingen *|\n"))
    assert.truthy(read("e.txt"):find("       1 | Ürdingen\n", 1, true))
    assert.equal("y\nx\n", read "f.csv")
    assert.truthy(out:find("(3 rows)\n7\n-[ 1 ]\nid   | 1\n", 1, true) or out:find("\n7\n", 1, true), out)
    assert.truthy(out:find("-[ 1 ]\ny | x\n(1 row)\n", 1, true))
    assert.equal("pghost: \\g: no statement has run yet\npghost: /no/file: No such file or directory\n", err)
  end)

  it("\\o sends results to a file or a command until it is given alone", function()
    local out, err = feed("\\o a.csv", "select 1 as a;", "select 2 as a;", "\\o", "select 3 as a;",
      "\\o | sed s/^/sent:/", "select 4 as a;", "'not a result'", "\\o", "select 5 as a;")
    assert.equal("", err)
    assert.equal("a\n1\na\n2\n", read "a.csv")
    assert.falsy(out:find("       1\n", 1, true))
    assert.truthy(out:find("sent:       4\n", 1, true) and out:find("not a result\n", 1, true))
    assert.truthy(out:find("\n       5\n%(1 row%)\n$"))
  end)

  it("\\watch runs the last SQL over and over", function()
    local out, err = feed("select 1 as a;", "\\watch 0.01 c=3", "select 2 as b \\watch c=1", "\\watch x")
    assert.equal(3, select(2, out:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d %(every 0%.01 s%)\n", "")))
    assert.equal(2 + 3, select(2, out:gsub("%(1 row%)", "")))
    assert.equal("pghost: \\watch: seconds, or c=COUNT, expected, got 'x'\n", err)
    local talked, code = prompt.talk(home, { "select 1 as a;\n", { "(1 row)" }, { "> " }, "\\watch 0.05\n",
      { "(every 0.05 s)" }, { "(every 0.05 s)" }, { "(every 0.05 s)" }, "\3", { "interrupted\r\n" }, { name .. "> " },
      "select 42 as b;\n", { "42\r\n" }, { "> " }, "\4" }, ("--dsn '%s'"):format(dsn))
    assert.equal(0, code, talked)
  end)

  it("\\i runs files as if they were typed, or as Lua, and says where an error is", function()
    write("a.sql", "-- a comment\nselect 1 as a;\n\\x on\nselect 2\n as b;\nx = 42\nx\n"
      .. "select 'no semicolon' as c")
    write("bad.sql", "select 1;\n\nselect 2,\n  nowhere;\nselect 3;\n")
    write("bad_command.sql", "select 1;\n\\nothing\n")
    write("bad.txt", "x = 1\n\nerror('here')\n")
    write("a.lua", "local two = 2\nreturn two + 40\n")
    write("outer.sql", "\\i a.lua\n\\q\nselect 'never';\n")
    local out, err, code = feed("\\i a.sql", "\\x off", "\\i bad.sql", "\\i bad_command.sql", "\\i bad.txt",
      "\\i a.lua", "\\i none.sql", "\\i", "\\i outer.sql", "'after'")
    assert.truthy(out:find("^       a\n.*b | 2\n.*\n42\n.*c | no semicolon\n"), out)
    assert.falsy(out:find("never", 1, true) or out:find("after", 1, true))
    assert.truthy(err:find("pghost: bad.sql:4: column \"nowhere\" does not exist\n    nowhere\n    ^\n"
      .. "pghost: bad_command.sql:2: unknown command '\\nothing' (\\? lists them)\npghost: bad.txt:3: here\n",
      1, true), err)
    assert.truthy(err:find("pghost: none.sql: No such file or directory\npghost: \\i: name of a file expected\n",
      1, true), err)
    assert.equal(0, code)
  end)

  it("\\e edits what was typed last and runs it", function()
    write("editor", "#!/bin/sh\nsed -i 's/41/42/' \"$1\"; stat -c %a \"$1\"\n")
    os.execute("chmod +x " .. home .. "/editor")
    local out, err = prompt.feed(home, { "select 41 as a;", "\\e", "'forty' .. '41'", "\\e", "\\e other.sql" },
      ("--dsn '%s'"):format(dsn), "EDITOR=./editor")
    assert.truthy(out:find("      41\n(1 row)\n600\nselect 42 as a;\n       a\n integer\n---------\n      42\n",
      1, true), out)
    assert.truthy(out:find("forty41\n600\n'forty' .. '42'\nforty42\n", 1, true), out)
    assert.truthy(err:find("other.sql", 1, true))
    local _, failed = prompt.feed(home, { "\\e" }, "", "EDITOR=false")
    assert.equal("pghost: 'false' ended with exit code 1: nothing is run\n", failed)
  end)

  it("\\e puts into the history what was edited", function()
    write("editor", "#!/bin/sh\necho \"40 + 2 -- edited\" > \"$1\"\n")
    os.execute("chmod +x " .. home .. "/editor")
    local out, code = prompt.talk(home, { "\\e\n", { "42\r\n" }, { "> " }, "\27[A", { "40 + 2 -- edited" }, "\n",
      { "42\r\n" }, { "> " }, "\4" }, "", "EDITOR=./editor")
    assert.equal(0, code, out)
  end)

  it("\\copy takes files in and out, as psql's and with the options of pghost load", function()
    write("semi.csv", "4;vier\n5;NIX\n")
    write("named.csv", "name,id\nsechs,6\nsieben,x\n")
    local out, err = feed("\\copy town to all.csv",
      "\\copy (select ';' as a, 1 as b) to 'my file.csv' with (format csv, header, delimiter ';')",
      "\\copy town to bare.csv csv", "\\copy town from semi.csv with (format csv, delimiter ';', null 'NIX');",
      "\\copy town from named.csv", "\\copy town from named.csv --max-rejects 1",
      "table town order by id;")
    local theirs = pghost.shell(("psql -X -q --csv -d '%s' -c 'select * from town where id < 4'"):format(dsn))
    assert.equal(theirs, read "all.csv")
    assert.equal('a;b\n";";1\n', read "my file.csv")
    assert.equal((theirs:gsub("^[^\n]*\n", "")), read "bare.csv")
    assert.truthy(out:find("wrote all.csv: ", 1, true))
    assert.truthy(err:find("loaded 2 records from 1 file into public.town", 1, true), err)
    assert.truthy(err:find("pghost: named.csv:3: id: not a whole number 'x'", 1, true)
      or err:find("named.csv:3: id:", 1, true), err)
    assert.truthy(out:find("       4 | vier\n       5 | <null>\n       6 | sechs\n(6 rows)\n", 1, true), out)
  end)

  it("\\copy takes columns in the order that they are named, as psql does", function()
    write("turned.csv", "x,y\nacht,8\nneun,9\n")
    local out, err = feed("\\copy town (name, id) from turned.csv csv header", "\\copy town(id) to ids.csv csv",
      '\\copy town (name, "ID") from turned.csv csv header', "\\copy town (id) from turned.csv csv header",
      "\\copy town (id, id) from turned.csv", "\\copy town () from turned.csv", "table town order by id desc limit 2;")
    assert.truthy(out:find("       9 | neun\n       8 | acht\n", 1, true), out)
    assert.equal((pghost.shell(("psql -X -q -d '%s' -c '\\copy town (id) to stdout csv'"):format(dsn))), read "ids.csv")
    assert.truthy(err:find("pghost: no column 'ID' in public.town\n", 1, true), err)
    assert.truthy(err:find("pghost: turned.csv: its records have 2 fields, and 1 column is named\n", 1, true), err)
    assert.truthy(err:find("column 'id' is named twice", 1, true), err)
    assert.truthy(err:find("list of columns expected, such as id,name, got ''", 1, true), err)
  end)

  it("\\copy refuses what it does not know", function()
    local _, err = feed("\\copy town", "\\copy (select 1) from a.csv",
      "\\copy town from none.csv binary", "\\copy town to a.csv --auto", "\\copy town from none.csv --atuo")
    local usage = "pghost: \\copy: TABLE [(COLUMNS)] from FILE, TABLE [(COLUMNS)] to FILE or (QUERY) to FILE expected, "
      .. "then options\n"
    assert.equal(usage .. usage
      .. "pghost: \\copy: unknown option 'binary': csv, header, delimiter, null, quote, escape, encoding, or those of "
      .. "pghost load, such as --auto\npghost: \\copy: option '--auto' cannot be combined with to\n"
      .. "pghost: unknown option '--atuo': did you mean '--auto'? (see pghost load --help)\n", err)
  end)

  it("\\chart draws the last SQL as bars", function()
    local out, err = feed("\\chart", "select 'x';", "\\chart",
      "values ('a', 80), ('bb', 40), ('日', -20), (null, null);", "\\chart", "\\chart a.txt",
      "select n::numeric from generate_series(1, 2) as n;", "\\chart")
    local chart = out:match("column2 by column1\n.-\n\n") or out:match("column2 by column1\n.*")
    local lengths = {}
    for label, number, bar in chart:gmatch("([^\n│]-) +│ +(%S+) ?([^\n]*)") do
      lengths[#lengths + 1] = ("%s %s %d"):format(label, number, utf8.len(bar))
    end
    local whole = tonumber(lengths[1]:match("%d+$"))
    assert.truthy(whole > 40 and whole < 80)
    assert.same({ "a 80 " .. whole, "bb 40 " .. (whole + 1) // 2, "日 -20 " .. (whole + 3) // 4 },
      { lengths[1], lengths[2], lengths[3] })
    assert.truthy(chart:find("<null> │ <null>\n", 1, true))
    assert.truthy(read("a.txt"):find("^column2 by column1\n"))
    assert.truthy(out:find("n\n1 │ 1 █", 1, true))
    assert.equal("pghost: \\chart: no statement has run yet\n"
      .. "pghost: \\chart: a query with a column of names and one of numbers expected\n", err)
  end)

  it("\\profile shows what is in the columns of a table, a file, or the last SQL", function()
    write("semi.csv", "a;b\n1;x\n2;y\n")
    local out, err = feed("\\profile", "\\profile town", "\\profile semi.csv", "select 7 as seven, 'x' as letter;",
      "\\profile", "\\profile nothing")
    assert.truthy(out:find("town", 1, true) and out:find("Ürdingen", 1, true), out)
    assert.truthy(out:find("semi.csv", 1, true) and out:find("seven", 1, true) and out:find("letter", 1, true), out)
    assert.truthy(err:find("^pghost: \\profile: a table or a file expected, or SQL that has run\n"), err)
    assert.truthy(err:find("pghost: 'nothing' is neither a file nor a table", 1, true), err)
  end)

  it("\\help shows pages, commands and names of the reference", function()
    local out = feed("\\help")
    assert.truthy(out:find("\n  tutorial ", 1, true))
    out = feed("\\help query")
    assert.truthy(out:find("^Usage: pghost query%s"))
    out = feed("\\help tutorial")
    assert.truthy(out:find("^# "))
    out = feed("\\help r.date")
    assert.truthy(out:find("^### `r.date%(") and not out:find("r.time(", 1, true), out)
    local _, err = feed("\\help tutoral")
    assert.equal("pghost: no help for 'tutoral': did you mean 'tutorial'? (\\help lists the pages)\n", err)
  end)

  it("\\connect goes to another database of the server, to a DSN, and back", function()
    local other_dsn, other = server.get():database()
    write("a.csv", "n\n1\n")
    local out, err = feed("\\c " .. other, "conn:query('select current_database()')[1][1]",
      "create table here (n int);", "\\copy here from a.csv", "select count(*) from here;", "\\connect '" .. dsn .. "'",
      "select current_database();", "\\connect nowhere", "select current_database();", "\\connect")
    assert.truthy(out:find(("connected: database '%s' on .*\n%s\nCREATE TABLE\n"):format(other, other)), out)
    assert.truthy(out:find("      1\n(1 row)\n", 1, true))
    assert.equal(2, select(2, out:gsub("\n " .. name .. "\n", "")))
    assert.equal(3, select(2, out:gsub("connected: ", "")))
    assert.truthy(err:find('pghost: .*database "nowhere" does not exist'), err)
    assert.truthy(other_dsn)
  end)

  it("\\q leaves", function()
    local out, err, code = feed("1", "\\q", "2")
    assert.same({ "1\n", "", 0 }, { out, err, code })
  end)
end)
