-- The project of pghost init in an editor with the Lua language server, which is not installed here: the folders that
-- its .luarc.json names are there, the modules that the project requires are found in them, every type that an
-- annotation there uses is defined there, and so is everything that the project's files call.

local annotations = require "pghost.manual.annotations"
local cjson = require "cjson"
local fixture = require "support.fixture"
local lists = require "pghost.lib.lists"
local pghost = require "support.pghost"
local projects = require "support.project"
local types = require "support.annotated_types"

local project, library

fixture.once(function(keep)
  project = keep(projects.new())
  project:write("orders.csv", "order_id,customer_id,ordered,amount\n1,1,2024-03-01,2.50\n2,1,2024-03-02,3.10\n"
    .. "3,2,2024-03-05,1.00\n")
  project:write("customers.csv", "customer_id,name\n1,Ann\n2,Bob\n3,Cem\n")
  local _, err, code = project:init("orders.csv", "customers.csv", "--into", "p")
  assert.same({ "", 0 }, { err, code })
  library = cjson.decode(project:read "p/.luarc.json")["workspace.library"]
end)

-- Path and text of each source in the library.
local function sources()
  local list = {}
  for _, folder in ipairs(library) do
    for path in pghost.shell(("find %s -name '*.lua'"):format(pghost.quote(folder))):gmatch "[^\n]+" do
      list[#list + 1] = { path = path, text = pghost.read(path) }
    end
  end
  return list
end

-- Where `runtime.path` finds a module in the library; a meta file names its own.
local function find_module(name)
  for _, source in ipairs(sources()) do
    local ending = "/" .. name:gsub("%.", "/")
    if source.path:sub(-#ending - 4) == ending .. ".lua" or source.path:sub(-#ending - 9) == ending .. "/init.lua"
      or source.text:match "^%-%-%-@meta%s+([%w_.]+)" == name then
      return source
    end
  end
end

describe("the settings of an editor", function()
  it("name folders that are there", function()
    assert.equal(2, #library)
    for _, folder in ipairs(library) do
      assert.equal("directory\n", pghost.shell(("stat -c %%F %s"):format(pghost.quote(folder))))
    end
    assert.is_true(#sources() > 200)
  end)

  it("lead to every module that the project requires, its own aside", function()
    local found = 0
    for name in pghost.shell(("cat %s/p/*.lua %s/p/*/*.lua"):format(project.folder, project.folder))
      :gmatch 'require "(pghost[%w_.]*)"' do
      assert.truthy(find_module(name), name)
      found = found + 1
    end
    assert.is_true(found >= 4)
    assert.truthy(find_module "pghost.native.csv")
  end)

  it("lead to a definition of every type that an annotation uses", function()
    local defined, used = types.defined(sources()), types.used(sources())
    local missing = {}
    for name, place in pairs(used) do
      missing[#missing + 1] = not defined[name] and ("%s: '%s'"):format(place, name) or nil
    end
    table.sort(missing)
    assert.same({}, missing)
    for _, name in ipairs { "pghost.Column", "pghost.Run", "pghost.Check", "pghost.Dialect" } do
      assert.is_true(used[name] ~= nil and defined[name], name)
    end
  end)

  it("lead to every function that the project calls", function()
    local function names_of(module, wanted)
      local names = {}
      for _, entry in ipairs(annotations.read(find_module(module).text)) do
        names[entry.name] = wanted(entry) or names[entry.name]
      end
      return names
    end
    local function is_any() return true end
    local known = { r = names_of("pghost.rules", is_any), check = names_of("pghost.check", is_any),
      run = lists.merged(names_of("pghost.run", is_any)), pipeline = names_of("pghost.pipeline", is_any),
      column = names_of("pghost.rules.column", is_any) }
    local seen = {}
    local text = pghost.shell(("cat %s/p/*.lua %s/p/rules/*.lua"):format(project.folder, project.folder))
    for owner, name in text:gmatch "%f[%w_](%l+)[.:](%l[%w_]*)%(" do
      seen[owner] = known[owner] and true or nil
      assert.is_true(not known[owner] or known[owner][name] == true, owner .. "." .. name)
    end
    for name in text:gmatch "%):(%l[%w_]*)%(" do
      assert.is_true(known.column[name] == true, "column:" .. name)
    end
    assert.same({ r = true, check = true, run = true, pipeline = true }, seen)
  end)
end)
