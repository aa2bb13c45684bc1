-- The commands of the prompt: found by name. Each subject has a module that implements its commands and has a `list` of
-- them.

local color = require "pghost.lib.color"
local command_words = require "pghost.prompt.command_words"
local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local pager = require "pghost.prompt.pager"
local rows = require "pghost.prompt.shown_rows"

local M = {}

---@class pghost.prompt.Command
---@field name string
---@field other? string another name
---@field words? string what may follow, for the help
---@field most? integer words at most; nil: any
---@field help string
---@field plus? boolean a + after the name asks for more
---@field run fun(session: pghost.prompt.Session, words: string[], rest: string, plus: boolean)

---@type pghost.prompt.Command[]
M.list = {}
for _, module in ipairs { "buffer", "catalog_lists", "copying", "bar_chart", "profiling", "help_topics", "switches" } do
  for _, command in ipairs(require("pghost.prompt." .. module).list) do
    M.list[#M.list + 1] = command
  end
end

local function help_lines()
  local lines, widest = {}, 0
  for i, command in ipairs(M.list) do
    lines[i] = ("\\%s%s"):format(command.name, command.words and " " .. command.words or "")
    widest = math.max(widest, #lines[i])
  end
  for i, command in ipairs(M.list) do
    lines[i] = ("  %s%s  %s"):format(color.bold(lines[i], 1), (" "):rep(widest - #lines[i]), command.help)
  end
  return lines
end

M.list[#M.list + 1] = { name = "?", most = 0, help = "this list", run = function()
  local output <close> = pager.open(rows.settings)
  output:write("A line that begins with a word of SQL is SQL, up to its semicolon; with \\, a command; else Lua.\n\n",
    table.concat(help_lines(), "\n"), "\n")
end }

local function names()
  local list = {}
  for _, command in ipairs(M.list) do
    list[#list + 1] = command.name
    list[#list + 1] = command.other
  end
  return list
end

M.names = names

local function find(name)
  for _, command in ipairs(M.list) do
    if command.name == name or command.other == name then
      return command
    end
  end
  local meant = nearest.of(name, names())
  errors.raise(("unknown command '\\%s'%s"):format(name, meant and (": did you mean '\\%s'?"):format(meant)
    or " (\\? lists them)"), "usage")
end

-- "dt+" is dt with more, where a command has that.
local function look_up(name)
  local plain = name:match("^(.-)%+$")
  local command = find(plain or name)
  if plain and not command.plus then
    errors.raise(("\\%s has no form with +"):format(plain), "usage")
  end
  return command, plain ~= nil
end

--- Runs the command that a line has.
---@param session pghost.prompt.Session
---@param text string from the backslash on
function M.run(session, text)
  local name, rest = text:match("^\\(%S*)%s*(.-)%s*$")
  local command, verbose = look_up((name:gsub("(.);+$", "%1")))
  local words = command_words.split(command.most and rest:gsub("%s*;+$", "") or rest)
  if command.most and #words > command.most then
    errors.raise(("\\%s: one word too many: '%s'%s"):format(name, words[command.most + 1],
      command.words and (" (\\%s %s)"):format(command.name, command.words) or ""), "usage")
  end
  command.run(session, words, rest, verbose)
end

return M
