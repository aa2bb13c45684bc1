-- Every feature over every kind of table of a Citus cluster: the result is the one that local tables have.
-- The table in docs/SCALE.md is this list.

local assert = require "luassert"
local busted = require "busted"
local citus = require "support.citus"
local features = require "support.citus_features"
local project = require "support.project"

-- The text of each feature, by its name; a failure is its text.
local function all_of(kind)
  local database <close> = citus.database()
  local here = project.new({}, database.dsn)
  local texts = {}
  for _, one in ipairs(features.list) do
    local _, text = pcall(features.run, one, here, database, kind)
    texts[one.name] = tostring(text):gsub("_" .. kind.name:gsub("%W", "_"), "_KIND")
  end
  here:remove()
  return texts
end

citus.describe("every feature over tables of a cluster", function()
  local expected

  busted.setup(function()
    expected = all_of(features.kinds[1])
    for name, text in pairs(expected) do
      assert(not text:find("exit code", 1, true), name .. ": " .. text)
    end
  end)

  for i = 2, #features.kinds do
    busted.it("works where the tables are " .. features.kinds[i].name, function()
      assert.same(expected, all_of(features.kinds[i]))
    end)
  end
end)
