-- What `psql \copy` makes of CSV files, against what `pghost load` makes of them.
--
--   build/pghost spec/oracle/copy_difference.lua DSN PATH...      a path is a file, or a folder with all below it
--
-- Each file goes by both into tables of text, without a header, and into tables of the types that its columns seem to
-- have. Prints a line for each file that \copy takes and pghost does not, or not with the same result, and how many
-- there are of each kind. Ends with 1 where a result differs, or a refusal has none of the reasons that docs/CSV.md
-- gives.

local folder = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
package.path = ("%s/../?.lua;%s"):format(folder, package.path)

local csv = require "pghost.sniff"
local native = require "pghost.native.csv"
local pghost = require "support.pghost"

local M = {}

local longest <const> = 64 * 1024 * 1024 -- bytes of a file

-- What is refused since it would lose or shift data: docs/CSV.md, "Beside psql".
local explained = { "stray quote", "unterminated quote", "NUL byte", "the header again", "dashes", "Ctrl%-Z",
  "a byte order mark", "looks like a binary file", "ends in CR alone", "'#Fields:'", "record too long",
  "of more than %d+ MiB" }

-- Types whose values are compared as \copy reads them; the others stay text.
local plain_types = { bigint = true, numeric = true, ["double precision"] = true, boolean = true, date = true,
  time = true, timestamp = true, timestamptz = true, uuid = true, jsonb = true }

local function psql(dsn, sql)
  return pghost.shell(("PGOPTIONS='-c client_min_messages=error' psql -X -q -A -t -v ON_ERROR_STOP=1 -d %s"):format(
    pghost.quote(dsn)), sql)
end

