-- What must hold when pipelines are started at once: for a server and for poolers before it.

local outcomes = require "faults.outcomes"
local process = require "faults.process"

local M = {}

local locked = "^pipeline 'bookings' into schema 'public' is already running: .* holds the lock; try again"
local by_run = "is already running: run %d+ of '.*' on '.*' %(process (%d+)%) since %d+"

--- One run is held in the middle; all others must end and name it.
function M.while_one_runs(here, count, section)
  local old = here:assert_state "ab"
  local holder <close> = here:start(here:other(old), { stop = "load" })
  here:reached(holder)
  local others = {}
  for i = 2, count do
    others[i - 1] = here:start(old)
  end
  for _, one in ipairs(others) do
    local code, err = one:wait()
    assert(code == 1, err)
    local message = process.message(err)
    assert(message:find(locked) and tonumber(message:match(by_run)) == holder.pid, message)
  end
  here:assert_state(old)
  here:go(holder)
  local code, err = holder:wait()
  assert(code == 0, err)
  here:assert_clean(here:other(old))
  here:assert_state(here:other(old))
  outcomes.add(section, ("%d pipelines, one in the middle of its run"):format(count),
    "it publishes; each of the others: exit code 1, `pipeline ... is already running: run N of USER on HOST since ...`")
end

-- Runs that published one after the other have spans of time that do not overlap.
local overlaps = [[
SELECT count(*) FROM pghost.runs AS a JOIN pghost.runs AS b ON a.run_id < b.run_id
WHERE a.run_id > $1 AND b.started_at < a.finished_at]]

--- All start at the same moment: at least one runs, and those that do run one after the other.
function M.all_at_once(here, count, section)
  local before = here:ask "SELECT max(run_id) FROM pghost.runs"
  local all = {}
  for i = 1, count do
    all[i] = here:start(i % 2 == 0 and "a" or "b")
  end
  local done = 0
  for _, one in ipairs(all) do
    local code, err = one:wait()
    assert(code == 0 or code == 1 and process.message(err):find(locked), err)
    done = done + (code == 0 and 1 or 0)
  end
  assert(done >= 1, "none ran")
  assert(here:ask(overlaps, before) == 0, "runs overlapped")
  here:assert_clean(here:assert_state "ab")
  outcomes.add(section, ("%d pipelines started at once"):format(count),
    ("%d published, one after the other; the others say who runs"):format(done))
end

--- With --wait all run, one after the other, and each publishes.
function M.all_wait(here, count, section)
  local before = here:ask "SELECT max(run_id) FROM pghost.runs"
  local all = {}
  for i = 1, count do
    all[i] = here:start(i % 2 == 0 and "a" or "b", { words = { "--wait", "5m" } })
  end
  for _, one in ipairs(all) do
    local code, err = one:wait(120)
    assert(code == 0, err)
  end
  assert(here:ask("SELECT count(*) FROM pghost.runs WHERE run_id > $1 AND state = 'published'", before) == count)
  assert(here:ask(overlaps, before) == 0, "runs overlapped")
  local last = here:ask "SELECT config->>'data' FROM pghost.runs ORDER BY run_id DESC LIMIT 1"
  local expected = last == here.sets.a.data and "a" or "b"
  here:assert_clean(expected)
  here:assert_state(expected)
  outcomes.add(section, ("%d pipelines with `--wait` started at once"):format(count),
    "all published, one after the other; the tables are those of the last")
end

--- Two pipelines of different names that publish the same tables.
function M.two_names(here, section)
  local one <close> = here:start("a", { stop = "publish" })
  local two <close> = here:start("b", { stop = "publish", name = "others" })
  here:reached(one)
  here:reached(two)
  here:go(one)
  here:go(two)
  local done = 0
  for _, each in ipairs { one, two } do
    local code, err = each:wait()
    assert(code == 0 or code == 1 and process.message(err):find("^cannot publish"), err)
    done = done + (code == 0 and 1 or 0)
  end
  assert(done >= 1, "none published")
  here:assert_clean(here:assert_state "ab")
  outcomes.add(section, "two different pipelines into one schema",
    ("%d published; the tables are all of one of them"):format(done))
end

return M
