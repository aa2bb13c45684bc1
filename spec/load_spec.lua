-- The load engine: what arrives in the tables, for every number of workers and every place a cut can fall.

local csv = require "pghost.native.csv"
local here = require "support.native_load"
local load = require "pghost.native.load"
local r = require "pghost.rules"
local rules = require "pghost.native.rules"

local connect, begin, open_load, open_raw = here.connect, here.begin, here.open_load, here.open_raw
local load_text, all, state = here.load_text, here.all, here.state

describe("load", function()
  here.once()

  it("appends rejects to a file as the stream would have them, and stops behind a limit", function()
    local path = os.tmpname()
    local function load_rejects(limit)
      local conn <close> = begin(connect())
      local handle <close> = assert(load.open {
        program = rules.compile(here.things),
        clean = { conn = conn, copy = "copy thing from stdin (format binary)", position = true },
        rejects = { path = path, limit = limit, run_id = 7, table = "thing" },
      })
      local source <close> = assert(csv.open_string("id,name,amount,seen\nx,,,\n1,,,\ny,,,\n"))
      local counts, message, code = handle:file(source, here.map)
      if not counts then
        return nil, message, code
      end
      return assert(handle:finish()).rejected
    end
    assert.equal(2, load_rejects(2))
    assert.equal(2, load_rejects())
    assert.same({ nil, "more than 1 rejected", "budget", n = 3 }, table.pack(load_rejects(1)))
    local file <close> = assert(io.open(path, "rb"))
    local row = ">I2i4i8s4i4i8i4i8i4i8i4i8s4s4s4s4"
    local bytes, at = file:read("a"), 1
    for _, expected in ipairs { 2, 4, 2, 4, 2, 4 } do
      local values = table.pack(string.unpack(row, bytes, at))
      assert.same({ 10, 7, "thing", 3, expected }, { values[1], values[3], values[4], values[6], values[8] })
      assert.same({ "id", "type" }, { values[13], values[14] })
      at = values[values.n]
    end
    assert.equal(#bytes + 1, at)
    os.remove(path)
    local conn <close> = begin(connect())
    assert.same({ nil, "could not open '/nix/x': no such file or directory", "ENOENT", n = 3 }, table.pack(load.open {
      program = rules.compile(here.things),
      clean = { conn = conn, copy = "copy thing from stdin (format binary)" },
      rejects = { path = "/nix/x" },
    }))
  end)

  -- What a load with a limit of none ends with: the smallest file and line of its rejects.
  local function first_reject(texts, dialect)
    local path = os.tmpname()
    local conn <close> = begin(connect())
    local handle <close> = assert(load.open {
      program = rules.compile(here.things),
      clean = { conn = conn, copy = "copy thing from stdin (format binary)", position = true },
      rejects = { path = path, limit = 0, run_id = 7, table = "thing" },
      workers = 4,
    })
    local sources <close> = setmetatable({}, { __close = function(list)
      for _, source in ipairs(list) do
        source:close()
      end
    end })
    local counts, message, code
    for i, text in ipairs(texts) do
      sources[i] = assert(csv.open_string(text, dialect))
      assert(handle:start(sources[i], { name = "file " .. i, file_id = i, clean_map = { 1, 2, 3, 4 } }))
    end
    repeat
      counts, message, code = handle:next()
    until not counts
    handle:abort()
    local first
    local file = assert(io.open(path, "rb"))
    while file:read(2) do
      local at = {}
      for field = 1, 10 do
        local length = string.unpack(">i4", file:read(4))
        at[field] = length > 0 and file:read(length) or ""
      end
      local place = ("%d:%d"):format(string.unpack(">i8", at[3]), string.unpack(">i8", at[4]))
      first = (not first or place < first) and place or first
    end
    file:close()
    os.remove(path)
    return code, first, message
  end

  it("that stops has found the first bad record, whatever the number of workers and files", function()
    local good = "%d,name,1.5,2024-01-01 00:00:00\n"
    local lines = { "id,name,amount,seen\n" }
    for i = 2, 9999 do
      lines[i] = good:format(i)
    end
    local first = table.concat(lines)
    lines[1999] = "x" .. lines[1999]
    for i = 2000, 9999 do
      lines[i] = "x" .. lines[i]
    end
    local bad = table.concat(lines)
    for _ = 1, 20 do
      assert.same({ "budget", "1:1999", "more than 0 rejected" }, { first_reject { bad } })
      assert.same({ "budget", "2:1999", "more than 0 rejected" }, { first_reject { first, bad, bad } })
    end
  end)

  it("that stops for a policy says the first place, whatever the number of workers and files", function()
    local lines = { "id,name,amount,seen\n" }
    for i = 2, 9999 do
      lines[i] = i < 1999 and ("%d,name,1.5,2024-01-01 00:00:00\n"):format(i) or "1,2\n"
    end
    local bad = table.concat(lines)
    local worse = bad:gsub("\n", "\n1,2\n", 1)
    for _ = 1, 20 do
      assert.same({ "data", nil, "string:1999: too few fields: 2 of 4" },
        { first_reject({ bad, worse, worse }, { too_few = "stop" }) })
    end
  end)

  it("writes raw, clean and rejects in one pass", function()
    local text = 'id,name,amount,seen\n1, a ,1.005,2024-01-02 03:04:05\nx,b,,\n3,"",2,NULL\n4,too,few\n'
    local counts, totals = load_text(text)
    assert.same({
      "1| a |1.005|2024-01-02 03:04:05|3|2",
      "x|b|NULL|NULL|3|3",
      "3||2|NULL|3|4",
    }, state().raw)
    assert.same({
      "1|a|1.01|2024-01-02 03:04:05|3|2",
      "3||2.00|NULL|3|4",
    }, state().clean)
    assert.same({ "x,b,,", "4,too,few" }, all("select convert_from(original, 'UTF8') from rejects order by line"))
    assert.same({ "7|thing|3|3|id|type|not a bigint 'x'" },
      all("select run_id, table_name, file_id, line, column_name, rule, reason from rejects where line = 3"))
    assert.equal(4, counts.records)
    assert.equal(2, counts.loaded)
    assert.equal(2, counts.rejected)
    assert.equal(1, counts.unreadable)
    assert.equal(3, counts.raw)
    assert.equal(#text, counts.bytes)
    assert.equal(#text, counts.source_bytes)
    assert.equal(3, totals.raw_rows)
    assert.equal(2, totals.clean_rows)
    assert.equal(2, totals.reject_rows)
  end)

  it("gives the original bytes at offset and length", function()
    local text = 'id,name,amount,seen\r\n"q",b,,\r\n2,"a\nb",x,\r\n\r\n3,c"d,,\r\n'
    load_text(text)
    for _, row in ipairs(all("select byte_offset, byte_length, convert_from(original, 'UTF8') from rejects")) do
      local offset, length, original = row:match("^(%d+)|(%d+)|(.*)$")
      assert.equal(text:sub(offset + 1, offset + length), original)
    end
    assert.equal(3, #state().rejects)
  end)

  it("is the same for every number of workers, quoted newlines on the cuts included", function()
    math.randomseed(20240630)
    local lines = { "id,name,amount,seen" }
    for i = 1, 30000 do
      local kind = math.random(40)
      if kind == 1 then
        lines[#lines + 1] = ('%d,"two\nlines ""%s"" and\n\nmore",1,'):format(i, ("x"):rep(math.random(200)))
      elseif kind == 2 then
        lines[#lines + 1] = ('%d,stray" quote,1,'):format(i)
      elseif kind == 3 then
        lines[#lines + 1] = i .. ",short"
      elseif kind == 4 then
        lines[#lines + 1] = ('%d,"closed" badly,1,'):format(i)
      else
        lines[#lines + 1] = ("%d,name %d,%d.5,2024-01-01 00:00:00"):format(i, i, i % 1000)
      end
    end
    local text = table.concat(lines, "\n") .. "\n"
    local counts = load_text(text, 1)
    local one = state()
    assert.equal(#text, counts.bytes)
    for _, workers in ipairs { 2, 3 } do
      local more = load_text(text, workers)
      assert.same(counts, more)
      local other = state()
      for name, rows in pairs(one) do
        assert.equal(table.concat(rows, "\n"), table.concat(other[name], "\n"), name)
      end
    end
  end)

  it("runs rules written in Lua", function()
    local program = rules.compile(r.table("thing", {
      { "id", r.bigint() },
      { "name", r.text() },
      { "amount", r.numeric(10, 2) },
      { "seen", r.timestamp() },
    }, {
      row = {
        r.check({ "id", "name" }, function(id, name)
          return id ~= 2, "two is refused: " .. name
        end),
      },
    }))
    assert(here.control:exec("truncate thing_raw, thing, rejects"))
    local handle <close>, commit = open_load(2, program)
    local source <close> = assert(csv.open_string("id,name,amount,seen\n1,a,,\n2,b,,\n3,c,,\n"))
    local counts = assert(handle:file(source, here.map))
    assert(handle:finish())
    commit()
    assert.equal(2, counts.loaded)
    assert.same({ "1|a|NULL|NULL|3|2", "3|c|NULL|NULL|3|4" }, state().clean)
    assert.same({ "two is refused: b" }, all("select reason from rejects"))
  end)

  it("reads a raw table again, with the positions of the file", function()
    load_text('id,name,amount,seen\n1,a,,\nbad,"x, y",,\n3,"",,\n4,,,\n')
    local expected = state()
    assert(here.control:exec("truncate thing, rejects"))
    local handle <close>, commit = open_load(1)
    local reader <close> = connect()
    local source <close> = assert(load.table_source({ reader },
      { "copy (select _file_id, _line, id, name, amount, seen from thing_raw order by _line) to stdout" }, 6))
    assert(handle:file(source, { raw_map = {}, clean_map = { 3, 4, 5, 6 }, table_source = true }))
    handle:abort()
    assert.same({}, state().clean)
    local again <close>, commit_again = (function()
      local clean, rejects = begin(connect()), begin(connect())
      local opened = assert(load.open {
        program = rules.compile(here.things),
        clean = { conn = clean, copy = "copy thing from stdin (format binary)", position = true },
        rejects = { conn = rejects, copy = "copy rejects from stdin (format binary)", run_id = 7, table = "thing" },
      })
      return opened, function()
        assert(clean:exec("commit"))
        assert(rejects:exec("commit"))
      end
    end)()
    local second <close> = assert(load.table_source({ connect() },
      { "copy (select _file_id, _line, id, name, amount, seen from thing_raw order by _line) to stdout" }, 6))
    assert(again:file(second, { clean_map = { 3, 4, 5, 6 }, table_source = true }))
    assert(again:finish())
    commit_again()
    assert.same(expected.clean, state().clean)
    assert.same({ 'bad,"x, y",,' }, all("select convert_from(original, 'UTF8') from rejects"))
    assert.is_function(commit)
  end)

  -- Files of very different sizes; in some a stray quote makes every cut behind it wrong.
  local function many_texts()
    local texts = {}
    for i = 1, 40 do
      local lines = { "id,name,amount,seen" }
      for k = 1, (i % 7 == 0 and 9000 or i * 3) do
        lines[#lines + 1] = ('%d,"name %d\nof %d",%d.50,2024-01-01 00:00:%02d'):format(k, k, i, k % 1000, k % 60)
        if (k + i) % 400 == 0 then
          lines[#lines + 1] = k .. ',a stray " quote,1,'
        end
      end
      texts[i] = table.concat(lines, i % 2 == 0 and "\n" or "\r\n") .. "\n"
    end
    return texts
  end

  -- The state after loading the texts, up to `most` of them under way at once, and the counts per file.
  local function load_many(texts, workers, most)
    assert(here.control:exec("truncate thing_raw, thing, rejects"))
    local handle <close>, commit = open_load(workers)
    local counts, under_way = {}, {}
    local function finish_oldest()
      local source = table.remove(under_way, 1)
      counts[#counts + 1] = assert(handle:next())
      source:close()
    end
    for i, text in ipairs(texts) do
      if not handle:has_room() or #under_way == most then
        finish_oldest()
      end
      local source = assert(csv.open_string(text))
      assert(handle:start(source,
        { name = "t" .. i, file_id = i, raw_map = { 1, 2, 3, 4 }, clean_map = { 1, 2, 3, 4 } }))
      under_way[#under_way + 1] = source
    end
    while #under_way > 0 do
      finish_oldest()
    end
    assert(handle:finish())
    commit()
    return {
      counts = counts,
      raw = all("select md5(string_agg(t::text, '|' order by _file_id, _line)) from thing_raw t"),
      clean = all("select md5(string_agg(t::text, '|' order by _file_id, _line)) from thing t"),
      rejects = all("select file_id, line, byte_offset, byte_length, rule, reason from rejects order by 1, 2"),
    }
  end

  it("gives the same for several files at once, whatever is cut wrong in them", function()
    local texts = many_texts()
    local expected = load_many(texts, 1, 1)
    assert.equal(#texts, #expected.counts)
    assert.is_true(#expected.rejects > 100)
    for i, text in ipairs(texts) do
      assert.equal(#text, expected.counts[i].bytes)
    end
    for _, workers in ipairs { 1, 3 } do
      assert.same(expected, load_many(texts, workers))
    end
  end)

  it("closes the sources under way when it is aborted, and has no more room than it says", function()
    local conn <close> = begin(connect())
    local handle <close> = open_raw(conn)
    local sources = {}
    for i = 1, 2 do
      sources[i] = assert(csv.open_string("id,name,amount,seen\n1,a,,\n"))
      assert.is_true(handle:has_room())
      assert(handle:start(sources[i], { raw_map = { 1, 2, 3, 4 } }))
    end
    local third <close> = assert(csv.open_string("id,name,amount,seen\n1,a,,\n"))
    assert.is_false(handle:has_room())
    assert.error_matches(function() handle:start(third, { raw_map = { 1, 2, 3, 4 } }) end, "no room for a further file")
    assert.error_matches(function() handle:finish() end, "a file is under way")
    assert.error_matches(function() sources[1]:columns() end, "the source is closed")
    assert(handle:next())
    assert.same({ "id", "name", "amount", "seen" }, sources[1]:columns())
    handle:abort()
    assert.error_matches(function() handle:next() end, "load is closed")
    assert.error_matches(function() sources[2]:columns() end, "the source is closed")
    assert.equal("failed", conn:status())
  end)

  it("counts what cleaning changed", function()
    assert(here.control:exec("truncate thing_raw, thing, rejects"))
    local handle <close>, commit = open_load(1)
    local source <close> = assert(csv.open_string("id,name,amount,seen\n1, a,,NULL\n2,b ,,\n"))
    assert(handle:file(source, here.map))
    assert(handle:finish())
    commit()
    local by_rule = {}
    for _, entry in ipairs(handle:cleaning()) do
      by_rule[entry.column .. " " .. entry.rule] = entry.count
    end
    assert.same({ ["name trim"] = 2, ["seen null_if"] = 1 }, by_rule)
  end)
end)
