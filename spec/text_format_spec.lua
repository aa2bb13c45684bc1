-- COPY's text format, against psql's \copy of the same file.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local folder, dsn

local pieces = { ".", "a", "é", "\\t", "\\n", "\\N", "\\\\", "\\b\\f\\r\\v", "\\x41", "\\x4", "\\xg", "\\101",
  "\\7", "\\1012", "\\q", '"', "'", ",", " ", "\\\t", "\\\n", "N", "\\303\\251", "\\xc3\\xa9", "\\8", "\\377",
  "\\xff", "\\0", "\\x00" }

local function psql(sql)
  return pghost.psql(dsn, sql)
end

local function field()
  if math.random(6) == 1 then
    return "\\N"
  end
  local parts = {}
  for i = 1, math.random(0, 4) do
    parts[i] = pieces[math.random(#pieces)]
  end
  return table.concat(parts)
end

local function load(text, ...)
  pghost.write(folder .. "/f.txt", text)
  psql "TRUNCATE ours, theirs"
  local _, err, code = pghost.run({ "--dsn", dsn, "load", "f.txt", "--into", "ours", "--format", "text", ... },
    { cd = folder })
  return code, err
end

local function copied(text)
  pghost.write(folder .. "/f.txt", text)
  local _, err, code = psql(([[\copy theirs from '%s/f.txt' (format text)]]):format(folder))
  return code == 0, err
end

local differ = [[
  SELECT (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE theirs) AS more)
    + (SELECT count(*) FROM (TABLE theirs EXCEPT ALL TABLE ours) AS less)]]

describe("the text format", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    psql "CREATE TABLE ours (a text, b text); CREATE TABLE theirs (a text, b text)"
  end)

  it("gives what \\copy gives, record by record", function()
    local seed, good, accepted = new_seed(), {}, 0
    math.randomseed(seed)
    for i = 1, 40 do
      local record = field() .. "\t" .. field() .. "\n"
      if copied(record) then
        good[#good + 1] = record
        local code, err = load(record, "--no-header")
        assert.equal(0, code, ("seed %d, record %d '%s': %s"):format(seed, i, record, err))
        copied(record)
        assert.equal("0\n", psql(differ), ("seed %d, record %d '%s'"):format(seed, i, record))
        accepted = accepted + 1
      end
    end
    assert.is_true(accepted > 10)
    local all = table.concat(good)
    assert.equal(0, (load(all, "--no-header")))
    assert.is_true(copied(all))
    assert.equal("0\n", psql(differ), "seed " .. seed)
  end)

  it("gives back what the server wrote", function()
    psql "TRUNCATE theirs"
    psql [[INSERT INTO theirs SELECT chr(i) || E'\\' || chr(i + 1), CASE WHEN i % 7 > 0 THEN chr(i) END
      FROM generate_series(1, 700) AS i;]]
    psql(([[\copy theirs to '%s/written.txt' (format text)]]):format(folder))
    local text = pghost.read(folder .. "/written.txt")
    assert.equal(0, (load(text, "--no-header")))
    assert.is_true(copied(text))
    assert.equal("0\n700\n", psql(differ) .. psql "SELECT count(*) FROM ours")
  end)

  it("knows the end marker at the end alone", function()
    local code = load("1\t2\n\\.\n", "--no-header")
    assert.equal(0, code)
    assert.equal("1|2\n", psql "TABLE ours")
    local err
    code, err = load("1\t2\n\\.\n3\t4\n", "--no-header")
    assert.equal(1, code)
    assert.matches("f.txt:2: \\. before the end of the file", err, 1, true)
  end)

  it("has no quote and no escape of its own", function()
    local code, err = load("a\tb\n", "--quote", "'")
    assert.equal(2, code)
    assert.matches("format 'text' has no quotes: quote cannot be given", err, 1, true)
    code, err = load("a\tb\n", "--escape", "!")
    assert.equal(2, code)
    assert.matches("format 'text' has an escape of its own: escape cannot be given", err, 1, true)
    code, err = load("a\tb\n", "--delimiter", "n")
    assert.equal(2, code)
    assert.matches("no lower case letter, digit or '.'", err, 1, true)
    assert.equal(0, (load("a|b\n1|\\|\n", "--delimiter", "|")))
    assert.equal("1||\n", psql "TABLE ours")
  end)
end)
