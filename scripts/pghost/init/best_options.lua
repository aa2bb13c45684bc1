-- Options for an unclear file, tried on it: which of them read it, and whether it is better read without its remarks,
-- which are skipped (--skip) or comments (--comment).

local argparse = require "argparse"
local dialect = require "pghost.input.dialect"
local dialect_arguments = require "pghost.input.dialect_arguments"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local lists = require "pghost.lib.lists"
local shell = require "pghost.lib.shell"
local suggestions = require "pghost.input.suggestions"
local sys = require "pghost.native.sys"

local M = {}

local most_bytes = 8 * 1024 * 1024 -- of a file that is read again for each of the options
local looked_at = 64 * 1024        -- bytes in which remarks are looked for
local often = 10                   -- one of so many
local signs = { "#", "//", "--", ";", "%", "!" }

---@class pghost.init.TriedOptions
---@field text string options of the command line
---@field names string of the columns
---@field records integer
---@field misfits integer those of them that cannot be read

-- The sign that a line begins with, and whether it is a remark: "# so", "#", "## so", but not "#id,name".
local function sign_of(line)
  for _, sign in ipairs(signs) do
    local rest = line
    while rest:sub(1, #sign) == sign do
      rest = rest:sub(#sign + 1)
    end
    if rest ~= line then
      return sign, rest == "" or rest:find "^%s" ~= nil
    end
  end
end

local function beginning(path)
  local opened <close> = errors.check(io.open(path, "rb"))
  return opened:read(looked_at) or ""
end

-- By line: whether it is a remark, or blank; and the sign of the first remark that no other line begins with.
local function find_remarks(file)
  local bytes = file.contents or beginning(file.path)
  local marks, first, others, at = {}, nil, {}, 0
  for line in (bytes .. "\n"):gmatch "([^\r\n]*)\r?\n" do
    local sign, is_remark = sign_of(line)
    at = at + 1
    marks[at] = line == "" or is_remark == true
    first = first or is_remark and sign or nil
    others[sign or ""] = others[sign or ""] or is_remark == false
  end
  return marks, not others[first or ""] and first or nil
end

-- The same options, which also skip the remarks that would come first.
local function past_remarks(text, marks)
  local skip = tonumber(text:match "%-%-skip (%d+)" or 0)
  local to = skip
  while marks[to + 1] do
    to = to + 1
  end
  if to == skip then
    return text
  end
  return text:find("--skip ", 1, true) and (text:gsub("%-%-skip %d+", "--skip " .. to))
    or ("--skip %d %s"):format(to, text)
end

local function given_of(text)
  local parser = argparse("options")
  dialect_arguments.add(parser)
  parser:flag "--no-header"
  local good, options = parser:pparse(shell.split(text))
  if not good then
    return nil
  end
  local given = dialect.of(options)
  if options.no_header then
    given.header = false
  end
  return given
end

local function try(text, given, sniff)
  local more = given_of(text)
  local good, _, _, found = pcall(function()
    return sniff(lists.merged(given, more))
  end)
  if sys.interrupted() then
    errors.raise("interrupted", "interrupted")
  elseif more and good and found.records > found.misfits then
    return { text = text, names = table.concat(lists.pluck(found.columns, "name"), ","), records = found.records,
      misfits = found.misfits }
  end
end

-- With --comment where remarks would be records, rejected or padded, and the header stays what it is.
local function with_comment(text, sign, given, sniff)
  local plain = try(text, given, sniff)
  local other = sign and not given.comment and not text:find("--comment", 1, true)
    and try(text .. " " .. suggestions.comment(sign), given, sniff) or nil
  if plain and other and (other.names ~= plain.names or other.records == plain.records) then
    return plain
  end
  return other or plain
end

-- With --too-few pad where records end early too often to be mistakes, and that is all that is wrong with them.
local function with_padding(best, given, sniff)
  if not best or best.misfits * often < best.records or given.too_few or best.text:find("--too-few", 1, true) then
    return best
  end
  local other = try(best.text .. " --too-few pad", given, sniff)
  return other and other.misfits * often < best.misfits and other or best
end

--- Tries options on a file: those that read it, each with what reads it better, in their order. All of them, untried,
--- where the file is too large or none reads it.
---@param file pghost.File
---@param list string[] options of the command line
---@param given table dialect options of the user, which stay
---@param sniff fun(given: table): table, string[], pghost.sniff.Result raises where the file is not clear with them
---@return string[]
---@return pghost.init.TriedOptions? first of them
function M.of(file, list, given, sniff)
  local size = lfs.attributes(file.path, "size")
  if not size or size > most_bytes or #list == 0 then
    return list
  end
  local marks, sign = find_remarks(file)
  local good = {}
  for _, text in ipairs(list) do
    local best = with_padding(with_comment(past_remarks(text, marks), sign, given, sniff), given, sniff)
    if best and not lists.find(good, function(one) return one.text == best.text end) then
      good[#good + 1] = best
    end
  end
  return #good > 0 and lists.pluck(good, "text") or list, good[1]
end

return M
