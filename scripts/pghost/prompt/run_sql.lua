-- SQL at the prompt: one statement after the other, rows as they arrive, and the server's notices.

local chunks = require "pghost.prompt.chunks"
local database = require "pghost.prompt.live_connection"
local errors = require "pghost.lib.errors"
local rows = require "pghost.prompt.shown_rows"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

-- Values for `:name` are those of the Lua global `parameters`, a table.
local function parameters()
  local given, known = rawget(_G, "parameters"), {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    known[name] = sql.parameter(value, type(value) == "string" and "" or nil)
  end
  return known
end

local function bind(statement)
  local good, text, values, places = pcall(statement.bind, statement, parameters())
  if good then
    return text, values, places
  end
  local name = errors.is(text) and text.message:match("^no parameter ':(.-)'")
  if name then
    errors.raise(("no value for ':%s': parameters = { %s = ... } gives one"):format(name, name), "usage", { exit = 1 })
  end
  error(text, 0)
end

--- Writes what the server has said since the last time.
---@param conn pghost.Connection
function M.write_notices(conn)
  for _, notice in ipairs(conn:notices()) do
    io.stdout:flush()
    io.stderr:write(terminal.harmless(notice.severity:lower()), ": ", (notice.message:gsub("[^\n]+",
      terminal.harmless)), "\n")
  end
end

local counted = { insert = true, update = true, delete = true, merge = true, copy = true, move = true, with = true,
  execute = true }
local two_words = { create = true, alter = true, drop = true, start = true, refresh = true, reassign = true,
  security = true, discard = true, import = true }

-- What a statement without rows did.
local function tag(text, affected)
  local first, second = chunks.without_comments(text):match("^[%s(]*(%a+)%s*(%a*)")
  first = (first or ""):lower()
  if counted[first] or affected > 0 then
    return affected == 1 and "(1 row affected)" or ("(%d rows affected)"):format(affected)
  end
  return (two_words[first] and first .. " " .. second or first):upper()
end

-- A stream whose first row has been read. A server error gets its position in the original text.
local function begin(conn, statement)
  local text, values, places = bind(statement)
  local started, next_row, _, _, source = pcall(conn.stream, conn, text, table.unpack(values, 1, values.n))
  local first = nil
  if started then
    started, first = pcall(next_row)
    next_row = started and next_row or first
  end
  if not started then
    if source then
      source:close()
    end
    statement:locate(next_row, text, text, places)
    if errors.is(next_row) and next_row.message:find("^COPY FROM STDIN") then
      next_row.message = "COPY FROM STDIN and TO STDOUT are \\copy here: \\copy TABLE from FILE (\\help \\copy)"
    end
    error(next_row, 0)
  end
  return next_row, first, source
end

-- Notices are written whatever happens.
local function noticing(conn)
  return setmetatable({}, { __close = function()
    if conn:status() ~= "closed" then
      M.write_notices(conn)
    end
  end })
end

---@class pghost.prompt.Opened
---@field next_row fun(): table?
---@field first? table
---@field source pghost.native.Stream to be closed

--- Starts the last statement of a text whose statements before it have run.
---@param conn pghost.Connection
---@param text string
---@return pghost.prompt.Opened
function M.open(conn, text)
  local all = sql.split(text)
  local next_row, first, source = begin(conn, sql.parse(all[#all]))
  return { next_row = next_row, first = first, source = source }
end

---@param text string one statement
---@param settings? pghost.prompt.Settings
---@param name? string of the file it is from
---@param line? integer of that file that it begins in
function M.run_one(text, settings, name, line)
  local conn = database.get()
  local statement = sql.parse(text, name, line)
  local began = sys.clock()
  local _ <close> = noticing(conn)
  do
    local next_row, first, source <close> = begin(conn, statement)
    local columns = source:columns() or {}
    if #columns > 0 then
      rows.write(next_row, first, { columns = columns, types = source:types() }, settings)
    else
      ((settings or rows.settings).output or io.stdout):write(tag(text, source:affected()), "\n")
    end
  end
  if rows.settings.timing then
    io.stdout:write(("time: %.1f ms\n"):format((sys.clock() - began) * 1000))
  end
end

--- Runs statements in order, to the first that fails.
---@param text string
---@param settings? pghost.prompt.Settings
---@param name? string of the file it is from
---@param line? integer of that file that it begins in
function M.run(text, settings, name, line)
  local all, lines = sql.split(text, name)
  for i, one in ipairs(all) do
    M.run_one(one, settings, name, (line or 1) + lines[i] - 1)
  end
end

return M