local function first_line(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read(4096) or ""
end

-- The usual delimiter that is most often in the first bytes.
local function delimiter_of(path)
  local best, most, text = ",", 0, first_line(path)
  for sign in (",;\t|"):gmatch "." do
    local count = select(2, text:gsub("%" .. sign, ""))
    if count > most then
      best, most = sign, count
    end
  end
  return best
end

local function types_of(path, delimiter)
  local good, found = pcall(csv.sniff, path, { delimiter = delimiter, quote = '"', encoding = "utf-8" })
  local quotes = select(2, first_line(path):match("^[^\r\n]*"):gsub('"', ""))
  if not good or found.dialect.skip or found.dialect.header.value > 1 or quotes % 2 == 1 then
    return nil -- what \copy takes for the header is not the first line
  end
  local types = {}
  for i, column in ipairs(found.columns) do
    local is_plain = plain_types[column.type] and not column.format and not column.decimal and #column.nulls == 0
    types[i] = is_plain and column.type or "text"
  end
  return types, found.dialect.header.value == 1
end

local function count_columns(path, delimiter)
  local source = native.open(path, { header = false, delimiter = delimiter })
  local count = source and #source:columns()
  if source then
    source:close()
  end
  return count
end

local function create(dsn, types)
  local columns = {}
  for i, type in ipairs(types) do
    columns[i] = ("c%d %s"):format(i, type)
  end
  local _, err, code = psql(dsn, ("DROP TABLE IF EXISTS theirs, ours;\nCREATE TABLE theirs (%s);\n"
    .. "CREATE TABLE ours (LIKE theirs);\n"):format(table.concat(columns, ", ")))
  return code == 0, err
end

-- A byte order mark is data to \copy, so it does not see any.
local function by_psql(dsn, path, delimiter, has_header)
  local marked = first_line(path):sub(1, 3) == "\xef\xbb\xbf"
  local from = pghost.quote(("tail -c +%d %s"):format(marked and 4 or 1, pghost.quote(path))):gsub("'\\''", "''")
  local _, _, code = psql(dsn, ("\\copy theirs from program %s (FORMAT csv, DELIMITER E'%s'%s, ENCODING 'UTF8')\n")
    :format(from, delimiter == "\t" and "\\t" or delimiter, has_header and ", HEADER" or ""))
  return code == 0
end

local function by_pghost(dsn, path, delimiter, has_header)
  local words = { "--dsn", dsn, "load", path, "--into", "ours", "--quiet", "--no-header", "--no-analyze", "--delimiter",
    delimiter }
  if has_header then
    table.move({ "--skip", "1" }, 1, 2, #words + 1, words)
  end
  local _, err, code = pghost.run(words)
  return code == 0, err
end

local function rows_that_differ(dsn)
  local out = psql(dsn, [[SELECT count(*) FROM (
    (SELECT t::text FROM theirs AS t EXCEPT ALL SELECT o::text FROM ours AS o)
    UNION ALL (SELECT o::text FROM ours AS o EXCEPT ALL SELECT t::text FROM theirs AS t)) AS d;]] .. "\n")
  return tonumber(out)
end

-- "\\." alone on a line ends the data for \copy, silently; what follows, no record, is nowhere.
local function has_end_of_copy(path)
  for line in io.lines(path) do
    if line:find "^\\%.\r?$" then
      return true
    end
  end
end

local function explanation(path, err)
  if has_end_of_copy(path) then
    return "\\."
  end
  for _, reason in ipairs(explained) do
    if err:find(reason) then
      return reason
    end
  end
end

-- One of: "same", "refused" by both, "more" that pghost takes, "explained", "unexplained", "differs"; and what is said.
local function compare_as(dsn, path, delimiter, types, has_header)
  if not create(dsn, types) then
    return "refused"
  end
  local theirs = by_psql(dsn, path, delimiter, has_header)
  local ours, err = by_pghost(dsn, path, delimiter, has_header)
  if not theirs then
    return ours and "more" or "refused"
  elseif not ours then
    return explanation(path, err) and "explained" or "unexplained", (err:gsub("\n", " "))
  end
  local count = rows_that_differ(dsn)
  return count == 0 and "same" or has_end_of_copy(path) and "explained" or "differs", ("%s rows"):format(count)
end

local function all_text(count)
  local types = {}
  for i = 1, count do
    types[i] = "text"
  end
  return types
end

--- Holds one file as both load it.
---@param dsn string of a database that may be written to
---@param path string absolute
---@return { as: string, verdict: string, said?: string }[] once as text, and once typed where it has types
function M.compare(dsn, path)
  local delimiter, list = delimiter_of(path), {}
  local count = count_columns(path, delimiter)
  if not count or count > 1600 then
    return { { as = "text", verdict = "refused" } }
  end
  local verdict, said = compare_as(dsn, path, delimiter, all_text(count))
  list[1] = { as = "text", verdict = verdict, said = said }
  local types, has_header = types_of(path, delimiter)
  if types and #types == count and table.concat(types):gsub("text", "") ~= "" then
    verdict, said = compare_as(dsn, path, delimiter, types, has_header)
    list[2] = { as = "typed", verdict = verdict, said = said }
  end
  return list
end

--- Holds many, prints what is not the same, and counts.
---@param dsn string
---@param paths string[]
---@param say fun(line: string)
---@return table<string, integer> counts by verdict
function M.run(dsn, paths, say)
  local counts = { files = #paths }
  for _, path in ipairs(paths) do
    for _, result in ipairs(M.compare(dsn, path)) do
      counts[result.verdict] = (counts[result.verdict] or 0) + 1
      if result.verdict:find "explained" or result.verdict == "differs" then
        say(("%s: %s: %s: %s"):format(path, result.as, result.verdict, result.said))
      end
    end
  end
  return counts
end

--- The CSV files of a path that are not too large.
---@param path string file or folder
---@return string[]
function M.files(path)
  local out = pghost.shell(("find -L %s -type f \\( -iname '*.csv' -o -iname '*.tsv' \\) -size -%dc -print0 | sort -z")
    :format(pghost.quote(path), longest))
  local list = {}
  for file in out:gmatch "[^\0]+" do
    list[#list + 1] = file
  end
  return list
end

local function main()
  local paths, dsn = {}, arg[1]
  for i = 2, #arg do
    local absolute = pghost.shell("readlink -f " .. pghost.quote(arg[i])):gsub("\n$", "")
    for _, file in ipairs(M.files(absolute)) do
      paths[#paths + 1] = file
    end
  end
  local counts = M.run(dsn, paths, print)
  local parts = {}
  for _, what in ipairs { "files", "same", "more", "refused", "explained", "unexplained", "differs" } do
    parts[#parts + 1] = ("%s: %d"):format(what, counts[what] or 0)
  end
  print(table.concat(parts, ", "))
  os.exit((counts.differs or 0) + (counts.unexplained or 0) == 0 and 0 or 1, true)
end

if arg and arg[0] and arg[0]:find "copy_difference%.lua$" then
  main()
end

return M
