-- What happened to the records of a run, over all its tables: the last line of its log.

local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"

local M = {}

local words = { "loaded", "corrected", "rejected", "waived", "filtered", "duplicates" }

---@class pghost.Totals
---@field records integer = loaded + corrected + rejected + waived + filtered + duplicates
---@field staged table<string, true> tables whose records were counted by run:stage
---@field tables { name: string, records: integer, seconds: number }[] each with its counts, in the order of the loads
local Totals = {}
Totals.__index = Totals

-- The counts of a table, or of all: what run:clean reads from a raw table of this run was counted as loaded there.
local function add(sums, counts, was_staged)
  if was_staged then
    sums.loaded = sums.loaded - counts.records
  else
    sums.records = sums.records + counts.records
  end
  for _, word in ipairs(words) do
    sums[word] = sums[word] + (counts[word] or 0)
  end
end

local function zeros(sums)
  sums.records = 0
  for _, word in ipairs(words) do
    sums[word] = 0
  end
  return sums
end

local function of_table(self, name)
  local one = lists.named(self.tables, name)
  if not one then
    one = zeros { name = name, seconds = 0 }
    self.tables[#self.tables + 1] = one
  end
  return one
end

---@return pghost.Totals
function M.new()
  return setmetatable(zeros { staged = {}, tables = {} }, Totals)
end

--- Adds the counts of a step.
---@param kind string of the step
---@param name string of the table
---@param counts? table
---@param seconds number
function Totals:add(kind, name, counts, seconds)
  if not counts or not counts.records then
    return
  end
  local was_staged, one = kind == "clean" and self.staged[name], of_table(self, name)
  add(self, counts, was_staged)
  add(one, counts, was_staged)
  one.seconds = one.seconds + seconds
  self.staged[name] = kind == "stage" or nil
end

--- What became of the records of each table, for people: names of columns, and a row a table. Counts that are
--- zero everywhere have no column, but for loaded and rejected.
---@return string[] columns
---@return string[][] rows
---@return string[] types as the server names them
function Totals:table()
  local columns, rows, types = { "table", "records" }, {}, { "text" }
  for _, word in ipairs(words) do
    if self[word] > 0 or word == "loaded" or word == "rejected" then
      columns[#columns + 1] = word
    end
  end
  columns[#columns + 1] = "time"
  for i, one in ipairs(self.tables) do
    local row = { one.name }
    for k = 2, #columns - 1 do
      row[k] = log.count(one[columns[k]])
    end
    row[#columns] = log.duration(one.seconds)
    rows[i] = row
  end
  for i = 2, #columns do
    types[i] = "int8"
  end
  return columns, rows, types
end

--- The counts as fields of a log line.
---@return table<string, integer>
function Totals:fields()
  local fields = { records = self.records }
  for _, word in ipairs(words) do
    fields[word] = self[word]
  end
  return fields
end

--- "40 loaded, 3 rejected, 1 duplicate"; what is nothing is left out, but for what is loaded.
---@param counts table
---@return string
function M.text(counts)
  local parts = {}
  for _, word in ipairs(words) do
    if word == "loaded" or (counts[word] or 0) > 0 then
      parts[#parts + 1] = ("%s %s"):format(log.count(counts[word]),
        counts[word] == 1 and word == "duplicates" and "duplicate" or word)
    end
  end
  return table.concat(parts, ", ")
end

return M
