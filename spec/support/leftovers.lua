-- A busted helper: nothing may be left of a test. spec/run.lua loads it (through support/helpers.lua), always.
--
-- A transaction (a COPY is in one) that began on the shared server during a test must have ended when the next test
-- begins, or the file; when a file ends, no session there does anything, and this process has the descriptors that it
-- had before. What is left is an error of the file. (Idle sessions may stay: modules of spec/support keep theirs.)

local busted = require "busted"
local connection = require "pghost.connection"
local lfs = require "lfs"
local server = require "support.server"
local sys = require "pghost.native.sys"

local patience <const> = 5 -- seconds, for processes that are ending, and under load
local current -- the test that runs, or has run: { name, first, last }
local before -- descriptors

-- What a descriptor leads to. Not sockets: sessions are counted at the server, and the specs keep one for themselves
-- (support/backends.lua). Not random numbers, which a library keeps open.
local function descriptors()
  local found = {}
  for name in lfs.dir "/proc/self/fd" do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if target and not target:find "^/proc/%d+/fd$" and not target:find "^/dev/u?random$"
      and not target:find "^socket:" then
      found[name] = target
    end
  end
  return found
end

-- By a session that is there for this question alone: tests count sessions, and stop their server.
local function ask(sql)
  local shared = server.current()
  local ok, result = pcall(function()
    local conn <close> = shared and connection.open { dsn = shared.dsn }
    return conn and conn:query((sql:gsub("DATABASES", shared:names())))
  end)
  return ok and result or nil
end

local function now()
  local row = ask "SELECT pg_catalog.clock_timestamp()::text AS now"
  return row and row[1].now
end

local function until_none(what)
  local deadline = sys.clock() + patience
  local rows
  repeat
    rows = what()
    if not rows or #rows == 0 then
      return nil
    end
    collectgarbage()
    sys.sleep(0.01)
  until sys.clock() > deadline
  return ("%s: %s, '%s'"):format(rows[1].application_name, rows[1].state, rows[1].query)
end

local sessions <const> = [[SELECT application_name, state, left(query, 200) AS query FROM pg_catalog.pg_stat_activity
  WHERE datname IN (DATABASES) AND backend_type = 'client backend']]

local function fail(element, message)
  busted.publish({ "error", element.descriptor }, element, nil, message,
    { message = message, traceback = "" })
end

local function check_transactions(element)
  local test = current
  current = nil
  if not test or not test.last then
    return
  end
  local left = until_none(function()
    return ask(("%s AND xact_start BETWEEN '%s' AND '%s'"):format(sessions, test.first, test.last))
  end)
  if left then
    fail(element, ("'%s' leaves a transaction open: %s"):format(test.name, left))
  end
end

local function opened_since()
  local list = {}
  for name, target in pairs(descriptors()) do
    if before[name] ~= target then
      list[#list + 1] = target
    end
  end
  return list
end

busted.subscribe({ "file", "start" }, function()
  before = descriptors()
  return nil, true
end)

busted.subscribe({ "test", "start" }, function(element)
  check_transactions(element)
  current = { name = element.name, first = now() or "-infinity" }
  return nil, true
end)

busted.subscribe({ "test", "end" }, function()
  if current then
    current.last = now()
  end
  return nil, true
end)

busted.subscribe({ "file", "end" }, function(element)
  check_transactions(element)
  collectgarbage()
  local left = until_none(function()
    return ask(sessions .. " AND state <> 'idle'")
  end)
  if left then
    fail(element, "a session is not idle: " .. left)
  end
  collectgarbage()
  local open = opened_since()
  if #open > 0 then
    fail(element, "left open: " .. table.concat(open, ", "))
  end
  return nil, true
end)
