-- The input files of the measures, made once and kept in the cache folder.

local clock = require "measure.clock"
local lists = require "pghost.lib.lists"

local M = {}

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

---@return number size of a file in millions of bytes
function M.megabytes(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:seek("end") / 1e6
end

local function generate(options, folder, arguments, last)
  if not exists(folder .. "/" .. last) then
    io.stderr:write("making ", folder, "\n")
    clock.shell(("%s bench/generate.lua --out %s.part --seed 1 %s"):format(options.binary, folder, arguments))
    clock.shell(("rm -rf %s && mv %s.part %s"):format(folder, folder, folder))
  end
  return folder
end

--- A folder with the example's three files without dirt, one user for twenty bookings.
---@return string folder
function M.bookings(options, records)
  local arguments = ("--bookings %d --users %d --companies 500 --clean"):format(records, math.max(records // 20, 1))
  return generate(options, ("%s/bookings_%d"):format(options.cache, records), arguments, "manifest.json")
end

---@return string path of event.csv
function M.events(options, records)
  local folder = ("%s/events_%d"):format(options.cache, records)
  return generate(options, folder, ("--events %d"):format(records), "event.csv") .. "/event.csv"
end

local function columns(count)
  local list = {}
  for i = 1, count do
    list[i] = { "c" .. i, "text" }
  end
  return list
end

local function header(list)
  return table.concat(lists.map(list, function(column)
    return column[1]
  end), ",") .. "\n"
end

-- `lines` lines of `line(i)` in a file with a header.
local function write(path, list, lines, line)
  if exists(path) then
    return
  end
  local file <close> = assert(io.open(path, "wb"))
  file:setvbuf("full", 1 << 20)
  file:write(header(list))
  for i = 1, lines do
    file:write(line(i), "\n")
  end
end

local function fields(count)
  return function(i)
    local list = {}
    for c = 1, count do
      list[c] = ("%08d%04d"):format(i, c)
    end
    return table.concat(list, ",")
  end
end

local function shape(name, title, list, paths)
  local megabytes = 0
  for _, path in ipairs(paths) do
    megabytes = megabytes + M.megabytes(path)
  end
  return { name = name, title = title, columns = list, paths = paths, megabytes = megabytes }
end

-- A shape of one file.
local function single(options, name, title, count, lines, line)
  local list, path = columns(count), ("%s/%s_%d.csv"):format(options.cache, name, lines)
  write(path, list, lines, line)
  return shape(name, title, list, { path })
end

local function many_files(options, count)
  local folder = ("%s/many_%d"):format(options.cache, count)
  clock.shell("mkdir -p " .. folder)
  local list, paths = columns(10), {}
  for i = 1, count do
    paths[i] = ("%s/%05d.csv"):format(folder, i)
    write(paths[i], list, 100, fields(10))
  end
  local many = shape("many", "many files of 100 records", list, paths)
  many.folder = folder -- all of it: ten thousand paths are too long for a command line
  return many
end

--- Shapes of about as many bytes as `records` records of ten columns.
---@return { name: string, title: string, columns: string[][], paths: string[], folder?: string, megabytes: number }[]
function M.shapes(options, records)
  clock.shell("mkdir -p " .. options.cache)
  local megabyte = ("desk booking "):rep(1 << 20):sub(1, 1 << 20)
  return {
    single(options, "ten", "10 columns", 10, records, fields(10)),
    single(options, "wide", "200 columns", 200, math.max(records // 20, 1), fields(200)),
    single(options, "narrow", "1 column", 1, records * 10, fields(1)),
    single(options, "huge", "fields of 1 MiB", 1, math.max(records * 130 >> 20, 1), function()
      return megabyte
    end),
    many_files(options, math.min(10000, math.max(records // 50, 1))),
  }
end

return M
