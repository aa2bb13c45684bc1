-- Loads by the engine itself: three tables, and what arrives in them.

local csv = require "pghost.native.csv"
local fixture = require "support.fixture"
local load = require "pghost.native.load"
local native = require "pghost.native.conn"
local r = require "pghost.rules"
local rules = require "pghost.native.rules"
local server = require "support.server"
local shown = require "support.shown"

local M = {}

M.things = r.table("thing", {
  { "id", r.bigint():required() },
  { "name", r.text():trim() },
  { "amount", r.numeric(10, 2) },
  { "seen", r.timestamp():null_if("NULL") },
})

local SCHEMA = [[
create table thing_raw (id text, name text, amount text, seen text, _file_id bigint, _line bigint);
create table thing (id bigint, name text, amount numeric(10,2), seen timestamp, _file_id bigint, _line bigint);
create table rejects (run_id bigint, table_name text, file_id bigint, line bigint, byte_offset bigint,
  byte_length bigint, column_name text, rule text, reason text, original bytea);
]]


--- For all tests of a block: a database with these tables, and a connection to look at them.
function M.once()
  fixture.once(function(keep)
    M.dsn = server.get():database()
    M.control = keep(M.connect())
    assert(M.control:exec(SCHEMA))
  end)
end

function M.connect()
  return assert(native.connect(M.dsn))
end

function M.begin(conn)
  assert(conn:exec("begin"))
  return conn
end

-- Opens a load into the three tables with `workers` workers and as many connections per table.
function M.open_load(workers, program)
  local raw, clean = {}, {}
  for i = 1, workers do
    raw[i], clean[i] = M.begin(M.connect()), M.begin(M.connect())
  end
  local rejects = M.begin(M.connect())
  local handle = assert(load.open {
    program = program or rules.compile(M.things),
    workers = workers,
    raw = { conn = raw, copy = "copy thing_raw from stdin (format binary)" },
    clean = { conn = clean, copy = "copy thing from stdin (format binary)", position = true },
    rejects = { conn = rejects, copy = "copy rejects from stdin (format binary)", run_id = 7, table = "thing" },
  })
  local function commit()
    for _, list in ipairs { raw, clean, { rejects } } do
      for _, conn in ipairs(list) do
        assert(conn:exec("commit"))
        conn:close()
      end
    end
  end
  return handle, commit, rejects
end

function M.open_raw(conn)
  return assert(load.open { raw = { conn = conn, copy = "copy thing_raw from stdin (format binary)" } })
end

M.map = { file_id = 3, raw_map = { 1, 2, 3, 4 }, clean_map = { 1, 2, 3, 4 } }

function M.load_text(text, workers)
  assert(M.control:exec("truncate thing_raw, thing, rejects"))
  local handle <close>, commit = M.open_load(workers or 1)
  local source <close> = assert(csv.open_string(text))
  local counts = assert(handle:file(source, M.map))
  local totals = assert(handle:finish())
  commit()
  return counts, totals
end

function M.all(sql)
  return shown.lines(M.control, sql)
end

function M.state()
  return {
    raw = M.all("select * from thing_raw order by _line"),
    clean = M.all("select * from thing order by _line"),
    rejects = M.all("select line, byte_offset, byte_length, column_name, rule, reason, "
      .. "convert_from(original, 'LATIN1') from rejects order by line"),
  }
end

return M
