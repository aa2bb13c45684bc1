-- pghost profile: what is in the columns of files, of a table, or of a query's rows.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local dialect_arguments = require "pghost.input.dialect_arguments"
local errors = require "pghost.lib.errors"
local json = require "pghost.lib.json"
local lfs = require "lfs"
local log = require "pghost.lib.log"
local profile_text = require "pghost.load.profile_text"
local profiled = require "pghost.load.profiled"
local readable = require "pghost.catalog.readable"
local relations = require "pghost.catalog.relations"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function columns(text)
  local list = {}
  for name in (text .. ","):gmatch "%s*([^,]-)%s*," do
    list[#list + 1] = name ~= "" and name or nil
  end
  return #list > 0 and list or nil, "names of columns expected: a,b,c"
end

local function new_parser()
  local parser = argparse("pghost profile",
    "Shows what is in each column: type, nulls, distinct values, range, mean, quantiles, histogram, frequent values. "
    .. "Loads nothing.")
  parser:argument("what", "Files (path, glob, folder, - for standard input), or a table, or a SELECT."):args("+")
    :argname("FILE|TABLE|QUERY")
  parser:flag("--json", "One JSON object per column and line.")
  parser:option("--columns", "Only these columns."):argname("A,B,..."):convert(columns)
  parser:option("--sample", "Bytes of each file in which dialect and types are found (default 16777216).")
    :argname("BYTES"):convert(command_arguments.whole(1))
  parser:option("--workers", "Threads that read (default: one per processor; for a query 1)."):argname("N")
    :convert(command_arguments.whole(1))
  dialect_arguments.add(parser)
  parser:flag("-q --quiet", "Print only warnings and errors besides the profile.")
  parser:epilog("Example: pghost profile orders.csv")
  return parser
end

local function is_query(words)
  local first = #words == 1 and words[1]:match "^%s*%(*%s*(%a+)%s"
  return first and ({ SELECT = true, WITH = true, VALUES = true, TABLE = true })[first:upper()] or false
end

-- A word that names no file is a table.
local function is_file(word)
  return word == "-" or word:find "[/*?]" ~= nil or lfs.attributes(word, "mode") ~= nil or word:lower():find
    "%.[ct]sv" ~= nil
end

local function of_server(words, options)
  local conn <close> = connection.open()
  return conn:transaction(function()
    conn:query "SET TRANSACTION READ ONLY"
    local query = words[1]
    if not is_query(words) then
      local found = relations.find(conn, relations.quoted(relations.parse(query)))
      if not found then
        errors.raise(("'%s' is neither a file nor a table: give a path, the name of a table, or a SELECT")
          :format(query), "usage", { exit = 1 })
      end
      query = "SELECT * FROM " .. found.qualified
      readable.hold(conn, found.qualified, ("if you trust it, give the query: pghost profile '%s'"):format(query))
    end
    return profiled.query(conn, query:gsub("%s*;%s*$", ""), options)
  end)
end

local function speaker(quiet)
  return function(level, _, text)
    if level ~= "info" or not quiet then
      io.stderr:write(level == "warn" and "warn: " or "", terminal_text.harmless(text), "\n")
    end
  end
end

-- What the profile leaves out is reported even with --quiet.
local function tell_unreadable(result)
  if result.unreadable == 0 then
    return
  end
  io.stderr:write(("warn: %s could not be read and %s not in any column:\n"):format(
    log.counted(result.unreadable, "record"), result.unreadable == 1 and "is" or "are"))
  for _, reject in ipairs(result.rejects) do
    local file = result.files and result.files[reject.file_id]
    io.stderr:write(("  %s:%d: %s\n"):format(file and file.name or "query", reject.line,
      terminal_text.harmless(reject.reason)))
  end
end

local function write_json(result)
  for _, column in ipairs(result.columns) do
    column.records, column.unreadable = result.records, result.unreadable
    io.stdout:write(terminal_text.harmless_json(json.encode(column)), "\n")
  end
end

local options = command_arguments.parse(new_parser(), { ... }, "pghost profile")
local result
if is_query(options.what) or (#options.what == 1 and not is_file(options.what[1])) then
  result = of_server(options.what, options)
else
  result = profiled.files(options.what, options, speaker(options.quiet))
end
if options.json then
  write_json(result)
else
  io.stdout:write(profile_text.format(result, table.concat(options.what, " "), sys.is_tty(1) and sys.columns(1) or 100))
end
tell_unreadable(result)
if not options.quiet and result.seconds > 0 then
  io.stderr:write(("%.0f MB in %s, %.0f MB/s\n"):format(result.bytes / 1e6, log.duration(result.seconds),
    result.bytes / 1e6 / result.seconds))
end
