-- What a report tells of partitions.

local fixture = require "support.fixture"
local project = require "support.project"

describe("a report of partitioned tables", function()
  local here

  fixture.each(function(keep)
    here = keep(project.new { ["p.lua"] = [[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("shop", { data = ".", schema = "public" })
      run:load("item", os.getenv "FILE", r.table("item", { { "id", r.bigint():required() }, { "day", r.date() } },
        { key = { "id", "day" } }), { mode = os.getenv "MODE", partition = { by = "month", column = "day" } })
      run:publish()]] })
    here:write("a.csv", "id,day\n1,2026-01-05\n2,2026-02-01\n")
    here:write("b.csv", "id,day\n3,2026-02-07\n4,2026-05-01\n")
  end)

  local function report(file, mode)
    local pghost = require "support.pghost"
    local _, err, code = pghost.run({ "--dsn", here.dsn, "p.lua" }, { cd = here.folder,
      env = ("FILE=%s MODE=%s"):format(file, mode) })
    assert.equal(0, code, err)
    here:must(0, "report", "--markdown", "-o", "r.md")
    here:must(0, "report", "-o", "r.html")
    return here:read "r.md", here:read "r.html"
  end

  it("names those that were made and those that were replaced", function()
    local text, page = report("a.csv", "replace")
    assert.truthy(text:find("| item | month of day | 2 | 0 | item\\_p2026\\_01, item\\_p2026\\_02 |", 1, true), text)
    assert.truthy(page:find("item_p2026_01, item_p2026_02", 1, true))
    text, page = report("b.csv", "partitions")
    assert.truthy(text:find("| item | month of day | 1 | 1 | item\\_p2026\\_02, item\\_p2026\\_05 |", 1, true), text)
    assert.truthy(page:find("Partitioned by", 1, true))
  end)

  it("has no such table where nothing is partitioned", function()
    here:write("p.lua", (here:read("p.lua"):gsub(", partition = {.-}", "")))
    local text, page = report("a.csv", "replace")
    assert.is_nil(text:find("partitioned by", 1, true))
    assert.is_nil(page:find("Partitioned by", 1, true))
  end)
end)
