-- System calls that fail: a file that cannot be read to its end fails the load, an output file is whole or not there,
-- and an interrupted call is invisible.
--
-- PGHOST_FAULTS_CALLS: how many calls of a case (3), PGHOST_FAULTS_COMMAND: cases of that command alone.

local calls = require "faults.calls"
local outcomes = require "faults.outcomes"

local most = outcomes.number("PGHOST_FAULTS_CALLS", 3)
local only = os.getenv "PGHOST_FAULTS_COMMAND"

local cases = {}

local function add(title, case)
  case.title = title
  cases[#cases + 1] = case
end

for _, command in ipairs { "sniff", "load", "rejects", "pipeline" } do
  add("a file that cannot be read", { command = command, call = "read,pread64", error = "EIO", path = "data.csv",
    fails = true, says = "data%.csv" })
  add("a file that cannot be opened", { command = command, call = "openat,open", error = "EMFILE", path = "data.csv",
    fails = true, says = "data%.csv" })
  add("a read that is interrupted", { command = command, call = "read,pread64", error = "EINTR", path = "data.csv",
    invisible = true })
end
for _, file in ipairs { "p1.csv.gz", "p2.csv.bz2", "p3.csv.xz", "p4.csv", "p5.zip", "p6.csv.zst" } do
  add(file .. " that cannot be read", { command = "packed", call = "read,pread64", error = "EIO", path = file,
    fails = true, says = file:gsub("%.", "%%.") })
  add(file .. " whose read is interrupted", { command = "packed", call = "read,pread64", error = "EINTR", path = file,
    invisible = true })
end
for _, file in ipairs { "pipeline.lua", "item_rules.lua", "analytics/total.sql" } do
  add(file .. " that cannot be read", { command = "pipeline", call = "read,pread64", error = "EIO", path = file,
    fails = true })
end
for _, command in ipairs { "rejects", "export", "report", "rejected", "init" } do
  for _, code in ipairs { "ENOSPC", "EIO" } do
    add("an output file without room", { command = command, call = "write,pwrite64,writev", error = code })
  end
  for _, call in ipairs(command == "init" and { "close" } or { "fsync", "rename", "close" }) do
    add("an output file", { command = command, call = call, error = "EIO" })
  end
end
for _, command in ipairs { "load", "pipeline", "export", "prompt" } do
  for _, code in ipairs { "EINTR", "EAGAIN" } do
    add("what is sent", { command = command, call = "sendto,recvfrom", error = code, invisible = true })
  end
  add("a connection that breaks", { command = command, call = "recvfrom", error = "ECONNRESET" })
  add("a wait that is interrupted", { command = command, call = "poll", error = "EINTR", invisible = true })
  add("a wait that fails", { command = command, call = "poll", error = "ENOMEM" })
  add("a wait that fails", { command = command, call = "poll", error = "EINVAL", on = true })
end
for _, command in ipairs { "load", "pipeline" } do
  add("a thread that cannot be started", { command = command, call = "clone,clone3,vfork", error = "EAGAIN" })
  if not os.getenv "PGHOST_SPEC_SANITIZER" then -- they end the process when they get no memory
    add("memory that cannot be mapped", { command = command, call = "mmap", error = "ENOMEM" })
  end
end

table.sort(cases, function(a, b)
  return a.command < b.command or a.command == b.command and a.title .. a.error < b.title .. b.error
end)

describe("a failing system call:", function()
  local here

  setup(function()
    here = calls.new()
  end)

  teardown(function()
    here:close()
  end)

  for _, case in ipairs(cases) do
    if not only or only == case.command then
      it(("%s (%s of %s in %s)"):format(case.title, case.error, case.call, case.command), function()
        local count, problems = calls.try(here, case, most)
        assert(#problems == 0, table.concat(problems, "\n"))
        assert(count > 0, "there is no such call")
        outcomes.add("calls", ("%s: %s of %s, %d times"):format(case.command, case.error, case.call, count),
          case.invisible and "invisible" or case.fails and "it fails and says so" or "it fails, or succeeds, whole")
      end)
    end
  end
end)
