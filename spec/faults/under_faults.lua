-- A small project whose commands run while something fails, and what must hold after each of them.
--
-- A command runs in a folder and a database of its own. When it has ended, however it did, the published tables are
-- those of before or, after exit code 0, those that it makes when nothing fails; nothing is left of it.

local connection = require "pghost.connection"
local lfs = require "lfs"
local pghost = require "support.pghost"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"

local M = {}

M.patience = 30 -- seconds that no command may exceed

local rules <const> = [[
  local r = require "pghost.rules"
  return r.table("item", {
    { "id", r.bigint():required() },
    { "name", r.text():trim() },
    { "created", r.timestamp() },
    { "amount", r.numeric() },
  }, { key = "id", row = { r.check({ "amount" }, function(row) return row.amount %s end) } })
]]

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local check = require "pghost.check"
  local run <close> = pipeline.start("items", { data = ".", schema = "public", max_rejects = "50%" })
  run:load("item", "items.csv", require "item_rules")
  run:check { check.row_count("item", 1) }
  run:analyse "analytics"
  run:publish()
]]

local function records(count, amount, third)
  local lines = { "id,name,created,amount" }
  for i = 1, count do
    lines[#lines + 1] = ('%d,"name, %d",2024-03-%02d 10:00:00,%s'):format(i, i, i % 28 + 1, i == 3 and third or amount)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function scale(rule)
  return (rules:gsub("row%.amount %%s", function() return rule end))
end

local files <const> = {
  ["pipeline.lua"] = script,
  ["item_rules.lua"] = scale "row.amount ~= '2.5'",
  ["analytics/total.sql"] = "SELECT count(*) AS items, sum(amount) AS total FROM item\n",
  ["items.csv"] = records(40, "1.5", "2.5"),
  ["mixed.csv"] = records(40, "3.5", "bad"),
  ["new.csv"] = records(40, "3.5", "9.5"),
}

-- Each with its words, what goes to its stdin, and what it changes: "tables", a file, or nothing.
M.commands = {
  sniff = { words = { "sniff", "items.csv" } },
  load = { words = { "load", "new.csv", "--into", "loaded", "--truncate", "--retries", "0", "--workers", "2" }, tables = true },
  rejects = { words = { "load", "mixed.csv", "--into", "loaded", "--max-rejects", "5", "--rejects", "bad.csv",
    "--retries", "0" }, tables = true, file = "bad.csv" },
  pipeline = { words = { "pipeline.lua", "--retries", "0" }, tables = true },
  replay = { words = { "replay" }, tables = true, before = { ["item_rules.lua"] = scale "true" } },
  export = { words = { "export", "item", "-o", "item.csv.gz" }, file = "item.csv.gz" },
  report = { words = { "report", "-o", "report.html" }, file = "report.html" },
  prompt = { words = { "-i" }, stdin = "x = 1 + 1\nSELECT count(*) FROM item;\n\\d item\nx\n" },
}
M.names = { "sniff", "pipeline", "report", "prompt" }

---@class spec.UnderFaults
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

local tables <const> = [[
  SELECT string_agg(format('SELECT %L AS name, count(*) || '':'' || coalesce(md5(string_agg(t::text, '','' ORDER BY t::text COLLATE "C")), '''') AS hash FROM public.%I AS t', relname, relname), ' UNION ALL ' ORDER BY relname)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')]]

-- What the published tables hold. Columns that differ between two runs of the same are those of raw tables.
function World:state()
  local db <close> = connection.open { dsn = self.dsn }
  local list = {}
  for row in db:query(db:query(tables)[1][1]):rows() do
    if not row.name:find "_raw$" then
      list[#list + 1] = row.name .. "=" .. row.hash
    end
  end
  return table.concat(list, " ")
end

local left <const> = [[
  SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%') AS schemas,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()) AS sessions]]

--- Waits until the sessions of the command are gone; how many build schemas there are.
function World:left()
  local db <close> = connection.open { dsn = self.dsn }
  local row
  for _ = 1, 1000 do
    row = db:query(left)[1]
    if row.sessions == 0 then
      break
    end
    sys.sleep(0.005)
  end
  assert(row.sessions == 0, "sessions are left")
  return row.schemas
end

-- The database as it was before the first command: a copy of one that nobody uses.
function World:restore()
  self.server:psql(("DROP DATABASE IF EXISTS %s WITH (FORCE);\nCREATE DATABASE %s TEMPLATE %s"):format(self.database,
    self.database, self.origin))
end

local function new_folder(before)
  local folder = pghost.folder()
  lfs.mkdir(folder .. "/analytics")
  for name, text in pairs(files) do
    pghost.write(folder .. "/" .. name, before and before[name] or text)
  end
  return folder
end

--- Runs a command as it is meant, with variables in its environment. `prefix` are words before pghost.
---@return { code: integer, err: string, left: string, seconds: number }
function World:run(name, env, prefix)
  local command = M.commands[name]
  local one = process.start({ "-q", "--dsn", self.dsn, table.unpack(command.words) }, env,
    { cd = self.folder, stdin = command.stdin, prefix = prefix })
  local ok, code, err = pcall(one.wait, one, M.patience)
  return ok and { code = code, err = err, left = one.left, seconds = one.seconds }
    or { code = 255, err = tostring(code), left = one.left or "", seconds = M.patience }
end

function World:begin(name)
  self.name, self.command = name, M.commands[name]
  if self.folder then
    pghost.remove(self.folder)
  end
  self.folder = new_folder(self.command.before)
  self:restore()
  self.old = self:state()
  self.listing = listing(self.folder)
  local first = self:run(name)
  assert(first.code == 0, first.err)
  self.new = self:state()
  self.listing_new = listing(self.folder)
  self:clean()
end

-- After a command that may have changed something.
function World:clean()
  if self.command.file then
    os.remove(self.folder .. "/" .. self.command.file)
  end
  if self.command.tables then
    self:restore()
  end
end

--- What is wrong after a command that met a fault; nil: nothing.
---@return string?
function World:problem(result)
  if result.left ~= "" then
    return "temporary files are left: " .. result.left
  end
  local schemas = self:left()
  local state, names = self:state(), listing(self.folder)
  if result.code == 0 then
    return state ~= self.new and "succeeded, and the tables are not the new ones: " .. state
      or names ~= self.listing_new and "succeeded, and the files are: " .. names
      or schemas > 0 and "succeeded, and a build schema is left" or nil
  end
  self.schemas = (self.schemas or 0) + schemas
  return state ~= self.old and state ~= self.new and "neither the old tables nor the new ones: " .. state
    or state ~= self.old and "failed, and the tables are the new ones"
    or names ~= self.listing and "failed, and the files are: " .. names or nil
end

function World:close()
  if self.folder then
    pghost.remove(self.folder)
    self.folder = nil
  end
end

World.__close = World.close

---@return spec.UnderFaults
function M.new()
  local own = server.get()
  local dsn, origin = own:database()
  local _, database = own:database()
  local self = setmetatable({ server = own, origin = origin, database = database,
    dsn = (dsn:gsub("dbname=%S+", "dbname=" .. database)) }, World)
  local folder = new_folder()
  own:psql(("\\c %s\nCREATE TABLE loaded (id bigint, name text, created timestamp, amount numeric);\n"):format(origin)
    .. "INSERT INTO loaded VALUES (7, 'old', NULL, 1)")
  local _, err, code = pghost.run({ "-q", "--dsn", dsn, "pipeline.lua" }, { cd = folder })
  assert(code == 0, err)
  pghost.remove(folder)
  return self
end

return M
