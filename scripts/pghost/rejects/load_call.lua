-- How `pghost load` was called, as far as needed to read and store its rejects in the same way when they come back:
-- kept in the configuration of its run, and in column _load of its rejects file.
--
-- Rules are Lua: a file that came from elsewhere must not say what is executed. So column _load tells that there were
-- some and no more, and only the history has their path.

local cjson = require "cjson"
local dialects = require "pghost.input.dialect"
local json = require "pghost.lib.json"
local paths = require "pghost.lib.paths"

local M = {}

---@class pghost.rejects.LoadCall
---@field into string table, qualified
---@field null? string text that is NULL, too
---@field allow_dropped? boolean
---@field rules? string path of the rules file; of a rejects file only its name, for messages
---@field dialect pghost.Dialect

-- Options about where records begin and end in the file do not apply to the bytes of one record.
local of_file = { skip = true, footer = true, header = true, encoding = true, line_end = true, second_table = true }

local function dialect_of(options)
  local kept = {}
  for _, option in ipairs(dialects.options) do
    local value = options[option.name]
    if not of_file[option.name] and value ~= nil and value ~= false and type(value) ~= "table" then
      kept[option.name] = value
    end
  end
  return next(kept) and kept or nil
end

local function describe(into, options, reading, rules)
  return json.encode { into = into, null = options.null_text, allow_dropped = options.allow_dropped or nil,
    rules = rules, dialect = dialect_of(reading) }
end

--- For the configuration of the run.
---@param into string qualified
---@param options pghost.by_itself.Options
---@return string json
function M.of_run(into, options)
  return describe(into, options, options, options.rules_file and paths.absolute(options.rules_file))
end

--- For the records of one file in a rejects file.
---@param into string qualified
---@param options pghost.by_itself.Options
---@param file pghost.PlannedFile
---@return string json
function M.of_file(into, options, file)
  return describe(into, options, file.records and file.records.dialect or file.reading,
    options.rules_file and options.rules_file:match "[^/]*$")
end

--- Of a run of an older pghost, which recorded its table alone.
---@param config table
---@return pghost.rejects.LoadCall
function M.of_config(config)
  return { into = config.into, dialect = {} }
end

--- Reads what either has written; nil where it is not that.
---@param text? string
---@return pghost.rejects.LoadCall?
function M.read(text)
  local read, call = pcall(cjson.decode, text or "")
  if not read or type(call) ~= "table" or type(call.into) ~= "string" then
    return nil
  end
  local dialect = type(call.dialect) == "table" and call.dialect or {}
  return { into = call.into, null = type(call.null) == "string" and call.null or nil,
    allow_dropped = call.allow_dropped == true or nil, rules = type(call.rules) == "string" and call.rules or nil,
    dialect = dialects.of(dialect) }
end

return M
