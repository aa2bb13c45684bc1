-- A run that several loaders share, for specs: its script, its files, and what must come of them by Python's csv.
--
-- A loader with HOLD=name:folder in its environment stops at the record of that name, inside its COPY: it makes
-- folder/reached.PID, and goes on once there is folder/go. Leases last until a spec ends them.

local process = require "faults.process"
local project = require "support.project"
local sys = require "pghost.native.sys"

local M = {}

M.script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"

local function there(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

local function stop(point)
  local name, folder = (os.getenv "HOLD" or ""):match "^(.-):(.*)$"
  if name == point and not there(folder .. "/go") then
    os.execute("touch " .. folder .. "/reached.$PPID")
    while not there(folder .. "/go") do
      os.execute "sleep 0.02"
    end
  end
end

local run <close> = pipeline.start("shared", { data = ".", schema = "public", lease = 300 })
run:load("item", "item*.csv", r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text():trim() },
}, { key = "id", row = { r.check("name", function(name)
  stop(name)
  return name ~= "refused"
end) } }))
run:load("plain", "plain*.csv", r.table("plain", { { "id", r.bigint() } }))
if not run.joined then
  stop "publish"
end
run:check { { name = "some", sql = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM item)" } }
run:publish()
]]

-- First record of a key by file and line; ids that are no number and refused names are rejects.
local model <const> = [[
import csv, glob, os, sys
items, rejects, duplicates, records = {}, 0, 0, 0
for path in sorted(glob.glob(os.path.join(sys.argv[1], 'item*.csv'))):
    with open(path, newline='') as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            records += 1
            name = row[1].strip(' ')
            if not row[0].isdigit() or name == 'refused':
                rejects += 1
            elif int(row[0]) in items:
                duplicates += 1
            else:
                items[int(row[0])] = name
print(f'{records} {rejects} {duplicates}')
for key in sorted(items):
    print(f'{key}|{items[key]!r}')
]]

-- The same of the published table and the ledger.
local function published(one)
  local counts = one.conn:query([[
    SELECT concat_ws(' ', sum(records), sum(rejected), sum(duplicates)) AS text,
      sum(records) = sum(loaded + rejected + filtered + duplicates) AND (count(*) FILTER (WHERE kept_at IS NULL) = 0
        OR NOT EXISTS (SELECT FROM pghost.shared_loads))
        AND sum(rejected + duplicates) = (SELECT count(*) FROM pghost.rejects AS j WHERE j.run_id = max(f.run_id)
          AND table_name = 'item') AND sum(records) = (SELECT count(*) FROM public.item_raw) AS adds_up
    FROM pghost.files AS f
    WHERE table_name = 'item' AND run_id = (SELECT max(run_id) FROM pghost.runs WHERE state = 'published')]])[1]
  assert(counts.adds_up, "the accounts do not add up: " .. tostring(counts.text))
  local lines = { counts.text }
  for row in one.conn:query("SELECT id, name FROM public.item ORDER BY id"):rows() do
    lines[#lines + 1] = ("%d|'%s'"):format(row.id, (row.name:gsub("\n", "\\n")))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- A project with files that need merging: keys that repeat across them, line ends in fields, rejects.
---@param files integer
---@return support.Project
function M.new(files)
  local one = project.new()
  one:write("pipeline.lua", M.script)
  for i = 1, files do
    local text = '%d,at%d\n%d,refused\nx,\n%d,"two\nlines %d"\n1,again %d\n%d, k \n'
    one:write(("item%02d.csv"):format(i), "id,name\n" .. text:format(i, i, i + 100, i + 200, i, i, i // 2 + 300))
  end
  one:write("plain1.csv", "id\n1\n2\n")
  one:write("plain2.csv", "id\n3\n")
  return one
end

---@param one support.Project
---@return string
function M.expected(one)
  return one:python(model, "")
end

M.published = published

--- Starts a loader.
---@param one support.Project
---@param words string[]
---@param hold? string point that it stops at
---@return spec.Process
function M.start(one, words, hold)
  return process.start({ "--dsn", one.dsn, table.unpack(words) },
    { HOLD = hold and (hold .. ":" .. one.folder) or nil }, { cd = one.folder })
end

--- Waits until fn gives something.
---@param what string for the message
---@param fn fun(): any
---@return any
function M.await(what, fn)
  local deadline = sys.clock() + 60
  repeat
    local done, found = pcall(fn)
    if done and found then
      return found
    end
    sys.sleep(0.02)
  until sys.clock() > deadline
  error("waited in vain until " .. what, 2)
end

--- The script with leases that end by themselves.
---@param seconds number
---@return string
function M.leasing(seconds)
  return (M.script:gsub("lease = 300", "lease = " .. seconds))
end

--- Ends the leases of loaders that are dead or stopped, as time does.
---@param one support.Project
---@param where? string which; all
function M.expire(one, where)
  local ended = one:ask(([[
    WITH ended AS (
      UPDATE pghost.work SET lease_until = clock_timestamp() - interval '1 second'
      WHERE state = 'leased' AND %s RETURNING 1
    ) SELECT count(*) FROM ended]]):format(where or "true"))
  assert(ended ~= "0", "no lease was to be ended")
end

--- Waits until a loader stops at its point.
---@param one support.Project
---@param loader spec.Process
function M.reached(one, loader)
  M.await("a loader reached its point", function()
    local file = io.open(("%s/reached.%d"):format(one.folder, loader.pid))
    return file and file:close() or not loader:running()
  end)
  assert(loader:running() or select(2, loader:wait()) == nil, loader.err)
end

return M
