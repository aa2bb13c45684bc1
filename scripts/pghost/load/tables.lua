-- The SQL of a load: the definitions of its tables, and the COPY that fills one. Text in, text out.

local relations = require "pghost.catalog.relations"

local M = {}

--- Which record a row of a table is: columns that a load adds while it builds.
M.position = "_file_id bigint, _line bigint"

--- The columns of the rejects stream (bindings/load/row.c), in its order.
M.reject_columns = [[run_id bigint, table_name text, file_id bigint, line bigint, byte_offset bigint,
  byte_length bigint, column_name text, rule text, reason text, original bytea]]

--- The definitions of a clean table's columns.
---@param columns { name: string, type: string, required?: boolean }[]
---@param with_position? boolean
---@return string
function M.clean(columns, with_position)
  local definitions = {}
  for i, column in ipairs(columns) do
    definitions[i] = ("%s %s%s"):format(relations.quote(column.name), column.type,
      column.required and " NOT NULL" or "")
  end
  definitions[#definitions + 1] = with_position and M.position or nil
  return table.concat(definitions, ", ")
end

--- The definitions of a raw table's columns.
---@param names string[]
---@param loaded_at? string definition of that column, where it is made with the table
---@return string
function M.raw(names, loaded_at)
  return ("%s, %s%s"):format(relations.list(names, "%s text"), M.position, loaded_at and ", " .. loaded_at or "")
end

--- The column that says when records came.
---@param conn pghost.Connection
---@param started string timestamp of the run
---@return string
function M.loaded_at(conn, started)
  return "_loaded_at timestamptz DEFAULT " .. conn:quote_literal(started)
end

---@class pghost.load.Copy
---@field names? string[] columns; nil: those of the table
---@field position? boolean the rows end with _file_id and _line
---@field as_text? boolean the server reads text, where a value of a type is not known here
---@field freeze? boolean the table is new in this transaction: its rows are done with, so that nobody's first look
--- at them writes all its pages once more, and index-only scans need no VACUUM before

--- The COPY that fills a table.
---@param qualified string
---@param copy pghost.load.Copy
---@return string
function M.copy(qualified, copy)
  local columns = copy.names
    and (" (%s%s)"):format(relations.list(copy.names), copy.position and ", _file_id, _line" or "") or ""
  return ("COPY %s%s FROM STDIN (FORMAT %s%s)"):format(qualified, columns, copy.as_text and "text" or "binary",
    copy.freeze and ", FREEZE" or "")
end

return M
