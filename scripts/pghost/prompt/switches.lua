-- Commands of the prompt that set how it behaves, where results go, which database is asked, and \q.

local database = require "pghost.prompt.live_connection"
local destination = require "pghost.prompt.destination"
local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local rows = require "pghost.prompt.shown_rows"

local M = {}

local function choose(command, word, choices)
  for _, choice in ipairs(choices) do
    if word == choice then
      return choice
    end
  end
  errors.raise(("\\%s: %s expected, got '%s'%s"):format(command, table.concat(choices, ", "), word,
    nearest.hint(word, choices)), "usage")
end

local function expanded(_, words)
  local settings = rows.settings
  settings.expanded = words[1] and choose("x", words[1], { "on", "off", "auto" })
    or (settings.expanded == "on" and "off" or "on")
  print("expanded display is " .. settings.expanded)
end

local function timing(_, words)
  local settings = rows.settings
  if words[1] then
    settings.timing = choose("timing", words[1], { "on", "off" }) == "on"
  else
    settings.timing = not settings.timing
  end
  print("timing is " .. (settings.timing and "on" or "off"))
end

local function results_to(_, words, rest)
  local settings = rows.settings
  local old = settings.output
  if #words == 0 then
    settings.output, settings.format = nil, nil
  else
    settings.output, settings.format = destination.open(words[1], rest)
  end
  if old then
    old:close()
  end
end

local function connect(_, words)
  print("connected: " .. database.connect(words[1]).description)
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "x", words = "[on|off|auto]", most = 1, run = expanded,
    help = "a line for each value; auto: of wide rows" },
  { name = "timing", words = "[on|off]", most = 1, run = timing, help = "how long each statement takes" },
  { name = "o", words = "[FILE]", run = results_to,
    help = "results to FILE (.csv .json .md) or |COMMAND; back" },
  { name = "connect", other = "c", words = "[NAME|DSN]", most = 1, run = connect,
    help = "a new connection, to NAME on the server" },
  { name = "q", most = 0, run = function(session) session.left = true end, help = "leave" },
}

return M
