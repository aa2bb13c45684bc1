-- Tables with types that only the server knows go as text: what arrives is what psql's COPY makes of
-- the same file.

local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local native = require "pghost.native.conn"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"

local SCHEMA = [[
create type mood as enum ('sad', 'ok', 'it''s \ "fine"');
create domain small as integer check (value < 100);
create table given (price money, doc xml, bits bit(3), name text, code char(4), feeling mood, n small, tags text[],
  seen timestamptz, moments timestamptz[], blob bytea, host inet, span interval, amount numeric(10,2),
  share double precision, clock timetz, open boolean, day date);
create table loaded (like given, _file_id bigint, _line bigint);
]]

local function columns_with(day)
  return {
    { "price", r.type("money") },
    { "doc", r.type("xml") },
    { "bits", r.type("bit(3)") },
    { "name", r.text() },
    { "code", r.char(4) },
    { "feeling", r.enum("mood", { "sad", "ok", "it's \\ \"fine\"" }) },
    { "n", r.domain("small", r.integer()) },
    { "tags", r.array("text") },
    { "seen", r.timestamptz() },
    { "moments", r.array(r.timestamptz()) },
    { "blob", r.bytea() },
    { "host", r.inet() },
    { "span", r.interval() },
    { "amount", r.numeric(10, 2) },
    { "share", r.double() },
    { "clock", r.timetz() },
    { "open", r.boolean() },
    { "day", day },
  }
end

local NAMES = "price,doc,bits,name,code,feeling,n,tags,seen,moments,blob,host,span,amount,share,clock,open,day"

local function quoted(text)
  return '"' .. text:gsub('"', '""') .. '"'
end

-- Every column's texts, "" being NULL where it is not quoted; column by column they go round.
local VALUES = {
  { "$1.50", "-2", "", "$12,345.67", " 3 " },
  { "<a>b\tc\nd</a>", "", "<p>\\N</p>", "text\r\nmore" },
  { "101", "", "000" },
  { "tab\there", "new\nline", "cr\rhere", "back\\slash", "\\N", "\\.", "\\t", "", "é😀", " blanks ",
    "\r\n", "\\", "\v\f\b" },
  { "a", "ab  ", "", "é\\" },
  { "sad", "it's \\ \"fine\"", "", "ok" },
  { "1", "-5", "", "99" },
  { '{a,"b c",NULL}', '{"tab\there","new\nline","back\\\\slash","q\\"q"}', "{}", "", "{{1,2},{3,4}}" },
  { "2024-01-02 03:04:05", "2024-01-02T03:04:05.5+02", "0001-01-01 00:00+14", "9999-12-31 23:59:59.999999-12", "" },
  { '{"2024-01-02 03:04:05",NULL}', '{{2024-01-02 03:04:05.000001+02},{"0001-01-01 00:00+01"}}', "{}", "" },
  { "\\x00ff", "\\\\\\000", "", "plain" },
  { "10.0.0.1/8", "::1", "" },
  { "1 day -02:03:04.5", "P1Y2M", "", "@ 1 hour ago" },
  { "1.005", "-0", "1e3", "NaN", "" },
  { "0.1", "-Infinity", "1e-300", "NaN", "" },
  { "10:00", "10:00:01.5+05:30", "24:00-12", "" },
  { "yes", "F", "", "0" },
  { "2024-02-29", "0001-01-01", "", "9999-12-31" },
}

