-- What pghost does with the tables of a run, as scenarios that give a text: the same for every kind of table.
--
-- Each works in a schema and a pipeline of its own, over users and booking, whose key is booking_id and user_id.

local pghost = require "support.pghost"

local M = {}

local pipeline <const> = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local r = require "pghost.rules"
local run <close> = pipeline.start("%s", { data = ".", retries = 0, lock_wait = 5, schema = "%s", %s })
run:load("users", "users.csv", r.table("users", {
  { "user_id", r.bigint():required() }, { "city", r.text():required() },
}, { key = "user_id" }), { %s })
run:load("booking", "booking*.csv", r.table("booking", {
  { "booking_id", r.bigint():required() }, { "user_id", r.bigint() }, { "amount", r.numeric() },
}, { key = { "booking_id", "user_id" } }), { %s })
%s
run:publish()
]]

---@class support.CitusKind
---@field name string
---@field users string options of the load of users
---@field booking string
---@field sharded? boolean the schema is distributed
---@type support.CitusKind[]
M.kinds = {
  { name = "local", users = "", booking = "" },
  { name = "by key", users = "distribute = 'user_id', ", booking = "distribute = 'user_id', " },
  { name = "by another column", users = "distribute = 'user_id', ", booking = "distribute = 'booking_id', " },
  { name = "reference", users = "distribute = 'reference', ", booking = "distribute = 'reference', " },
  { name = "schema", users = "", booking = "", sharded = true },
}

---@class support.CitusScenario
---@field here support.Project
---@field kind support.CitusKind
---@field schema string
local Scenario = {}
Scenario.__index = Scenario

