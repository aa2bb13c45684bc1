-- A small project whose commands run while something fails, and what must hold after each of them.
--
-- A command runs in a folder and a database of its own. When it has ended, however it did, the tables are those of
-- before or, after exit code 0, those that it makes when nothing fails; nothing is left of it.

local close_world = require "faults.close_world"
local connection = require "pghost.connection"
local lfs = require "lfs"
local pghost = require "support.pghost"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"
local web = require "support.web"

local M = {}

M.patience = 30 -- seconds that no command may exceed

local rules <const> = [[
  local r = require "pghost.rules"
  return r.table("item", {
    { "id", r.bigint():required() },
    { "name", r.text():trim() },
    { "created", r.timestamp() },
    { "amount", r.numeric() },
  }, { key = "id", row = { r.check({ "amount" }, function(amount) return RULE end) } })
]]

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local check = require "pghost.check"
  local run <close> = pipeline.start("items", { data = ".", schema = "public", max_rejects = "50%" })
  run:load("item", "data.csv", require "item_rules")
  run:check { check.row_count("item", 1) }
  run:analyse "analytics"
  run:publish()
]]

local function records(count, amount, third)
  local lines = { "id,name,created,amount" }
  for i = 1, count do
    lines[#lines + 1] = ('%d,"näme, %d",2024-03-%02d 10:00:00,%s'):format(i, i, i % 28 + 1, i == 3 and third or amount)
  end
  return table.concat(lines, "\n") .. "\n"
end

local strict <const> = rules:gsub("RULE", "amount ~= '2.5'")
local lax <const> = rules:gsub("RULE", "true")

local data <const> = { a = records(40, "1.5", "2.5"), b = records(41, "3.5", "2.5") }

local files <const> = {
  ["pipeline.lua"] = script,
  ["item_rules.lua"] = strict,
  ["analytics/total.sql"] = "SELECT count(*) AS items, sum(amount) AS total FROM item\n",
}

-- The records once more in each form that a file can have.
local pack <const> = [[
import bz2, gzip, lzma, sys, zipfile
data = open("data.csv", "rb").read()
open("p1.csv.gz", "wb").write(gzip.compress(data, mtime=0))
open("p2.csv.bz2", "wb").write(bz2.compress(data))
open("p3.csv.xz", "wb").write(lzma.compress(data))
open("p4.csv", "wb").write(data.decode().encode("utf-16"))
with zipfile.ZipFile("p5.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("inner.csv", data)
]]

---@class spec.FaultyCommand
---@field words string[]
---@field tables? boolean it changes tables: with other data each time
---@field file? string it makes this one
---@field rules? string instead of the strict ones
---@field stdin? string
---@field packed? boolean
---@field web? boolean it reads them from a web server, whose address is BASE in `words`
---@field corrected? boolean it reads the corrected rejects of run 1
---@field fresh? boolean it needs the database as it was at first

---@type table<string, spec.FaultyCommand>
M.commands = {
  sniff = { words = { "sniff", "data.csv" } },
  load = { words = { "load", "data.csv", "--into", "loaded", "--truncate", "--retries", "0", "--workers", "2" },
    tables = true },
  packed = { words = { "load", "p1.csv.gz", "p2.csv.bz2", "p3.csv.xz", "p4.csv", "p5.zip", "p6.csv.zst", "--auto",
    "--into", "loaded", "--truncate", "--retries", "0" }, tables = true, packed = true },
  rejects = { words = { "load", "data.csv", "--into", "loaded", "--truncate", "--rules", "item_rules.lua",
    "--max-rejects", "5", "--rejects", "bad.csv", "--retries", "0" }, tables = true, file = "bad.csv" },
  pipeline = { words = { "pipeline.lua", "--retries", "0" }, tables = true },
  replay = { words = { "replay", "1", "pipeline.lua" }, tables = true, rules = lax, fresh = true },
  export = { words = { "export", "item", "-o", "item.csv.gz" }, file = "item.csv.gz" },
  report = { words = { "report", "--pipeline", "items", "-o", "report.html" }, file = "report.html" },
  prompt = { words = { "-i" }, stdin = "x = 1 + 1\nSELECT count(*) FROM item;\n\\d item\nx\n" },
  http = { words = { "load", "BASE/-/data.csv", "--into", "loaded", "--truncate", "--retries", "0" }, tables = true,
    web = true },
  fix = { words = { "fix", "1", "fixed.csv", "pipeline.lua" }, tables = true, fresh = true, corrected = true },
  rejected = { words = { "rejects", "1", "--csv", "bad.csv" }, file = "bad.csv" },
  init = { words = { "init", "data.csv", "--into", "new" }, file = "new" },
  query = { words = { "query", "SELECT id, name FROM item ORDER BY id" } },
  profile = { words = { "profile", "data.csv", "--workers", "2" } },
  runs = { words = { "runs", "1" } },
}
M.names = { "sniff", "load", "packed", "rejects", "pipeline", "replay", "export", "report", "prompt", "http", "fix",
  "rejected", "init", "query", "profile", "runs" }

---@class spec.UnderFaults
---@field folder? string
---@field dsn string
---@field states table<string, string> what the tables hold with the data "a" and "b"
---@field which "a"|"b" what they hold now
---@field corrected string the rejects of run 1, corrected
---@field web? support.Web
local World = {}
World.__index = World

local function listing(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, " ")
end

function World:conn()
  self.db = self.db or connection.open { dsn = self.dsn }
  return self.db
end

local tables <const> = [[
  SELECT string_agg(format('SELECT %L AS name, count(*) || '':'' || md5(string_agg(t::text, '','' ORDER BY t::text '
    'COLLATE "C")) AS hash FROM public.%I AS t', relname, relname), ' UNION ALL ' ORDER BY relname)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')]]

-- What the tables hold; raw tables number files, which are others each time.
function World:state()
  local list = {}
  for row in self:conn():query(self:conn():query(tables)[1][1]):rows() do
    if not row.name:find "_raw$" then
      list[#list + 1] = row.name .. "=" .. (row.hash or "none")
    end
  end
  table.sort(list)
  return table.concat(list, " ")
end

local left <const> = [[
  SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%') AS schemas,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()) AS sessions]]

-- Waits until the sessions of the command are gone; how many build schemas there are.
function World:left()
  local deadline = sys.clock() + 10
  local row
  repeat
    row = self:conn():query(left)[1]
    if row.sessions == 0 then
      return row.schemas
    end
    sys.sleep(0.002)
  until sys.clock() > deadline
  error "sessions are left"
end

-- The database as it was before the first command: a copy of one that nobody uses.
function World:restore()
  if self.db then
    self.db:close()
    self.db = nil
  end
  self.server:psql(("DROP DATABASE IF EXISTS %s WITH (FORCE);\nCREATE DATABASE %s TEMPLATE %s"):format(self.database,
    self.database, self.origin))
end

-- The data that the next command reads: others than those that are there.
function World:give_data()
  self.which_next = self.which == "a" and "b" or "a"
  pghost.write(self.folder .. "/data.csv", data[self.which_next])
  if self.command.packed then
    local _, err, code = pghost.shell(("cd %s && python3 - && zstd -qf data.csv -o p6.csv.zst"):format(self.folder),
      pack)
    assert(code == 0, err)
  elseif self.command.web then
    self.web = self.web or web.start()
    self.web:write("data.csv", data[self.which_next])
  end
end

local function new_folder(text_of_rules)
  local folder = pghost.folder()
  lfs.mkdir(folder .. "/analytics")
  for name, text in pairs(files) do
    pghost.write(folder .. "/" .. name, name == "item_rules.lua" and text_of_rules or text)
  end
  return folder
end

--- Runs the command, with variables in its environment. `prefix` are words before pghost.
---@return { code: integer, err: string, left: string, seconds: number }
function World:run(env, prefix)
  local words = { "-q", "--dsn", self.dsn }
  for _, word in ipairs(self.command.words) do
    words[#words + 1] = self.web and word:gsub("^BASE", self.web.base) or word
  end
  local one = process.start(words, env,
    { cd = self.folder, stdin = self.command.stdin, prefix = prefix })
  local ok, code, err = pcall(one.wait, one, M.patience)
  return ok and { code = code, err = err, left = one.left, seconds = one.seconds }
    or { code = 255, err = tostring(code), left = one.left or "", seconds = M.patience }
end

-- After a command that succeeded: ready for the next.
function World:succeeded()
  if self.command.fresh then
    self:restore()
  elseif self.command.tables then
    self.which = self.which_next
    self:give_data()
  end
  self:remove_output()
end

function World:remove_output()
  if self.command.file then
    pghost.remove(self.folder .. "/" .. self.command.file)
  end
end

-- Runs it where nothing fails.
function World:must_run(env)
  local first = self:run(env)
  assert(first.code == 0, first.err)
  local state = self:state()
  self.listing_new = listing(self.folder)
  self:succeeded()
  return state
end

--- Makes ready for a command: learns what it makes of the two sets of data.
---@param name string
function World:begin(name)
  self.command, self.which = M.commands[name], "a"
  if self.folder then
    pghost.remove(self.folder)
  end
  self.folder = new_folder(self.command.rules or strict)
  self:restore()
  self:give_data()
  if self.command.corrected then
    pghost.write(self.folder .. "/fixed.csv", self.corrected)
  end
  self.listing = listing(self.folder)
  local before = self:state()
  self.states = { b = self:must_run() }
  self.states.a = self.command.tables and not self.command.fresh and self:must_run() or before
  assert(not self.command.tables or self.states.a ~= self.states.b, "the command changes nothing")
end

-- Whether a command that did not end well says that its tables are there, or may be.
local function is_said(err)
  for _, words in ipairs { "; the records are loaded", "; run %d+ is published", "the load is committed",
    "committed is not known", "has published is not known" } do
    if err:find(words) then
      return true
    end
  end
  return false
end

--- What is wrong after a command that met a fault; nil: nothing. Makes ready for the next one.
---@param result { code: integer, err: string, left: string }
---@param died? boolean it ended as if killed: a file that was begun may stay
---@return string?
function World:problem(result, died)
  if died then
    pghost.shell(("rm -f %s/*.part %s/*.tmp"):format(self.folder, self.folder))
  end
  local schemas, state, names = self:left(), self:state(), listing(self.folder)
  local good = result.code == 0 or result.err:find("(all else succeeded)", 1, true) ~= nil -- but for stdout
  local changed = self.command.tables and (good or state == self.states[self.which_next] and is_said(result.err))
  local expected = self.states[changed and self.which_next or self.which]
  local problem = result.left ~= "" and "temporary files are left: " .. result.left
    or good and schemas > 0 and "a build schema is left"
    or state ~= expected and (state == self.states[self.which_next] and "the tables are the new ones"
      or state == self.states[self.which] and "the tables are the old ones" or "the tables are others: " .. state)
    or names ~= (good and self.listing_new or self.listing) and "the files are " .. names or nil
  self.schemas = (self.schemas or 0) + schemas
  if problem then
    self:mend(state)
  elseif good or changed then
    self:succeeded()
  end
  return problem
end

-- Back to where the next command can be judged.
function World:mend(state)
  pghost.shell(("cd %s && rm -f *.part *.tmp"):format(self.folder))
  if state == self.states[self.which_next] then
    self:succeeded()
  elseif state ~= self.states[self.which] then
    self:restore()
    self.which = "a"
    self:give_data()
    self:must_run()
  end
  self:remove_output()
end

function World:close()
  if self.web then
    self.web:stop()
    self.web = nil
  end
  close_world(self)
end

World.__close = World.close

---@return spec.UnderFaults
function M.new()
  local own = server.get()
  local dsn, origin = own:database()
  local _, database = own:database()
  local self = setmetatable({ server = own, origin = origin, database = database,
    dsn = (dsn:gsub("dbname=%S+", "dbname=" .. database)) }, World)
  local folder <const> = new_folder(strict)
  own:psql(("\\c %s\nCREATE TABLE loaded (id bigint, name text, created timestamp, amount numeric);\n"):format(origin)
    .. "INSERT INTO loaded VALUES (7, 'old', NULL, 1)")
  pghost.write(folder .. "/data.csv", data.a)
  local _, err, code = pghost.run({ "-q", "--dsn", dsn, "pipeline.lua" }, { cd = folder })
  assert(code == 0, err)
  _, err, code = pghost.run({ "-q", "--dsn", dsn, "rejects", "1", "--csv", "bad.csv" }, { cd = folder })
  assert(code == 0, err)
  self.corrected = pghost.read(folder .. "/bad.csv"):gsub("2%.5", "2.25")
  assert(self.corrected:find "2%.25", "there are no rejects")
  pghost.remove(folder)
  return self
end

return M
