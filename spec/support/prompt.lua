-- Talks to the prompt of the pghost that runs the specs: on a terminal of its own, or through a pipe.

local pghost = require "support.pghost"

local M = {}

local function step(kind, value)
  local text = type(value) == "number" and value or
    '"' .. value:gsub('[%c"\\]', function(c) return ("\\x%02x"):format(c:byte()) end) .. '"'
  return ('("%s", %s)\n'):format(kind, text)
end

M.step = step

-- Colors only where a spec wants them; C.UTF-8 is everywhere.
local environment = "HOME=%s TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=1 PAGER= "

--- Talks on a terminal: strings are typed, { "text" } is waited for, { wait = 50 } are milliseconds,
--- { resize = "80x24" } gives the terminal another size, numbers are signals. The first prompt is waited for.
---@param home string folder that it runs in, also HOME
---@param conversation table
---@param words? string further words of the command line
---@param variables? string "NAME=value ..."
---@return string out what was on the terminal
---@return integer code
function M.talk(home, conversation, words, variables)
  local steps = { step("expect", "> ") }
  for _, part in ipairs(conversation) do
    if type(part) == "table" then
      steps[#steps + 1] = part.resize and step("resize", part.resize) or part.wait and step("wait", part.wait)
        or step("expect", part[1])
    else
      steps[#steps + 1] = step(type(part) == "number" and "signal" or "send", part)
    end
  end
  local command = ("cd %s && env %s %s python3 %s/spec/support/terminal.py %s %s"):format(home,
    environment:format(home), variables or "", pghost.root, pghost.quote(pghost.path), words or "")
  local out, err, code = pghost.shell(command, table.concat(steps))
  assert(err == "", err)
  return out, code
end

--- What the prompt makes of lines from a pipe.
---@param home string folder that it runs in, also HOME
---@param lines string[]
---@param words? string further words of the command line
---@param variables? string "NAME=value ..."
---@return string out
---@return string err
---@return integer code
function M.feed(home, lines, words, variables)
  return pghost.shell(("cd %s && env %s %s %s -i %s"):format(home, environment:format(home), variables or "",
    pghost.quote(pghost.path), words or ""), table.concat(lines, "\n") .. "\n")
end

return M
