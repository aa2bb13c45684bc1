-- Writes the rejects of a run as a rejects file (file.lua): with their numbers, to be corrected and returned.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local recorded_dialect = require "pghost.input.recorded_dialect"
local reject_list = require "pghost.rejects.list"
local rejects_file = require "pghost.rejects.file"

local M = {}

---@class pghost.rejects.Exported
---@field records integer written
---@field without integer rejects whose bytes are not known: they are left out
---@field inert integer cells that a spreadsheet would have taken for a formula

-- The files that the chosen rejects are from, in order and by their number.
local function find_sources(conn, filter)
  local sql = { reject_list.query(filter, [[DISTINCT r.file_id, coalesce(f.name, '?') AS name,
    pg_catalog.array_to_json(f.header)::text AS header, f.read_as::text AS dialect]], "ORDER BY r.file_id") }
  local list, by_id = {}, {}
  for row in conn:query(table.unpack(sql, 1, 6)):rows() do
    if not row.header then
      errors.raise(("the header of '%s' was not recorded: that run was made by an older pghost"):format(row.name),
        "usage", { exit = 1 })
    end
    local source = fields_of.source(row.name, cjson.decode(row.header), recorded_dialect.read(row.dialect))
    list[#list + 1], by_id[row.file_id] = source, source
  end
  return list, by_id
end

--- Writes the chosen rejects.
---@param conn pghost.Connection
---@param filter pghost.rejects.Filter
---@param path string "-" is standard output
---@param options { limit?: integer, force?: boolean }
---@return pghost.rejects.Exported? exported nil: there is no such reject
function M.write(conn, filter, path, options)
  local sources, by_id = find_sources(conn, filter)
  if #sources == 0 then
    return nil
  end
  local writer <close> = rejects_file.writer(path, options)
  local without = 0
  writer:begin(sources)
  for reject in reject_list.each(conn, filter, options.limit) do
    if reject.original == nil then
      without = without + 1
    else
      writer:record(by_id[reject.file_id], { id = reject.reject_id, line = reject.line, column = reject.column_name,
        reason = reject.reason, original = reject.original })
    end
  end
  writer:finish()
  writer:keep()
  return { records = writer.records, without = without, inert = writer.inert }
end

return M
