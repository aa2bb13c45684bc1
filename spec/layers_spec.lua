-- Which C file includes which: no circles, and no layer that knows one above it. No two modules of one name.

local root = arg[0]:gsub("[^/]*$", "") .. "../"

local function lines(command)
  local pipe <close> = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  return list
end

-- Paths below the root: bindings/csv/reader.c.
local function sources()
  return lines(("cd %s && find bindings host -name '*.[ch]' | sort"):format(root))
end

-- Units of one subject in two files, which could only call each other through a third.
local together = {
  ["bindings/sniff/formats"] = "bindings/sniff/columns", -- finds formats for the columns it is called from
}

-- x.c and x.h are one unit, and x_internal.h, which is theirs alone.
local function unit_of(path)
  local unit = path:gsub("%.[ch]$", ""):gsub("_internal$", "")
  return together[unit] or unit
end

local function exists(path)
  local file = io.open(root .. path)
  return file ~= nil and file:close()
end

-- The files that `path` includes by name, of ours and of others: { "csv/reader.h", ... }.
local function includes(path)
  local ours, others = {}, {}
  for line in io.lines(root .. path) do
    local name = line:match('^#include "(.-)"')
    others[#others + 1] = line:match("^#include <(.-)>")
    for _, folder in ipairs(name and { path:match("^.*/"), "bindings/", "host/" } or {}) do
      if exists(folder .. name) then
        ours[#ours + 1] = folder .. name
        break
      end
    end
  end
  return ours, others
end

local function graph()
  local edges = {}
  for _, path in ipairs(sources()) do
    local from = unit_of(path)
    edges[from] = edges[from] or {}
    for _, included in ipairs((includes(path))) do
      local to = unit_of(included)
      if to ~= from then
        edges[from][to] = true
      end
    end
  end
  return edges
end

-- One way round, "a -> b -> a"; nil: there is none.
local function find_circle(edges)
  local state, way = {}, {}
  local function visit(unit)
    state[unit] = "open"
    way[#way + 1] = unit
    for to in pairs(edges[unit] or {}) do
      if state[to] == "open" then
        return table.concat(way, " -> ") .. " -> " .. to
      end
      local circle = not state[to] and visit(to)
      if circle then
        return circle
      end
    end
    way[#way] = nil
    state[unit] = "done"
  end
  for unit in pairs(edges) do
    local circle = not state[unit] and visit(unit)
    if circle then
      return circle
    end
  end
end

-- What each folder of bindings/ may include besides itself.
local below = {
  base = {},
  csv = { base = true },
  archive = { base = true, csv = true },
  rules = { base = true },
  pg = { base = true },
  sniff = { base = true, csv = true, rules = true },
  profile = { base = true, rules = true },
  load = { base = true, csv = true, rules = true, pg = true, profile = true },
  server = { base = true, pg = true },
  remote = { base = true },
  lua = { base = true, csv = true, rules = true, pg = true, sniff = true, load = true, profile = true,
    server = true, remote = true },
}

describe("the C sources", function()
  it("are seen", function()
    local edges = graph()
    assert.is_true(#sources() > 100)
    assert.is_true(edges["bindings/csv/source"]["bindings/csv/reader"])
    assert.is_string(find_circle { a = { b = true }, b = { a = true } })
  end)

  it("include each other in no circle", function()
    assert.is_nil(find_circle(graph()))
  end)

  it("know only the layers below them", function()
    local wrong = {}
    for _, path in ipairs(sources()) do
      local folder = path:match("^bindings/(%w+)/")
      local ours, others = includes(path)
      for _, included in ipairs(ours) do
        local other = included:match("^bindings/(%w+)/") or "host"
        if folder and other ~= folder and not below[folder][other] then
          wrong[#wrong + 1] = path .. " includes " .. included
        end
      end
      for _, name in ipairs(others) do
        if folder and folder ~= "lua" and name:find("^l[ua][ux].*%.h$") then
          wrong[#wrong + 1] = path .. " includes <" .. name .. ">"
        end
      end
    end
    assert.same({}, wrong)
  end)
end)

-- Names of modules and rooms of the library: { report = { "report.lua", "report/" } }. Not those of subcommands:
-- scripts that the host runs by the name their user types, no modules.
local function library_names()
  local paths = lines(("cd %s/scripts/pghost && find * -type d -printf '%%p/\n' "
    .. "-o -name '*.lua' ! -name init.lua ! -path 'command/*' -print | sort"):format(root))
  local names = {}
  for _, path in ipairs(paths) do
    local name = path:match("([%w_]+)/$") or path:match("([%w_]+)%.lua$")
    names[name] = names[name] or {}
    table.insert(names[name], path)
  end
  return names, #paths
end

-- A room, with or without a module at the door.
local function is_one_subject(name, paths)
  local first, second = paths[1], paths[2]
  return #paths == 1 or #paths == 2 and first == name .. ".lua" and second == name .. "/"
    or #paths == 2 and first == name .. "/" and second == name .. ".lua"
end

describe("a module's name", function()
  it("leads to a file wherever it is required", function()
    local missing, count = {}, 0
    for _, path in ipairs(lines(("cd %s && find scripts cmake spec bench -name '*.lua'"):format(root))) do
      for line in io.lines(root .. path) do
        local name = line:match('^local [%w_]+ = require "(pghost%.[%l_.]+)"$')
        if name and not name:find("^pghost%.native%.") then
          local file = "scripts/" .. name:gsub("%.", "/")
          count = count + 1
          missing[#missing + 1] = not exists(file .. ".lua") and not exists(file .. "/init.lua")
            and path .. " requires " .. name or nil
        end
      end
    end
    assert.is_true(count > 500)
    assert.same({}, missing)
  end)

  it("is that of no other module or room", function()
    local names, count = library_names()
    local twice = {}
    for name, paths in pairs(names) do
      twice[#twice + 1] = not is_one_subject(name, paths) and table.concat(paths, ", ") or nil
    end
    assert.is_true(count > 300)
    assert.same({}, twice)
  end)

  it("is that of a subcommand only at the door, or as a room", function()
    local names, shared, wrong = library_names(), 0, {}
    for _, file in ipairs(lines(("ls %s/scripts/pghost/command"):format(root))) do
      local name = file:match("^(.*)%.lua$")
      for _, path in ipairs(names[name] or {}) do
        shared = shared + 1
        local at_the_door = path == file
        wrong[#wrong + 1] = not at_the_door and path:sub(-1) ~= "/" and "command/" .. file .. ", " .. path or nil
      end
    end
    assert.is_true(shared > 5)
    assert.same({}, wrong)
  end)

  it("is never that of a subcommand where a module is required", function()
    assert.same({}, lines(("cd %s && grep -rln 'require[ (]*\"pghost[.]command[.]' scripts spec bench"):format(root)))
  end)

  it("is that of no other C file, except the one that a Lua-facing file is the face of", function()
    local seen, twice, count = {}, {}, 0
    for _, path in ipairs(lines(("cd %s && find bindings host -name '*.c' ! -path 'bindings/lua/*'"):format(root))) do
      local name = path:match("[^/]*$")
      twice[#twice + 1] = seen[name] and seen[name] .. ", " .. path
      seen[name], count = path, count + 1
    end
    assert.is_true(count > 100)
    assert.same({}, twice)
  end)
end)
