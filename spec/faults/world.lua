-- A database with a published state, two sets of files, and what must come of each.
--
-- What must come of them is computed by the oracle (spec/oracle/bookings.py), in Python, without
-- pghost; `state` says which of the two sets all published tables together hold.

local cjson = require "cjson"
local close_world = require "faults.close_world"
local connection = require "pghost.connection"
local pghost = require "support.pghost"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"

local shell = server.shell

local M = {}

local as_of = "2024-06-30 00:00:00"
local answers = {
  monthly_headcount = { "month", "unique_users" },
  slow_first_booking = { "company_name", "num_users" },
}

-- Files and expectations ---------------------------------------------------------------------------

-- Each cell as COPY writes it, so that typed tables and texts compare.
local function hash_query(name, from, columns)
  local cells = {}
  for i, column in ipairs(columns) do
    cells[i] = ("CASE WHEN %s IS NOT NULL THEN format('%%s', %s) END"):format(column, column)
  end
  return ([[SELECT '%s' AS name, count(*) || ' rows ' || coalesce(md5(string_agg(r, E'\n' ORDER BY r COLLATE "C")), '')
    AS hash FROM (SELECT to_jsonb(ARRAY[%s])::text AS r FROM %s) AS t]]):format(name, table.concat(cells, ", "), from)
end

local function raw_columns(columns)
  return { "_file", "_line", table.unpack(columns) }
end

local raw_from = [[(SELECT regexp_replace(f.path, '^.*/', '') AS _file, r.* FROM public.%s_raw AS r
  JOIN pghost.files AS f ON f.file_id = r._file_id) AS r]]

-- name -> { columns, from } of everything that the pipeline publishes.
local function published_tables(report)
  local tables = {}
  for name, part in pairs(report.tables) do
    tables[name] = { columns = part.clean.columns, from = "public." .. name }
    tables[name .. "_raw"] = { columns = raw_columns(part.clean.columns), from = raw_from:format(name) }
  end
  for name, columns in pairs(answers) do
    tables[name] = { columns = columns, from = "public." .. name }
  end
  return tables
end

