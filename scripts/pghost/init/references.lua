-- Detects references: the values of a column are keys of another table, and its name says so.

local keys = require "pghost.init.found_keys"
local log = require "pghost.lib.log"

local M = {}

---@class pghost.init.Reference
---@field child string table
---@field child_column string
---@field parent string table
---@field parent_column string
---@field missing integer values that the parent has not
---@field reason string

local least_share = 0.8   -- of the values, where the name says so, too
local least_texts = 5     -- different texts that say enough without a name
local least_stem = 3

-- Columns with the same name everywhere, which says nothing about a reference.
local general = { id = true, key = true, code = true, name = true, year = true, month = true, day = true, date = true,
  time = true, hour = true, week = true, type = true, status = true, number = true, no = true, nr = true, value = true }

local referred_types = { bigint = true, text = true, uuid = true } -- many tables have the same days

local function key_column(one)
  for _, column in ipairs(one.columns) do
    if keys.has(one, column.name) and column.seen.set and referred_types[column.type] then
      return column
    end
  end
end

-- Whether the column is named after the key: company_id, user_id for users.rn, parent_id for id.
local function is_related(child, column, parent, key)
  local single = keys.singular(parent.name)
  if child == parent then
    return general[key.name] and column.name:sub(-#key.name - 1) == "_" .. key.name
  end
  return column.name == key.name and not general[key.name]
    or column.name == single .. "_" .. key.name
    or #single >= least_stem and (column.name == single or column.name:sub(1, #single + 1) == single .. "_"
      or column.name:find("_" .. single, 1, true) ~= nil)
end

-- 1, 2, 3, ...: the records of its own table, counted.
local function is_numbering(seen)
  return seen.rising and seen.nulls == 0 and seen.set ~= nil and seen.set[1] ~= nil and seen.set[seen.total] ~= nil
end

local function missing_of(set, parent)
  local missing = 0
  for value, times in pairs(set) do
    missing = missing + (parent[value] and 0 or times)
  end
  return missing
end

-- How good the reference is; nil: not a reference.
local function judge(child, column, parent, key)
  local seen = column.seen
  local related = is_related(child, column, parent, key)
  local texts = column.type ~= "bigint" and child ~= parent and seen.count >= least_texts
  if not (related or texts) or seen.count == 0 or is_numbering(seen) and not keys.is_named(column.name) then
    return nil
  end
  local missing = missing_of(seen.set, key.seen.set)
  local share = 1 - missing / seen.total
  if related and share >= least_share or texts and missing == 0 and parent.key.unique then
    return share + (related and 1 or 0), missing
  end
end

local function describe(child, column, parent, key, missing)
  local all = ("%s values of %s.%s"):format(log.count(column.seen.total), child.name, column.name)
  if missing == 0 then
    return ("all %s are in %s.%s"):format(all, parent.name, key.name)
  end
  return ("%s of the %s are not in %s.%s"):format(log.count(missing), all, parent.name, key.name)
end

-- Two keys with the same values: only one of them refers to the other.
local function is_mirror(child, column, key, at, parent_at)
  local same = keys.has(child, column.name) and column.seen.count == key.seen.count
  return same and at < parent_at
end

local function best_of(tables, child, column, at)
  local best, best_score
  for parent_at, parent in ipairs(tables) do
    local key = key_column(parent)
    local fits = key and key ~= column and key.type == column.type
    if fits and not is_mirror(child, column, key, at, parent_at) then
      local score, missing = judge(child, column, parent, key)
      if score and (not best or score > best_score) then
        best_score = score
        best = { child = child.name, child_column = column.name, parent = parent.name, parent_column = key.name,
          missing = missing, reason = describe(child, column, parent, key, missing) }
      end
    end
  end
  return best
end

--- The references between tables whose values were read and whose keys are known.
---@param tables pghost.init.Table[]
---@return pghost.init.Reference[]
function M.of(tables)
  local list = {}
  for at, child in ipairs(tables) do
    for _, column in ipairs(child.columns) do
      if column.seen.set then
        list[#list + 1] = best_of(tables, child, column, at)
      end
    end
  end
  return list
end

return M
