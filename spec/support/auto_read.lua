-- Files read to their end as `--auto` reads them, without a database.

local auto_dialect = require "pghost.input.auto_dialect"
local busted = require "busted"
local csv = require "pghost.native.csv"
local pghost = require "support.pghost"

local M = {}

M.refused = "refused"

-- "id,n/1,a/!3": names, records and the line of a record that is rejected; "-" for no header, NULL as "".
local function read(path, file)
  local source <close> = assert(csv.open(path, auto_dialect.apply({ any_header = true }, file)))
  local width = #source:columns()
  local list = { auto_dialect.headerless(file) and "-" or table.concat(source:written_columns(), ",") }
  for line, record in source:records() do
    local fields = {}
    for i = 1, width do
      fields[i] = record and record[i] or ""
    end
    list[#list + 1] = record and table.concat(fields, ",") or "!" .. line
  end
  return table.concat(list, "/")
end

--- What is read, or "refused: " and why.
---@param text string
---@param columns? string[] of the table that the file goes into
---@return string
function M.outcome(text, columns)
  local path = os.tmpname()
  pghost.write(path, text)
  local file = { path = path, name = "a.csv" }
  local goal = columns and { columns = columns }
  local clear, problem = pcall(auto_dialect.sniff, { dialect = "auto" }, file, function() end, goal)
  local found = clear and read(path, file) or "refused: " .. tostring(problem)
  os.remove(path)
  return found
end

--- A test for each case: what it is, the text, and what is read; or several readings that are right.
---@param cases table[] { title, text, reading... }, or with `columns` of the table
function M.check(cases)
  for _, case in ipairs(cases) do
    busted.it(case[1], function()
      local found = M.outcome(case[2], case.columns)
      for i = 3, #case do
        if found == case[i] or (case[i] == M.refused and found:find "^refused: .*not clear") then
          return
        end
      end
      busted.assert.equal(case[3], found)
    end)
  end
end

return M
