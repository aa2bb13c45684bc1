-- Databases that are not in UTF-8: what they have no character for is a reject of a pipeline, and not its end.
-- The oracle for which characters those are is the server's own conversion.

local connection = require "pghost.connection"
local csv = require "pghost.native.csv"
local fixture = require "support.fixture"
local projects = require "support.project"
local server = require "support.server"

local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
run:load("item", "item*.csv", r.table("item", { { "id", r.bigint() }, { "name", r.text() } }, { key = "id" }))
run:publish()
]]

describe("a database in LATIN1", function()
  local project

  fixture.each(function(keep)
    project = keep(projects.new { ["shop.lua"] = script })
    local name = ("latin_%d"):format(os.time()) .. tostring(project):match("(%x%x%x%x)$")
    server.get():psql(("CREATE DATABASE %s ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
      :format(name))
    project.dsn = project.dsn:gsub("dbname=%S+", "dbname=" .. name)
    project.conn:close()
    project.conn = connection.open { dsn = project.dsn }
  end)

  it("rejects what it does not have, whatever the file is in, and takes it corrected", function()
    project:write("item_1.csv", "id,name\n1,café\n2,5 €\n3,\"łódź\"\n4,plain\n5,ÿ\u{80}\n")
    project:write("item_2.csv", "\xff\xfei\0d\0,\0n\0a\0m\0e\0\n\0" .. "6\0,\0\xe9\0\n\0" .. "7\0,\0\xac\x20\n\0")
    local err, code = project:run "shop.lua"
    assert.equal(0, code, err)
    assert.equal("1|café\n4|plain\n5|ÿ\u{80}\n6|é", project:ask "SELECT id, name FROM item ORDER BY id")
    assert.equal("4", project:ask "SELECT count(*) FROM item_raw")
    assert.equal(table.concat({
      "item_1.csv|3|encoding|column 2: the database is in ISO-8859-1, which does not have U+20AC",
      "item_1.csv|4|encoding|column 2: the database is in ISO-8859-1, which does not have U+0142",
      "item_2.csv|3|encoding|column 2: the database is in ISO-8859-1, which does not have U+20AC" }, "\n"),
      project:ask [[SELECT name, line, rule, reason FROM pghost.rejects JOIN pghost.files USING (file_id)
        ORDER BY reject_id]])
    project:pghost("rejects", "1", "--csv", "bad.csv")
    project:write("bad.csv", (project:read("bad.csv"):gsub("5 €", "5 EUR"):gsub("łódź", "Łódź")))
    local _, said, status = project:pghost("fix", "1", "bad.csv")
    assert.equal(0, status, said)
    assert.matches("1 corrected, 0 passed as they were, 2 still open", said)
    assert.matches("U%+0141", said)
    assert.equal("5 EUR", project:ask "SELECT name FROM item WHERE id = 2")
  end)

  it("refuses to create a table of such names, with the file", function()
    project:write("a.csv", "id,łódź\n1,2\n")
    assert.matches("pghost: a.csv: a column's name cannot be stored in this database: character with byte sequence "
      .. "0xc5 0x82 .*: name the columns %(%-%-columns%)", project:must(1, "load", "a.csv", "--into", "a", "--create"))
  end)
end)

describe("csv.open with the database's encoding", function()
  it("accepts and refuses the characters that the server does", function()
    local conn <close> = connection.open { dsn = (server.get():database()) }
    conn:exec [[CREATE FUNCTION has(code int, encoding name) RETURNS bool LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM convert(convert_to(chr(code), 'UTF8'), 'UTF8', encoding);
        RETURN true;
      EXCEPTION WHEN OTHERS THEN
        RETURN false;
      END $$]]
    local codes, lines = {}, { "c" }
    for _, range in ipairs { { 0x80, 0x3500 }, { 0x4e00, 0x5300 }, { 0x6000, 0x6200 }, { 0x7b00, 0x7d00 },
      { 0x8e00, 0x8f00 },
      { 0x9800, 0x9a00 }, { 0x20000, 0x20100 }, { 0x2a000, 0x2a100 }, { 0xac00, 0xae00 }, { 0xe000, 0xe800 },
      { 0xf900, 0xffff }, { 0x1f600, 0x1f610 } } do
      for code = range[1], range[2] do
        codes[#codes + 1], lines[#lines + 1] = code, utf8.char(code)
      end
    end
    local text = table.concat(lines, "\n") .. "\n"
    for _, encoding in ipairs { "LATIN1", "LATIN2", "LATIN9", "LATIN10", "ISO_8859_5", "KOI8R", "WIN1250", "WIN1251",
      "WIN1252", "WIN1255", "WIN1258", "WIN866", "WIN874", "EUC_CN", "EUC_JP", "EUC_KR",
      "EUC_TW", "EUC_JIS_2004" } do
      local taken, source <close> = {}, csv.open_string(text, { stored = encoding })
      for _, record in source:records() do
        if record then
          taken[utf8.codepoint(record[1])] = true
        end
      end
      for row in conn:query("SELECT code, has(code, $1) AS held FROM unnest($2::int[]) AS code", encoding,
        "{" .. table.concat(codes, ",") .. "}"):rows() do
        assert.equal(row.held, taken[row.code] or false, ("%s U+%04X"):format(encoding, row.code))
      end
    end
  end)
end)
