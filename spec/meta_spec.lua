-- docs/meta/*.lua against what the native modules really register: every function of a module and
-- every method of a userdata type is documented, and nothing is documented that does not exist.
--
-- A meta file starts with `---@meta MODULE`. Functions belong to the class of their table
-- (`---@class NAME` above `local x = {}`); the table that the file returns is the module. A userdata
-- type with the metatable "pghost.native.load" is the class pghost.Load or pghost.native.Load.

local dir = require "pl.dir"
local file = require "pl.file"
local path = require "pl.path"
local tablex = require "pl.tablex"

local folder = path.abspath(path.dirname(arg[0]) .. "/../docs/meta")

-- A name for the type behind a metatable "pghost.native.load", or a class: "load". Classes of userdata
-- types begin with a capital, so that they are not taken for modules.
local function type_of_metatable(name)
  return name:match("^pghost%.native%.([%l_]+)$")
end

local function type_of_class(name)
  local last = name:match("^pghost%.(%u%w*)$") or name:match("^pghost%.native%.(%u%w*)$")
  return last and last:lower() or name
end

local function function_names(container, names)
  for key, value in pairs(container) do
    if type(key) == "string" and type(value) == "function" and not key:find("^__") then
      names[key] = true
    end
  end
  return names
end

-- The methods behind __index: a table of them, or a C function with such a table as an upvalue.
local function method_names(metatable)
  local index, names = metatable.__index, {}
  if type(index) == "table" then
    return function_names(index, names)
  elseif type(index) == "function" then
    local i = 1
    while true do
      local name, value = debug.getupvalue(index, i)
      if not name then
        return names
      end
      if type(value) == "table" then
        function_names(value, names)
      end
      i = i + 1
    end
  end
  return names
end

-- name -> set of function names, for modules and userdata types.
local function registered()
  local modules, types = {}, {}
  for name in pairs(package.preload) do
    if name:find("^pghost%.native%.") then
      modules[name] = function_names(require(name), {})
    end
  end
  for name, value in pairs(debug.getregistry()) do
    if type(name) == "string" and type_of_metatable(name) and type(value) == "table" and value.__name == name then
      local methods = method_names(value)
      types[type_of_metatable(name)] = next(methods) and methods -- a box of its module's own has none
    end
  end
  return modules, types
end

-- Parameters without an `---@param`, or a function without any comment.
local function undocumented_parts(parameters, comment)
  local gaps = {}
  if comment == "" then
    gaps[1] = "no comment"
  end
  for parameter in parameters:gmatch("[%w_.]+") do
    if not comment:find("@param " .. parameter:gsub("%.", "%%.") .. "[%s?]") then
      gaps[#gaps + 1] = "no @param " .. parameter
    end
  end
  return gaps
end

-- Reads one meta file into docs = { functions = class -> set, fields = class -> set of function
-- fields, classes = set, gaps = list }.
local function read_meta(name, docs)
  local text = file.read(name)
  assert(load(text, "@" .. name))
  local module = text:match("^%-%-%-@meta%s+([%w_.]+)")
  assert(module, name .. " does not start with ---@meta MODULE")
  local class_of = { [text:match("\nreturn ([%w_]+)%s*$") or false] = module }
  docs.classes[module] = true
  local class, comment = nil, ""
  for line in text:gmatch("[^\n]*") do
    local documented = line:match("^%-%-%-(.*)")
    local class_name = line:match("^%-%-%-@class%s+([%w_.]+)")
    local field = class and line:match("^%-%-%-@field%s+([%w_]+)%??%s+fun%f[%W]")
    local variable = line:match("^local ([%w_]+) = {}")
    local owner, method, parameters = line:match("^function ([%w_]+)[.:]([%w_]+)(%b())")
    if class_name then
      class = type_of_class(class_name)
      docs.classes[class] = true
    elseif field then
      docs.fields[class] = docs.fields[class] or {}
      docs.fields[class][field] = true
    elseif variable then
      class_of[variable] = class_of[variable] or class
    elseif owner then
      local of = assert(class_of[owner], name .. ": '" .. owner .. "' has no ---@class")
      docs.functions[of] = docs.functions[of] or {}
      docs.functions[of][method] = true
      for _, gap in ipairs(undocumented_parts(parameters, comment)) do
        docs.gaps[#docs.gaps + 1] = ("%s.%s: %s"):format(of, method, gap)
      end
    end
    comment = documented and comment .. line .. "\n" or ""
    class = documented and class or nil
  end
end

local function documented()
  local docs = { functions = {}, fields = {}, classes = {}, gaps = {} }
  for _, name in ipairs(dir.getfiles(folder, "*.lua")) do
    read_meta(name, docs)
  end
  return docs
end

local function sorted(set)
  local list = tablex.keys(set or {})
  table.sort(list)
  return list
end

describe("docs/meta", function()
  local modules, types = registered()
  local docs = documented()

  local function documented_functions(class)
    return sorted(tablex.merge(docs.functions[class] or {}, docs.fields[class] or {}, true))
  end

  for name, functions in pairs(modules) do
    it("documents the module " .. name .. " and no more than it has", function()
      assert.is_true(docs.classes[name], "no file with ---@meta " .. name)
      assert.same(sorted(functions), documented_functions(name))
    end)
  end

  for name, methods in pairs(types) do
    it("documents the type " .. name .. " and no more than it has", function()
      assert.is_true(docs.classes[name], "no ---@class " .. name)
      assert.same(sorted(methods), documented_functions(name))
    end)
  end

  it("gives functions to nothing that is not registered", function()
    for class in pairs(docs.functions) do
      assert.is_truthy(modules[class] or types[class], class .. " is no module and no userdata type")
    end
  end)

  it("comments every function and annotates every parameter", function()
    assert.same({}, docs.gaps)
  end)

  it("documents the globals of the prompt and no more than it has, with the fields of a run and a reject", function()
    local text, globals, fields = file.read(folder .. "/prompt.lua"), {}, {}
    for comment, name in text:gmatch("%-%-%-@type ([^\n]+)\n([%w_]+) = nil") do
      globals[name] = comment
    end
    for class in text:gmatch("%-%-%-@class pghost.prompt.%w+[^\n]*\n.-\n\n") do
      for name in class:gmatch("%-%-%-@field ([%w_]+)%?? ") do
        fields[class:match("prompt.(%w+)") .. "." .. name] = true
      end
    end
    local expected = require("pghost.prompt.live").names()
    table.insert(expected, "conn")
    table.sort(expected)
    assert.same(expected, sorted(globals))
    for _, name in ipairs { "LastRun.run_id", "LastRun.pipeline", "Reject.original", "Which.rule" } do
      assert.is_true(fields[name], name)
    end
  end)

  it("was compared with the modules of this host", function()
    assert.is_not_nil(modules["pghost.native.sys"])
  end)
end)
