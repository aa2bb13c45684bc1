-- The columns of a table that `pghost load --create` makes: what the headers of its files say.

local errors = require "pghost.lib.errors"
local found_types = require "pghost.load.found_types"
local names = require "pghost.catalog.names"

local M = {}

--- What is the same for all files with such a header.
---@param file pghost.File
---@param written string[]
---@return string
function M.key(file, written)
  return (file.headerless and "-" or "+") .. table.concat(written, "\0")
end

local function report_renamed(target, file, made)
  for i, name in ipairs(file.header) do
    if made[i] ~= name and not file.headerless then
      target.say("info", "columns", ("%s: column %d '%s' is named %s in the table"):format(file.name, i, name, made[i]))
    end
  end
end

-- Raises at a header of blanks alone: it is none, and a table made after it would be of nothing.
local function check_named(file)
  for _, name in ipairs(file.header) do
    if file.headerless or not names.is_blank(name) then
      return
    end
  end
  errors.raise("no column of the header has a name: give --skip N for lines above the header, or --no-header", "data",
    { file = file.name })
end

-- Names for the columns of a file. Without a header they are column1 and so on, and _extra after them is what policies
-- add.
local function names_of_file(file)
  check_named(file)
  local made = names.identifiers(file.headerless and {} or file.header)
  for i = 1, #file.header do
    made[i] = made[i] or (file.header[i] == "_extra" and "_extra" or "column_" .. i)
  end
  return made
end

--- After the headers of all files: text where no type was found.
---@param target pghost.load.IntoTable
---@param files pghost.File[]
---@param options pghost.load.TableOptions
---@return { name: string, type: string, reading?: pghost.Column }[]
function M.of_files(target, files, options)
  local all, seen, list, by_header = {}, {}, {}, {}
  for _, file in ipairs(files) do
    local key = M.key(file, file.header)
    local made = by_header[key] or names_of_file(file)
    by_header[key] = made
    for i = 1, #file.header do
      all[#all + 1] = not seen[made[i]] and made[i] or nil
      seen[made[i]] = true
    end
    report_renamed(target, file, made)
    file.header_names = made
  end
  local types = found_types.of_files(files, options, all, target.say)
  for i, name in ipairs(all) do
    list[i] = { name = name, type = types[name] and types[name].type or "text", reading = types[name] and
      types[name].column }
  end
  return list
end

return M
