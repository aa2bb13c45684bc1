-- The docs beside the library, as a list of pages and as text for a terminal.

local color = require "pghost.lib.color"
local host = require "pghost.native.host"
local paths = require "pghost.lib.paths"

local M = {}

---@class pghost.Page
---@field name string "tutorial", "reference/rules"
---@field path string
---@field title string

local function first_title(path)
  local file <close> = assert(io.open(path))
  for line in file:lines() do
    local title = line:match("^# (.*)$")
    if title then
      return title
    end
  end
  return ""
end

local function add_folder(pages, folder, prefix)
  for _, entry in ipairs(paths.entries(folder)) do
    local base = entry:match("^(.*)%.md$")
    if base and base ~= "README" then
      local path = folder .. "/" .. entry
      pages[#pages + 1] = { name = prefix .. base:lower():gsub("_", "-"), path = path, title = first_title(path) }
    end
  end
end

--- All pages, sorted by name.
---@return pghost.Page[]
function M.list()
  local pages = {}
  add_folder(pages, host.root .. "/docs", "")
  add_folder(pages, host.root .. "/docs/howto", "howto/")
  add_folder(pages, host.root .. "/docs/reference", "reference/")
  table.sort(pages, function(a, b)
    return a.name < b.name
  end)
  return pages
end

--- The page of a name in any case, with or without its folder and ".md".
---@param pages pghost.Page[]
---@param name string
---@return pghost.Page?
function M.find(pages, name)
  local wanted = name:lower():gsub("%.md$", ""):gsub("^docs/", ""):gsub("_", "-")
  for _, prefix in ipairs { "", "howto/", "reference/" } do
    for _, page in ipairs(pages) do
      if page.name == prefix .. wanted then
        return page
      end
    end
  end
end

-- A line as a terminal shows it: headings bold, code in a color, links as their text.
local function painted(line)
  local heading = line:match("^#+ (.*)$")
  if heading then
    return color.bold(heading:gsub("`", ""), 1)
  end
  line = line:gsub("%[([^%]]+)%]%([^)]+%)", "%1"):gsub("%*%*([^*]+)%*%*", function(text)
    return color.bold(text, 1)
  end)
  return (line:gsub("`([^`]+)`", function(text)
    return color.cyan(text, 1)
  end))
end

--- The text of a page: as it is, or with colors where standard output may have them.
---@param page pghost.Page
---@return string
function M.text(page)
  local file <close> = assert(io.open(page.path))
  if not color.enabled(1) then
    return file:read("a")
  end
  local lines, code = {}, false
  for line in file:lines() do
    if line:find("^```") then
      code = not code
    elseif not line:find("^<!%-%-") then
      lines[#lines + 1] = code and "    " .. color.cyan(line, 1) or painted(line)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
