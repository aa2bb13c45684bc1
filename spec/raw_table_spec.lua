-- A raw table as a source: over one connection or several, whatever its texts are.

local assert = require "luassert"
local busted = require "busted"
local connection = require "pghost.connection"
local load_native = require "pghost.native.load"
local pipeline = require "pghost.pipeline"
local project = require "support.project"
local r = require "pghost.rules"
local raw_table = require "pghost.load.raw_table"
local shown = require "support.shown"
local it, describe = busted.it, busted.describe

-- What the text format of COPY has to escape, what CSV has to quote, and what ends a line or a file elsewhere.
local AWKWARD <const> = { "", "plain", "a\tb", "a\nb", "a\r\nb", "\\", "\\N", "\\.", "\\\\n", 'say "no"', ",", "\r",
  "\v\f\b", "\195\169", "  ", "NULL", "ends in \\", "\239\187\191mark", "\26" }

local function quoted(text)
  return '"' .. text:gsub('"', '""') .. '"'
end

-- A record in nine has no number, one in seven no text; the last of all ends in Ctrl-Z.
local function csv(records)
  local lines = { "id,amount,note" }
  for i = 1, records do
    local text = AWKWARD[i % #AWKWARD + 1]
    lines[#lines + 1] = ("%d,%s,%s"):format(i, i % 9 == 0 and "none" or i, i % 7 == 0 and "" or quoted(text))
  end
  lines[#lines + 1] = ('%d,1,"end' .. "\26" .. '"'):format(records + 1)
  return table.concat(lines, "\n") .. "\n"
end

local rules <const> = r.table("item", {
  { "id", r.bigint():required() },
  { "amount", r.integer() },
  { "note", r.text() },
})

local CLEAN <const> = "SELECT id, amount, note IS NULL, encode(convert_to(note, 'UTF8'), 'hex') FROM item ORDER BY id"
local REJECTS <const> = [[SELECT line, column_name, rule, reason, encode(original, 'hex') FROM pghost.rejects
  WHERE run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY line]]

describe("a raw table as a source", function()
  local here

  busted.setup(function()
    here = project.new { ["item.csv"] = csv(6000) }
  end)

  busted.teardown(function()
    here:remove()
  end)

  local function start()
    return pipeline.start("items", { schema = "public", data = here.folder, max_rejects = "50%" },
      { arguments = {}, dsn = here.dsn, out = shown.sink(), log = { out = shown.sink(), format = "text" } })
  end

  local function run(fn)
    local started <close> = start()
    fn(started)
  end

  local function loaded()
    run(function(started)
      started:load("item", "item.csv", rules)
      started:publish()
    end)
    return { here:ask(CLEAN), here:ask(REJECTS) }
  end

  for _, workers in ipairs { 1, 2, 5 } do
    it(("gives what a load gives, over %d connections"):format(workers), function()
      local expected = loaded()
      assert.equal("5335", here:ask "SELECT count(*) FROM item")
      run(function(started)
        started:stage("item", "item.csv", rules, { workers = 1 })
        started:clean("item", rules, { workers = workers })
        assert.equal(workers > 1, started.connections["reader" .. workers] ~= nil)
        started:publish()
      end)
      assert.same(expected, { here:ask(CLEAN), here:ask(REJECTS) })
    end)
  end

  it("keeps rejects as CSV where the files are gone", function()
    loaded()
    here:write("gone.csv", csv(40))
    run(function(started)
      started:stage("item", "gone.csv", rules)
      os.remove(here.folder .. "/gone.csv")
      started:clean("item", rules)
    end)
    assert.equal(here:ask [[SELECT string_agg(line || '|' || convert_from(original, 'UTF8'), E'\n' ORDER BY line)
      FROM pghost.rejects WHERE run_id = (SELECT max(run_id) FROM pghost.runs)]], here:python([[
import csv, sys
line, out = 2, []
for i, row in enumerate(csv.reader(open(sys.argv[1], newline="", encoding="utf-8"))):
    if i == 0: continue
    raw = ",".join('"%s"' % x.replace('"', '""') if any(c in x for c in ',"\r\n') else x for x in row[:2])
    note = row[2]
    q = any(c in note for c in ',"\r\n') or (note == "" and i % 7)
    if row[1] == "none":
        out.append("%d|%s,%s" % (line, raw, '"%s"' % note.replace('"', '""') if q else note))
    line += 1 + note.count("\n")
sys.stdout.write("\n".join(out))
]], here:write("again.csv", csv(40)):match "[^/]+$"))
  end)

  it("is one snapshot, whatever is added while it is read", function()
    loaded()
    local count = tonumber(here:ask "SELECT count(*) FROM item_raw")
    local started <close> = start()
    local other <close> = connection.open { dsn = here.dsn }
    local readers = raw_table.readers(started, { raw_source = "public.item_raw", workers = 3 })
    assert.equal(3, #readers)
    local seen = 0
    connection.transaction_of_all(readers, function()
      local source <close> = raw_table.open(started, "public.item_raw AS t", "item_raw", "public.item_raw",
        { "id", "amount", "note" }, readers)
      other:query "INSERT INTO public.item_raw (id, _file_id, _line) SELECT 'new', 1, g FROM generate_series(1, 9000) g"
      for _ in source:records() do
        seen = seen + 1
      end
    end)
    assert.equal(count, seen)
  end)

  it("is read over one connection where its rows are not in pages of its own", function()
    here.conn:query "CREATE TABLE parent_raw (id text, _file_id bigint, _line bigint) PARTITION BY RANGE (_line)"
    here.conn:query "CREATE TABLE part_raw PARTITION OF parent_raw FOR VALUES FROM (0) TO (100000)"
    here.conn:query "INSERT INTO parent_raw SELECT g, 1, g FROM generate_series(1, 5000) g"
    local started <close> = start()
    assert.same({}, raw_table.readers(started, { raw_source = "public.parent_raw", workers = 4 }))
    assert.equal(0, raw_table.size(started, "public.parent_raw"))
  end)

  it("may be empty", function()
    local conn <close> = connection.open { dsn = here.dsn }
    local source <close> = assert(load_native.table_source({ conn.native },
      { "COPY (SELECT 1, 2 WHERE false) TO STDOUT" }, 2))
    for _ in source:records() do
      error "a record of nothing"
    end
  end)

  it("fails as the server fails, and leaves no connection in a COPY", function()
    local first <close> = connection.open { dsn = here.dsn }
    local second <close> = connection.open { dsn = here.dsn }
    local source, message = load_native.table_source({ first.native, second.native },
      { "COPY (SELECT 1, 2) TO STDOUT", "COPY (SELECT 1, 2 FROM nowhere) TO STDOUT" }, 2)
    assert.is_nil(source)
    assert.matches("nowhere", message)
    assert.equal(1, first:query("SELECT 1 AS one")[1].one)
    assert.equal(1, second:query("SELECT 1 AS one")[1].one)
    do
      local broken <close> = assert(load_native.table_source({ first.native, second.native }, {
        "COPY (SELECT g, 2 FROM generate_series(1, 300000) g) TO STDOUT",
        "COPY (SELECT g, 1 / (g - 250000) FROM generate_series(1, 300000) g) TO STDOUT" }, 2))
      local ok, text = pcall(function()
        for _ in broken:records() do -- until the server fails
        end
      end)
      assert.is_false(ok)
      assert.matches("division by zero", tostring(text))
    end
    assert.equal(1, first:query("SELECT 1 AS one")[1].one)
    assert.equal(1, second:query("SELECT 1 AS one")[1].one)
  end)

  it("takes lists alone", function()
    local conn <close> = connection.open { dsn = here.dsn }
    assert.has_error(function() load_native.table_source({}, {}, 2) end)
    assert.has_error(function() load_native.table_source({ conn.native }, {}, 2) end)
    assert.has_error(function() load_native.table_source({ conn.native }, { 1 }, 2) end)
    assert.has_error(function() load_native.table_source({ conn.native }, { "COPY (SELECT 1) TO STDOUT" }, 0) end)
  end)
end)
