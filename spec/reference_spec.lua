-- docs/reference: as the annotations and tables are now, and about every public function its types, an example that
-- is Lua, and its errors. What is public is named in manual/reference.lua, and held here against the modules.

local check = require "pghost.check"
local pghost = require "support.pghost"
local r = require "pghost.rules"
local reference = require "pghost.manual.reference"

local function functions()
  local list = {}
  for _, source in ipairs(reference.sources) do
    for _, one in ipairs(reference.functions(source)) do
      list[#list + 1] = one
    end
  end
  return list
end

local function documented(prefix)
  local names = {}
  for _, one in ipairs(functions()) do
    local name = one.call:match("^" .. prefix:gsub("%.", "%%.") .. "([%w_]+)$")
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function functions_of(container)
  local names = {}
  for name, value in pairs(container) do
    names[#names + 1] = type(value) == "function" and not name:find("^__") and name or nil
  end
  table.sort(names)
  return names
end

describe("docs/reference", function()
  local folder = pghost.root .. "/docs/reference/"

  it("is what its sources say now (else: cmake --build build --target reference)", function()
    local pages = reference.pages()
    local names = {}
    for name in pghost.shell("ls " .. folder):gmatch("%S+") do
      names[name] = true
      assert.is_string(pages[name], name .. " has no source any more")
    end
    for name, text in pairs(pages) do
      assert.is_true(names[name], name .. " is missing")
      assert.is_true(text == pghost.read(folder .. name), name .. " is stale: cmake --build build --target reference")
    end
  end)

  for _, one in ipairs(functions()) do
    it("says of " .. one.call .. " what it takes, an example, and its errors", function()
      local entry = one.entry
      assert.matches("%w", entry.text)
      for _, name in ipairs(entry.parameters) do
        assert.is_string(entry.types[name], "no @param " .. name)
      end
      assert.is_string(entry.example, "no line 'Example: ...'")
      assert(load(entry.example) or load("return " .. entry.example))
      assert.is_string(entry.errors, "no line 'Errors: ...'")
    end)
  end

  it("has every function of rules, columns and row rules", function()
    assert.same(functions_of(r), documented "r.")
    assert.same(functions_of(r.value), documented "r.value.")
    assert.same(functions_of(getmetatable(r.text()).__index), documented "column:")
  end)

  it("has every check, and no function that is not one", function()
    local hidden = { evaluate = true, raise_failed = true, record = true, run = true }
    local names = {}
    for _, name in ipairs(functions_of(check)) do
      names[#names + 1] = not hidden[name] and name or nil
    end
    assert.same(names, documented "check.")
  end)

  it("has examples of rules and checks that are such", function()
    local run = 0
    for _, one in ipairs(functions()) do
      local example = one.entry.example
      if one.call:find("^r%.[%l_]+$") or one.call:find("^column:") or one.call:find("^check%.") then
        local value = assert(load("return " .. example, example, "t", { r = r, check = check }))()
        run = run + 1
        assert.is_true(value ~= nil, example)
        if one.call:find("^check%.") then
          assert.is_true(type(value.name) == "string" and value.kind == one.call:match "%.(.*)$")
        end
      end
    end
    assert.is_true(run > 50)
  end)

  it("names every command, setting, option of the dialect, and table of the schema", function()
    local function has(page, text)
      assert.matches(text, pghost.read(folder .. page), 1, true)
    end
    for _, name in ipairs(require("pghost.manual.commands").names()) do
      has("commands.md", "## pghost " .. name .. "\n")
    end
    for _, setting in ipairs(require("pghost.run.settings").list) do
      has("settings.md", "| `" .. setting.name .. "` |")
    end
    for _, option in ipairs(require("pghost.input.dialect").options) do
      has("dialect.md", "| `" .. option.name .. "` |")
    end
    local server = require("support.server").get()
    local conn <close> = require("pghost.connection").open { dsn = server:database() }
    require("pghost.run.schema").migrate(conn)
    local page = pghost.read(folder .. "schema.md")
    for row in conn:stream([[
      SELECT c.relname AS name, a.attname AS column, pg_catalog.col_description(c.oid, a.attnum) AS comment
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind IN ('r', 'v') AND NOT a.attisdropped]]) do
      local section = page:match("\n## pghost%." .. row.name .. "\n(.-)\n## ")
        or page:match("\n## pghost%." .. row.name .. "\n(.*)$")
      assert.is_string(section, "no table " .. row.name)
      assert.matches(("| `%s` | %s |"):format(row.column, (row.comment or "?"):gsub("|", "\\|")), section, 1, true)
    end
  end)
end)
