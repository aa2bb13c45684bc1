-- Charts as plain SVG: small bars, histograms, lines. No script, no style attribute: they print, can be
-- selected, and pass a strict Content-Security-Policy. Colours come from classes.
--
-- Numbers in, HTML out; which chart an answer gets is answers.lua's business.

local html = require "pghost.report.html"
local lists = require "pghost.lib.lists"

local M = {}

local function short(number)
  local text = ("%.2f"):format(number):gsub("%.?0+$", "")
  return text
end

--- A horizontal bar: parts of a whole, each { share, class }.
---@param parts { [1]: number, [2]: string }[]
---@param label string for those who do not see it
---@return string
function M.stacked(parts, label)
  local out, at = {}, 0.0
  for _, part in ipairs(parts) do
    if part[1] > 0 then
      local width = math.max(part[1] * 200, 1)
      out[#out + 1] = ('<rect x="%s" width="%s" height="8" class="%s"/>'):format(short(math.min(at, 200 - width)),
        short(width), part[2])
      at = at + part[1] * 200
    end
  end
  return html.el("svg", { class = "bar", viewBox = "0 0 200 8", preserveAspectRatio = "none", role = "img",
    ["aria-label"] = label }, table.concat(out))
end

--- Columns side by side as one small picture; heights 0..1, classes by column ("" for the usual).
---@param heights number[]
---@param options { label: string, class?: string, classes?: string[], slots?: integer, width?: integer }
---@return string
function M.columns(heights, options)
  local slots = options.slots or #heights
  local step, height = (options.width or 120) / math.max(slots, 1), 24
  local gap = step > 4 and 1 or 0.4
  local by_class, order = {}, {}
  for i = 1, slots do
    local value = heights[i]
    if value then
      local class = options.classes and options.classes[i] or options.class or "mark"
      if not by_class[class] then
        by_class[class], order[#order + 1] = {}, class
      end
      local tall = value > 0 and math.max(value * height, 1.5) or 0.75
      local path = by_class[class]
      path[#path + 1] = ("M%s %dv-%sh%sv%sz"):format(short((i - 1) * step), height, short(tall), short(step - gap),
        short(tall))
    end
  end
  local paths = lists.map(order, function(class)
    return ('<path class="%s" d="%s"/>'):format(class, table.concat(by_class[class]))
  end)
  return html.el("svg", { class = "columns", viewBox = ("0 0 %d %d"):format(options.width or 120, height), role = "img",
    preserveAspectRatio = "none", ["aria-label"] = options.label }, table.concat(paths))
end

-- Round steps for an axis from 0 (or below) to the largest value.
local function ticks(low, high)
  local span = high - low
  if span <= 0 then
    span = math.max(math.abs(high), 1)
  end
  local step = 10.0 ^ math.floor(math.log(span / 4, 10))
  for _, factor in ipairs { 1, 2, 5, 10 } do
    if span / (step * factor) <= 5 then
      step = step * factor
      break
    end
  end
  local list, value = {}, math.floor(low / step) * step
  while value < high + step * 0.999 and #list < 12 do
    list[#list + 1] = value
    value = value + step
  end
  return list
end

local function number_text(value)
  if value == math.floor(value) and math.abs(value) < 1e15 then
    return html.count(math.tointeger(value))
  end
  return ("%.4g"):format(value)
end

---@class pghost.report.Point
---@field x number
---@field label string of its place on the x axis
---@field values (number|nil)[] of each series

local height <const>, left <const>, right <const>, top <const>, bottom <const> = 220, 56, 16, 12, 28
local wide <const>, narrow <const> = 640, 350 -- a phone shows the narrow one, whose texts stay as large
local comparable <const> = 8 -- times: series that differ more have an axis each

local function axis(list, y, width)
  local out = {}
  for i, value in ipairs(list) do
    out[i] = ('<path class="grid" d="M%d %sH%d"/><text class="tick" x="%d" y="%s" text-anchor="end">%s</text>'):format(
      left, short(y(value)), width - right, left - 8, short(y(value) + 4), number_text(value))
  end
  return table.concat(out)
end

-- As many labels as there is room for, the first and the last among them.
local function labels(points, x)
  local room = 7 * math.max(#points[1].label, 6) + 14
  local last = x(points[#points].x)
  local out, free = {}, -math.huge
  for i, point in ipairs(points) do
    local at = x(point.x)
    local is_last = i == #points
    if is_last or (at >= free and (i == 1 or last - at >= room * 1.5)) then
      local anchor = #points > 1 and (is_last and "end" or i == 1 and "start") or "middle"
      out[#out + 1] = html.el("text", { class = "tick", x = short(at), y = height - 8, ["text-anchor"] = anchor },
        html.text(point.label, 30))
      free = at + room * (i == 1 and 1.5 or 1)
    end
  end
  return table.concat(out)
end

local function series_of(points, index, series, x, y)
  local path, marks, pen = {}, {}, "M"
  for _, point in ipairs(points) do
    local value = point.values[series]
    if value then
      path[#path + 1] = ("%s%s %s"):format(pen, short(x(point.x)), short(y(value)))
      if #points <= 60 then
        marks[#marks + 1] = ('<circle class="s%d" cx="%s" cy="%s" r="3.5"><title>%s: %s</title></circle>'):format(index,
          short(x(point.x)), short(y(value)), html.text(point.label), number_text(value))
      end
      pen = "L"
    else
      pen = "M"
    end
  end
  return ('<path class="line s%d" d="%s"/>'):format(index, table.concat(path)) .. table.concat(marks)
end

local function draw(points, series, label, width)
  local low, high = 0, 0
  for _, point in ipairs(points) do
    for _, i in ipairs(series) do
      low, high = math.min(low, point.values[i] or low), math.max(high, point.values[i] or high)
    end
  end
  local list = ticks(low, high)
  local first, span = points[1].x, math.max(points[#points].x - points[1].x, 1e-9)
  local function x(value)
    return left + (#points == 1 and 0.5 or (value - first) / span) * (width - left - right)
  end
  local function y(value)
    return height - bottom - (value - list[1]) / math.max(list[#list] - list[1], 1e-9) * (height - top - bottom)
  end
  local parts = { axis(list, y, width), labels(points, x) }
  for i, one in ipairs(series) do
    parts[#parts + 1] = series_of(points, i, one, x, y)
  end
  return html.el("svg", { class = width == wide and "chart" or "chart narrow", viewBox = ("0 0 %d %d"):format(width,
    height), role = "img", ["aria-label"] = label }, table.concat(parts))
end

--- Which series share an axis: all of them, or each has its own where one would hide another.
---@param points pghost.report.Point[]
---@param count integer of series
---@return integer[][]
function M.panels(points, count)
  local least, most, apart, together = math.huge, 0, {}, {}
  for i = 1, count do
    local high = 0
    for _, point in ipairs(points) do
      high = math.max(high, math.abs(point.values[i] or 0))
    end
    least, most = high > 0 and math.min(least, high) or least, math.max(most, high)
    apart[i], together[i] = { i }, i
  end
  return most > comparable * least and apart or { together }
end

--- A line chart of one to four series over a common x axis. The y axis starts at 0 unless values are below.
---@param points pghost.report.Point[] in the order of x
---@param names string[] of the series
---@param label string
---@param series integer[] which values of the points
---@param has_legend boolean
---@return string
function M.line(points, names, label, series, has_legend)
  local legend = {}
  for i, name in ipairs(has_legend and names or {}) do
    legend[i] = ('<span class="key s%d">%s</span>'):format(i, html.text(name, 40))
  end
  return (#legend > 0 and html.el("p", { class = "legend" }, table.concat(legend)) or "")
    .. draw(points, series, label, wide) .. draw(points, series, label, narrow)
end

--- Categories with a bar and a number each.
---@param items { name: string, value: number, text?: string }[]
---@return string
function M.bars(items)
  local largest, rows = 0, {}
  for _, item in ipairs(items) do
    largest = math.max(largest, math.abs(item.value))
  end
  for i, item in ipairs(items) do
    local share = largest > 0 and math.abs(item.value) / largest or 0
    rows[i] = ('<li><span class="name">%s</span>%s<span class="value">%s</span></li>\n'):format(
      html.text(item.name, 60), ('<svg class="bar" viewBox="0 0 200 8" preserveAspectRatio="none" aria-hidden="true">'
      .. '<rect width="%s" height="8" class="%s"/></svg>'):format(short(share * 200),
        item.class or (item.value < 0 and "negative" or "mark")), item.text or number_text(item.value))
  end
  return '<ul class="bars">' .. table.concat(rows) .. "</ul>\n"
end

return M
