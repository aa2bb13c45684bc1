-- Prompt commands that run statements: again, with output elsewhere, repeatedly, from an editor, from a file.

local destination = require "pghost.prompt.destination"
local errors = require "pghost.lib.errors"
local remembered = require "pghost.prompt.remembered"
local rows = require "pghost.prompt.shown_rows"
local shell = require "pghost.lib.shell"
local statements = require "pghost.prompt.run_sql"
local sys = require "pghost.native.sys"

local M = {}

local function last_of(session, command)
  if not session.last_sql then
    errors.raise(("\\%s: no statement has run yet"):format(command), "usage", { exit = 1 })
  end
  return session.last_sql
end

-- The settings with some of them changed.
local function settings_with(changes)
  return setmetatable(changes, { __index = rows.settings })
end

local function go(session, words, rest)
  local text = last_of(session, "g")
  if #words == 0 then
    statements.run(text)
    return
  end
  local file <close>, format = destination.open(words[1], rest)
  statements.run(text, settings_with { output = file, format = format or "table" })
end

local function expanded(session)
  statements.run(last_of(session, "gx"), settings_with { expanded = "on", format = "expanded" })
end

local function watch_options(words)
  local seconds, count = 2, math.huge
  for _, word in ipairs(words) do
    local times = word:match("^c=(%d+)$")
    count = times and tonumber(times) or count
    seconds = not times and tonumber(word) or seconds
    if not times and (not tonumber(word) or seconds < 0) then
      errors.raise(("\\watch: seconds, or c=COUNT, expected, got '%s'"):format(word), "usage")
    end
  end
  return seconds, count
end

-- Until Ctrl-C, which raises.
local function watch(session, words)
  local text, done = last_of(session, "watch"), 0
  local seconds, count = watch_options(words)
  while done < count do
    if done > 0 then
      sys.sleep(seconds)
    end
    done = done + 1
    io.stdout:write(os.date("%Y-%m-%d %H:%M:%S"), (" (every %g s)\n"):format(seconds))
    statements.run(text, settings_with { pager = false })
    io.stdout:flush()
  end
end

local function write(path, text)
  local file <close> = destination.file(path, "w")
  assert(file:write(text))
end

local function read(path)
  local file <close> = destination.file(path, "r")
  return (assert(file:read("a")))
end

-- Only the owner can read the file; $EDITOR may include arguments.
local function edit(session, words)
  local own = words[1]
  local path = own or os.tmpname()
  local _ <close> = setmetatable({}, { __close = function()
    if not own then
      os.remove(path)
    end
  end })
  if not own then
    write(path, session.last or "")
  end
  local editor = os.getenv("VISUAL") or os.getenv("EDITOR") or "vi"
  io.stdout:flush()
  local code = shell.run(editor, path)
  if code ~= 0 then
    errors.raise(("'%s' ended with exit code %d: nothing is run"):format(editor, code), "usage", { exit = 1 })
  end
  local text = read(path)
  if text:find("%S") then
    io.stdout:write((text:gsub("\n*$", "\n")))
    session.edited = remembered.kept(text)
    session:feed(text)
  end
end

local function run_file(session, words)
  local path = words[1]
  if not path then
    errors.raise("\\i: name of a file expected", "usage")
  elseif path:find("%.lua$") then
    session:show(assert(loadfile(path))())
    return
  end
  session:feed(read(path), path)
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "g", words = "[FILE]", run = go,
    help = "the last SQL again, with FILE or |COMMAND to there" },
  { name = "gx", most = 0, run = expanded, help = "the last SQL again, a line for each value" },
  { name = "watch", words = "[SECONDS] [c=COUNT]", most = 2, run = watch,
    help = "the last SQL every 2 s, until Ctrl-C" },
  { name = "e", words = "[FILE]", most = 1, run = edit, help = "the last input in $EDITOR, then run" },
  { name = "i", words = "FILE", most = 1, run = run_file, help = "run a file: as Lua or as if typed" },
}

return M
