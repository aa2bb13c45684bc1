-- The prompt: what happens to the lines typed at it. The host (host/repl.c) has the line editor, the signals and the
-- protected call; everything else is here. A session is the state between two lines.

local chunks = require "pghost.prompt.chunks"
local colors = require "pghost.prompt.colors"
local commands = require "pghost.prompt.backslash"
local completion = require "pghost.prompt.completion"
local database = require "pghost.prompt.live_connection"
local errors = require "pghost.lib.errors"
local history = require "pghost.prompt.remembered"
local live = require "pghost.prompt.live"
local show = require "pghost.prompt.show"
local statements = require "pghost.prompt.run_sql"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.prompt.Session
---@field text string lines of a chunk that is not whole
---@field kind? "sql"|"lua" what it is
---@field ready? function to be called for the lines that were read
---@field last_sql? string the statements that ran last, for \g and \watch
---@field last? string the chunk that ran last, for \e
---@field line integer lines so far
---@field first_line integer of the chunk
---@field name? string of the file that the lines are from
---@field edited? string text of \e, for the history
---@field left boolean \q was given
---@field was_open? boolean a transaction was open at the last prompt
---@field told_lost? pghost.Connection the loss of which was said
local Session = {}
Session.__index = Session

local marks = { transaction = "*", failed = "!", lost = "?", closed = "?" }

-- Once, when the connection is found to be gone.
function Session:tell_lost()
  local conn = database.current()
  if conn and database.state() == "lost" and self.told_lost ~= conn then
    self.told_lost = conn
    io.stdout:flush()
    io.stderr:write("pghost: the connection to ", conn.description, " is lost", self.was_open
      and ", and its transaction with it" or "", ": \\connect makes a new one\n")
  end
  self.was_open = marks[database.state()] ~= nil
end

--- The text before a line: the database, and whether a transaction is open (*), has failed (!), or the connection is
--- lost (?).
---@return string
function Session:prompt()
  self:tell_lost()
  if database.state() == "active" then
    collectgarbage() -- a query that was interrupted while it started belongs to nobody: this ends it
  end
  if self.text ~= "" then
    return self.kind == "sql" and "-> " or ">> "
  end
  return (database.name() or "") .. (marks[database.state()] or "") .. "> "
end

local function fail(message)
  return function()
    errors.raise(message, "syntax")
  end
end

function Session:take_sql(whole, text, command)
  if not whole then
    return false
  end
  self.last_sql = text
  local name, line = self.name, self.first_line
  self.ready = command and function()
    return commands.run(self, command)
  end or function()
    statements.run(text, nil, name, line)
  end
  return true
end

function Session:take_lua(text)
  local chunk, message, incomplete = chunks.lua(text, self.name, self.first_line)
  if incomplete then
    return false
  end
  self.ready = chunk or fail(message)
  return true
end

function Session:take_text(text)
  local kind, rest = chunks.kind(text)
  self.kind = kind
  if kind == "command" then
    self.ready = function()
      return commands.run(self, rest)
    end
    return true
  elseif kind == "sql" then
    return self:take_sql(chunks.sql(text))
  end
  return self:take_lua(text)
end

--- Takes a line.
---@param line string with its newline
---@return boolean ready there is something to run: take it
---@return string? remember of it in the history
function Session:add(line)
  local text = self.text .. line
  self.line = self.line + 1
  if self.text == "" then
    self.first_line = self.name and self.line or 1
  end
  if chunks.kind(text) == "nothing" then
    self.text = ""
    return false
  end
  local whole = self:take_text(text)
  self.text = whole and "" or text
  if not whole then
    return false
  end
  if self.kind ~= "command" then
    self.last = text
  end
  return true, history.kept(text)
end

-- Runs what is complete; an error without a position gets that of the file.
function Session:run_ready()
  local good, problem = pcall(function()
    self:show(self:take()())
  end)
  if not good then
    if errors.is(problem) and not problem.file and self.name then
      problem.file, problem.line = self.name, self.first_line
    end
    error(problem, 0)
  end
end

--- Runs a text as if its lines were typed, to the first error.
---@param text string
---@param name? string of the file it is from
function Session:feed(text, name)
  local inner = setmetatable({ text = "", left = false, name = name, line = 0 }, Session)
  for line in (text:gsub("\n?$", "\n", 1)):gmatch("[^\n]*\n") do
    if inner:add(line) then
      inner:run_ready()
    end
    if inner.left then
      self.left = true
      return
    end
  end
  inner:finish()
  self.last, self.last_sql = text, inner.last_sql or self.last_sql
end

--- The function to call for what was read.
---@return function
function Session:take()
  local ready = self.ready
  self.ready = nil
  return ready
end

--- Prints what a chunk has given.
function Session:show(...) -- luacheck: ignore 212
  show.print(...)
end

--- Drops what is not whole.
function Session:reset()
  self.text, self.ready = "", nil
end

--- At the end of the input: says what is missing of Lua. SQL that lacks its semicolon is run where it comes from a file
--- or a pipe; typed, it is dropped: half a DELETE must never run.
function Session:finish()
  local text = self.text
  self.text = ""
  if text ~= "" and self.kind == "lua" then
    local _, message = chunks.lua(text, self.name, self.first_line)
    errors.raise(message, "syntax")
  elseif text ~= "" and (self.name or not sys.is_tty(0)) then
    statements.run(text, nil, self.name, self.first_line)
  elseif text ~= "" then
    errors.raise("not run: no semicolon at its end", "syntax")
  end
end

--- A new session.
---@return pghost.prompt.Session
function M.new()
  local session = setmetatable({ text = "", left = false, line = 0 }, Session)
  live.install()
  session.complete = function(before, after)
    return completion.complete(session, before, after)
  end
  session.paint = colors.wanted() and function(line)
    return colors.paint(session, line)
  end or nil
  return session
end

return M
