-- A busted helper that counts what passed and failed, for scripts that sum over several suites.
--
-- support/helpers.lua loads it when the environment variable PGHOST_SPEC_TOTALS names a file. At the end
-- of the suite the file holds one line: `passed failed pending`. No file, or an empty one, means that the
-- suite did not get to its end. It changes neither the output nor the exit code.

local busted = require "busted"

local path = os.getenv("PGHOST_SPEC_TOTALS")
local passed, failed, pending = 0, 0, 0

-- As busted's own output handlers count: failures of tests at their end, and whatever else broke (a
-- spec file that does not load, a setup, an error) where it is reported.
busted.subscribe({ "test", "end" }, function(_, _, status)
  if status == "success" then
    passed = passed + 1
  elseif status == "failure" then
    failed = failed + 1
  elseif status == "pending" then
    pending = pending + 1
  end
  return nil, true
end)

busted.subscribe({ "failure" }, function(element)
  if element.descriptor ~= "it" then
    failed = failed + 1
  end
  return nil, true
end)

busted.subscribe({ "error" }, function()
  failed = failed + 1
  return nil, true
end)

busted.subscribe({ "suite", "end" }, function()
  local file = assert(io.open(path, "w"))
  file:write(("%d %d %d\n"):format(passed, failed, pending))
  file:close()
  return nil, true
end)
