-- One load with the engine alone, without a pipeline around it: what bench/run measures.
--
--   build/pghost bench/load.lua --dsn DSN --kind booking|event|text --into raw|clean|both --name TABLE
--                               [--workers N] [--wal yes] [--profile yes] FILE|FOLDER...
--
-- Into <TABLE>_raw and/or <TABLE>, emptied first, all in one transaction per connection. The rules:
-- those of the example for `booking`, the types for `event`, text for all columns of the header for
-- `text`. Prints the counts; a rejected record is an error: the files have no dirt.

local conn = require "pghost.native.conn"
local connection = require "pghost.connection"
local csv = require "pghost.native.csv"
local engine = require "pghost.load.engine"
local files_of = require "pghost.input.files"
local native_profile = require "pghost.native.profile"
local native_rules = require "pghost.native.rules"
local r = require "pghost.rules"

local REJECTS <const> = "copy rejects from stdin (format binary)"

local function check(value, message)
  return value or error(message, 0)
end

local function parse(words)
  local options, files, i = { kind = "booking", into = "both" }, {}, 1
  while i <= #words do
    local name = words[i]:match("^%-%-(%a+)$")
    if name then
      options[name] = words[i + 1]
      i = i + 2
    else
      files[#files + 1] = words[i]
      i = i + 1
    end
  end
  options.workers = math.tointeger(tonumber(options.workers or 1))
  options.wal = options.wal ~= nil or options.workers > 1
  return options, files
end

local function event_rules()
  local columns = {}
  for i, name in ipairs { "event_id", "user_id", "desk_id" } do
    columns[i] = { name, r.bigint():required() }
  end
  for _, name in ipairs { "created_at", "starts_at", "ends_at" } do
    columns[#columns + 1] = { name, r.timestamp() }
  end
  columns[#columns + 1] = { "is_demo", r.boolean():required() }
  for _, name in ipairs { "status", "channel", "note" } do
    columns[#columns + 1] = { name, r.text() }
  end
  return r.table("event", columns)
end

local function text_rules(names)
  local columns = {}
  for i, name in ipairs(names) do
    columns[i] = { name, r.text() }
  end
  return r.table("text", columns)
end

local function rules_of(kind, names)
  if kind == "booking" then
    return dofile "scripts/rules/booking.lua"
  end
  return kind == "event" and event_rules() or text_rules(names)
end

local function quoted_list(names, more, form)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = (form or '"%s"'):format(name)
  end
  return table.concat(table.move(more, 1, #more, #parts + 1, parts), ", ")
end

-- A raw table as a run makes it: _loaded_at is added after the load.
local function made_anew(table_name, names)
  return ("drop table %s; create table %s (%s)"):format(table_name, table_name,
    quoted_list(names, { "_file_id bigint", "_line bigint" }, '"%s" text'))
end

-- Connections in a transaction, as many as workers, to an empty table, and the COPY into it. Several
-- cannot share the transaction that empties it with `empty`, so it is truncated before, and WAL is
-- written; --wal yes does the same for one.
local function target(options, table_name, names, more, empty)
  local connections = {}
  for i = 1, options.workers do
    local opened = connection.open { dsn = options.dsn }
    if i == 1 and options.wal then
      opened:exec("truncate " .. table_name)
    end
    opened:exec "begin"
    if not options.wal then
      opened:exec(empty)
      opened:write_early()
    end
    connections[i] = opened
  end
  local copy = ("copy %s (%s) from stdin (format binary%s)"):format(table_name, quoted_list(names, more),
    options.wal and "" or ", freeze")
  return { connections = connections, copy = copy }
end

local function positions(names, source_names)
  local where, map = {}, {}
  for i, name in ipairs(source_names) do
    where[name] = i
  end
  for i, name in ipairs(names) do
    map[i] = check(where[name], ("no column '%s'"):format(name))
  end
  return map
end

local function program_names(program)
  local names = {}
  for i, column in ipairs(program:columns()) do
    names[i] = column.name
  end
  return names
end

local function header_of(path)
  local source <close> = check(csv.open(path))
  return source:columns()
end

local options, words = parse(arg)
local files = files_of.resolve(words)
local header = header_of(files[1].path)
local program = native_rules.compile(rules_of(options.kind, header))
local names = program_names(program)
local raw_table <const> = options.name .. "_raw"
local raw = options.into ~= "clean"
  and target(options, raw_table, header, { "_file_id", "_line" }, made_anew(raw_table, header))
local clean = options.into ~= "raw" and target(options, options.name, names, {}, "truncate " .. options.name)
local rejects = connection.open { dsn = options.dsn }

local records = 0
local profile = options.profile and native_profile.new(program) or nil
engine.run({
  program = clean and program or nil,
  profile = profile,
  raw = raw or nil,
  clean = clean or nil,
  rejects = { conn = rejects.native, copy = REJECTS, run_id = 1, table = options.name },
  workers = options.workers,
}, {
  files = files,
  open = function(file)
    local source = check(csv.open(file.path))
    local columns = source:columns()
    return source, { file_id = file.id, raw_map = positions(columns, columns),
      clean_map = clean and positions(names, columns) }
  end,
  done = function(file, counts)
    assert(counts.rejected == 0, file.path .. ": has rejected records")
    records = records + counts.records
  end,
  failed = error,
})
if raw and not options.wal then
  local add <const> = "alter table %s add column _loaded_at timestamptz default '2024-01-01'"
  check(raw.connections[1].native:exec(add:format(raw_table)))
end
local handles = {}
for _, stream in pairs { raw = raw or nil, clean = clean or nil } do
  for _, one in ipairs(stream.connections) do
    handles[#handles + 1] = one.native
  end
end
check(conn.commit_all(handles))
if profile then
  profile:columns()
end
print(("%d records"):format(records))
