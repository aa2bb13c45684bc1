-- docs/ARCHITECTURE.md: the rooms, modules, files and folders that it names exist, and it names each folder of the
-- sources.

local pghost = require "support.pghost"

local text = pghost.read(pghost.root .. "/docs/ARCHITECTURE.md")

-- { "scripts/", "scripts/pipeline.lua", ... }: what is in git, or could be.
local function paths()
  local found = pghost.shell(("cd %s && find .ci bench bindings cmake data docs host scripts spec sql "
    .. "-name node_modules -prune -o -type d -printf '%%p/\\n' -o -print && ls *.* LICENSE packages.txt"):format(
    pghost.root))
  local list = {}
  for path in found:gmatch("[^\n]+") do
    list[#list + 1] = path
  end
  return list
end

-- Names in `list` that are folders of `where`, or files without their ending.
local function names_in(where, kind)
  local names = {}
  local found = pghost.shell(("cd %s/%s && find * -maxdepth 0 -type %s"):format(pghost.root, where, kind))
  for name in found:gmatch("%S+") do
    names[#names + 1] = name:gsub("%.lua$", "")
  end
  table.sort(names)
  return names
end

local function sorted(iterator)
  local names = {}
  for name in iterator do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local section = text:match("\n## The rooms of the library\n(.-)\n## ")
local picture = section:match("```\n(.-)```")

describe("the picture of the rooms", function()
  it("has the modules at the door", function()
    local door = picture:match("scripts/pghost/\n(.-)\n   command/"):gsub("the door:[^\n]*", "")
    assert.same(names_in("scripts/pghost", "f"), sorted(door:gmatch("%l+")))
  end)

  it("has the rooms, and the table too", function()
    local rooms = names_in("scripts/pghost", "d")
    local names = picture:gsub("^.-scripts/pghost/", "")
    assert.same(rooms, sorted(names:gmatch("(%l+)/")))
    assert.same(rooms, sorted(section:gmatch("\n| `(%l+)/` |")))
  end)
end)

describe("docs/ARCHITECTURE.md", function()
  it("names files and folders that exist", function()
    local all, wrong, count = "\n/" .. table.concat(paths(), "\n/") .. "\n", {}, 0
    for name in text:gmatch("`([%w_./-]+)`") do
      if name:find("%.lua$") or name:find("%.[ch]$") or name:find("%.md$") or name:find("/$") then
        count = count + 1
        wrong[#wrong + 1] = not all:find("/" .. name .. "\n", 1, true) and name or nil
      end
    end
    assert.is_true(count > 60)
    assert.same({}, wrong)
  end)

  -- Folders of specs' and users' own files are named by the one they are in.
  it("names every folder of the sources", function()
    local missing, count = {}, 0
    for _, path in ipairs(paths()) do
      local name = path:match("([^/]+)/$")
      local parent = path:match("^([%w.]+)/.")
      if name and not (parent and (parent == "spec" or parent == "data" or parent == "docs")) then
        count = count + 1
        missing[#missing + 1] = not text:find("[`/ ]" .. name:gsub("%p", "%%%0") .. "[`/]") and path or nil
      end
    end
    assert.is_true(count > 40)
    assert.same({}, missing)
  end)
end)
