-- The report's part on checks: what breaks them, whom to ask, those that prove nothing; and lineage by column.

local fixture = require "support.fixture"
local projects = require "support.project"

local here

fixture.once(function(keep)
  here = keep(projects.new { ["item.csv"] = "id,gone,name\n1,,a\n2,,a\n3,,b\n", ["pipeline.lua"] = [[
    local r = require "pghost.rules"
    local check = require "pghost.check"
    local run <close> = require("pghost.pipeline").start("shop", { data = "." })
    run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "gone", r.text() }, { "name", r.text() } }))
    run:check {
      check.accepted_values("item.name", { "<b>" },
        { severity = "warn", owner = "ann <x>", description = "names & co" }),
      check.pattern("item.gone", "^x"),
      check.avg("item.id", 1, 3),
    }
    run:analyse("sql")
    run:publish()]] })
  os.execute("mkdir " .. here.folder .. "/sql")
  here:write("sql/names.sql", "SELECT name, max(id) AS last FROM item GROUP BY name")
  local err, code = here:run "pipeline.lua"
  assert.equal(0, code, err)
  here:pghost("report", "-o", "report.html")
end)

-- The page without what only phones show.
local function page_text()
  return (here:read("report.html"):gsub(' data%-label="[^"]*"', ""))
end

describe("the report", function()
  it("shows of a check that failed what breaks it, whom to ask, and the SQL of all rows, escaped", function()
    local row = page_text():match '<tr><th scope="row">item.name [^\n]*<span class="tag warn">.-</tr>'
    assert.matches('<td class="n">3</td><td class="n">3</td>', row, 1, true)
    assert.matches('names &amp; co</span><br><span class="count">Owner: ann &lt;x&gt;</span>', row, 1, true)
    assert.matches("<summary>SQL of all rows</summary><pre>SELECT ", row, 1, true)
    assert.falsy(row:find("<b>", 1, true))
  end)

  it("shows equal samples once, with their number", function()
    local row = page_text():match '<tr><th scope="row">item.name [^\n]*<span class="tag warn">.-</tr>'
    local times = 0
    for _ in row:gmatch "name a[,<]" do
      times = times + 1
    end
    assert.is_true(times <= 2, row)
  end)

  it("sets those that prove nothing apart, with the reason", function()
    local page = page_text()
    assert.matches("<h2 id=\"checks%-title\">Checks: 4 of 5 passed</h2>", page)
    local row = page:match '<tr><th scope="row">item.gone [^\n]*</tr>'
    assert.matches('<span class="tag">proves nothing</span>', row, 1, true)
    assert.matches("column &#39;gone&#39; is always null", row, 1, true)
  end)

  it("shows what was measured", function()
    local row = page_text():match '<tr><th scope="row">[^\n<]*item%.id[^\n]*</tr>'
    assert.matches('<td class="n">2</td>', row)
  end)

  it("says what each column of an answer comes from", function()
    local page = page_text()
    assert.matches('<th scope="row">last</th><td>aggregated from</td><td>item.id</td>', page, 1, true)
    assert.matches('<span class="null">which rows</span></th><td>one row for each</td><td>item.name</td>', page, 1,
      true)
  end)
end)
