-- Pieces of HTML and SVG in which nothing of the data can be anything but text.
--
-- Elements are strings. What comes from data goes through text() or an attribute, which make invisible and
-- turning characters visible and escape the rest.

local log = require "pghost.lib.log"
local terminal = require "pghost.lib.terminal"

local M = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local longest <const> = 200 -- characters of a value that are shown

--- Data as text of the page; long values are cut, with their length.
---@param value any
---@param most? integer characters
---@return string
function M.text(value, most)
  local whole = tostring(value)
  most = most or longest
  local shown = whole
  if #whole > most * 4 then
    shown = whole:sub(1, most * 4)
  end
  shown = terminal.harmless(shown)
  if (utf8.len(shown) or #shown) > most then
    shown = shown:sub(1, utf8.offset(shown, most + 1) - 1)
    shown = ("%s… (%s)"):format(shown, log.counted(#whole, "byte"))
  elseif #shown < #whole and #whole > most * 4 then
    shown = ("%s… (%s)"):format(shown, log.counted(#whole, "byte"))
  end
  return (shown:gsub("[&<>\"']", entities))
end

--- Text of several lines, for <pre>.
---@param value string
---@param most integer bytes
---@return string
function M.lines(value, most)
  local lines, used = {}, 0
  for line in (value .. "\n"):gmatch "([^\n]*)\n" do
    used = used + #line + 1
    if used > most then
      lines[#lines + 1] = "…"
      break
    end
    lines[#lines + 1] = M.text((line:gsub("\t", "  "):gsub("\r$", "")), 1000)
  end
  return (table.concat(lines, "\n"):gsub("\n+$", ""))
end

--- A name as part of an id, a link or a file name: letters and digits stay.
---@param name string
---@return string
function M.id(name)
  return (name:gsub("[^%w_]", function(byte)
    return ("-%02x"):format(byte:byte())
  end))
end

--- An element: M.el("td", { class = "number" }, "12"). The content is HTML already; attributes are escaped.
---@param name string
---@param attributes? table<string, string|number|boolean>
---@param ... string
---@return string
function M.el(name, attributes, ...)
  local names, out = {}, { "<", name }
  for key in pairs(attributes or {}) do
    names[#names + 1] = key
  end
  table.sort(names)
  for _, key in ipairs(names) do
    local value = attributes[key]
    if value == true then
      out[#out + 1] = " " .. key
    elseif value then
      out[#out + 1] = (' %s="%s"'):format(key, M.text(value, 400))
    end
  end
  out[#out + 1] = ">"
  return table.concat(out) .. table.concat({ ... }) .. ("</%s>"):format(name)
end

--- An integer with thousands separators, or a dash.
---@param number? integer
---@return string
function M.count(number)
  return math.type(number) == "integer" and log.count(number) or "–"
end

--- A share for people, plain: "2.6 %"; what is there is never "0 %", and what is not all never "100 %".
---@param part number
---@param whole number
---@return string
function M.share(part, whole)
  if whole == 0 then
    return "–"
  end
  local percent = 100 * part / whole
  if part > 0 and percent < 0.1 then
    return "< 0.1 %"
  elseif part < whole and percent > 99.9 then
    return "> 99.9 %"
  end
  return (("%.1f %%"):format(percent):gsub("%.0 %%$", " %%"))
end

--- Bytes for people: "1.9 MB".
---@param bytes integer
---@return string
function M.bytes(bytes)
  local value = bytes
  for _, unit in ipairs { "bytes", "kB", "MB", "GB" } do
    if value < 1000 or unit == "GB" then
      return unit == "bytes" and log.counted(bytes, "byte") or ("%.1f %s"):format(value, unit)
    end
    value = value / 1000
  end
end

---@class pghost.report.Column
---@field title string
---@field kind? "number"|"text"|"code"|"html"|"wide" number: to the right; html, wide: the cell is HTML already

-- "Records:number" as a column.
local function column_of(column)
  if type(column) == "table" then
    return column
  end
  local title, kind = column:match "^(.-):(%l+)$"
  return { title = title or column, kind = kind }
end

local function cell(value, column, first)
  local kind = column.kind or "text"
  local attributes = { class = kind == "number" and "n" or kind == "wide" and "w" or nil,
    ["data-label"] = not first and column.title or nil }
  local content
  if value == nil then
    content = '<span class="null">null</span>'
  elseif kind == "html" or kind == "wide" then
    content = value
  elseif kind == "number" and math.type(value) == "integer" then
    content = M.count(value)
  elseif kind == "code" then
    content = M.el("code", nil, M.text(value))
  else
    content = M.text(value)
  end
  if first then
    attributes.scope = "row"
    return M.el("th", attributes, content)
  end
  return M.el("td", attributes, content)
end

--- A table in a box that scrolls by itself. The first column heads its rows.
---@param caption string for screen readers, and the name of the scrolling box
---@param columns (pghost.report.Column|string)[] "Records:number" for those whose title is not data
---@param rows any[][]
---@param options? { sortable?: boolean }
---@return string
function M.table(caption, columns, rows, options)
  local head, body = {}, {}
  columns = table.move(columns, 1, #columns, 1, {})
  for i, one in ipairs(columns) do
    local column = column_of(one)
    columns[i] = column
    head[i] = M.el("th", { scope = "col", class = column.kind == "number" and "n" or nil }, M.text(column.title))
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for k, column in ipairs(columns) do
      cells[k] = cell(row[k], column, k == 1)
    end
    body[i] = "<tr>" .. table.concat(cells) .. "</tr>\n"
  end
  return M.el("div", { class = "scroll", tabindex = "0", role = "region", ["aria-label"] = caption },
    M.el("table", { class = options and options.sortable and "sortable" or nil },
      M.el("caption", nil, M.text(caption)), "<thead><tr>", table.concat(head), "</tr></thead>\n<tbody>",
      table.concat(body), "</tbody>"))
end

--- A section with a heading that can be linked to.
---@param id string
---@param title string
---@param ... string
---@return string
function M.section(id, title, ...)
  return M.el("section", { id = id, ["aria-labelledby"] = id .. "-title" },
    M.el("h2", { id = id .. "-title" }, M.text(title)), ...) .. "\n"
end

--- What is shown on demand.
---@param summary string HTML
---@param ... string
---@return string
function M.details(summary, ...)
  return "<details><summary>" .. summary .. "</summary>" .. table.concat({ ... }) .. "</details>\n"
end

return M
