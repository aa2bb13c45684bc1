-- Waits for a lock that another run holds: names the holder, retries now and then, and gives up in time.
--
-- The caller passes a function that tries to take the lock.

local again = require "pghost.run.retry"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local sys = require "pghost.native.sys"

local M = {}

local shortest, longest = 0.2, 2.0 -- seconds between two tries
local own_patience = 30 -- seconds until the server notices that the process of an earlier attempt is gone

local units = { ms = 0.001, s = 1, m = 60, min = 60, h = 3600 }

--- Seconds of a duration: "90", "30s", "10m", "2h"; true is for ever, false and "" not at all.
---@param value any
---@return number? seconds nil: not a duration
function M.seconds(value)
  if value == true then
    return math.huge
  elseif not value or value == "" then
    return 0
  end
  local number, unit = tostring(value):match("^(%d+%.?%d*)%s*(%a*)$")
  local factor = unit == "" and 1 or units[unit]
  return number and factor and tonumber(number) * factor or nil
end

---@class pghost.waiting.Lock
---@field try fun(): boolean
---@field holder fun(): string who has it, for people
---@field refusal fun(holder: string): string message when it cannot be had

--- Takes a lock, waiting as long as the setting `wait` says. Raises code "locked" when it cannot be
--- had.
---@param run pghost.Run
---@param lock pghost.waiting.Lock
function M.take(run, lock)
  if lock.try() then
    return
  end
  local limit = assert(M.seconds(run.settings.wait))
  if select(2, again.attempt()) then
    limit = math.max(limit, own_patience)
  end
  local started, pause, told = sys.clock(), shortest, nil
  repeat
    local holder, waited = lock.holder(), sys.clock() - started
    if waited >= limit then
      local text = lock.refusal(holder) .. (limit > 0 and (" (waited %s)"):format(log.duration(waited)) or "")
      errors.raise(text, "locked")
    elseif holder ~= told then
      run.log:info("wait", run.name, "waiting for " .. holder)
      told = holder
    end
    sys.sleep(math.min(pause, limit - waited))
    pause = math.min(pause * 1.5, longest)
  until lock.try()
end

return M
