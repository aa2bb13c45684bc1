-- Loads of text in other encodings: their rejects, extra fields, and options.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local utf16 = require "support.utf16"

local folder

local function write(name, bytes)
  return pghost.write(folder .. "/" .. name, bytes)
end

describe("a load of text in another encoding", function()
  local dsn

  local function psql(sql)
    return server.shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -c \"%s\""):format(dsn, sql)):gsub("\n$", "")
  end

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    psql "CREATE TABLE t (a text, b text)"
  end)

  local function load(...)
    local words = { "--dsn", dsn, "load", folder .. "/in.csv", "--into", "t", "--truncate", ... }
    local out, err, code = pghost.run(words)
    return code, out .. err
  end

  it("has rejects that can be cut out of the file, with one worker and with three", function()
    for _, workers in ipairs { "1", "3" } do
      for encoding, make in pairs {
        ["utf-16le"] = function(text)
          return utf16("\u{feff}" .. text:gsub("INVALID", "{00dc}"))
        end,
        ["utf-8"] = function(text)
          return (text:gsub("INVALID", "\xc3("))
        end,
      } do
        local lines = { "a,b" }
        for i = 1, 8000 do
          lines[#lines + 1] = i % 1000 == 0 and ("%dü,INVALID"):format(i) or i % 1500 == 0 and i .. "ü€"
            or ('%d,"ß\n%d"'):format(i, i)
        end
        local bytes = make(table.concat(lines, "\n") .. "\n")
        write("in.csv", bytes)
        psql "DROP SCHEMA IF EXISTS pghost CASCADE"
        local code, output = load("--max-rejects", "100", "--rejects", "table", "--workers", workers)
        assert.equal(0, code, output)
        assert.equal("7989", psql "SELECT count(*) FROM t")
        local rejects = psql [[SELECT line, byte_offset, byte_length, encode(original, 'hex'), reason
          FROM pghost.rejects ORDER BY line]]
        local count = 0
        for line, offset, length, hex, reason in rejects:gmatch("(%d+)|(%d+)|(%d+)|(%x+)|([^\n]*)") do
          local cut = bytes:sub(offset + 1, offset + length)
          assert.equal(cut:gsub(".", function(byte)
            return ("%02x"):format(byte:byte())
          end), hex, line)
          local few = reason == "too few fields: 1 of 2"
          assert.is_true(few or reason == "column 2: not valid " .. encoding .. ": "
            .. (encoding == "utf-8" and "0xC3 0x28" or "0x00 0xDC"), reason)
          local id = (encoding == "utf-8" and cut or cut:gsub("%z", "")):match("^%d+")
          assert.equal(0, id % (few and 1500 or 1000))
          count = count + 1
        end
        assert.equal(11, count)
      end
    end
  end)

  it("has a rejects file in UTF-8, to correct and load again", function()
    for encoding, bytes in pairs { latin1 = "a,\xfc\n\xe9,1\n\xe8\n", ["utf-16le"] = utf16 "a,ü\né,1\nè\n" } do
      psql "DROP TABLE IF EXISTS u; CREATE TABLE u (a text, \"ü\" text)"
      write("in.csv", bytes)
      local file = folder .. "/rejects.csv"
      local words = { "--dsn", dsn, "load", folder .. "/in.csv", "--into", "u", "--encoding", encoding,
        "--max-rejects", "1", "--rejects", file, "--force" }
      local _, err, code = pghost.run(words)
      assert.equal(0, code, err)
      write("rejects.csv", (pghost.read(file):gsub(",è,", ',"è,2",')))
      _, err, code = pghost.run { "--dsn", dsn, "load", file, "--into", "u" }
      assert.equal(0, code, err)
      assert.equal("é1 è2", psql "SELECT string_agg(a || \"ü\", ' ' ORDER BY \"ü\") FROM u")
    end
  end)

  it("has its extra fields in the table, with one worker and with three", function()
    local text = "a,b\n" .. ("1,2\n3,4,é,\"ü,x\"\n"):rep(20000)
    local mixed = "a,b\n" .. ("1,2\n3,4,é,\"\xfc,x\"\n"):rep(20000)
    for _, case in ipairs {
      { (text:gsub("é", "\xe9"):gsub("ü", "\xfc")), "--encoding", "windows-1252" },
      { utf16("\u{feff}" .. text) },
      { mixed, "--invalid", "windows-1252" },
    } do
      write("in.csv", case[1])
      for _, workers in ipairs { "1", "3" } do
        psql "DROP TABLE IF EXISTS extra"
        local _, err, code = pghost.run { "--dsn", dsn, "load", folder .. "/in.csv", "--into", "extra", "--create",
          "--too-many", "extra", "--workers", workers, table.unpack(case, 2) }
        assert.equal(0, code, err)
        assert.equal('3|4|é,"ü,x"|20000\n1|2||20000',
          psql "SELECT a, b, _extra, count(*) FROM extra GROUP BY 1, 2, 3 ORDER BY 3")
      end
    end
  end)

  it("takes the options of the command line", function()
    write("in.csv", "a,b\n\xe9,1\n")
    assert.equal(1, (load()))
    assert.equal(0, (load("--encoding", "latin1")))
    assert.equal("é|1", psql "SELECT * FROM t")
    assert.equal(0, (load("--invalid", "windows-1252")))
    assert.equal("é|1", psql "SELECT * FROM t")
    local code, output = load("--encoding", "auto")
    assert.equal(1, code, output)
    assert.matches("its encoding is not clear, it could be windows-1252 or macintosh: give it", output, 1, true)
    write("in.csv", "a,b\nM\xc3\xbcller,1\nM\xfcller,2\n")
    code, output = load("--encoding", "auto")
    assert.equal(1, code, output)
    assert.matches("its encoding is not clear, it could be [^ ]+ or utf%-8: give it", output)
    write("in.csv", "a,b\n" .. ("M\xc3\xbcller,1\n"):rep(40) .. "M\xfcller,2\n")
    code, output = load("--encoding", "auto", "--max-rejects", "1")
    assert.equal(0, code, output)
    assert.matches("in.csv: encoding 'utf-8': the whole file is UTF-8 but for 1 place", output, 1, true)
    assert.equal("Müller|1", psql "SELECT DISTINCT * FROM t")
    write("in.csv", "a,b\n\xe9,1\n")
    code, output = load("--encoding", "klingon")
    assert.equal(2, code, output)
    assert.matches("unknown encoding 'klingon'", output, 1, true)
    code, output = load("--encoding", "utf-16le", "--invalid", "windows-1252")
    assert.equal(2, code, output)
    assert.matches("invalid = 'windows-1252' has no effect in 'utf-16le'", output, 1, true)
    code, output = load("--nul", "keep")
    assert.equal(2, code, output)
    write("in.csv", "a,b\nx\0,1\n")
    assert.equal(0, (load("--nul", "strip")))
    assert.equal("x|1", psql "SELECT * FROM t")
  end)
end)
