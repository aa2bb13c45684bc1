-- The fixtures in spec/fixtures/awkward: one awkwardness each, with what must come of it beside it, written
-- by hand. Every one is read by the cursor, packed in every way, in pieces of every size by the C driver, and loaded
-- by the engine with one worker and with three, packed too; cut short it loads nothing.
--
-- NAME.json: about, options, columns, rows (line, cells...), rejects (line, offset, length, rule, reason),
-- repairs, error (it does not open; FILE is its path), stopped (it does not end well).

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local lfs = require "lfs"
local load = require "pghost.native.load"
local native = require "pghost.native.conn"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"

local fixtures = pghost.root .. "/spec/fixtures/awkward/"
local driver = pghost.path:match("^(.*)/") .. "/csv_driver"
local endings = { ".gz", ".bz2", ".xz", ".zst", ".zip" }
local folder, conn, dsn

-- cjson makes floats of all numbers.
local function whole(value)
  if type(value) == "table" then
    for key, inner in pairs(value) do
      value[key] = whole(inner)
    end
  end
  return type(value) == "number" and math.tointeger(value) or value
end

-- Checks all of them, and fails with all that failed.
local function each(check)
  local count, problems = 0, {}
  for file in lfs.dir(fixtures) do
    local name = file:match("^(.*)%.json$")
    if name then
      local case = whole(cjson.decode(pghost.read(fixtures .. file)))
      local fine, problem = pcall(check, name, fixtures .. name .. ".csv", case)
      problems[#problems + 1] = not fine and tostring(type(problem) == "table" and problem.message or problem) or nil
      count = count + 1
    end
  end
  assert.equal("", table.concat(problems, "\n"))
  assert.is_true(count >= 60)
end

local function columns_of(case)
  return table.concat(case.columns, "\0")
end

local function row_text(row)
  local cells = {}
  for i, cell in ipairs(row) do
    cells[i] = cell == cjson.null and "NULL" or ("<%s>"):format(cell)
  end
  return table.concat(cells, " ")
end

local function expected_rows(case)
  local rows = {}
  for i, row in ipairs(case.rows) do
    rows[i] = row_text(row)
  end
  return rows
end

-- What must come of a reading, in the order of the lines.
local function expected_records(case, bytes)
  local all = {}
  for _, row in ipairs(case.rows) do
    all[#all + 1] = { row[1], row_text(row) }
  end
  for _, reject in ipairs(case.rejects or {}) do
    local original = bytes and bytes:sub(reject.offset + 1, reject.offset + reject.length)
    all[#all + 1] = { reject.line, ("%s %s"):format(reject.reason, original or "") }
  end
  table.sort(all, function(a, b)
    return a[1] < b[1]
  end)
  return all
end

local function error_of(case, path)
  return ((case.error or case.stopped):gsub("FILE", (path:gsub("%%", "%%%%"))))
end

local function read_all(source)
  local all = {}
  local fine, message = pcall(function()
    for line, record, problem, bytes in source:records() do
      local row = { line }
      for i = 1, record and #record or 0 do
        row[i + 1] = record[i] == nil and cjson.null or record[i]
      end
      all[#all + 1] = { line, record and row_text(row) or ("%s %s"):format(problem, bytes) }
    end
  end)
  return all, not fine and message or nil
end

-- Opens, reads and compares.
local function check_reading(name, path, case, bytes)
  local source, message = csv.open(path, case.options)
  if case.error then
    assert.is_nil(source, name)
    assert.equal(error_of(case, path), message, name)
    return
  end
  assert.is_truthy(source, ("%s: %s"):format(name, message))
  local _ <close> = source
  assert.equal(columns_of(case), table.concat(source:columns(), "\0"), name)
  local all, stopped = read_all(source)
  assert.same(expected_records(case, bytes), all, name)
  assert.equal(case.stopped and error_of(case, path), stopped, name)
  if not stopped then
    assert.equal(#bytes, source:totals().bytes, name)
  end
end

-- One table for all of them: columns c1 to c200, told apart by _file_id.
local function names(from, to, kind)
  local list = {}
  for i = from, to do
    list[#list + 1] = ("c%d%s"):format(i, kind)
  end
  return table.concat(list, ", ")
end

local function connections(count)
  local list = {}
  for i = 1, count do
    list[i] = assert(native.connect(dsn))
  end
  return list
end

local function select_rows(file_id, count)
  local rows = {}
  local sql = ("select _line, %s from fixture where _file_id = $1 order by _line"):format(names(1, count, ""))
  for row in assert(conn:query(sql, file_id)):rows() do
    local cells = {}
    for i = 1, count + 1 do
      cells[i] = row[i] == nil and cjson.null or row[i]
    end
    rows[#rows + 1] = row_text(cells)
  end
  return rows
end

local function select_rejects(file_id, bytes)
  local list = {}
  local sql = "select line, byte_offset, byte_length, rule, reason, original from rejects where file_id = $1 "
    .. "order by line"
  for row in assert(conn:query(sql, file_id)):rows() do
    list[#list + 1] = { line = row.line, offset = row.byte_offset, length = row.byte_length, rule = row.rule,
      reason = row.reason }
    assert.equal(bytes:sub(row.byte_offset + 1, row.byte_offset + row.byte_length), row.original)
  end
  return list
end

local function check_loaded(name, case, bytes, counts, file_id)
  assert.same(expected_rows(case), select_rows(file_id, #case.columns), name)
  assert.same(case.rejects or {}, select_rejects(file_id, bytes), name)
  assert.same(case.repairs or {}, counts.repairs, name)
  assert.equal(counts.records, #case.rows + #(case.rejects or {}) + (counts.filtered or 0), name)
  assert.equal(#bytes, counts.bytes, name)
end

local function check_load(name, path, case, file_id, raw, rejects, bytes)
  local source <close> = assert(csv.open(path, case.options))
  local map = {}
  for i = 1, #case.columns do
    map[i] = i
  end
  local copy = ("copy fixture (%s, _file_id, _line) from stdin (format binary)"):format(names(1, #map, ""))
  local handle <close> = assert(load.open {
    workers = #raw,
    raw = { conn = raw, copy = copy },
    rejects = { conn = rejects, copy = "copy rejects from stdin (format binary)", run_id = 7, table = "fixture" },
  })
  local counts, message = handle:file(source, { name = path, file_id = file_id, raw_map = map, clean_map = {} })
  if case.stopped then
    assert.equal(error_of(case, path), message, name)
    return
  end
  assert.is_truthy(counts, ("%s: %s"):format(name, message))
  assert(handle:finish())
  check_loaded(name, case, bytes or pghost.read(path), counts, file_id)
end

-- Copies of the fixtures, packed in every way, in `folder`.
local function pack_all()
  local words = {}
  each(function(name, path)
    words[#words + 1] = pghost.quote(pghost.write(("%s/%s.csv"):format(folder, name), pghost.read(path)))
  end)
  server.shell(("python3 '%s/spec/support/packed.py' %s"):format(pghost.root, table.concat(words, " ")))
end

-- Loads every fixture, as the path that `path_of` gives, or nil.
local function load_all(workers, first_id, path_of)
  local file_id, raw, rejects = first_id, connections(workers), connections(1)[1]
  each(function(name, path, case)
    local as, bytes = path_of(name, path), pghost.read(path)
    if case.stopped then -- its connections are in the middle of a COPY
      check_load(name, as, case, 0, connections(workers), connections(1)[1], bytes)
    elseif not case.error then
      file_id = file_id + 1
      check_load(name, as, case, file_id, raw, rejects, bytes)
    end
  end)
end

describe("an awkward file", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    conn = keep(assert(native.connect(dsn)))
    pack_all()
    assert(conn:exec(("create table fixture (%s, _file_id bigint, _line bigint)"):format(names(1, 200, " text"))))
    assert(conn:exec [[create table rejects (run_id bigint, table_name text, file_id bigint, line bigint,
      byte_offset bigint, byte_length bigint, column_name text, rule text, reason text, original bytea)]])
  end)

  it("is read as it is written beside it", function()
    each(function(name, path, case)
      check_reading(name, path, case, pghost.read(path))
    end)
  end)

  it("is the same packed", function()
    each(function(name, path, case)
      for _, ending in ipairs(endings) do
        check_reading(name .. ending, ("%s/%s.csv%s"):format(folder, name, ending), case, pghost.read(path))
      end
    end)
  end)

  it("is an error where it is packed and cut short", function()
    each(function(name)
      for _, ending in ipairs(endings) do
        local packed = pghost.read(("%s/%s.csv%s"):format(folder, name, ending))
        for _, length in ipairs { #packed // 2, #packed - 1 } do
          local path = pghost.write(folder .. "/cut", packed:sub(1, length))
          local source, message, code = csv.open(path)
          assert.is_nil(source, name .. ending)
          assert.equal("archive", code, name .. ending)
          assert.equal(("could not read '%s': "):format(path), message:sub(1, #path + 19), name .. ending)
        end
      end
    end)
  end)

  it("is the same from pieces of every size", function()
    local count = 0
    each(function(name, path, case)
      local words = {}
      for option, value in pairs(case.options or {}) do
        value = option == "header" and (value == true and 1 or value or 0) or value
        words[#words + 1] = pghost.quote(("%s=%s"):format(option, value))
      end
      local options = case.options or {}
      local known = not (name:find "^utf16" or options.encoding or options.invalid or options.nul or options.tolerant)
      if known and not case.error and not case.stopped and lfs.attributes(path, "size") < 4000 then
        local out, err, code = pghost.shell(("%s every %s %s"):format(driver, path, table.concat(words, " ")))
        assert.equal(0, code, name .. err)
        local good = 0
        for line in out:gmatch("[^\n]+") do
          local record = line:find("^%[") and cjson.decode((line:gsub("%] repairs %x+%]$", "]]")))
          good = good + (record and record[4] == 0 and 1 or 0)
        end
        assert.equal(#case.rows, good, name)
        count = count + 1
      end
    end)
    assert.is_true(count >= 50)
  end)

  for _, workers in ipairs { 1, 3 } do
    it(("is loaded by %d worker%s"):format(workers, workers == 1 and "" or "s"), function()
      load_all(workers, 1000 * workers, function(_, path)
        return path
      end)
    end)
  end

  it("is loaded packed, each in one of the ways", function()
    local count = 0
    load_all(3, 10000, function(name)
      count = count + 1
      return ("%s/%s.csv%s"):format(folder, name, endings[count % #endings + 1])
    end)
    assert.is_true(count >= 60)
  end)
end)

describe("a large file", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    conn = keep(assert(native.connect(dsn)))
  end)

  local function load_file(...)
    local _, err, code = pghost.run({ "--dsn", dsn, "load", ... }, { cd = folder })
    return err, code
  end

  local function ask(sql)
    return assert(conn:query(sql))[1][1]
  end

  it("is what Python's csv module reads in it, with one worker and with three, packed too", function()
    local seed = new_seed()
    server.shell(("cd '%s' && python3 '%s/spec/support/csv_table.py' %d 30000 in.csv rows && psql -X -q -d '%s' "
      .. "-c 'create table expected (_line bigint, a text, b text, c text, d text)' -c '\\copy expected from rows' "
      .. "&& python3 '%s/spec/support/packed.py' in.csv"):format(folder, pghost.root, seed, dsn, pghost.root))
    assert.equal(30000, ask "select count(*) from expected")
    assert(conn:exec "create table got (a text, b text, c text, d text, _file_id bigint, _line bigint)")
    for _, case in ipairs { { "", 1 }, { "", 3 }, { ".gz", 3 }, { ".zst", 3 }, { ".xz", 3 }, { ".bz2", 3 },
      { ".zip", 3 } } do
      assert(conn:exec "truncate got")
      local source <close> = assert(csv.open(folder .. "/in.csv" .. case[1]))
      local handle <close> = assert(load.open { workers = case[2],
        raw = { conn = connections(case[2]), copy = "copy got from stdin (format binary)" } })
      assert.equal(30000, assert(handle:file(source, { raw_map = { 1, 2, 3, 4 }, clean_map = {} })).loaded)
      assert(handle:finish())
      local read = "select _line, coalesce(a, ''), coalesce(b, ''), coalesce(c, ''), coalesce(d, '') from got"
      assert.equal(30000, ask("select count(*) from (table expected intersect all " .. read .. ") as same"),
        ("%s, %d workers, seed %d"):format(case[1], case[2], seed))
    end
  end)

  it("loads nothing where it is packed and cut short", function()
    assert(conn:exec "create table cut (a text, b text, c text, d text)")
    for _, ending in ipairs(endings) do
      local packed = pghost.read(folder .. "/in.csv" .. ending)
      for _, length in ipairs { #packed - 1, #packed * 9 // 10 } do
        pghost.write(folder .. "/cut.csv", packed:sub(1, length))
        local err, code = load_file("cut.csv", "--into", "cut", "--workers", "3")
        assert.equal(1, code, ending .. err)
        assert.matches("could not read 'cut.csv': ", err, 1, true)
        assert.equal(0, ask "select count(*) from cut")
      end
    end
  end)

  it("has as many columns as a table can have, and not one more", function()
    local function wide(count)
      local columns = {}
      for i = 1, count do
        columns[i] = "c" .. i
      end
      pghost.write(folder .. "/wide.csv", table.concat(columns, ",") .. "\n" .. ("1,"):rep(count - 1) .. "1\n")
    end
    wide(1600)
    local err, code = load_file("wide.csv", "--into", "wide", "--create")
    assert.equal(0, code, err)
    assert.equal(1600, ask "select count(*) from information_schema.columns where table_name = 'wide'")
    wide(1601)
    err, code = load_file("wide.csv", "--into", "wider", "--create")
    assert.equal(1, code)
    assert.matches("wide.csv: table 'wider' would have 1601 columns, more than the maximum of 1600", err, 1,
      true)
    assert.is_nil(ask "select to_regclass('wider')")
    pghost.write(folder .. "/stage.lua", [[
      local run <close> = require("pghost.pipeline").start("wide", { data = "." })
      run:stage("wide", "wide.csv")
      run:publish()]])
    for count, expected in pairs { [1598] = 1, [1597] = 0 } do
      wide(count)
      local _, problem, got = pghost.run({ "--dsn", dsn, "stage.lua" }, { cd = folder })
      assert.equal(expected, got, problem)
      local wanted = got == 0 and "" or "table 'wide_raw' would have 1598 columns, more than the maximum of 1597"
      assert.matches(wanted, problem, 1, true)
    end
    assert.equal(1600, ask "select count(*) from information_schema.columns where table_name = 'wide_raw'")
  end)
end)
