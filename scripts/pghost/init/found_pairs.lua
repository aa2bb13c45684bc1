-- Detects keys of two columns: no two records have the same pair of values, though by chance many would have.
--
-- Most pairs are ruled out by how often their values come. The rest are compared in one more reading of the files,
-- which ends when each of them has repeated; together they keep as many pairs of values as the budget has left.

local keys = require "pghost.init.found_keys"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local values = require "pghost.init.values"

local M = {}

---@class pghost.init.Pair
---@field at integer[] the two columns
---@field score number how much their names say, and their place
---@field by_chance number repeats that there would be if the columns had nothing to do with each other
---@field met table<string, true> pairs of values
---@field count integer of them

local most_pairs = 200
local enough = 5        -- repeats by chance, below which their absence says nothing
local enough_for_sure = 10

local part_types = { bigint = true, text = true, uuid = true, date = true, timestamp = true, timestamptz = true }
local moments = { date = true, timestamp = true, timestamptz = true }
local part_words = lists.words "year month day week hour quarter date time line position pos seq sequence index item "

-- 3: a reference or named like a key, 2: a point in time or a number in a list, 1: a text, or at the front; else 0.
local function rank(one, at)
  local column = one.columns[at]
  local last = column.name:match("_(%a+)$") or column.name
  if keys.is_named(column.name) or one.refers[column.name] or column.type == "uuid" then
    return 3
  elseif moments[column.type] or part_words[last] then
    return 2
  end
  return (column.type == "text" or at <= 2) and 1 or 0
end

-- Columns that can be half of a key: how many records have the same value, at most, and two records by chance.
local function parts_of(one)
  local parts = {}
  for at, column in ipairs(one.columns) do
    local seen, own = column.seen, rank(one, at)
    local fits = own > 0 and part_types[column.type] and seen.set and seen.nulls == 0 and seen.repeats > 0
    if fits and seen.count >= 2 then
      local most, same = 0, 0
      for _, times in pairs(seen.set) do
        most, same = math.max(most, times), same + times * (times - 1.0)
      end
      parts[#parts + 1] = { at = at, rank = own, most = most, count = seen.count,
        same = same / (seen.total * (seen.total - 1.0)) }
    end
  end
  return parts
end

-- The pairs that can be unique, and would not be by chance; the likeliest first.
local function candidates(one)
  local parts, list = parts_of(one), {}
  local total = #parts > 0 and one.columns[parts[1].at].seen.total or 0
  for i, left in ipairs(parts) do
    for j = i + 1, #parts do
      local right = parts[j]
      local by_chance = total * (total - 1.0) / 2 * left.same * right.same
      if left.most <= right.count and right.most <= left.count and by_chance >= enough then
        list[#list + 1] = { at = { left.at, right.at }, score = left.rank + right.rank - (left.at + right.at) / 10000,
          is_named = left.rank > 1 and right.rank > 1 and left.rank + right.rank > 4, by_chance = by_chance, met = {},
          count = 0 }
      end
    end
  end
  table.sort(list, function(a, b)
    return a.score > b.score
  end)
  return table.move(list, 1, math.min(#list, most_pairs), 1, {})
end

local function value_of(column, text)
  local of = column.seen.of
  if of and text ~= nil then
    return of(text)
  end
  return text
end

-- Whether the record's pair is new.
local function is_new(pair, one, record, positions)
  local left, right = pair.at[1], pair.at[2]
  local a = value_of(one.columns[left], record[positions[left]])
  local b = value_of(one.columns[right], record[positions[right]])
  if a == nil or b == nil then -- in a file that has changed since
    return false
  end
  local text = a .. "\0" .. b
  if pair.met[text] then
    return false
  end
  pair.met[text], pair.count = true, pair.count + 1
  return true
end

local function drop(list, i, budget)
  budget.left = budget.left + list[i].count
  table.remove(list, i)
end

-- Drops the pairs that the record repeats, and the least likely ones where there is no room for all.
local function compare(list, one, record, positions, budget)
  for i = #list, 1, -1 do
    if not is_new(list[i], one, record, positions) then
      drop(list, i, budget)
    else
      budget.left = budget.left - 1
    end
  end
  while budget.left < 0 and #list > 0 do
    drop(list, #list, budget)
  end
end

local function keep_unique(list, one, budget)
  for f, seen in ipairs(one.files) do
    local source <close> = values.open(seen)
    for _, record in source:records() do
      if record then
        compare(list, one, record, one.positions[f], budget)
      end
      if #list == 0 then
        return
      end
    end
  end
end

local function describe(one, pair, is_sure)
  local left, right = one.columns[pair.at[1]], one.columns[pair.at[2]]
  return ("all %s pairs of '%s' and '%s' differ, and none is missing%s"):format(log.count(pair.count), left.name,
    right.name, is_sure and "" or ", but their names do not say that they are a key")
end

--- The key of two columns of a table that has none of one; nil: nothing looks like one.
---@param one pghost.init.Table whose values were read and whose references are known
---@param budget pghost.init.Budget
---@return pghost.init.Key?
function M.of(one, budget)
  local list = candidates(one)
  if #list == 0 then
    return nil
  end
  keep_unique(list, one, budget)
  local best = list[1]
  for _, pair in ipairs(list) do
    budget.left = budget.left + pair.count
  end
  if best then
    local is_sure = best.is_named and best.by_chance >= enough_for_sure
    return { columns = { one.columns[best.at[1]].name, one.columns[best.at[2]].name }, unique = true, sure = is_sure,
      reason = describe(one, best, is_sure) }
  end
end

return M
