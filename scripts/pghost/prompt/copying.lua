-- \copy: loads a file into a table with `pghost load`; writes a table or query to a file over the prompt's own
-- connection.

local command_words = require "pghost.prompt.command_words"
local database = require "pghost.prompt.live_connection"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local run_command = require "pghost.prompt.run_command"
local sys = require "pghost.native.sys"

local M = {}

local usage <const> = "\\copy: TABLE [(COLUMNS)] from FILE, TABLE [(COLUMNS)] to FILE or (QUERY) to FILE expected, "
  .. "then options"

-- What psql's \copy calls them, with the option of `pghost load`.
local with_value = { delimiter = "--delimiter", null = "--null", quote = "--quote", escape = "--escape",
  encoding = "--encoding" }

-- psql's options as those of pghost load; without HEADER psql's files have none.
local function load_options(words)
  local options, is_psql, has_header, i = {}, false, false, 1
  while i <= #words do
    local word = words[i]:lower()
    if words[i]:find("^%-") then
      return table.move(words, i, #words, #options + 1, options), is_psql, has_header
    elseif word == "header" then
      has_header = true
      i = i + ((words[i + 1] or ""):lower():find("^true$") and 1 or 0)
    elseif with_value[word] then
      i = i + ((words[i + 1] or ""):lower() == "as" and 2 or 1)
      table.move({ with_value[word], words[i] or "" }, 1, 2, #options + 1, options)
    elseif word ~= "csv" and word ~= "format" and word ~= "with" then
      errors.raise(("\\copy: unknown option '%s': csv, header, delimiter, null, quote, escape, encoding, or those of "
        .. "pghost load, such as --auto"):format(words[i]), "usage")
    end
    is_psql, i = true, i + 1
  end
  return options, is_psql, has_header
end

local function copy_from(target, columns, file, words)
  local options, is_psql, has_header = load_options(words)
  local all = { file, "--into", target }
  if columns then
    table.move({ "--columns", columns }, 1, 2, #all + 1, all)
  end
  all[#all + 1] = is_psql and not has_header and "--no-header" or nil
  if database.state() == "transaction" or database.state() == "failed" then
    io.stderr:write("warning: the load has a connection and a transaction of its own: what is not committed here is "
      .. "not there for it\n")
  end
  run_command("load", table.move(options, 1, #options, #all + 1, all))
end

local function copy_to(source, columns, file, words)
  local conn = database.get()
  local parts, started = { "FORMAT csv" }, sys.clock()
  local options, is_psql, has_header = load_options(words)
  parts[2] = "HEADER " .. ((has_header or not is_psql) and "true" or "false")
  for i = 1, #options, 2 do
    local name = options[i]:match("^%-%-(%l+)$")
    if not name or not with_value[name] then
      errors.raise(("\\copy: option '%s' cannot be combined with to"):format(options[i]), "usage")
    end
    parts[#parts + 1] = ("%s %s"):format(name:upper(), conn:quote_literal(options[i + 1]))
  end
  local bytes = conn:copy_to(("COPY %s%s TO STDOUT (%s)"):format(source,
    columns and (" (%s)"):format(columns) or "", table.concat(parts, ", ")), file)
  print(("wrote %s: %.1f MB in %s"):format(file, bytes / 1e6, log.duration(sys.clock() - started)))
end

-- What psql writes between its options, outside of quotes.
local function without_marks(text)
  return ((text .. "''"):gsub("([^']*)('[^']*')", function(plain, quoted)
    return plain:gsub("[(),=]", " ") .. quoted
  end):gsub("''$", ""))
end

-- The file and the text after it.
local function read_file(text)
  if text:find("^'") then
    local word = text:match("^'.-'%f[^']")
    return word and command_words.split(word)[1], word and text:sub(#word + 1)
  end
  return text:match("^(%S+)(.*)$")
end

-- The table or the query, the columns if they are named, where it goes, and the words after that.
local function read(rest)
  local source, after = rest:match("^(%b())(.*)$")
  if not source then
    source, after = rest:match('^([^%s(]+)(.*)$')
  end
  local columns
  if after and not source:find("^%(") and after:find("^%s*%(") then
    columns, after = after:match("^%s*(%b())(.*)$")
  end
  local direction, rest_of = (after or ""):match("^%s*(%a+)%s+(.*)$")
  direction = (direction or ""):lower()
  local file, options = read_file(rest_of or "")
  if not file or (direction ~= "from" and direction ~= "to") or (direction == "from" and source:find("^%(")) then
    errors.raise(usage, "usage")
  end
  return source, columns and columns:sub(2, -2), direction, file, command_words.split(without_marks(options))
end

local function copy(_, _, rest)
  local source, columns, direction, file, words = read((rest:gsub("%s*;+$", "")))
  local act = direction == "from" and copy_from or copy_to
  act(source, columns, file, words)
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "copy", words = "TABLE from|to FILE", run = copy, help = "CSV into a table, or (QUERY) and table to CSV" },
}

return M
