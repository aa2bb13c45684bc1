-- What commands hold at most with records of the greatest length: the budget of memory and four times the record.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local megabyte <const> = 1024 * 1024
local length <const> = 16 * megabyte -- of a record: the default of max_record
local most <const> = 64 * megabyte + 4 * length
local sanitized = os.getenv "PGHOST_SPEC_SANITIZER" ~= nil

local here

-- The bytes that a command holds at most; it must end well.
local function peak(...)
  local words = { "python3", pghost.root .. "/spec/support/peak.py", here.folder .. "/peak", pghost.path, "--dsn",
    here.dsn, ... }
  for i, word in ipairs(words) do
    words[i] = pghost.quote(word)
  end
  local out, err, code = pghost.shell(("cd %s && %s"):format(pghost.quote(here.folder), table.concat(words, " ")))
  assert.equal(0, code, err)
  return tonumber(here:read "peak") * 1024, out
end

-- Records of nearly the greatest length, each with a quoted field to be unescaped, and short ones between them.
local function write_long(name, count, bad)
  local body = ('x""'):rep((length - 40) // 3)
  local file <close> = assert(io.open(here.folder .. "/" .. name, "wb"))
  file:write("id,body\n")
  for i = 1, count do
    file:write(bad and i % 3 == 0 and "x" or i, ',"', body, '"\n')
    file:write(("%d,short\n"):format(i + 1000):rep(2000))
  end
end

-- The same body, summed up by the server from what it is made of.
local function sum_of_bodies(count)
  return here:ask(("SELECT %d, md5(repeat('x\"', %d))"):format(count, (length - 40) // 3))
end

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("long", { data = ".", schema = "public" })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() }, { "body", r.text():trim() } }))
  run:publish()
]]

describe("memory", function()
  fixture.each(function(keep)
    here = keep(project.new { ["pipeline.lua"] = script })
    here.conn:query "CREATE TABLE item (id bigint, body text)"
  end)

  local function holds_long(count)
    return here:ask [[SELECT count(*), md5(max(body)) FROM public.item WHERE length(body) > 100]]
      == sum_of_bodies(count)
  end

  it("of a load is bounded by bytes", function()
    write_long("item.csv", 12)
    for _, workers in ipairs { "1", "4" } do
      here.conn:query "TRUNCATE item"
      local bytes = peak("load", "item.csv", "--into", "item", "--workers", workers)
      assert.is_true(holds_long(12))
      assert.is_true(sanitized or bytes <= most, bytes)
    end
  end)

  it("of a load is what --memory says, and one record more", function()
    write_long("item.csv", 6)
    local bytes = peak("load", "item.csv", "--into", "item", "--workers", "4", "--memory", "1048576")
    assert.is_true(holds_long(6))
    assert.is_true(sanitized or bytes <= 16 * megabyte + 4 * length, bytes) -- the program itself is a quarter of it
  end)

  it("of a pipeline is bounded by bytes", function()
    here.conn:query "DROP TABLE item"
    write_long("item.csv", 12, true)
    local bytes = peak "pipeline.lua"
    assert.is_true(holds_long(8))
    assert.equal("4", here:ask "SELECT count(*) FROM pghost.rejects")
    assert.is_true(sanitized or bytes <= most, bytes)
  end)

  it("of a list of rejects does not grow with their original bytes", function()
    here.conn:query "DROP TABLE item"
    write_long("item.csv", 6, true)
    peak "pipeline.lua"
    local bytes, out = peak "rejects"
    assert.equal(2, select(2, out:gsub("not a bigint 'x'", "")))
    assert.is_true(sanitized or bytes <= 2 * length, bytes)
  end)

  it("of sniffing is bounded by bytes", function()
    write_long("item.csv", 12)
    local bytes = peak("sniff", "item.csv")
    assert.is_true(sanitized or bytes <= most, bytes)
  end)

  it("refuses a budget that is none", function()
    here:write("item.csv", "id,body\n1,a\n")
    local _, err, code = here:pghost("load", "item.csv", "--into", "item", "--memory", "1")
    assert.equal(2, code)
    assert.match("whole number from 1048576 expected, got '1'", err, 1, true)
  end)

  it("of one block is enough for many workers and files", function()
    for i = 1, 30 do
      here:write(("part%02d.csv"):format(i), "id,body\n" .. ("%d,%s\n"):format(i, ("y"):rep(i * 997)):rep(150))
    end
    local bytes, out = peak("load", "part*.csv", "--into", "item", "--workers", "8", "--memory", "1048576")
    assert.equal("4500|30", here:ask "SELECT count(*), count(DISTINCT md5(body)) FROM item", out)
    assert.is_true(sanitized or bytes <= 48 * megabyte, bytes)
  end)
end)
