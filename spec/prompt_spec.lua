-- What the prompt takes, SQL and Lua in one, and how it shows values. Its commands, completion and live state have
-- specs of their own (prompt_*_spec.lua), the line editor is repl_spec's.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

describe("the prompt", function()
  local home, dsn, name

  setup(function()
    dsn, name = server.get():database [[
      create table town (id int primary key, name text, founded date);
      insert into town values (1, 'Ürdingen', '1255-05-01'), (2, '日本', null), (3, e'a\tb', '2024-02-29');]]
  end)

  fixture.each(function(keep)
    home = keep(pghost.folder())
  end)

  local function feed(lines, words)
    return prompt.feed(home, lines, ("--dsn '%s' %s"):format(dsn, words or ""))
  end

  local function talk(conversation, variables)
    return prompt.talk(home, conversation, ("--dsn '%s'"):format(dsn), variables)
  end

  describe("takes as SQL", function()
    local function is_sql(line)
      local out, err = feed { line, "print('no' .. 'thing more')" }
      return not err:find("stdin:", 1, true) and not out:find("nothing more", 1, true)
    end

    it("what a word of SQL begins, over several lines, to its semicolon", function()
      local out, err = feed { "select 1 as a,", "", "  'x;y' as b -- not ; here", "  /* nor ; here */", ";" }
      assert.equal("", err)
      assert.equal("       a | b\n integer | text\n---------+------\n       1 | x;y\n(1 row)\n", out)
    end)

    it("several statements of a line, comments before them, quoted names and dollar quotes", function()
      local out, err = feed { "-- a comment", "/* another */ select 1 as a; select $x$;$x$ as \"b;\";" }
      assert.equal("", err)
      assert.equal(2, select(2, out:gsub("%(1 row%)", "")))
      assert.truthy(out:find(" b;\n text\n------\n ;\n", 1, true))
    end)

    it("the body of a function in SQL's own syntax as one statement", function()
      local out, err = feed { "create function one() returns int begin atomic", "select 1;",
        "select case when true then 1 end;", "end;", "select one();" }
      assert.equal("", err)
      assert.truthy(out:find("CREATE FUNCTION\n", 1, true))
      assert.truthy(out:find("(1 row)\n", 1, true))
    end)

    it("each word that begins a statement", function()
      for _, line in ipairs { "select", "SELECT *", "with x as (", "insert into town", "(select 1", "table town",
        "values (1)", "explain select", "do $$", "end work", "show all" } do
        assert.is_true(is_sql(line), line)
      end
    end)

    it("no Lua that has such a name", function()
      local out, err = feed { "select(2, 'a', 'b')", "table.concat({ 1, 2 }, '+')", "copy = 5", "copy",
        "values = { 7 }", "values[1]", "do print 'done' end", "table", "select('#')", "(select('#', 1, 2))" }
      assert.equal("", err)
      assert.truthy(out:find("^b\n1%+2\n5\n7\ndone\n{\n  concat = .*\n0\n2\n$"))
    end)

    it("nothing that is neither, with the word that may be meant", function()
      local _, err = feed { "selct * from town;", "wth x as (select 1) select 1;", "nonsense 5" }
      assert.equal("pghost: stdin:1: syntax error near '*': did you mean 'select'?\n"
        .. "pghost: stdin:1: syntax error near 'x': did you mean 'with'?\n"
        .. "pghost: stdin:1: syntax error near '5'\n", err)
    end)
  end)

  it("shows tables with types, numbers to the right, NULL apart from text, what is not printed escaped", function()
    local out = feed { "table town order by id;" }
    assert.equal("      id | name     | founded\n integer | text     | date\n"
      .. "---------+----------+------------\n       1 | Ürdingen | 1255-05-01\n       2 | 日本     | <null>\n"
      .. "       3 | a\\tb     | 2024-02-29\n(3 rows)\n", out)
  end)

  it("says what statements without rows have done", function()
    local out, err = feed { "create temp table t (n int);", "insert into t values (1), (2);",
      "update t set n = 3 where n = 1;",
      "begin;", "rollback;", "drop table t;" }
    assert.equal("", err)
    assert.equal("CREATE TEMP\n(2 rows affected)\n(1 row affected)\nBEGIN\nROLLBACK\nDROP TABLE\n", out)
  end)

  it("shows errors of the server with a caret, and what it says besides", function()
    local out, err = feed { "select 1,", "  nowhere from town;", "do $$ begin raise notice 'hello %', 1; end $$;" }
    assert.equal("DO\n", out)
    assert.equal("pghost: column \"nowhere\" does not exist\n  line 2:   nowhere from town\n"
      .. "            ^\nnotice: hello 1\n", err)
  end)

  it("says what to type instead of COPY FROM STDIN", function()
    local _, err = feed { "copy town to stdout;" }
    assert.equal("pghost: COPY FROM STDIN and TO STDOUT are \\copy here: \\copy TABLE from FILE (\\help \\copy)\n", err)
  end)

  it("gives SQL the values of `parameters`", function()
    local out, err = feed { "parameters = { town = '日本' }", "select id from town where name = :town;",
      "select :other;" }
    assert.truthy(out:find("       2\n(1 row)", 1, true))
    assert.equal("pghost: no value for ':other': parameters = { other = ... } gives one\n", err)
  end)

  it("shares one session between SQL and conn", function()
    local out, err = feed { "begin;", "insert into town values (9, 'x');",
      "conn:query('select count(*) from town')[1][1]", "conn:status()", "rollback;" }
    assert.equal("", err)
    assert.equal("BEGIN\n(1 row affected)\n4\ntransaction\nROLLBACK\n", out)
  end)

  it("shows values as what they are, never as an address", function()
    pghost.write(home .. "/a.csv", "id,name\n1,x\n2,y\n")
    local out, err = feed { "r = require 'pghost.rules'", "r.text():trim():required()",
      "r.table('t', { { 'id', r.bigint():required() } }, { key = 'id' })", "require('pghost.sniff').sniff('a.csv')",
      "{ 1, 'two', { three = 3 } }", "{}", "type", "= function(a, ...) end",
      "coroutine.create(print)", "io.stdout", "conn", "conn:query('select 1 as a')[1]",
      "select(2, pcall(require('pghost.lib.errors').raise, 'no way', 'usage'))",
      "x = {} x.x = x", "x", "{ { a = 1, b = 'x' }, { a = 2 } }", "setmetatable({}, { __tostring = function() "
        .. "return 'mine' end })", "setmetatable({ a = 1 }, { __name = 'Mine' })", "print({ 1 }, type, 2, nil)" }
    assert.falsy(out:find("0x%x%x%x"))
    assert.equal("", err)
    for _, text in ipairs { "\ntext  trim  required\n", "t: 1 column, key id\n", "delimiter",
      "{ 1, \"two\", { three = 3 } }\n{}\n<native function>\n",
      "<function (a, ...) at stdin:1>\n<coroutine, suspended>\n", "pghost.Connection (database ",
      "a | 1\n", "no way\n", "{ x = <the table itself> }\n", " a | b\n---+--------\n 1 | x\n 2 | <null>\n(2 rows)\n",
      "\nmine\nMine { a = 1 }\n", "\n{ 1 }\t<native function>\t2\tnil\n" } do
      assert.truthy(("\n" .. out):find(text, 1, true), text .. "\n---\n" .. out)
    end
  end)

  describe("on a terminal", function()
    local wide = "select 1 as first, repeat('x', 60) as second, 'y' as third, 2 as fourth, 3 as fifth, 4 as sixth, "
      .. "'seven' as seventh;\n"

    it("cuts what is wider than it, with a note, and follows its size", function()
      local out, code = talk { { resize = "60x24" }, wide, { "(1 row; 5 of 7 columns: \\x shows all)" }, { "> " },
        { resize = "200x24" }, wide, { "(1 row)\r\n" }, { "> " }, "\4" }
      assert.equal(0, code)
      assert.truthy(out:find("seventh", 1, true))
      for line in out:gmatch("\n( [^\n]*|[^\n]*)\r") do
        assert.is_true(utf8.len(line) <= 200)
      end
    end)

    it("follows a size that changes while a line is typed", function()
      local out, code = talk { { resize = "40x24" }, "select 'some text that is wider than forty columns', 40 +",
        { "40 +" }, { resize = "100x24" }, { wait = 200 }, " 2 as answer;\n", { "|  answer\r\n" }, { "42\r\n" },
        { "> " }, "\4" }
      assert.equal(0, code, out)
    end)

    it("has the database and the state of the transaction before each line", function()
      local _, code = talk { "1\n", { "1\r\n> " }, "begin;\n", { "BEGIN\r\n" }, { name .. "*> " }, "select nonsense;\n",
        { "does not exist" }, { name .. "!> " }, "rollback;\n", { name .. "> " }, "select 1,\n", { "-> " }, "\3",
        { name .. "> " }, "\4" }
      assert.equal(0, code)
    end)

    it("never runs half a statement that Ctrl-D ends, as the end of a pipe does", function()
      local out, code = talk { "delete from town\n", { "-> " }, "\4" }
      assert.truthy(out:find("pghost: not run: no semicolon at its end", 1, true), out)
      assert.equal(0, code)
      assert.truthy(feed({ "select count(*) + 40 as n from town" }):find("\n     43\n(1 row)\n", 1, true))
    end)

    it("stops with Ctrl-C a query and not the session", function()
      local _, code = talk { "select 1;\n", { "(1 row)" }, { "> " }, "select pg_sleep(60);\n", { "\r\n" },
        { wait = 100 }, "\3", { "interrupted\r\n" }, { name .. "> " },
        "select 41 + 1 as answer;\n", { "42" }, { "> " }, "begin;\n", { "*> " }, "select pg_sleep(60);\n", { "\r\n" },
        { wait = 100 }, "\3", { "interrupted\r\n" }, { name .. "!> " }, "\4" }
      assert.equal(0, code)
    end)

    it("says that a connection is lost, and makes a new one when asked to", function()
      local _, code = talk { "begin;\n", { "BEGIN\r\n" }, { "*> " }, "select pg_terminate_backend(pg_backend_pid());\n",
        { "terminating connection" }, { "is lost, and its transaction with it: \\connect makes a new one\r\n" },
        { name .. "?> " },
        "select 1;\n", { "the connection is lost: \\connect makes a new one" }, { "?> " }, "\\connect\n",
        { "connected: database '" .. name .. "'" }, { name .. "> " }, "select 41 + 1 as answer;\n", { "42" },
        { name .. "> " }, "\4" }
      assert.equal(0, code)
    end)

    it("sends what is longer than it through $PAGER, as it comes, and survives one that is left", function()
      local out, code = talk({ { resize = "80x10" }, "select generate_series(1, 100000000) as n;\n",
        { "paged: 1\r\n" }, { name .. "> " }, "select 41 + 1 as answer;\n", { "      42\r\n(1 row)\r\n" }, { "> " },
        "for i = 1, 20 do io.write(i, ' ') end\n", { "20 " .. name .. "> " }, "\4" },
        "PAGER='head -n 4 | tail -n 1 | sed \"s/^ */paged: /\"'")
      assert.equal(0, code)
      assert.falsy(out:find("paged: 42", 1, true))
    end)

    it("takes what is pasted as text: tabs complete nothing, lines are taken one by one", function()
      local out, code = talk { "\27[200~x = {\n\t'a',\n\t'b' }\n#x\n\27[201~", { "2\r\n> " },
        "\27[200~select 'é日'\n as\tpasted;\n\27[201~", { "é日\r\n(1 row)" }, { "> " }, "\4" }
      assert.equal(0, code)
      assert.truthy(out:find("pasted", 1, true))
    end)
  end)
end)
