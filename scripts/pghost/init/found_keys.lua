-- Detects keys: a column without gaps whose values are all distinct, and whose name or position is that of a key.

local log = require "pghost.lib.log"
local values = require "pghost.init.values"

local M = {}

---@class pghost.init.Key
---@field columns string[] one, or two
---@field unique? boolean no value repeats, and none is missing
---@field sure boolean written into the rules; otherwise mentioned in a comment
---@field reason string

local key_types = { bigint = true, text = true, uuid = true, date = true, timestamp = true, timestamptz = true }
local key_words = { id = true, key = true, uuid = true, guid = true, code = true, nr = true, no = true, number = true,
  rn = true, identifier = true }
local near = 0.02
local few_records = 5
local few_repeats = 1 -- that are near to none in a small table, too

--- Whether the name says that it is a key, of this table or another.
---@param name string
---@return boolean
function M.is_named(name)
  return key_words[name] or key_words[name:match("_(%a+)$") or ""] or false
end

-- "companies" -> "company", "users" -> "user"
function M.singular(name)
  return name:match("^(.+)ies$") and name:gsub("ies$", "y") or name:match("^(.*[^s])s$") or name
end

local function is_own(one, name)
  local single = M.singular(one.name)
  return name == "id" or name == single .. "_id" or name == one.name .. "_id" or name == single .. "_code"
end

-- 0: it is not a key, whatever its values.
local function rank(one, i, column)
  local seen = column.seen
  if not key_types[column.type] or seen.total < 2 or seen.nulls > near * seen.total then
    return 0
  elseif seen.nulls > 0 and not (is_own(one, column.name) or M.is_named(column.name)) then
    return 0
  elseif is_own(one, column.name) then
    return 4
  elseif M.is_named(column.name) then
    return i == 1 and 3 or 2
  end
  return i == 1 and 1 or 0
end

-- "unique", "rising", "near" or nil; the second: on how much that stands.
local function kind_of(seen)
  if seen.rising or seen.set and seen.repeats == 0 then
    return "unique"
  elseif seen.set and seen.repeats <= math.max(few_repeats, near * seen.total) then
    return "near"
  elseif not seen.set and seen.repeats == 0 then
    return "unconfirmed"
  end
end

local function unique_reason(column)
  local reason = ("all %s values of '%s' differ, and none is missing"):format(log.count(column.seen.total), column.name)
  return column.seen.total < few_records and reason .. "; so few that it may be chance" or reason
end

local function near_reason(one, at)
  local column = one.columns[at]
  local seen = column.seen
  if values.repeats_whole(one, at) then
    return true, ("%s of %s records repeat an earlier one as a whole, and are left out as duplicates of '%s'"):format(
      log.count(seen.repeats), log.count(seen.total), column.name)
  end
  return false, ("%s of %s values of '%s' repeat, in records that differ: as a key it would keep the first of each")
    :format(log.count(seen.repeats), log.count(seen.total), column.name)
end

local function judge(one, at, own)
  local column = one.columns[at]
  local kind = kind_of(column.seen)
  if kind and column.seen.nulls > 0 then
    return { columns = { column.name }, sure = false,
      reason = ("%s of '%s'%s: as a key it would reject those records"):format(
        log.counted(column.seen.nulls, "value") .. (column.seen.nulls == 1 and " is missing" or " are missing"),
        column.name, kind == "near" and (", and %s repeat others"):format(log.count(column.seen.repeats)) or "") }
  end
  if kind == "unique" and own == 1 then
    return { columns = { column.name }, sure = false, unique = true,
      reason = unique_reason(column) .. ", but its name does not say that it is a key" }
  elseif kind == "unique" then
    return { columns = { column.name }, sure = true, unique = true, reason = unique_reason(column) }
  elseif kind == "near" then
    local sure, reason = near_reason(one, at)
    return { columns = { column.name }, sure = sure, reason = reason }
  elseif kind == "unconfirmed" then
    return { columns = { column.name }, sure = false,
      reason = ("'%s' could be one, but that is not confirmed: it has too many values to compare them all here")
        :format(column.name) }
  end
end

--- Whether the column is in the key, or in one that is not sure.
---@param one pghost.init.Table
---@param name string of the column
---@return boolean
function M.has(one, name)
  for _, column in ipairs(one.key and one.key.columns or {}) do
    if column == name then
      return true
    end
  end
  return false
end

--- The key of one column of a table; nil: nothing looks like one.
---@param one pghost.init.Table whose values were read
---@return pghost.init.Key?
function M.of(one)
  local best, best_rank
  for i, column in ipairs(one.columns) do
    local own = rank(one, i, column)
    local found = own > 0 and judge(one, i, own)
    if found then
      own = own + (found.sure and 10 or 0)
      if not best or own > best_rank then
        best, best_rank = found, own
      end
    end
  end
  return best
end

return M
