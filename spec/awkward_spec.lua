-- The fixtures in spec/fixtures/awkward: one awkwardness each, with what must come of it beside it, written
-- by hand. Every one is read by the cursor, packed, in pieces of every size by the C driver, and loaded by
-- the engine with one worker and with three.
--
-- NAME.json: about, options, columns, rows (line, cells...), rejects (line, offset, length, rule, reason),
-- repairs, error (it does not open; FILE is its path), stopped (it does not end well).

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local lfs = require "lfs"
local load = require "pghost.native.load"
local native = require "pghost.native.conn"
local pghost = require "support.pghost"
local server = require "support.server"

local fixtures = pghost.root .. "/spec/fixtures/awkward/"
local driver = pghost.path:match("^(.*)/") .. "/csv_driver"
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

local function check_load(name, path, case, file_id, raw, rejects)
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
  check_loaded(name, case, pghost.read(path), counts, file_id)
end

describe("an awkward file", function()
  setup(function()
    folder = pghost.folder()
    dsn = server.get():database()
    conn = assert(native.connect(dsn))
    assert(conn:exec(("create table fixture (%s, _file_id bigint, _line bigint)"):format(names(1, 200, " text"))))
    assert(conn:exec [[create table rejects (run_id bigint, table_name text, file_id bigint, line bigint,
      byte_offset bigint, byte_length bigint, column_name text, rule text, reason text, original bytea)]])
  end)

  teardown(function()
    conn:close()
    pghost.remove(folder)
  end)

  it("is read as it is written beside it", function()
    each(function(name, path, case)
      check_reading(name, path, case, pghost.read(path))
    end)
  end)

  it("is the same packed", function()
    each(function(name, path, case)
      if name ~= "empty" then
        local packed = ("%s/%s.csv.gz"):format(folder, name)
        server.shell(("gzip -nc '%s' >'%s'"):format(path, packed))
        check_reading(name, packed, case, pghost.read(path))
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
      local file_id, raw, rejects = 1000 * workers, connections(workers), connections(1)[1]
      each(function(name, path, case)
        if case.stopped then -- its connections are in the middle of a COPY
          check_load(name, path, case, 0, connections(workers), connections(1)[1])
        elseif not case.error then
          file_id = file_id + 1
          check_load(name, path, case, file_id, raw, rejects)
        end
      end)
    end)
  end
end)
