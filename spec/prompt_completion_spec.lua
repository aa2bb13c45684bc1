-- Completion at the prompt: what a tab inserts or shows, by the text on both sides of the cursor.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

describe("completion at the prompt", function()
  local dsn, home

  fixture.once(function(keep)
    dsn = server.get():database [[
      create table booking (booking_id int, status text, "Odd" int, "order" int);
      create table users (id int, company text);
      create schema other;
      create table other.deep (depth int);
      create table "Mixed Case" (n int);]]
    home = keep(pghost.folder())
    pghost.write(home .. "/data.csv", "a\n")
    os.execute(("mkdir -p %s/rules %s/folder && touch %s/rules/booking.lua"):format(home, home, home))
    pghost.write(home .. "/complete.lua", [[
      local completion = require "pghost.prompt.completion"
      local session = { text = os.getenv("TEXT") or "" }
      r = require "pghost.rules"
      if os.getenv("CONNECT") then conn:status() end
      for line in io.lines(arg[1]) do
        local before, after = line:match("^(.-)|(.*)$")
        local insert, show = completion.complete(session, before, after)
        print((insert or "-") .. ";" .. (show or ""):gsub("%s+", " "))
      end]])
  end)

  -- What becomes of each "before|after".
  local function complete(lines, variables)
    local list = pghost.write(home .. "/lines.txt", table.concat(lines, "\n") .. "\n")
    local out, err = pghost.shell(("cd %s && env HOME=%s %s %s --dsn '%s' complete.lua %s"):format(home, home,
      variables or "CONNECT=1", pghost.quote(pghost.path), dsn, list))
    assert.equal("", err)
    local got = {}
    for line in out:gmatch("([^\n]*)\n") do
      got[#got + 1] = line
    end
    return got
  end

  it("knows globals, fields and keywords of Lua, without metamethods", function()
    assert.same({ "en;", ";rep reverse ", "ut;", "-;", "e;", "-;", "  ;" }, complete { "rawl|", "string.re|",
      "io.stdo|", "r.nothing|", "x = els|", "('x'):re|", "  |" })
    local shown = complete { "io.stdout:|" }[1]
    assert.truthy(shown:find(" write ", 1, true) and not shown:find("__", 1, true), shown)
  end)

  it("knows the methods of columns after r.text() and after each other, calling nothing", function()
    assert.same({ ";trim try ", "uired;", "ote;", "-;" }, complete { "{ 'a', r.text():tr|",
      "r.numeric(10, (2)):trim():req|", "x = r.text():trim():unqu|", "print():unqu|" })
  end)

  it("knows the rules of the project after rules, without reading them", function()
    pghost.write(home .. "/rules/broken.lua", "return r.table(")
    assert.same({ "ng;", ";booking broken " }, complete { "try(rules.booki|", "rules.b|" })
    os.remove(home .. "/rules/broken.lua")
  end)

  it("knows modules in require, the library's and the project's, and files in other strings", function()
    assert.same({ "s';", "s.;", 'ng";', "a.csv';", "der/;" }, complete { "require 'pghost.rule|",
      "require('rule|", 'x = require "rules.booki|', "io.open('dat|", "io.open('fol|" })
  end)

  it("knows tables after FROM and its like", function()
    assert.same({ "king ;", "sers ;", "ep ;", "king ;", 'xed Case" ;', ';"Mixed Case" booking other. public. users ',
      ";other. other.deep " }, complete { "select * from boo|", "select * from booking, u|", "insert into other.de|",
      "select 1; UPDATE boo|", 'select * from "Mi|', "select * from booking join |", "select * from other.|" })
  end)

  it("knows columns of the tables that the statement names, before and after the cursor", function()
    assert.same({ "us ;", "ng_id ;", "tatus;", "mpany;", "depth;", "-;", 'der" ;' }, complete {
      "select stat| from booking", "update booking set booki|", "select b.s| from booking b, users u",
      "select b.id from booking as b join users u on u.co|", "select deep.| from other.deep",
      "select b.x| from users b", 'select "or| from booking' })
    assert.same({ "pany ;" }, complete({ "where com|" }, "CONNECT=1 TEXT='select 1 from users\n'"))
  end)

  it("knows keywords in the case that is typed, and the words that begin a statement", function()
    assert.same({ "E ;", "e;", ";when where ", "ect;", "ECT;" }, complete { "SELECT 1 FROM users u WHER|",
      "select 1 from users wh|", "select 1 from users whe|", "sel|", "SEL|" })
  end)

  it("knows commands and what they take", function()
    assert.same({ "tch ;", ";auto off on ", "king ;", "om ;", "a.csv ;", "torial ;", "gres ;" }, complete {
      "\\wa|", "\\x |", "\\d boo|", "\\copy booking fr|", "\\copy booking from dat|", "\\help tu|", "\\connect post|" })
  end)

  it("knows the methods of conn before it is opened", function()
    assert.same({ ";query quote_identifier quote_literal " }, complete({ "conn:qu|" }, "X=1"))
  end)

  it("opens no connection, and asks none whose transaction has failed", function()
    assert.same({ "-;" }, complete({ "select * from boo|" }, "X=1"))
    pghost.write(home .. "/failed.lua", "conn:exec 'begin' pcall(conn.query, conn, 'nonsense')\n"
      .. "print((require('pghost.prompt.completion').complete({ text = '' }, 'select * from boo', '')), conn:status())")
    local out = pghost.shell(("cd %s && %s --dsn '%s' failed.lua"):format(home, pghost.quote(pghost.path), dsn))
    assert.equal("nil\tfailed\n", out)
  end)

  it("works on a terminal, between what is before and after the cursor", function()
    local out, code = prompt.talk(home, { "select 41 + 1;\n", { "(1 row)" }, { "> " },
      "select 'x' as found, sta from boo\t", { "king " }, "\1" .. ("\27[C"):rep(24), "\t",
      "\5;\n", { "found" }, { "(0 rows)" }, { "> " }, "\4" }, ("--dsn '%s'"):format(dsn))
    assert.equal(0, code, out)
    assert.truthy(out:find("status", 1, true), out)
  end)
end)
