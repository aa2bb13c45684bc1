-- A server that is not beside its client: at a distance, where round trips count, and behind TLS, where bytes do.
--
-- The distance is a proxy (bench/delay.py) that holds each answer back; the processors are those of this machine.

local clock = require "measure.clock"
local files = require "measure.files"
local rounds = require "measure.rounds"
local server = require "support.server"
local tables = require "measure.tables"

local M = {}

local milliseconds <const> = 20
local changes <const> = 2000

local columns <const> = "id bigint primary key, user_id bigint, starts_at timestamp, price numeric(10, 2), "
  .. "status text, note text"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local function psql(dsn, script)
  return ("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(dsn, script)
end

-- Starts the proxy; returns its folder and process id.
local function start_proxy(options)
  local folder = clock.shell "mktemp -d"
  local pid = clock.shell(("python3 bench/delay.py %s %s %d %s/turns >/dev/null 2>&1 </dev/null & echo $!; "
    .. "while [ ! -S %s/.s.PGSQL.5432 ]; do sleep 0.1; done"):format(folder, options.server.socket, milliseconds,
    folder, folder))
  return folder, pid
end

-- Round trips of all connections so far, when the last of them has ended.
local function turns(folder)
  return math.tointeger(tonumber(clock.shell(("sleep 0.5; cat %s/turns 2>/dev/null || echo 0"):format(folder))))
end

local function write_changes(options, path, round)
  options.server:psql(([[\copy (select i as id, i %% 1000 as user_id, timestamp '2024-01-01' + i * interval '1 second']]
    .. [[ as starts_at, (i %% 100000) / 100.0 as price, 'status ' || i %% 7 as status, 'note %d' as note]]
    .. [[ from generate_series(1, %d) as i) to '%s' csv header]]):format(round, changes, path))
end

local function works_of(options, near, folder)
  local two = write(folder .. "/two.csv", "id,body\n1,a\n2,b\n")
  local path = folder .. "/changes.csv"
  options.server:psql(("drop table if exists near, near_hand, near_merge, near_merge_raw; "
    .. "create table near (id bigint, body text); create table near_hand (%s)"):format(columns))
  local by_hand = ("begin;\ncreate temporary table change (like near_hand) on commit drop;\n"
    .. "\\copy change from '%s' csv header\n"
    .. "insert into near_hand select * from change on conflict (id) do update set user_id = excluded.user_id, "
    .. "starts_at = excluded.starts_at, price = excluded.price, status = excluded.status, note = excluded.note;\n"
    .. "commit;\n"):format(path)
  local function prepare(round)
    write_changes(options, path, round)
  end
  local merge = "%s bench/merge.lua --dsn '%s' --table near_merge --mode merge %s"
  write_changes(options, path, 0)
  clock.shell(merge:format(options.binary, options.dsn, path) .. " 2>/dev/null")
  return {
    { name = "psql \\copy, 2 records",
      command = psql(near, write(folder .. "/two.sql", ("\\copy near from '%s' csv header\n"):format(two))) },
    { name = "pghost load, 2 records",
      command = ("%s --dsn '%s' load %s --into near"):format(options.binary, near, two) },
    { name = ("merge by hand, %d changes"):format(changes), prepare = prepare,
      command = psql(near, write(folder .. "/hand.sql", by_hand)) },
    { name = ("pghost merge, %d changes"):format(changes), prepare = prepare,
      command = merge:format(options.binary, near, path) },
  }
end

--- What commands with little to do take over a distance, and how often they wait for it.
---@param options table of bench/run.lua
function M.distance(options)
  local folder, pid = start_proxy(options)
  local _ <close> = setmetatable({}, { __close = function()
    os.execute(("kill %s; rm -rf %s"):format(pid, folder))
  end })
  local works = works_of(options, options.dsn:gsub("host=%S+", "host=" .. folder), folder)
  for _, work in ipairs(works) do
    local before = turns(folder)
    rounds.run({ work }, options.rounds, options.server)
    work.turns = work.wall and (turns(folder) - before) // options.rounds
  end
  print(("\n### A server %d ms away\n\n| work | round trips | wall s |\n|---|---:|---:|"):format(milliseconds))
  for _, work in ipairs(works) do
    print(work.wall and ("| %s | %d | %.2f |"):format(work.name, work.turns, work.wall)
      or ("| %s | failed | |"):format(work.name))
  end
end

-- A server with a certificate of its own, over TCP and the socket.
local function secure_server()
  local folder = clock.shell "mktemp -d"
  clock.shell(("cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key -out crt "
    .. "2>/dev/null && chmod 600 key && chmod 755 . && if [ $(id -u) = 0 ]; then chown postgres key crt; fi"):format(
    folder))
  local port = math.tointeger(tonumber(clock.shell [[python3 -c "import socket; s = socket.socket()
s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"]]))
  local secure = server.start(([[
listen_addresses = '127.0.0.1'
port = %d
ssl = on
ssl_cert_file = '%s/crt'
ssl_key_file = '%s/key'
fsync = on
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 128MB
autovacuum = off]]):format(port, folder, folder))
  secure.dsn = ("%s port=%d"):format(secure.dsn, port)
  return secure, ("host=127.0.0.1 port=%d dbname=postgres user=postgres sslmode=require"):format(port), folder
end

--- The ten typed columns by TLS and by the socket.
---@param options table of bench/run.lua
function M.tls(options)
  local path = files.events(options, options.records)
  local secure <close>, dsn, folder = secure_server()
  secure:psql(tables.create("event", tables.columns.event))
  local script, works = tables.copy_script(options.cache, "event_typed", "event", path, "csv header"), {}
  for _, way in ipairs { { "socket", secure.dsn }, { "TLS", dsn } } do
    local name = "psql csv typed, " .. way[1]
    works[#works + 1] = { name = name, command = psql(way[2], script) }
    works[#works + 1] = { name = "pghost clean, " .. way[1], per = { name }, command = (
      "%s bench/load.lua --dsn '%s' --kind event --into clean --name event --workers 1 %s"):format(options.binary,
      way[2], path) }
  end
  for _, work in ipairs(works) do
    work.table, work.rows = "event", options.records
  end
  rounds.run(works, options.rounds, secure)
  rounds.print(("COPY over TLS: %d records, %.0f MB, ten typed columns"):format(options.records, files.megabytes(path)),
    works, options.records)
  os.execute("rm -rf " .. folder)
end

return M
