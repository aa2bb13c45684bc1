-- Runs the engine: opens COPYs, feeds them sources, and ends them. Nothing else opens a load.
--
-- Several sources are in progress at once; their counts come in the order in which they were given.

local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local lists = require "pghost.lib.lists"
local native_load = require "pghost.native.load"
local progress = require "pghost.lib.progress"

local M = {}

---@class pghost.load.Stream
---@field connections pghost.Connection[] inside the caller's transactions
---@field copy string
---@field position? boolean of a clean stream: the rows end with _file_id and _line
---@field as_text? boolean
---@field key? integer[] of a clean stream: columns of the program, whose repetitions go to a file
---@field repeats? string path of that file
---@field careful? boolean what the server refuses of a clean stream is a reject
---@field tell_lines? boolean a failure of the server tells file and line
---@field may_drop? boolean the server may store fewer rows than are sent

---@class pghost.load.Streams
---@field program? pghost.native.Program
---@field profile? pghost.Profile of the program: gets the records that pass
---@field raw_profile? pghost.Profile of texts: gets the readable records, the last columns of the raw table
---@field workers? integer
---@field memory? integer bytes that blocks may hold together (default 64 MiB)
---@field raw? pghost.load.Stream
---@field clean? pghost.load.Stream
---@field rejects pghost.RejectsOptions from a sink, with what the budget enforces

local function native_stream(stream)
  if not stream then
    return nil
  end
  local handles = lists.pluck(stream.connections, "native")
  return { conn = handles, copy = stream.copy, position = stream.position, format = stream.as_text and "text" or nil,
    key = stream.key, repeats = stream.repeats, careful = stream.careful, tell_lines = stream.tell_lines,
    may_drop = stream.may_drop }
end

--- Begins the COPYs.
---@param streams pghost.load.Streams
---@return pghost.Load load to be kept in a `<close>` variable
function M.open(streams)
  return errors.check(native_load.open {
    program = streams.clean and streams.program or nil,
    workers = streams.workers,
    memory = streams.memory,
    profile = streams.profile,
    raw_profile = streams.raw_profile,
    raw = native_stream(streams.raw),
    clean = native_stream(streams.clean),
    rejects = streams.rejects,
  })
end

-- A failure of the server names no file; one of the reader does. The file is only known if no other one is in progress.
-- A server failure caused by one record begins with its file and line.
local function raise_placed(work, message, code)
  local id, line, text = message:match("^\1(%d+):(%d+):%s?(.*)$")
  if id then
    errors.raise(text, code, { file = work.name_of and work.name_of(tonumber(id)) or nil, line = tonumber(line) })
  end
end

local function raise(work, item, alone, message, code)
  raise_placed(work, message, code)
  if code == "budget" and work.stopped then
    work.stopped(message)
  end
  local named = message:find(item.name, 1, true) or not alone
  errors.raise(message, code, { file = not named and item.name or nil })
end

-- Opens the next file and starts it.
local function start(load, file, work, under_way)
  local source, options = work.open(file)
  local item <const> = { file = file, name = file.name, source = source }
  options.name = options.name or file.name
  local started, message, code = load:start(source, options)
  if not started then
    raise(work, item, #under_way == 0, message, code)
  end
  under_way[#under_way + 1] = item
end

local function finish_oldest(load, work, under_way, on_progress)
  local item = under_way[1]
  local counts, message, code = load:next(on_progress)
  if not counts then
    raise(work, item, #under_way == 1, message, code)
  end
  table.remove(under_way, 1)
  item.source:close()
  if work.done then
    work.done(item.file, counts)
  end
end

local function feed(load, next_file, work, on_progress)
  local under_way = {}
  for file in next_file do
    if not load:has_room() then
      finish_oldest(load, work, under_way, on_progress)
    end
    start(load, file, work, under_way)
  end
  while #under_way > 0 do
    finish_oldest(load, work, under_way, on_progress)
  end
end

local function each(list)
  if type(list) == "function" then
    return list
  end
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

---@class pghost.load.Work
---@field files { name: string, size?: integer }[]|fun(): table? a list, or what gives one after the other
---@field open fun(file: table): pghost.Source, pghost.FileOptions may raise
---@field done? fun(file: table, counts: pghost.Counts)
---@field stopped? fun(message: string) raises: there are more rejects than the load may have
---@field name_of? fun(file_id: integer): string
---@field failed fun(message: string, code: string) raises: the COPYs did not end well
---@field label? string of the progress bar
---@field progress? table options of the progress bar
---@field tick? fun(records: integer, bytes: integer) called now and then with what has been read

--- Gives files to COPYs, to their end. Raises at the first failure; the COPYs are aborted then.
---@param streams pghost.load.Streams
---@param work pghost.load.Work
---@return pghost.Totals
---@return pghost.RuleCount[] cleaning
function M.run(streams, work)
  local load <close> = M.open(streams)
  if work.label then
    local bar <close> = progress.new(work.label, files.size(work.files), work.progress)
    feed(load, each(work.files), work, function(records, bytes)
      bar:update(records, bytes)
      if work.tick then
        work.tick(records, bytes)
      end
    end)
  else
    feed(load, each(work.files), work)
  end
  local totals, message, code = load:finish()
  if not totals then
    raise_placed(work, message, code)
    if code == "budget" and work.stopped then
      work.stopped(message)
    end
    work.failed(message, code)
  end
  totals.odd = load:odd()
  return totals, load:cleaning()
end

return M
