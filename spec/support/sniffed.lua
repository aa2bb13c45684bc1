-- What the sniffer says of a text, part by part.

local csv = require "pghost.sniff"

local M = {}

function M.options_of(text)
  return csv.sniff_string(text).options
end

function M.types_of(text)
  local list = {}
  for i, column in ipairs(csv.sniff_string(text).columns) do
    list[i] = column.format and ("%s %s"):format(column.type, column.format) or column.type
  end
  return list
end

-- One column of these values below a header that nothing is read into.
function M.column_of(...)
  return csv.sniff_string("key,it\n" .. (function(values)
    local lines = {}
    for i, value in ipairs(values) do
      lines[i] = ("%d,%s\n"):format(i, value)
    end
    return table.concat(lines)
  end) { ... }).columns[2]
end

function M.has_warning(result, text)
  for _, warning in ipairs(result.warnings) do
    if warning:find(text, 1, true) then
      return true
    end
  end
  error(("no warning with '%s' in: %s"):format(text, table.concat(result.warnings, " / ")), 2)
end

return M