--- Users 1 to 12, and bookings from..to of them.
function Scenario:files(from, to, more)
  local users, booking = { "user_id,city" }, { "booking_id,user_id,amount" }
  for i = 1, 12 do
    users[#users + 1] = ("%d,c%d"):format(i, i % 3)
  end
  for i = from, to do
    booking[#booking + 1] = ("%d,%d,%d.5"):format(i, i % 12 + 1, i)
  end
  table.move(more or {}, 1, #(more or {}), #booking + 1, booking)
  self.here:write("users.csv", table.concat(users, "\n") .. "\n")
  self.here:write("booking.csv", table.concat(booking, "\n") .. "\n")
end

--- Writes the script; returns its stderr and exit code when it has run.
---@param given? { both?: string, config?: string, more?: string, expect?: integer, arguments?: table }
function Scenario:run(given)
  given = given or {}
  local both = given.both or ""
  self.here:write("p.lua", pipeline:format(self.schema, self.schema, given.config or "", self.kind.users .. both,
    self.kind.booking .. both, given.more or ""))
  local err, code = self.here:run("p.lua", given.arguments)
  assert(code == (given.expect or 0), ("exit code %s: %s"):format(code, err))
  return err
end

--- pghost with these words; returns what it prints to stdout and stderr.
function Scenario:pghost(...)
  local out, err, code = self.here:pghost(...)
  assert(code == 0, ("exit code %s: %s"):format(code, err))
  return out, err
end

function Scenario:ask(sql)
  return self.here:ask((sql:gsub("@", self.schema)))
end

function Scenario:booking(columns)
  return self:ask(("SELECT %s FROM @.booking ORDER BY booking_id, user_id, amount"):format(columns
    or "booking_id, user_id, amount"))
end

-- Rejects of all runs of the pipeline, and rows of the raw tables.
function Scenario:rest()
  return self:ask [[SELECT (SELECT string_agg(concat(j.table_name, line, rule, j.state), ' ' ORDER BY reject_id)
    FROM pghost.rejects AS j JOIN pghost.runs USING (run_id) WHERE pipeline = '@'),
    (SELECT count(*) FROM @.booking_raw), (SELECT count(*) FROM @.users),
    (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost\_build%')]]
end

function Scenario:state(columns)
  return self:booking(columns) .. "\n" .. self:rest()
end

local killed <const> = "os.execute('kill -9 ' .. require('pghost.native.sys').pid())"

local bad <const> = { "3,4,9.5", "x,1,1", "90,2,bad", "3,4,8.5", "91,7,1.5", "91,8,1.5" }

-- Two loads in a mode, the second of other files.
local function twice(mode, second, columns)
  return function(s)
    s:files(1, 30)
    s:run { both = mode .. ", changed = 'load'" }
    s:files(25, 45, second)
    s:run { both = mode .. ", changed = 'load'" }
    return s:state(columns)
  end
end

---@type { name: string, run: fun(scenario: support.CitusScenario): string }[]
M.list = {
  { name = "run", run = function(s)
    s:files(1, 30, bad)
    s:run()
    return s:state()
  end },
  { name = "rerun", run = function(s)
    s:files(1, 30, bad)
    s:run()
    s:files(2, 40, bad)
    s:run()
    return s:state()
  end },
  { name = "workers", run = function(s)
    s:files(1, 30, bad)
    s:run { both = "workers = 3" }
    return s:state()
  end },
  { name = "append", run = twice("mode = 'append'", bad) },
  { name = "merge", run = twice("mode = 'merge'", { "27,4,100", "3,4,1" }) },
  { name = "merge, missing deleted",
    run = twice("mode = 'merge', missing = 'delete'", { "27,4,100", "2,3,bad" }) },
  { name = "merge, missing marked",
    run = twice("mode = 'merge', missing = 'mark'", { "27,4,100" },
      "booking_id, user_id, amount, _deleted_at IS NULL") },
  { name = "history", run = function(s)
    s:files(1, 30)
    s:run { both = "mode = 'history', changed = 'load'" }
    s:files(25, 45, { "27,4,100", "2,3,9" })
    s:run { both = "mode = 'history', missing = 'close', changed = 'load'" }
    return s:state "booking_id, user_id, amount, _valid_to IS NULL"
  end },
  { name = "replay", run = function(s)
    s:files(1, 30, { "95,3,1x" })
    s:run()
    local id = s:ask "SELECT max(run_id) FROM pghost.runs"
    s.here:write("p.lua", (s.here:read("p.lua"):gsub("r.numeric%(%)", "r.numeric():null_if('1x')")))
    s:pghost("replay", id)
    return s:state()
  end },
  { name = "fix", run = function(s)
    s:files(1, 30, { "95,3,1x" })
    s:run()
    local id = s:ask "SELECT max(run_id) FROM pghost.runs"
    s:pghost("rejects", id, "--csv", "bad.csv")
    s.here:write("bad.csv", (s.here:read("bad.csv"):gsub("1x", "11")))
    s:pghost("fix", "bad.csv")
    return s:state()
  end },
  { name = "dry run", run = function(s)
    s:files(1, 30)
    s:run()
    s:files(2, 31, bad)
    local err = s:run { arguments = { "--dry-run" } }
    return s:state() .. table.concat({ err:match("booking +(%d+ added, %d+ removed, %d+ changed)"),
      err:match("booking_raw +(%d+ added, %d+ removed)") }, "|")
  end },
  { name = "checks", run = function(s)
    s:files(1, 30, { "91,77,1" })
    local err = s:run { more = [[run:check {
      check.not_empty("booking"), check.unique("booking", { "amount" }, { severity = "warn", store = true }),
      check.references("booking.user_id", "users.user_id", { severity = "warn", store = true }),
      check.range("booking.amount", 0, 20, { severity = "warn", store = true }),
      check.same_row_count("booking", "booking_raw"), check.row_count("booking", 31, 31),
      check.avg("booking.amount", 0, 1000), check.monotonic("booking.amount", { "booking_id" }, { severity = "warn" }),
      check.matches_source("booking"), check.holds("booking", "amount IS NOT NULL"),
      check.sql("none", "SELECT * FROM booking AS b WHERE NOT EXISTS (SELECT 1 FROM (SELECT user_id FROM users "
        .. "OFFSET 0) AS u WHERE u.user_id = b.user_id)", { severity = "warn" }),
      check.same_rows("booking", "booking", { "booking_id" }), check.distinct_count("booking.user_id", 1, 100) }]] }
    local list = {}
    for line in err:gmatch("check[^\n]+") do
      list[#list + 1] = not line:find("checks_", 1, true) and line:gsub("%s*%([%d. s]+%)", "") or nil
    end
    return table.concat(list, "\n") .. s:ask [[SELECT string_agg(c::text, ' ' ORDER BY c::text)
      FROM (SELECT row::text AS c FROM pghost.check_rows) AS x]]
  end },
  { name = "report", run = function(s)
    s:files(1, 30, bad)
    s:run { arguments = { "--report", "r.html" } }
    s:pghost("report", "--markdown", "-o", "r.md")
    return s.here:read("r.md"):match("booking[^\n]+") ~= nil and #s.here:read("r.html") > 1000 and "yes" or "no"
  end },
  { name = "stage and clean", run = function(s)
    s:files(1, 30, bad)
    s:run()
    s.here:write("p.lua", (s.here:read("p.lua"):gsub('load%("booking", "booking%*.csv", ', 'clean("booking", ')))
    local err, code = s.here:run("p.lua")
    assert(code == 0, err)
    return s:state()
  end },
  { name = "resume", run = function(s)
    s:files(1, 30, bad)
    s.here:write("booking2.csv", "booking_id,user_id,amount\n301,1,1\n302,2,nope\n")
    s:run { config = "resume = true, checkpoint = 1", more = killed, expect = 137 }
    s:run { config = "resume = true, checkpoint = 1" }
    os.remove(s.here.folder .. "/booking2.csv")
    return s:state()
  end },
  { name = "kill -9", run = function(s)
    s:files(1, 30)
    s:run()
    s:files(2, 40)
    s:run { more = killed, expect = 137 }
    local before = s:booking()
    s:run()
    return before .. "\n" .. s:state()
  end },
  { name = "pghost load", run = function(s)
    s:files(1, 30)
    s:run()
    s.here:write("more.csv", "booking_id,user_id,amount\n301,1,1\n302,2,2\n")
    local _, err = s:pghost("load", "more.csv", "--into", s.schema .. ".booking")
    local _, refused, code = s.here:pghost("load", "more.csv", "--into", s.schema .. ".booking")
    assert(code == 1 and refused:find("duplicate key", 1, true), refused)
    return s:booking() .. (err:match("2 records") or err)
  end },
  { name = "pghost load --workers 3", run = function(s)
    s:files(1, 30)
    s:run()
    s.here:write("more.csv", "booking_id,user_id,amount\n301,1,1\n302,2,2\n")
    s:pghost("load", "more.csv", "--workers", "3", "--into", s.schema .. ".booking")
    return s:booking()
  end },
  { name = "pghost load, by a worker", run = function(s)
    s:files(1, 30)
    s:run()
    s.here:write("more.csv", "booking_id,user_id,amount\n301,1,1\n302,2,2\n")
    if s.kind.name ~= "local" then
      local _, err, code = pghost.run({ "--dsn", s.database.workers[1], "load", "more.csv", "--into",
        s.schema .. ".booking" }, { cd = s.here.folder })
      assert(code == 0, err)
    else
      s:pghost("load", "more.csv", "--into", s.schema .. ".booking")
    end
    return s:booking()
  end },
}

--- Runs one in a new schema; returns its text.
---@param one { name: string, run: function }
---@param here support.Project in the database
---@param database support.CitusDatabase
---@param kind support.CitusKind
---@return string
function M.run(one, here, database, kind)
  local schema = (one.name .. "_" .. kind.name):gsub("%W", "_")
  here:ask(("SET citus.enable_schema_based_sharding = %s"):format(kind.sharded and "on" or "off"))
  here:ask("CREATE SCHEMA " .. schema)
  here:ask "RESET citus.enable_schema_based_sharding"
  return one.run(setmetatable({ here = here, kind = kind, schema = schema, database = database }, Scenario))
end

return M