local function union(tables, from)
  local list = {}
  for name, one in pairs(tables) do
    list[#list + 1] = hash_query(name, from and from(name) or one.from, one.columns)
  end
  return table.concat(list, "\nUNION ALL\n")
end

-- Hashes of the oracle's tables: loaded as texts into a database of their own.
local function expected_hashes(own, rows, tables)
  local script = { "\\set QUIET on" }
  for name, one in pairs(tables) do
    script[#script + 1] = ("CREATE TEMP TABLE %s (%s text);"):format(name, table.concat(one.columns, " text, "))
    script[#script + 1] = ("\\copy %s from '%s/%s.txt'"):format(name, rows, name)
  end
  script[#script + 1] = union(tables, function(name) return name end) .. ";"
  local hashes = {}
  for name, hash in own:psql(table.concat(script, "\n")):gmatch("([^|\n]+)|([^\n]*)") do
    hashes[name] = hash
  end
  return hashes
end

---@class spec.Set files and what must come of them
---@field data string folder
---@field report table of the oracle
---@field hashes table<string, string> by published table
local function make_set(own, folder, name, seed)
  local data, rows = folder .. "/" .. name, folder .. "/" .. name .. "_rows"
  shell(("mkdir %s && '%s' %s/bench/generate.lua --out %s --seed %d --bookings 300 --users 60 --companies 10 --files 2")
    :format(rows, pghost.path, pghost.root, data, seed))
  local report = cjson.decode(shell(("python3 -B %s/spec/oracle/bookings.py %s --as-of '%s' --rows %s"):format(
    pghost.root, data, as_of, rows)))
  return { data = data, report = report, hashes = expected_hashes(own, rows, published_tables(report)) }
end

-- The world ----------------------------------------------------------------------------------------

---@class spec.World
---@field dsn string where pghost connects
---@field direct string where the spec itself looks: the server, also when pghost goes through a pooler
---@field sets { a: spec.Set, b: spec.Set }
local World = {}
World.__index = World

--- A new database on a server; set `b` is published.
---@param own table from support.server
---@return spec.World to be kept in a `<close>` variable or closed
function M.new(own)
  local folder = pghost.folder()
  local dsn, name = own:database()
  local self = setmetatable({ server = own, direct = dsn, dsn = dsn, name = name, folder = folder, stops = 0 }, World)
  self.sets = { a = make_set(own, folder, "a", 11), b = make_set(own, folder, "b", 12) }
  self.states = union(published_tables(self.sets.a.report))
  self:must_run "b"
  self:assert_state "b"
  return self
end

--- The connection that the spec looks through; a new one when the server was gone.
function World:conn()
  if not self.db or self.db:status() ~= "idle" or not pcall(self.db.query, self.db, "SELECT 1") then
    self.db = connection.open { dsn = self.direct }
  end
  return self.db
end

function World:ask(sql, ...)
  local row = self:conn():query(sql, ...)[1]
  return row and row[1]
end

--- Starts the pipeline over a set.
---@param which "a"|"b"
---@param options? { stop?: string, name?: string, words?: string[], script?: string, retries?: integer } no retries
--- unless it says how many
---@return spec.Process
function World:start(which, options)
  options = options or {}
  local words = { "--dsn", self.dsn, pghost.root .. "/" .. (options.script or "spec/faults/pipeline.lua"), "--data",
    self.sets[which].data, "--as-of", as_of }
  table.move({ "--retries", tostring(options.retries or 0) }, 1, 2, #words + 1, words)
  table.move(options.words or {}, 1, #(options.words or {}), #words + 1, words)
  local env = { PGHOST_FAULTS_NAME = options.name }
  local stop
  if options.stop then
    self.stops = self.stops + 1
    stop = ("%s/stop_%d"):format(self.folder, self.stops)
    shell("mkdir " .. stop)
    env.PGHOST_FAULTS_STOP = options.stop .. " " .. stop
  end
  local one = process.start(words, env)
  one.stop = stop
  return one
end

local function exists(path)
  local file <close> = io.open(path, "r")
  return file ~= nil
end

--- Waits until a process that was started with `stop` is there.
function World.reached(_, one)
  local deadline = sys.clock() + 30
  while not exists(one.stop .. "/reached") do
    if not one:running() or sys.clock() > deadline then
      local _, err = one:wait(1)
      error("pghost did not get to where it should stop: " .. err, 2)
    end
    sys.sleep(0.002)
  end
end

function World.go(_, one)
  pghost.write(one.stop .. "/go", "")
end

--- Runs the pipeline over a set; returns exit code, stderr.
function World:run(which, options)
  return self:start(which, options):wait()
end

function World:must_run(which, options)
  local one <close> = self:start(which, options)
  local code, err = one:wait()
  assert(code == 0, err)
  assert(one.left == "", "temporary files are left: " .. one.left)
  return one
end

--- Which set the published tables hold: "a", "b", or what is mixed up how.
function World:state()
  local found = { a = 0, b = 0 }
  local total, strange = 0, {}
  for row in self:conn():query(self.states):rows() do
    total = total + 1
    for which, set in pairs(self.sets) do
      if set.hashes[row.name] == row.hash then
        found[which] = found[which] + 1
        strange[row.name] = (strange[row.name] or "") .. which
      end
    end
    strange[row.name] = strange[row.name] or ("neither (%s)"):format(row.hash)
  end
  assert(total == 8, total)
  for which, count in pairs(found) do
    if count == total then
      return which
    end
  end
  local list = {}
  for name, what in pairs(strange) do
    list[#list + 1] = name .. "=" .. what
  end
  return "mixed: " .. table.concat(list, ", ")
end

---@param expected string one letter or both: "a", "b", "ab"
---@return string the state
function World:assert_state(expected, context)
  local state = self:state()
  if #state ~= 1 or not expected:find(state, 1, true) then
    error(("published is %s, expected %s%s"):format(state, expected, context and ": " .. context or ""), 2)
  end
  return state
end

local backends = [[
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()]]

--- Waits until the server has noticed that its clients are dead. Behind a pooler sessions stay: then
--- none may have a transaction.
function World:settle()
  local query = self.dsn == self.direct and backends or backends .. " AND state <> 'idle'"
  local deadline = sys.clock() + 5
  while self:ask(query) > 0 do
    if sys.clock() > deadline then
      error("sessions of dead clients: " .. self:ask(query:gsub("count%(%*%)",
        "string_agg(concat_ws(' ', pid, state, query), '; ')")), 2)
    end
    sys.sleep(0.005)
  end
end

local left = {
  ["advisory locks"] = [[SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())]],
  ["prepared transactions"] = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()",
}

local left_by_runs = {
  ["build schemas"] = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'",
  ["runs that are said to be on"] = "SELECT count(*) FROM pghost.runs WHERE state = 'running'",
}

local function assert_none(self, queries)
  for what, query in pairs(queries) do
    local count = self:ask(query)
    if count ~= 0 then
      error(("%d %s are left"):format(count, what), 3)
    end
  end
end

--- After a fault: nothing on the server that a dead client held.
function World:assert_settled()
  self:settle()
  assert_none(self, left)
end

--- After a run that ended well: nothing is left of it or of those before, and the accounts hold.
---@param which "a"|"b" what it has loaded
function World:assert_clean(which)
  self:assert_settled()
  assert_none(self, left_by_runs)
  self:assert_counts(which)
end

local accounts = [[
SELECT table_name, bool_and(state = 'loaded' AND records = loaded + rejected + filtered + duplicates) AS hold,
  sum(records)::bigint AS records, sum(loaded)::bigint AS loaded, sum(rejected + duplicates)::bigint AS rejected,
  (SELECT count(*) FROM pghost.rejects AS r WHERE r.run_id = f.run_id AND r.table_name = f.table_name) AS rejects
FROM pghost.files AS f
WHERE run_id = (SELECT max(run_id) FROM pghost.runs WHERE state = 'published') GROUP BY run_id, table_name]]

--- The accounts of the last published run: they add up, and to what the oracle counts.
function World:assert_counts(which)
  local count = 0
  for row in self:conn():query(accounts):rows() do
    local part = self.sets[which].report.tables[row.table_name]
    local ok = row.hold and row.records == part.records and row.loaded == part.clean.rows
      and row.rejected == #part.rejects and row.rejects == #part.rejects
    if not ok then
      error(("accounts of %s: %d records, %d loaded, %d rejected, %d rejects; expected %d, %d, %d"):format(
        row.table_name, row.records, row.loaded, row.rejected, row.rejects, part.records, part.clean.rows,
        #part.rejects), 2)
    end
    count = count + 1
  end
  assert(count == 3, count)
end

--- The other set than what is published.
function World.other(_, which)
  return which == "a" and "b" or "a"
end

World.close = close_world
World.__close = close_world

return M
