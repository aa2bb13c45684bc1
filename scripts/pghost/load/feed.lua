-- Gives files to a load: several are under way at once, their counts come in the order of the files.

local errors = require "pghost.lib.errors"

local M = {}

-- A failure of the server names no file; one of the reader does. Which file it is of is only known
-- where no other one is under way.
local function raise(work, item, alone, message, code)
  if code == "budget" and work.stopped then
    work.stopped(message)
  end
  local named = message:find(item.file.name, 1, true) or not alone
  errors.raise(message, code, { file = not named and item.file.name or nil })
end

-- Opens the next file and starts it.
local function start(load, file, work, under_way)
  local source = work.open(file)
  local item <const> = { file = file, source = source }
  local options = work.options(file, source)
  options.name = file.name
  local started, message, code = load:start(source, options)
  if not started then
    raise(work, item, #under_way == 0, message, code)
  end
  under_way[#under_way + 1] = item
end

local function finish_oldest(load, work, under_way)
  local item = under_way[1]
  local counts, message, code = load:next(work.progress)
  if not counts then
    raise(work, item, #under_way == 1, message, code)
  end
  table.remove(under_way, 1)
  item.source:close()
  work.done(item.file, counts)
end

---@class pghost.feed.Work
---@field open fun(file: table): pghost.Source
---@field options fun(file: table, source: pghost.Source): pghost.FileOptions may raise
---@field done fun(file: table, counts: pghost.Counts)
---@field stopped? fun(message: string) raises: there are more rejects than the load may have
---@field progress? fun(records: integer, bytes: integer) ten times a second; bytes as they lie on the disk

--- Loads the files. Raises at the first failure; sources under way are closed then, by the load.
---@param load pghost.Load
---@param files { name: string }[]
---@param work pghost.feed.Work
function M.run(load, files, work)
  local under_way = {}
  for _, file in ipairs(files) do
    if not load:has_room() then
      finish_oldest(load, work, under_way)
    end
    start(load, file, work, under_way)
  end
  while #under_way > 0 do
    finish_oldest(load, work, under_way)
  end
end

--- Bytes of all files together, nil where one of them is of unknown size.
---@param files { size?: integer }[]
---@return integer?
function M.size(files)
  local bytes = 0
  for _, file in ipairs(files) do
    if not file.size then
      return nil
    end
    bytes = bytes + file.size
  end
  return bytes
end

return M
