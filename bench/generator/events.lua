-- event.csv: ten clean columns of the usual types, for measuring the load engine.

local calendar = require "generator.calendar"
local random = require "generator.random"

local M = {}

local statuses = { "confirmed", "cancelled", "completed", "no_show", "pending" }
local channels = { "mobile_app", "web", "front_desk", "calendar", "api" }
local notes = {
  "window seat, second floor", "near the kitchen, not the lift", "", "standing desk wanted for the week",
  "with two screens and a dock", "quiet zone please", "team day, six desks in one row", "same desk as last week",
}
for i, note in ipairs(notes) do
  notes[i] = note:find(",") and '"' .. note .. '"' or note
end

---@param options { out: string, events: integer, seed: integer }
function M.write(options)
  local below, stamp, format = random.new(options.seed), calendar.stamp, string.format
  local file <close> = assert(io.open(options.out .. "/event.csv", "wb"))
  file:setvbuf("full", 1 << 20)
  file:write "event_id,user_id,desk_id,created_at,starts_at,ends_at,is_demo,status,channel,note\n"
  for i = 1, options.events do
    local start = 14 * 1440 + below(1000 * 1440)
    file:write(
      format("%d,%d,%d,", 10000000 + i, 1000000 + below(200000), 10000 + below(5000)),
      stamp(start - below(14 * 1440), below(60)), ",", stamp(start, 0), ",",
      below(40) == 0 and "" or stamp(start + 30 + below(540), 0), ",",
      below(30) == 0 and "true" or "false", ",", statuses[below(5) + 1], ",", channels[below(5) + 1], ",",
      notes[below(8) + 1], "\n"
    )
  end
end

return M
