-- What `\copy` takes, pghost takes with the same result, or refuses for a reason that docs/CSV.md gives: over the files
-- of this project and over files made by chance. spec/oracle/copy_difference.lua does the same over any files.
--
-- PGHOST_COPY_FILES: how many are made (20); PGHOST_SPEC_SEED: the seed.

local copy_difference = require "oracle.copy_difference"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local made <const> = tonumber(os.getenv "PGHOST_COPY_FILES" or "20")

local random = math.random

local function pick(list)
  return list[random(#list)]
end

-- Pieces that CSV, COPY or the types give a meaning to, and texts.
local texts = { "", "a", "Ann Koch", " x ", "\\N", "\\", "NULL", "null", "é", "😀", "'", "a'b", "`", "#", "-- x", "\t",
  ";", "|", "%", "{1,2}", "[1]", '{"a": 1}',
  "1e5", "0x1F", "007", "-0", "+5", "5*", "12A", "inf", "NaN", "\u{feff}", "\u{a0}" }
local kinds = {
  function() return tostring(random(-1000, 1000)) end,
  function() return ("%d.%0" .. random(1, 6) .. "d"):format(random(-99, 99), random(0, 999999)) end,
  function() return ("20%02d-%02d-%02d"):format(random(0, 99), random(1, 12), random(1, 28)) end,
  function()
    return ("20%02d-%02d-%02d %02d:%02d:%02d%s"):format(random(0, 99), random(1, 12), random(1, 28), random(0, 23),
      random(0, 59), random(0, 59), pick { "", "", ".5", ".1234567", "Z", "+02", " UTC" })
  end,
  function() return pick { "true", "false", "t", "f", "yes", "no", "on", "off", "1", "0" } end,
  function() return pick(texts) end,
  function() return pick(texts) .. pick { "", ",", "\n", "\r\n", '""', " " } .. pick(texts) end,
}

local function field(text, delimiter)
  local must = text:find '[,\r\n"]' or text:find(delimiter, 1, true)
  return (must or random(5) == 1) and '"' .. text:gsub('"+', '""') .. '"' or text
end

-- Now and then a record is damaged.
local function damaged(line, delimiter)
  local how = random(200)
  return how == 1 and line .. delimiter or how == 2 and line:gsub(delimiter, "", 1) or how == 3 and line .. '"'
    or how == 4 and "\\." or line
end

local function text_of()
  local delimiter, ending = pick { ",", ",", ";", "\t", "|" }, pick { "\n", "\n", "\r\n" }
  local columns, lines = {}, {}
  for i = 1, random(1, 6) do
    columns[i] = pick(kinds)
  end
  if random(2) == 1 then
    local names = {}
    for i = 1, #columns do
      names[i] = "name" .. i
    end
    lines[1] = table.concat(names, delimiter)
  end
  for _ = 1, random(1, 60) do
    local fields = {}
    for i, make in ipairs(columns) do
      fields[i] = random(12) == 1 and "" or field(make(), delimiter)
    end
    lines[#lines + 1] = damaged(table.concat(fields, delimiter), delimiter)
  end
  return table.concat(lines, ending) .. pick { ending, ending, "" }
end

describe("what \\copy takes", function()
  local folder, dsn

  fixture.once(function(keep)
    folder, dsn = keep(pghost.folder()), server.get():database()
  end)

  local function hold(paths)
    local lines = {}
    local counts = copy_difference.run(dsn, paths, function(line)
      lines[#lines + 1] = not line:find ": explained: " and line or nil
    end)
    assert.same({}, lines)
    return counts
  end

  it("is loaded with the same result, of the files of this project", function()
    local paths = copy_difference.files(pghost.root .. "/spec/fixtures/csv")
    for _, path in ipairs(copy_difference.files(pghost.root .. "/data")) do
      paths[#paths + 1] = path
    end
    assert.is_true((hold(paths).same or 0) >= 5)
  end)

  it("is loaded with the same result, of files made by chance", function()
    local seed = new_seed()
    math.randomseed(seed)
    local paths = {}
    for i = 1, made do
      paths[i] = pghost.write(("%s/%d-seed-%d.csv"):format(folder, i, seed), text_of())
    end
    local counts = hold(paths)
    io.write(("\nfiles made with seed %d: %d the same, %d refused by both, %d refused here with a reason, %d taken "
      .. "here alone\n"):format(seed, counts.same or 0, counts.refused or 0, counts.explained or 0, counts.more or 0))
    assert.is_true((counts.same or 0) > made / 4)
  end)

  it("is told from what differs", function()
    local path = pghost.write(folder .. "/same.csv", "a\nb\n")
    assert.same({ { as = "text", verdict = "same", said = "0 rows" } }, copy_difference.compare(dsn, path))
    path = pghost.write(folder .. "/quote.csv", 'a,b\n1,x"y"z\n')
    assert.equal("explained", copy_difference.compare(dsn, path)[1].verdict)
    path = pghost.write(folder .. "/end.csv", "a,b\n1,2\n\\.\n3,4\n")
    assert.equal("explained", copy_difference.compare(dsn, path)[1].verdict)
  end)
end)
