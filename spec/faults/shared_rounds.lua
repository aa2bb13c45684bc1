-- Rounds of a shared run whose loaders, holder and server are killed, stopped and woken up at random:
--
--   build/pghost spec/faults/shared_rounds.lua [ROUNDS] [SEED]
--
-- Four loaders, one of them the holder, get a few faults: kill -9 (k), SIGSTOP and later SIGCONT (s), SIGTERM (t), the
-- server stopped at once and started again (S). Whoever has ended is replaced. Once a run has published, each record
-- must be there once, by Python's csv, with the accounts adding up and nothing left. Prints a line per round, and the
-- seed.

local root = arg[0]:gsub("[^/]*$", "") .. "../"
package.path = root .. "?.lua;" .. package.path

local process = require "faults.process"
local server = require "support.server"
local shared = require "support.shared"
local sys = require "pghost.native.sys"

local rounds, seed = tonumber(arg[1]) or 200, tonumber(arg[2]) or os.time()
math.randomseed(seed)
print(("%d rounds, seed %d"):format(rounds, seed))

local files <const>, loaders <const>, faults <const> = 40, 4, 5 -- so many that several are taken at once

-- Some records take time, so that there is a time to be killed in.
local function slow(script)
  return (script:gsub('stop%(name%)\n', 'if name:find "^at" then require("pghost.native.sys").sleep(0.15) end\n'))
end

local function new_round()
  local one = shared.new(files)
  one:write("pipeline.lua", slow(shared.leasing(1.5)))
  return one
end

local function start(one, words)
  return process.start({ "--dsn", one.dsn, table.unpack(words) }, {}, { cd = one.folder })
end

local function is_published(one)
  local done, found = pcall(one.ask, one, "SELECT count(*) FROM pghost.runs WHERE state = 'published'")
  return done and found ~= "0"
end

local function any_of(list)
  return list[math.random(#list)]
end

-- One fault; returns its letter.
local function hurt(alive)
  local victim, what = any_of(alive), math.random(10)
  if what <= 5 then
    victim:signal(9)
    return "k"
  elseif what <= 8 then
    victim:signal "STOP"
    sys.sleep(math.random() * 2.5)
    victim:signal "CONT"
    return "s"
  elseif what == 9 then
    victim:signal "TERM"
    return "t"
  end
  local one = server.get()
  one:halt "immediate"
  one:resume()
  return "S"
end

local function running(list)
  local alive = {}
  for _, one in ipairs(list) do
    if one:running() then
      alive[#alive + 1] = one
    end
  end
  return alive
end

local function replace(one, list)
  while #running(list) < loaders do
    list[#list + 1] = start(one, math.random(4) == 1 and { "pipeline.lua", "--share", "yes" }
      or { "worker", "--wait", "2s" })
  end
end

local function reconnect(one)
  one.conn:close()
  one.conn = require("pghost.connection").open { dsn = one.dsn }
end

local function check(one)
  reconnect(one)
  assert(shared.expected(one) == shared.published(one), "other records than expected")
  for _, query in ipairs { "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'",
    "SELECT count(*) FROM pghost.runs WHERE state = 'running'",
    "SELECT count(*) FROM pghost.work AS w JOIN pghost.runs AS r USING (run_id) WHERE r.state = 'published' "
      .. "AND w.state <> 'loaded'" } do
    assert(one:ask(query) == "0", query .. ": " .. one:ask(query))
  end
end

local function round()
  local one, list, done = new_round(), {}, {}
  list[1] = start(one, { "pipeline.lua", "--share", "yes" })
  for _ = 1, faults do
    replace(one, list)
    sys.sleep(math.random() * 0.6)
    local alive = running(list)
    if is_published(one) then
      break
    elseif #alive > 0 then
      done[#done + 1] = hurt(alive)
    end
    pcall(reconnect, one)
  end
  local deadline = sys.clock() + 120
  while not is_published(one) do
    pcall(reconnect, one)
    if #running(list) == 0 then
      list[#list + 1] = start(one, { "pipeline.lua", "--share", "yes" })
    end
    assert(sys.clock() < deadline, "nothing is published after 120 s")
    sys.sleep(0.1)
  end
  local codes = {}
  for i, loader in ipairs(list) do
    codes[i] = loader:wait(90)
  end
  check(one)
  local attempts = one:ask "SELECT max(attempt) FROM pghost.work"
  one:remove()
  return table.concat(done), table.concat(codes, " "), attempts
end

local started, failed = sys.clock(), 0
for i = 1, rounds do
  local good, faults_done, codes, attempts = pcall(round)
  failed = failed + (good and 0 or 1)
  print(good and ("round %d: ok, faults %s, exit codes %s, at most %s attempts"):format(i, faults_done, codes, attempts)
    or ("round %d: FAILED: %s"):format(i, tostring(faults_done)))
  io.stdout:flush()
end
print(("%d rounds, %d failed, %.0f s"):format(rounds, failed, sys.clock() - started))
os.exit(failed == 0 and 0 or 1)
