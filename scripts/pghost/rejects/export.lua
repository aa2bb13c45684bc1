-- Rejects as a CSV file: the header of their files, then their original bytes, to be corrected and
-- loaded again. Annotated, they are a table to look at, safe to open in a spreadsheet.
--
-- A file has one header and one dialect: rejects of several must be chosen from.

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local read_as = require "pghost.input.recorded_dialect"
local errors = require "pghost.lib.errors"
local reject_list = require "pghost.rejects.list"
local rejects_file = require "pghost.copy_in.rejects"

local M = {}

local function quoted_list(names)
  return "'" .. table.concat(names, "', '") .. "'"
end

-- Values of one column of the sources, each once, sorted.
local function distinct(sources, field)
  local seen, list = {}, {}
  for _, source in ipairs(sources) do
    if not seen[source[field]] then
      seen[source[field]] = true
      list[#list + 1] = source[field]
    end
  end
  table.sort(list)
  return list
end

local function raise_several(sources)
  local tables = distinct(sources, "table_name")
  if #tables > 1 then
    errors.raise(("the rejects are of several tables, each with columns of its own: add --table with one of %s")
      :format(quoted_list(tables)), "usage")
  end
  errors.raise(("the files of table '%s' differ in header or dialect: add --file with one of %s")
    :format(tables[1], quoted_list(distinct(sources, "name"))), "usage")
end

-- The header as it was, and the dialect, of the files that the chosen rejects are from.
local function find_source(conn, filter)
  local sql = { reject_list.query(filter, [[DISTINCT r.table_name, coalesce(f.name, '?') AS name,
    array_to_json(f.header)::text AS header, f.read_as::text AS dialect]], "") }
  local sources = {}
  for row in conn:query(table.unpack(sql, 1, 6)):rows() do
    sources[#sources + 1] = { table_name = row.table_name, name = row.name, header = row.header, dialect = row.dialect }
  end
  local first = sources[1]
  for _, source in ipairs(sources) do
    if source.table_name ~= first.table_name or source.header ~= first.header or source.dialect ~= first.dialect then
      raise_several(sources)
    end
  end
  if first and not first.header then
    errors.raise(("the header of '%s' was not recorded: that run was made by an older pghost"):format(first.name),
      "usage", { exit = 1 })
  end
  return first
end

-- Calls fill(write) with a function that writes; nothing is left of a file that was not finished.
local function write_file(path, fill)
  local file, written = io.stdout, nil
  if path ~= "-" then
    file, written = rejects_file.open_beside(path)
  end
  local function write(...)
    local ok, message = file:write(...)
    if not ok then
      errors.raise(("could not write '%s': %s"):format(path, message), "EIO")
    end
  end
  local good, problem = pcall(fill, write)
  if written then
    local closed, message = file:close()
    if good and closed and written ~= path then
      closed, message = os.rename(written, path)
    end
    if not (good and closed) and written ~= path then
      os.remove(written)
    end
    if good and not closed then
      errors.raise(("could not write '%s': %s"):format(path, message), "EIO")
    end
  end
  if not good then
    error(problem, 0)
  end
end

---@class pghost.rejects.Exported
---@field records integer written
---@field without integer rejects whose bytes are not known: they are left out
---@field neutralised integer cells that a spreadsheet would have taken for a formula

-- Writes the header by begin(write, header, dialect) and each record by put(write, reject, dialect).
local function export(conn, filter, path, limit, begin, put)
  local source = find_source(conn, filter)
  if not source then
    return nil
  end
  local dialect, exported = read_as.read(source.dialect), { records = 0, without = 0, neutralised = 0 }
  write_file(path, function(write)
    begin(write, cjson.decode(source.header), dialect, exported)
    for reject in reject_list.each(conn, filter, limit) do
      local known = reject.original ~= nil
      if known then
        put(write, reject, dialect, exported)
      end
      exported.records = exported.records + (known and 1 or 0)
      exported.without = exported.without + (known and 0 or 1)
    end
  end)
  return exported
end

local function line_end_of(dialect)
  return dialect.line_end == "cr" and "\r" or "\n"
end

-- So that a file in UTF-16 is known as one.
local function bom(dialect)
  return dialect.encoding and dialect.encoding:lower():find("^utf%-?16") and "\u{feff}" or ""
end

--- Writes the original records, bytes unchanged, below the header of their files.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@param path string "-" is standard output
---@param limit? integer
---@return pghost.rejects.Exported? exported nil: there is no such reject
function M.write(conn, filter, path, limit)
  return export(conn, filter, path, limit, function(write, header, dialect)
    if dialect.header then
      write(read_as.encode(conn, bom(dialect) .. read_as.line(header, #header, dialect) .. line_end_of(dialect),
        dialect.encoding))
    end
  end, function(write, reject, dialect)
    write(reject.original, read_as.encode(conn, line_end_of(dialect), dialect.encoding))
  end)
end

-- What a spreadsheet would calculate becomes text by an apostrophe (OWASP: CSV injection).
local function neutral(text, exported)
  if type(text) == "string" and text:find("^[=+%-@\t\r]") then
    exported.neutralised = exported.neutralised + 1
    return "'" .. text
  end
  return text
end

-- The fields of a record, or the whole of it as one where it cannot be read.
local function fields_of(bytes, dialect)
  local options = { header = false, delimiter = dialect.delimiter, quote = dialect.quote, line_end = dialect.line_end,
    escape = dialect.escape, encoding = dialect.encoding }
  local source <close> = csv.open_string(bytes, options)
  local fields, count = {}, 0
  for _, record in source and source:records() or next, {} do
    if type(record) ~= "table" or count > 0 then
      return { bytes }, 1
    end
    count = #record
    table.move(record, 1, count, 1, fields)
  end
  if count == 0 then
    return { bytes }, 1
  end
  return fields, count
end

local lead = { "_line", "_rule", "_reason" }

--- Writes the records to look at, with line, rule and reason before their fields. Cells that a
--- spreadsheet would take for a formula begin with an apostrophe.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@param path string "-" is standard output
---@param limit? integer
---@return pghost.rejects.Exported? exported nil: there is no such reject
function M.annotate(conn, filter, path, limit)
  local function put_line(write, cells, count, dialect, exported)
    for i = 1, count do
      cells[i] = neutral(cells[i], exported)
    end
    write(read_as.line(cells, count, dialect), "\n")
  end
  return export(conn, filter, path, limit, function(write, header, dialect, exported)
    put_line(write, table.move(header, 1, #header, #lead + 1, { table.unpack(lead) }), #lead + #header, dialect,
      exported)
  end, function(write, reject, dialect, exported)
    local fields, count = fields_of(reject.original, dialect)
    local cells = { reject.line, reject.rule, reject.column_name and ("%s: %s"):format(reject.column_name,
      reject.reason) or reject.reason }
    put_line(write, table.move(fields, 1, count, #lead + 1, cells), #lead + count, dialect, exported)
  end)
end

return M
