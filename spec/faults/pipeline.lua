-- The example's pipeline with points to stop at, so that a fault comes at a known moment.
--
-- PGHOST_FAULTS_STOP="POINT FOLDER": at POINT (start, load, check, analyse, publish, end) it makes
-- FOLDER/reached and goes on when FOLDER/go is there. `load` is in the middle of the bookings, with
-- three COPY open. PGHOST_FAULTS_NAME: the name of the pipeline, "bookings" unless set.

local root = arg[0]:match("^(.*)/spec/faults/[^/]*$")
package.path = root .. "/scripts/?.lua;" .. package.path

local config = require "config"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local sys = require "pghost.native.sys"

config.lock_wait = 60
local point, folder = (os.getenv("PGHOST_FAULTS_STOP") or ""):match("^(%S+) (.+)$")

local function exists(path)
  local file <close> = io.open(path, "r")
  return file ~= nil
end

local function stop_at(name)
  if name ~= point then
    return
  end
  point = nil
  assert(io.open(folder .. "/reached", "w")):close()
  while not exists(folder .. "/go") and not sys.interrupted() do
    sys.sleep(0.005)
  end
end

-- The rules of the bookings and one more, in Lua: that one runs while the streams are open.
local function booking_rules()
  local rules = require "rules.booking"
  if point ~= "load" then
    return rules
  end
  local copy = setmetatable({ name = rules.name, key = rules.key }, getmetatable(rules))
  table.move(rules, 1, #rules, 1, copy)
  copy.row = table.move(rules.row, 1, #rules.row, 1, {})
  table.insert(copy.row, r.check({ "booking_id" }, function()
    stop_at "load"
    return true
  end))
  return copy
end

local run <close> = pipeline.start(os.getenv("PGHOST_FAULTS_NAME") or "bookings", config)
stop_at "start"
run:load("company", "company.csv", require "rules.company")
run:load("users", "users.csv", require "rules.users")
run:load("booking", "booking*.csv", booking_rules())
stop_at "check"
run:check(require "checks")
stop_at "analyse"
run:analyse(root .. "/sql/analytics")
stop_at "publish"
run:publish()
stop_at "end"
