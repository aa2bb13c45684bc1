-- docs/TUTORIAL.md: each of its commands is executed, each of its files written, and what they print compared.
--
-- A block after a block of commands is what they print; a line `...` in it stands for any lines. Seconds, times, the
-- numbers of runs and the database's address are masked. A block of Lua or SQL after "`path`:" is written to that file.

local pghost = require "support.pghost"
local projects = require "support.project"

local function mask(line)
  line = line:gsub("of database '.-' on .*$", "of database"):gsub("%d+%.%d%d s", "N s")
  line = line:gsub("%d+%.%d+ seconds", "N seconds")
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

describe("the tutorial", function()
  local page = pghost.read(pghost.root .. "/docs/TUTORIAL.md")
  local blocks = blocks_of(page)
  local project, folder

  setup(function()
    project = projects.new()
    folder = project.folder
    pghost.shell(("cp -r %s/data %s/data"):format(pghost.root, folder))
  end)

  teardown(function()
    project:remove()
  end)

  local function execute(command)
    local place = project.folder .. "/place"
    local bin = pghost.path:match("^(.*)/")
    local out = pghost.shell(("export DATABASE_URL=%s PATH=%s:$PATH\ncd %s\n{\n%s\n} 2>&1; pwd >%s"):format(
      pghost.quote(project.dsn), pghost.quote(bin), pghost.quote(folder), command, place))
    folder = pghost.read(place):gsub("\n$", "")
    return out
  end

  it("has blocks of each kind", function()
    local count = {}
    for _, block in ipairs(blocks) do
      count[block.kind] = (count[block.kind] or 0) + 1
    end
    assert.is_true(count.sh >= 9 and count[""] >= 9 and count.lua == 2 and count.sql == 1)
  end)

  for i, block in ipairs(blocks) do
    if block.kind == "sh" then
      it("prints what " .. block.text:gsub("\n", " ") .. "prints", function()
        local out, wanted = execute(block.text), blocks[i + 1]
        if wanted and wanted.kind == "" then
          assert.is_true(matches(lines_of(wanted.text), lines_of(out), 1, 1), out)
        else
          assert.same("", out)
        end
      end)
    elseif block.kind == "lua" or block.kind == "sql" then
      local path = block.before:match("`([%w_./]+)`:$")
      it(("writes %s"):format(path), function()
        pghost.write(folder .. "/" .. path, block.text)
      end)
    end
  end
end)
