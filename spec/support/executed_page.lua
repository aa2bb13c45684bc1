-- A page of the documentation that is executed: its commands are run one after the other in a project of its own, what
-- they print is compared with what the page says, and its files are written.
--
-- A block of commands is followed by what they print; a line `...` in it stands for any lines. Seconds, times, the
-- numbers of runs and the database's address are masked; the project's
-- folder is /home/you. A block after a line that ends in "`path`:" is that file.

local pghost = require "support.pghost"
local projects = require "support.project"

local M = {}

local function mask(line)
  line = line:gsub("^\xEF\xBB\xBF", ""):gsub("of database '.-' on .*$", "of database"):gsub("%d+%.%d%d s", "N s")
  line = line:gsub("%d+%.%d+ seconds", "N seconds"):gsub("/tmp/pghost_spec%.%w+/", "/home/you/")
  line = line:gsub("run %d+", "run N"):gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d UTC", "TIME")
  return (line:gsub("%s+$", ""))
end

local function lines_of(text)
  local list = {}
  for line in (text:gsub("\n*$", "") .. "\n"):gmatch("([^\n]*)\n") do
    list[#list + 1] = mask(line)
  end
  return list
end

-- The blocks of a page: what kind, the text, and the line above.
local function blocks_of(page)
  local list, block, before = {}, nil, ""
  for line in (page .. "\n"):gmatch("([^\n]*)\n") do
    local kind = line:match("^```(%w*)$")
    if block and kind == "" then
      list[#list + 1] = block
      block = nil
    elseif block then
      block.text = block.text .. line .. "\n"
    elseif kind then
      block = { kind = kind, text = "", before = before }
    elseif line ~= "" then
      before = line
    end
  end
  return list
end

-- Whether the lines are those expected, of which "..." are any.
local function matches(wanted, got, i, j)
  while i <= #wanted do
    if wanted[i] == "..." then
      for next_line = j, #got + 1 do
        if matches(wanted, got, i + 1, next_line) then
          return true
        end
      end
      return false
    elseif wanted[i] ~= got[j] then
      return false
    end
    i, j = i + 1, j + 1
  end
  return j == #got + 1
end

---@class support.ExecutedPage
---@field blocks { kind: string, text: string, before: string }[]
local Page = {}
Page.__index = Page

--- The page, with a project: a folder, an empty database, and copies of files or folders of the repository in it.
---@param path string below the root
---@param copied? string[]
---@return support.ExecutedPage
function M.open(path, copied)
  local project = projects.new()
  for _, name in ipairs(copied or {}) do
    pghost.shell(("cp -r %s/%s %s/"):format(pghost.root, name, project.folder))
  end
  return setmetatable({ project = project, folder = project.folder, blocks = M.blocks(path) }, Page)
end

--- Its blocks alone.
---@param path string below the root
function M.blocks(path)
  return blocks_of(pghost.read(pghost.root .. "/" .. path))
end

function Page:close()
  self.project:remove()
end

local function execute(page, command)
  local place = page.project.folder .. "/place"
  local bin = pghost.path:match("^(.*)/")
  local out = pghost.shell(("export HOME=%s DATABASE_URL=%s PATH=%s:$PATH\ncd %s\n{\n%s\n} 2>&1; pwd >%s"):format(
    pghost.quote(page.project.folder), pghost.quote(page.project.dsn), pghost.quote(bin), pghost.quote(page.folder),
    command, place))
  page.folder = pghost.read(place):gsub("\n$", "")
  return out
end

--- Executes one block: runs commands and compares, or writes a file.
---@param i integer
function Page:execute(i)
  local block, following = self.blocks[i], self.blocks[i + 1]
  local path = block.before:match("`([%w_./-]+)`:$")
  if block.kind == "sh" then
    local out = execute(self, block.text)
    local wanted = following and following.kind == "" and following.text or ""
    assert(matches(lines_of(wanted), lines_of(out), 1, 1), block.text .. "printed:\n" .. out)
  elseif path then
    pghost.shell(("mkdir -p \"$(dirname %s)\""):format(pghost.quote(self.folder .. "/" .. path)))
    pghost.write(self.folder .. "/" .. path, block.text)
  end
end

return M
