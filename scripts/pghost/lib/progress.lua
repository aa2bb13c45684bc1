-- One status line that shows how far a load is, on a terminal; nothing anywhere else.
--
-- The line is redrawn in place at most ten times a second and wiped when done, so that the log
-- above and below it stays clean. NO_COLOR set, --color=never, --quiet or JSON logs: no line.

local color = require "pghost.lib.color"
local log = require "pghost.lib.log"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local M = {}

---@class pghost.Progress
local Progress = {}
Progress.__index = Progress

local interval = 0.1 -- seconds between two drawings

---@param label string
---@param total_bytes? integer nil: unknown, no share and no time to go
---@param options? { out?: file*, enabled?: boolean, columns?: integer, clock?: fun(): number }
---@return pghost.Progress
function M.new(label, total_bytes, options)
  options = options or {}
  local enabled = options.enabled
  if enabled == nil then
    enabled = sys.is_tty(2) and color.enabled(2)
  end
  local clock = options.clock or sys.clock
  return setmetatable({
    label = terminal_text.harmless(label),
    total = total_bytes,
    enabled = enabled,
    out = options.out or io.stderr,
    columns = options.columns or sys.columns(2) or 80,
    clock = clock,
    started = clock(),
    drawn = -math.huge,
  }, Progress)
end

-- The text for `records` and `bytes` done after `seconds`.
local function status(self, records, bytes, seconds)
  local parts = { self.label, log.counted(records, "record") }
  if self.total and self.total > 0 then
    parts[#parts + 1] = ("%d %%"):format(math.min(100, 100 * bytes // self.total))
  end
  if seconds > 0 then
    parts[#parts + 1] = log.count(math.floor(records / seconds)) .. "/s"
  end
  if self.total and bytes > 0 and bytes < self.total and seconds > 0 then
    parts[#parts + 1] = log.duration(seconds * (self.total - bytes) / bytes) .. " to go"
  end
  return table.concat(parts, "  ")
end

--- Shows the state; cheap when it was shown a moment ago.
---@param records integer done so far
---@param bytes integer of the total, done so far
function Progress:update(records, bytes)
  if not self.enabled then
    return
  end
  local now = self.clock()
  if now - self.drawn < interval then
    return
  end
  self.drawn = now
  local text = status(self, records, bytes, now - self.started):sub(1, self.columns - 1)
  self.out:write("\r", text, (" "):rep((self.width or 0) - #text), "\r")
  self.out:flush()
  self.width = #text
end

--- Wipes the line.
function Progress:close()
  if self.width then
    self.out:write("\r", (" "):rep(self.width), "\r")
    self.out:flush()
    self.width = nil
  end
end

Progress.__close = Progress.close

return M