local function records(count)
  local lines = { NAMES }
  for i = 1, count do
    local cells = {}
    for k, values in ipairs(VALUES) do
      local value = values[(i + k) % #values + 1]
      cells[k] = (value ~= "" or (k == 4 and i % 2 == 0)) and quoted(value) or ""
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

local dsn, control, folder

local function all(sql)
  local rows = {}
  for row in assert(control:query(sql)):rows() do
    rows[#rows + 1] = tostring(row[1])
  end
  return rows
end

local function given_by_psql(text)
  local name = folder .. "/given.csv"
  local file <close> = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  assert(control:exec("truncate given"))
  server.shell(([[PGTZ=UTC psql -X -q -v ON_ERROR_STOP=1 -d '%s' -c "\copy given from '%s' (format csv, header)"]])
    :format(dsn, name))
end

-- Loads the text; `settings` are for the session that receives it.
local function load_text(text, program, settings)
  assert(control:exec("truncate loaded"))
  local clean <close> = assert(native.connect(dsn))
  assert(clean:exec((settings or "") .. "begin"))
  local handle <close> = assert(load.open {
    program = program,
    workers = 2,
    clean = { conn = clean, copy = "copy loaded from stdin", position = true, format = "text" },
  })
  local source <close> = assert(csv.open_string(text))
  local map = {}
  for i = 1, #program:columns() do
    map[i] = i
  end
  local counts, message, code = handle:file(source, { file_id = 5, clean_map = map })
  if not counts then
    return nil, message, code
  end
  local totals = assert(handle:finish())
  assert(clean:exec("commit"))
  return counts, totals
end

local SHOWN = ("select row(%s)::text from %%s t"):format(NAMES)

local function rows_of(name)
  local rows = all(SHOWN:format(name))
  table.sort(rows)
  return rows
end

describe("a clean stream in text", function()
  setup(function()
    folder = server.shell "mktemp -d /tmp/pghost_text.XXXXXX"
    dsn = server.get():database()
    control = assert(native.connect(dsn))
    assert(control:exec("set timezone = 'UTC';" .. SCHEMA))
  end)

  teardown(function()
    control:close()
    server.shell("rm -rf " .. folder)
  end)

  it("gives the rows that psql's COPY gives, whatever the session's settings are", function()
    local text = records(500)
    local program = r.table("loaded", columns_with(r.date())):program()
    assert.is_true(program:needs_text())
    given_by_psql(text)
    for _, settings in ipairs { "", "set timezone = 'Asia/Tokyo'; set datestyle = 'SQL, DMY';" } do
      local counts, totals = load_text(text, program, settings)
      assert.equal(500, counts.loaded)
      assert.equal(500, totals.clean_rows)
      assert.same(rows_of "given", rows_of "loaded")
    end
    assert.same({ "5 2 501" }, all("select min(_file_id) || ' ' || min(_line) || ' ' || count(distinct _line) + 1 "
      .. "from loaded where _file_id = 5 and _line > 1"))
  end)

  it("writes dates of an explicit format as the server reads them", function()
    local rules = r.table("loaded", columns_with(r.date { format = "DD/MM/YYYY" }))
    assert(load_text(NAMES .. "\n" .. (","):rep(17) .. "03/02/2024\n", rules:program(), "set datestyle = 'SQL, MDY';"))
    assert.same({ "2024-02-03" }, all "select day::text from loaded")
  end)

  it("takes what rules in Lua set", function()
    local rules = r.table("loaded", columns_with(r.date()), { row = {
      r.set("name", "n", function(n) return "a\tb\\" .. n end),
      r.set_row("price", function(row) return row.n * 2 end),
      r.set("doc", "n", function() return nil end),
      r.set("day", "n", function() return "2024-02-29" end),
    } })
    assert(load_text(NAMES .. "\n,<x/>,,,,,21" .. (","):rep(11) .. "\n", rules:program()))
    assert.same({ "a\tb\\21 $42.00 t 2024-02-29" },
      all "select concat_ws(' ', name, price, doc is null, day) from loaded")
  end)

  it("rejects what this side knows, and stops at what the server alone knows", function()
    local program = r.table("loaded", columns_with(r.date())):program()
    local counts = assert(load_text(NAMES .. "\n,,,,,,x" .. (","):rep(11) .. "\n", program))
    assert.equal(1, counts.rejected)
    local clean <close> = assert(native.connect(dsn))
    assert(clean:exec "begin")
    local handle <close> = assert(load.open {
      program = program,
      clean = { conn = clean, copy = "copy loaded from stdin", position = true, format = "text" },
    })
    local source <close> = assert(csv.open_string(NAMES .. "\ncheap" .. (","):rep(17) .. "\n"))
    local map = {}
    for i = 1, 18 do
      map[i] = i
    end
    local done, message = handle:file(source, { clean_map = map })
    if done then
      done, message = handle:finish()
    end
    assert.is_nil(done)
    assert.matches('invalid input syntax for type money: "cheap"', message)
    assert.equal("failed", clean:status())
  end)

  it("is what a program with such a column needs", function()
    local conn <close> = assert(native.connect(dsn))
    assert(conn:exec "begin")
    local function message_of(format, program)
      return select(2, pcall(load.open, {
        program = program,
        clean = { conn = conn, copy = "copy loaded from stdin", format = format },
      }))
    end
    local money = r.table("t", { { "price", r.type("money") } }):program()
    assert.equal("clean: a column's type can only be sent as text: format = 'text'", message_of(nil, money))
    assert.equal("clean: format must be 'binary' or 'text'", message_of("csv", money))
    assert.is_false(r.table("t", { { "x", r.interval() } }):program():needs_text())
  end)

  it("is used by a run where it must be", function()
    local file <close> = assert(io.open(folder .. "/thing.csv", "wb"))
    file:write('id,price,note\n1,$1.50,"tab\there"\n2,,""\n1,$3.00,again\nx,,\n')
    file:close()
    local rules = r.table("thing", {
      { "id", r.integer() },
      { "price", r.type("money") },
      { "note", r.text() },
    }, { key = "id" })
    local out = { write = function() end, flush = function() end }
    do
      local run <close> = pipeline.start("spec", { data = folder, max_rejects = 5 },
        { arguments = {}, dsn = dsn, log = { out = out, format = "text", quiet = false } })
      run:load("thing", "thing.csv", rules)
      run:publish()
    end
    assert.same({ "(1,$1.50,\"tab\there\")", '(2,,"")' },
      all "select row(id, price, note)::text from thing order by id")
  end)
end)

describe("an error in a rule with on_error 'stop'", function()
  it("fails the load with file and line", function()
    local conn <close> = assert(native.connect(server.get():database()))
    assert(conn:exec "create table t (id int); begin")
    local line = debug.getinfo(1, "l").currentline + 2
    local rules = r.table("t", { { "id", r.integer() } }, { on_error = "stop", row = {
      r.check("id", function(id) return id ~= 3 or error("three") end),
    } })
    local handle <close> = assert(load.open {
      program = rules:program(),
      clean = { conn = conn, copy = "copy t from stdin (format binary)" },
    })
    local source <close> = assert(csv.open_string("id\n1\n2\n3\n4\n"))
    local counts, message, code = handle:file(source, { name = "t.csv", clean_map = { 1 } })
    assert.is_nil(counts)
    assert.equal("lua", code)
    assert.matches(("^t%%.csv:4: .*load_text_spec.lua:%d: three$"):format(line), message)
    assert.equal("failed", conn:status())
    assert.error_matches(function() handle:finish() end, "load is closed")
  end)
end)
