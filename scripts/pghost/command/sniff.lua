-- pghost sniff: what a CSV file is, for people, as JSON, or as a rules file to begin with.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local contents = require "pghost.input.contents"
local csv = require "pghost.sniff"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local json = require "pghost.lib.json"
local names = require "pghost.catalog.names"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local units = { [""] = 1, k = 1024, m = 1024 ^ 2, g = 1024 ^ 3 }

local function bytes(text)
  if text == "all" then
    return text
  end
  local number, unit = text:lower():match("^(%d+)([kmg]?)i?b?$")
  local size = number and math.tointeger(tonumber(number) * units[unit])
  if not size or size < 1 then
    return nil, ("bytes (1000000, 64k, 10M) or 'all' expected, got '%s'"):format(text)
  end
  return size
end

local function new_parser()
  local parser = argparse("pghost sniff",
    "Detects what is in CSV files: encoding, delimiter, quotes, header and column types, each with a confidence and "
    .. "the reason. Loads nothing.")
  parser:argument("file", "Path, URL, glob, folder (its .csv files) or - for standard input."):args("+"):target("files")
  parser:flag("--json", "One JSON object per file and line; empty lists are left out.")
  parser:flag("--lua", "A rules file to start from, which loads the file as it is.")
  parser:option("--sample", "How much of each file to read (default: all, up to 1G).")
    :argname("BYTES|all"):convert(bytes)
  parser:option("--encoding", "Encoding of the files, if known."):argname("NAME")
  parser:option("--name", "With --lua: name of the table (default: that of the file)."):argname("TABLE")
  parser:epilog("Example: pghost sniff orders.csv --lua > rules/orders.lua")
  return parser
end

local function parse(arguments)
  return command_arguments.parse(new_parser(), arguments, "pghost sniff", { { "--json", "--lua" } })
end

-- "data/Orders 2024.csv.gz" -> "orders_2024"
local function table_name(path)
  local base = path == "-" and "stdin" or path:match("[^/]+$"):gsub("%.[^.]+$", ""):gsub("%.csv$", "")
  return names.identifiers({ base })[1]:sub(1, 59)
end

-- An empty list has no way to say that it is one, so those are left out; bytes that are not UTF-8 would make
-- invalid JSON.
local function for_json(value)
  if type(value) == "table" then
    local copy = {}
    for key, item in pairs(value) do
      copy[key] = for_json(item)
    end
    return next(copy) ~= nil and copy or nil
  elseif type(value) == "string" then
    return utf8.len(value) and value or terminal_text.harmless(value)
  end
  return value
end

local function json_line(result)
  local copy = for_json(result)
  copy.options = copy.options or {}
  return terminal_text.harmless_json(json.encode(copy)) .. "\n"
end

local options = parse { ... }
local found = files.resolve(options.files)
if options.lua and #found > 1 then
  errors.raise(("--lua takes one file, got %d"):format(#found), "usage")
end
for i, file in ipairs(found) do
  local result = contents.sniff(file, { sample = options.sample, encoding = options.encoding,
    member = file.member, version = file.version })
  if options.json then
    io.stdout:write(json_line(result))
  elseif options.lua then
    io.stdout:write(csv.rules(result, options.name or table_name(file.path)))
  else
    io.stdout:write(i > 1 and "\n" or "", csv.text(result, sys.columns(1)))
  end
end
