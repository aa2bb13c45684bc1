-- What `psql \copy ... CSV HEADER` loads, pghost loads with the same result, and what it refuses is refused,
-- but for the exceptions that docs/CSV.md lists: the same list as here.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

local function psql(sql)
  return pghost.psql(dsn, sql)
end

local function select_rows(name, columns)
  local quoted = {}
  for column in columns:gmatch("%a+") do
    quoted[#quoted + 1] = ("quote_nullable(%s)"):format(column)
  end
  return ("SELECT %s FROM %s;\n"):format(table.concat(quoted, ", "), name)
end

local tables = "DROP TABLE IF EXISTS theirs, ours;\nCREATE TABLE theirs (%s text);\nCREATE TABLE ours (LIKE theirs);\n"

-- Rows, or nil where it was refused.
local function by_psql(file, columns, options)
  local rows, _, code = psql(tables:format((columns:gsub(",", " text,")))
    .. ("\\copy theirs from '%s/%s' (FORMAT csv, HEADER%s)\n"):format(folder, file, options or "")
    .. select_rows("theirs", columns))
  return code == 0 and rows or nil
end

-- The same, behind by_psql.
local function by_pghost(file, columns, words)
  local all = { "--dsn", dsn, "load", file, "--into", "ours", "--quiet", table.unpack(words or {}) }
  local _, err, code = pghost.run(all, { cd = folder })
  return code == 0 and psql(select_rows("ours", columns)) or nil, err
end

local escape = { ", ESCAPE '\\'", { "--escape", "\\" } }

-- Both load it, with the same result.
local same = {
  { "NULL and ''", "a,b", 'a,b\n,""\n"",\n' },
  { "blanks around fields", "a,b", 'a,b\n x , y \n" x ",\t\n' },
  { "quotes, delimiters and line ends in quotes", "a,b", 'a,b\n"say ""hi""","1,2"\n"x\ny","\r\n"\n' },
  { "CRLF", "a,b", "a,b\r\n1,2\r\n" },
  { "CR", "a,b", "a,b\r1,2\r3,4\r" },
  { "no line end at the end", "a,b", "a,b\n1,2" },
  { "blank lines of one column", "a", "a\nx\n\ny\n" },
  { "only a header", "a,b", "a,b\n" },
  { "backslashes", "a,b", 'a,b\n\\N,\\\n"\\","a\\b"\n' },
  { "quotes of other kinds", "a,b", "a,b\n'x,y'\n`,´\n" },
  { "a semicolon", "a,b", 'a;b\n"1;2";3,4\n', ", DELIMITER ';'", { "--delimiter", ";" } },
  { "a tab and another quote", "a,b", "a\tb\n'x\ty'\t'it''s'\n", ", DELIMITER E'\\t', QUOTE ''''",
    { "--delimiter", "tab", "--quote", "'" } },
  { "escaped quotes", "a,b", 'a,b\n"say \\"hi\\"","a\\\\b"\n', table.unpack(escape) },
  { "characters of four bytes", "a,b", "a,b\n😀,é\n" },
}

-- Neither loads it.
local refused = {
  { "too few fields", "a,b", "a,b\n1\n" },
  { "too many fields", "a,b", "a,b\n1,2,3\n" },
  { "an open quote", "a,b", 'a,b\n1,"2\n' },
  { "no UTF-8", "a,b", "a,b\n1,\xff\n" },
  { "a lone CR", "a,b", "a,b\n1,x\ry\n" },
  { "a lone LF between CRs", "a,b", "a,b\r1,x\ny\r" },
}

-- psql loads it, pghost refuses it.
local stricter = {
  { "a quote inside a field", "a,b", 'a,b\n1,5" x 3"\n' },
  { "data behind a closing quote", "a,b", 'a,b\n1,"x"y\n' },
  { "a NUL byte, where psql ends the field", "a,b", "a,b\n1,x\0y\n" },
  { "the header again", "a,b", "a,b\n1,2\na,b\n" },
  { "a header with other names", "a,b", "x,y\n1,2\n" },
}

-- psql refuses it, pghost loads it.
local wider = {
  { "blank lines", "a,b", "a,b\n\n1,2\n\n" },
  { "LF and CRLF mixed", "a,b", "a,b\n1,2\r\n3,4\n" },
}

-- Both load it, and not the same.
local different = {
  { "an end mark of COPY", "a", "a\n1\n\\.\n2\n" },
  { "columns in another order", "a,b", "b,a\n1,2\n" },
  { "escapes of other characters", "a,b", 'a,b\n"C:\\new",x\\y\n', table.unpack(escape) },
}

local function each(cases, check)
  for _, case in ipairs(cases) do
    local about, columns, text, options, words = table.unpack(case, 1, 5)
    pghost.write(folder .. "/f.csv", text)
    local theirs = by_psql("f.csv", columns, options)
    local ours, message = by_pghost("f.csv", columns, words)
    check(about, theirs, ours, message)
  end
end

describe("CSV as psql reads it", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
  end)

  it("is loaded with the same result", function()
    each(same, function(about, theirs, ours, message)
      assert.is_string(theirs, about)
      assert.equal(theirs, ours, about .. message)
    end)
  end)

  it("is refused where it cannot be read, with file and line", function()
    each(refused, function(about, theirs, ours, message)
      assert.is_nil(theirs, about)
      assert.is_nil(ours, about)
      assert.matches("f.csv:2: ", message, 1, true)
    end)
  end)

  it("has these exceptions", function()
    each(stricter, function(about, theirs, ours)
      assert.is_string(theirs, about)
      assert.is_nil(ours, about)
    end)
    each(wider, function(about, theirs, ours, message)
      assert.is_nil(theirs, about)
      assert.is_string(ours, about .. message)
    end)
    each(different, function(about, theirs, ours, message)
      assert.is_string(theirs, about)
      assert.is_string(ours, about .. message)
      assert.not_equal(theirs, ours, about)
    end)
  end)

  it("is as psql has it, once asked for", function()
    pghost.write(folder .. "/f.csv", "a,b\n1,2\na,b\n")
    assert.equal(by_psql("f.csv", "a,b"), (by_pghost("f.csv", "a,b", { "--repeated-header", "load" })))
    pghost.write(folder .. "/f.csv", "x,y\n1,2\n")
    assert.equal(by_psql("f.csv", "a,b"), (by_pghost("f.csv", "a,b", { "--no-header", "--skip", "1" })))
  end)
end)
