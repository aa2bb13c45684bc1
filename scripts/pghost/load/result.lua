-- What a load finds: counts of each file and of all, what cleaning changed, duplicates, rejects.

local record = require "pghost.lib.record"

local M = {}

---@class pghost.FileResult
---@field file pghost.PlannedFile
---@field id? integer under which it is recorded, or its position in the load
---@field counts? pghost.Counts

---@class pghost.Result
---@field files pghost.FileResult[] in the order of the plan
---@field totals pghost.Totals of all files, also of those that a killed run had loaded
---@field cleaning pghost.RuleCount[] of the last COPY
---@field frozen boolean records were copied with FREEZE: any snapshot sees them
---@field duplicates integer records that a key has removed
---@field duplicates_by_file? table<integer, integer> by file id
---@field left_by_file? table<integer, integer> records that the key has left, by file id
---@field raw_by_file? table<integer, integer> records of the raw table that was cleaned, by file id
---@field corrected? integer rows of records that were corrected before
---@field corrected_away? integer records that a rule leaves out now that they are corrected
---@field rejects? pghost.rejects.Counts as the server has them
local Result = {}

local fields = { files = true, totals = true, cleaning = true, duplicates = true, duplicates_by_file = true,
  left_by_file = true, rejects = true, raw_by_file = true, corrected = true, corrected_away = true, frozen = true,
  by_file = true }

local metatable = { __index = Result, __newindex = record.only("result", fields) }

local total_names = { "records", "loaded", "rejected", "filtered", "unreadable", "bytes", "raw_rows", "clean_rows" }

--- Adds the totals of a COPY, or the counts of a file.
---@param counts table
function Result:add(counts)
  for _, name in ipairs(total_names) do
    self.totals[name] = self.totals[name] + (counts[name] or 0)
  end
end

--- Takes records that were loaded for rejected ones: the server has refused them.
---@param by_file table<integer, integer> by file id
---@param total integer
function Result:refuse(by_file, total)
  for _, file in ipairs(self.files) do
    local count = by_file[file.id]
    if count and file.counts then
      file.counts.loaded, file.counts.rejected = file.counts.loaded - count, file.counts.rejected + count
    end
  end
  self.totals.loaded, self.totals.rejected = self.totals.loaded - total, self.totals.rejected + total
  self.totals.clean_rows = self.totals.clean_rows - total
end

--- The counts of the whole load.
---@return table
function Result:counts()
  local totals, rejects = self.totals, self.rejects
  local settled = rejects and rejects.settled
  return {
    records = totals.records,
    loaded = totals.loaded - self.duplicates,
    corrected = rejects and rejects.corrected.total or 0,
    rejected = totals.rejected - (settled and settled.rejects.total or 0),
    waived = rejects and rejects.waived.total or 0,
    filtered = totals.filtered,
    duplicates = self.duplicates - (settled and settled.duplicates.total or 0),
    bytes = totals.bytes,
    files = #self.files,
  }
end

--- The result of one file.
---@param file pghost.PlannedFile
---@return pghost.FileResult
function Result:of(file)
  return self.by_file[file]
end

---@param plan pghost.Plan
---@return pghost.Result
function M.new(plan)
  local result = setmetatable({ files = {}, totals = {}, cleaning = {}, duplicates = 0, frozen = false, by_file = {} },
    metatable)
  for _, name in ipairs(total_names) do
    result.totals[name] = 0
  end
  for i, file in ipairs(plan.files) do
    result.files[i] = { file = file, id = i }
    result.by_file[file] = result.files[i]
  end
  return result
end

return M
