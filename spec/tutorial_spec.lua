-- docs/TUTORIAL.md and docs/howto/: each of their commands is executed, each of their files written, and what they
-- print compared.

local executed_page = require "support.executed_page"
local fixture = require "support.fixture"
local pghost = require "support.pghost"

-- What is not executed, and why.
local elsewhere = {
  ["docs/howto/docker.md"] = "howto_addresses_spec.lua runs its blocks without Docker",
}

local function titled(block)
  return (block.kind == "sh" and block.text or block.before):gsub("%s+", " ")
end

local function execute_all(path, copied)
  describe(path, function()
    local page

    fixture.once(function(keep)
      page = keep(executed_page.open(path, copied))
    end)

    for i, block in ipairs(executed_page.blocks(path)) do
      if block.kind ~= "" then
        it(("block %d: %s"):format(i, titled(block)), function()
          page:execute(i)
        end)
      end
    end
  end)
end

execute_all("docs/TUTORIAL.md", { "data" })

for name in pghost.shell(("cd %s && ls docs/howto/[a-z]*.md"):format(pghost.quote(pghost.root))):gmatch "%S+" do
  if not elsewhere[name] then
    execute_all(name, {})
  end
end

describe("the tutorial", function()
  it("has blocks of each kind", function()
    local count = {}
    for _, block in ipairs(executed_page.blocks "docs/TUTORIAL.md") do
      count[block.kind] = (count[block.kind] or 0) + 1
    end
    assert.is_true(count.sh >= 9 and count[""] >= 9 and count.lua == 2 and count.sql == 1)
  end)
end)
