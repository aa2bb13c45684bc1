-- What became of the records of a run, over all of its tables: the last line of its log.

local log = require "pghost.lib.log"

local M = {}

local words = { "loaded", "corrected", "rejected", "waived", "filtered", "duplicates" }

---@class pghost.Totals
---@field records integer = loaded + corrected + rejected + waived + filtered + duplicates
---@field staged table<string, true> tables whose records were counted by run:stage
local Totals = {}
Totals.__index = Totals

---@return pghost.Totals
function M.new()
  local totals = setmetatable({ records = 0, staged = {} }, Totals)
  for _, word in ipairs(words) do
    totals[word] = 0
  end
  return totals
end

--- Adds the counts of a step. What run:clean reads from a raw table of this run was counted as loaded there.
---@param kind string of the step
---@param name string of the table
---@param counts? table
function Totals:add(kind, name, counts)
  if not counts or not counts.records then
    return
  elseif kind == "clean" and self.staged[name] then
    self.loaded = self.loaded - counts.records
  else
    self.records = self.records + counts.records
  end
  self.staged[name] = kind == "stage" or nil
  for _, word in ipairs(words) do
    self[word] = self[word] + (counts[word] or 0)
  end
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
