-- A readable profile: a block of lines per column, and what was left out.

local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local bars <const> = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local shown_values <const> = 5

--- A bar for each number of a histogram; a number that is not 0 has one that can be seen.
---@param histogram integer[]
---@return string
function M.bars(histogram)
  local most, out = 1, {}
  for _, count in ipairs(histogram) do
    most = math.max(most, count)
  end
  for i, count in ipairs(histogram) do
    out[i] = count == 0 and " " or bars[math.max(1, math.ceil(count * #bars / most))]
  end
  return table.concat(out)
end

local function number(value)
  return math.type(value) == "integer" and log.count(value) or ("%.6g"):format(value)
end

-- "12.5 %", and never "0.0 %" of what is not 0.
local function share(count, total)
  local percent = total > 0 and count * 100 / total or 0
  if count > 0 and percent < 0.1 then
    return "under 0.1 %"
  end
  return count < total and percent > 99.9 and "over 99.9 %" or ("%.1f %%"):format(percent)
end

local function shown(text)
  return terminal_text.cut(terminal_text.harmless(text), 30)
end

local function counts_line(column)
  local parts = {}
  if column.nulls > 0 then
    parts[#parts + 1] = ("%s null (%s)"):format(log.count(column.nulls), share(column.nulls, column.count))
  else
    parts[#parts + 1] = "no nulls"
  end
  parts[#parts + 1] = ("%s%s distinct"):format(column.distinct_exact and "" or "about ", log.count(column.distinct))
  if column.broken then
    local sample = column.broken.samples[1]
    parts[#parts + 1] = ("%s not %s%s"):format(log.count(column.broken.count), column.type,
      sample and (" such as '%s'"):format(shown(sample.before or "")) or "")
  end
  if column.not_finite then
    parts[#parts + 1] = log.count(column.not_finite) .. " not finite"
  end
  return parts
end

local function range_line(column)
  if not column.min then
    return nil
  end
  local form, length = column.length and "'%s' to '%s'" or "%s to %s", column.length
  return { form:format(shown(column.min), shown(column.max)), column.mean and "mean " .. number(column.mean)
    or length and ("%d to %d characters"):format(length.min, length.max),
    column.stddev and "deviation " .. number(column.stddev) or length and ("mean %.1f"):format(length.mean) }
end

local function quantile_line(column)
  return lists.map(column.quantiles, function(one)
    return ("%g %%: %s"):format(one.share * 100, shown(one.value))
  end)
end

-- From a sample, only values seen often enough to be frequent.
local function values_line(column)
  local parts = {}
  for _, one in ipairs(column.values) do
    if #parts < shown_values and (column.exact and (one.count > 1 or column.distinct <= shown_values)
      or one.count >= 10) then
      parts[#parts + 1] = ("'%s'%s %s%s"):format(shown(one.value), one.cut and "..." or "",
        column.exact and "" or "about ", share(one.count, column.looked_at))
    end
  end
  return #parts > 0 and parts or nil
end

-- Parts after a label, as many per line as fit.
local function wrapped(label, parts, width)
  local lines, line = {}, nil
  for i, part in ipairs(parts) do
    part = part .. (i < #parts and "," or "")
    local longer = line and line .. " " .. part
    if longer and terminal_text.width(longer) <= width then
      line = longer
    else
      lines[#lines + 1] = line
      line = ("  %-11s%s"):format(line and "" or label, part)
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function column_lines(column, width)
  local heading = ("%s  %s%s"):format(terminal_text.harmless(column.name), column.type,
    column.doubt and (" (%s)"):format(column.doubt) or "")
  local lines = { terminal_text.cut(heading, width) }
  local function add(label, parts)
    lines[#lines + 1] = parts and wrapped(label, parts, width) or nil
  end
  add("values", counts_line(column))
  add("range", range_line(column))
  add("quantiles", column.quantiles and quantile_line(column))
  add("histogram", column.histogram and { M.bars(column.histogram) })
  add("frequent", values_line(column))
  return table.concat(lines, "\n")
end

local function sampled(columns)
  for _, column in ipairs(columns) do
    if not column.exact then
      return column.looked_at
    end
  end
end

--- The whole of it.
---@param profiled pghost.Profiled
---@param name string what was profiled
---@param width integer of the terminal
---@return string
function M.format(profiled, name, width)
  local parts = { ("%s: %s, %s"):format(terminal_text.cut(terminal_text.harmless(name), 50),
    log.counted(profiled.records, "record"), log.counted(#profiled.columns, "column")) }
  for _, column in ipairs(profiled.columns) do
    parts[#parts + 1] = column_lines(column, width)
  end
  if sampled(profiled.columns) then
    parts[#parts + 1] = ("Exact: nulls, range, mean, deviation. Of a sample of 4,096 records where a column has more "
      .. "than 256\ndifferent values: quantiles, histogram, frequent.")
  end
  return table.concat(parts, "\n\n") .. "\n"
end

return M
