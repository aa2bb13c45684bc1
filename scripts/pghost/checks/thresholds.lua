-- Thresholds of checks: "> 10" rows, ">= 1%" of the rows looked at, or of a measured value.

local misuse = require "pghost.checks.misuse"

local M = {}

---@class pghost.checks.Threshold
---@field operator string
---@field number number
---@field percent boolean of the rows that were looked at
---@field text string as it was written

local operators <const> = {
  [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end,
  ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end,
  ["="] = function(a, b) return a == b end,
  ["!="] = function(a, b) return a ~= b end,
}

--- Reads a threshold; raises at the line that wrote it.
---@param text any
---@param where string "check 'x': warn_if"
---@param percents boolean whether a share makes sense
---@return pghost.checks.Threshold
function M.parse(text, where, percents)
  local operator, digits, percent = tostring(text):match "^%s*([<>=!]+)%s*(%-?%d[%d.eE+-]*)%s*(%%?)%s*$"
  local number = tonumber(digits)
  if type(text) ~= "string" or not operators[operator] or not number then
    misuse.raise([[%s: %s is not a threshold: write "> 10" or "> 1%%" (>, >=, <, <=, =, !=)]], where,
      type(text) == "table" and "a table" or ("'%s'"):format(tostring(text)))
  elseif percent == "%" and not percents then
    misuse.raise("%s: '%s' is a share of rows, but this check measures a value: write a number without %%", where, text)
  elseif percent == "%" and (number < 0 or number > 100) then
    misuse.raise("%s: '%s' is not a share between 0%% and 100%%", where, text)
  end
  return { operator = operator, number = number, percent = percent == "%", text = text }
end

--- Whether a value reaches a threshold. A share of no rows does not.
---@param threshold? pghost.checks.Threshold
---@param value? number
---@param total? integer rows that were looked at
---@return boolean
function M.reached(threshold, value, total)
  if not threshold or not value then
    return false
  elseif not threshold.percent then
    return operators[threshold.operator](value, threshold.number)
  end
  return total ~= nil and total > 0 and operators[threshold.operator](value * 100 / total, threshold.number)
end

return M
