-- Writes the records of one table into its files, with a share of dirt, and keeps count of it.

local calendar = require "generator.calendar"

local M = {}

local PER <const> = 100000
local REMEMBERED <const> = 4096

-- slots[n] for n in 0 .. PER-1: the kind of dirt drawn by n, nil for none.
local function draw_slots(kinds)
  local slots, next_slot = {}, 0
  for _, kind in ipairs(kinds) do
    for slot = next_slot, next_slot + kind.rate - 1 do
      slots[slot] = kind
    end
    next_slot = next_slot + kind.rate
  end
  assert(next_slot <= PER, "rates of dirt add up to more than all records")
  return slots
end

-- Keys that passed (a sample of them) and keys whose only record so far was rejected.
local function new_memory(below)
  local passed, rejected = {}, {}
  local memory = {}

  function memory.pass(key)
    if #passed < REMEMBERED then
      passed[#passed + 1] = key
    else
      passed[below(REMEMBERED) + 1] = key
    end
  end

  function memory.reject(key)
    if #rejected < REMEMBERED then
      rejected[#rejected + 1] = key
    end
  end

  local writings = { "%s", "000%s", " %s ", '"%s"', '""" %s"""' }

  -- A key seen before, written one way or another; nil when there is none.
  function memory.seen_key()
    local key = passed[below(REMEMBERED) % math.max(#passed, 1) + 1]
    return key and writings[below(#writings) + 1]:format(key)
  end

  function memory.rejected_key()
    return table.remove(rejected)
  end

  return memory
end

local function open_file(folder, spec)
  local path = folder .. "/" .. spec.name
  local file, why = io.open(path, "wb")
  if not file then
    error("could not write " .. why, 0)
  end
  file:setvbuf("full", 1 << 20)
  file:write(spec.bom and "\xef\xbb\xbf" or "", spec.header or table.concat(spec.columns, ","))
  return file
end

-- The line of a row; `scratch` is reused.
local function join(row, columns, scratch)
  for i = 1, #columns do
    scratch[i] = row[columns[i]]
  end
  return table.concat(scratch, ",", 1, #columns)
end

-- Puts one kind of dirt on the record: nil when it did not take.
local function soil(kind, row, tools)
  if kind and kind.edit then
    return kind.edit(row, tools) ~= false and kind or nil
  end
  return kind
end

local function count_up(counts, name)
  counts[name] = (counts[name] or 0) + 1
end

---@class generator.Job
---@field folder string
---@field files table[] { name, columns, header?, bom?, line_end?, open_end?, records }
---@field kinds table[] of dirt; empty: clean
---@field below function the random source
---@field key string the key column
---@field make fun(i: integer): table, boolean? the i-th row; true: it must stay as it is
---@field last_kind? table of dirt for the record fourth from the end of the last file
---@field thirty_days_after? function

---@param job generator.Job
---@return table counts { records, loaded, rejects = {rule = n}, dirt = {kind = n}, files = {...} }
function M.write(job)
  local counts = { records = 0, loaded = 0, rejects = {}, dirt = {}, files = {} }
  local below, make, key = job.below, job.make, job.key
  local slots = draw_slots(job.kinds)
  local memory = new_memory(below)
  local tools = {
    below = below,
    calendar = calendar,
    rejected_key = memory.rejected_key,
    thirty_days_after = job.thirty_days_after,
    seen_key = memory.seen_key,
  }
  local total = 0
  for _, spec in ipairs(job.files) do
    total = total + spec.records
  end
  local dirty = #job.kinds > 0
  local step = total // (#job.kinds + 1) -- every kind comes at least once, spread over the files
  local scratch = {}
  local index = 0

  local function choose()
    if not dirty or total - index < 3 and job.last_kind then
      return nil
    elseif total - index == 3 and job.last_kind then
      return job.last_kind
    elseif step > 0 and index % step == 0 and job.kinds[index // step] then
      return job.kinds[index // step]
    end
    return slots[below(PER)]
  end

  local function account(kind, row, plain_key)
    counts.records = counts.records + 1
    if kind then
      count_up(counts.dirt, kind.name)
    end
    if kind and kind.rule then
      count_up(counts.rejects, kind.rule)
      if kind.rule ~= "duplicate" and row[key] == plain_key then
        memory.reject(plain_key)
      end
      return
    end
    counts.loaded = counts.loaded + 1
    memory.pass(kind and kind.name == "key_of_a_reject" and row[key] or plain_key)
  end

  for _, spec in ipairs(job.files) do
    local file <close> = open_file(job.folder, spec)
    local line_end = spec.line_end or "\n"
    tools.line_end = line_end
    for _ = 1, spec.records do
      index = index + 1
      local row = make(index, dirty and total - index >= 3)
      local plain_key = row[key]
      local kind = dirty and soil(choose(), row, tools) or nil
      local line = join(row, spec.columns, scratch)
      if kind and kind.cut then
        line = kind.cut(line)
      end
      file:write(line_end, line)
      if dirty then
        account(kind, row, plain_key)
      end
    end
    if not spec.open_end then
      file:write(line_end)
    end
    counts.files[#counts.files + 1] = { name = spec.name, records = spec.records, bytes = file:seek("end") }
  end
  if not dirty then
    counts.records, counts.loaded = total, total
  end
  return counts
end

return M
