-- The options of a load that decide what happens to the published table, and which of them can be combined.

local errors = require "pghost.lib.errors"
local relations = require "pghost.catalog.relations"

local M = {}

local longest_name = relations.longest_name - #"_raw_new" -- bytes of a table's name

-- What each mode may do to keys that the files do not have.
local missing_of_mode = {
  replace = { keep = true },
  append = { keep = true },
  merge = { keep = true, delete = true, mark = true },
  history = { keep = true, close = true },
  partitions = { keep = true },
}

local function raise(text, ...)
  errors.raise(text:format(...), "usage", { exit = 1 })
end

local function words(set)
  local list = {}
  for word in pairs(set) do
    list[#list + 1] = "'" .. word .. "'"
  end
  table.sort(list)
  return table.concat(list, ", ")
end

---@class pghost.modes.Request what modes.choose decides from
---@field name string of the clean table
---@field options pghost.LoadOptions
---@field targets { raw?: boolean, clean?: boolean }
---@field key? string[]

--- The mode of a load and what it does to missing keys. Raises what does not go together.
---@param request pghost.modes.Request
---@return "replace"|"append"|"merge"|"history"|"partitions" mode
---@return "keep"|"delete"|"mark"|"close" missing
function M.check(request)
  local name, options = request.name, request.options
  local mode, missing = options.mode or "replace", options.missing or "keep"
  if not missing_of_mode[mode] then
    raise("table '%s': mode must be one of %s, got '%s'", name, words(missing_of_mode), tostring(mode))
  elseif not missing_of_mode[mode][missing] then
    raise("table '%s': missing must be one of %s in mode '%s', got '%s'", name, words(missing_of_mode[mode]), mode,
      tostring(missing))
  elseif (mode == "merge" or mode == "history") and request.targets.clean and not request.key then
    raise("table '%s': mode '%s' needs a key: give its rules one", name, mode)
  elseif mode == "partitions" and not options.partition then
    raise("table '%s': mode 'partitions' needs the option partition, such as partition = { by = 'month', column = "
      .. "'created_at' }", name)
  elseif mode == "partitions" and options.partition.by == "hash" then
    raise("table '%s': mode 'partitions' cannot be combined with by = 'hash': the records of a file are in all "
      .. "partitions then; load with mode = 'merge'", name)
  elseif mode ~= "replace" and #name > longest_name then
    raise("table '%s': a name of at most %d bytes for mode '%s'", name, longest_name, mode)
  end
  return mode, missing
end

return M
