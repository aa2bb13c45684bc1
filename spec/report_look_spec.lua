-- The look of a run's page: on a phone, on paper, and where a picture would say nothing.

local browser = require "support.browser"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local script = [[
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = require("pghost.pipeline").start("shop", { data = "." })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "seller", r.bigint() }, { "day", r.date() },
    { "name", r.text() }, { "price", r.numeric() } }))
  run:check { check.accepted_values("item.name", { "a", "b" }, { severity = "warn" }) }
  run:analyse("sql")
  run:publish()
]]

local function lines()
  local list = { "id,seller,day,name,price" }
  for i = 1, 300 do
    list[i + 1] = ("%d,%d,2024-%02d-%02d,%s,%.2f"):format(i, i == 300 and 900000000 or i % 290 + 1, i % 12 + 1,
      i % 28 + 1, i == 7 and "odd" or i % 2 == 0 and "a" or "b", i / 3)
  end
  return table.concat(list, "\n") .. "\nx,1,2024-01-01,a,1\n"
end

fixture.once(function(keep)
  here = keep(project.new { ["item.csv"] = lines(), ["pipeline.lua"] = script })
  pghost.shell("mkdir " .. here.folder .. "/sql")
  here:write("sql/by_month.sql", [[
-- How much is sold each month?
SELECT date_trunc('month', day)::date AS month, count(*) AS items, sum(price) * 1000 AS cents FROM item GROUP BY 1]])
  here:write("sql/two.sql", [[
-- How many, how old?
SELECT date_trunc('month', day)::date AS month, count(*) AS items, count(DISTINCT name) AS names, 9 AS nine
FROM item GROUP BY 1]])
  assert.same(0, (select(2, here:run "pipeline.lua")))
  assert.same(0, (select(3, here:pghost("report", "-o", "report.html"))))
end)

-- The page with a script of the spec's own in it, which its policy would not allow.
local function measured(width, javascript)
  local page = here:read "report.html"
  page = page:gsub("<meta http%-equiv=[^>]*>", ""):gsub("</body>", function()
    return "<script>document.body.dataset.measured = String(" .. javascript .. ")</script></body>"
  end)
  here:write("measured.html", page)
  local dom = browser.open(here.folder .. "/measured.html", { width = width }).dom
  return dom:match 'data%-measured="([^"]*)"'
end

local function visible(selector)
  return ('[...document.querySelectorAll("%s")].filter((e) => e.getClientRects().length > 0).length'):format(selector)
end

describe("on a phone", function()
  it("nothing is wider than the screen, and nothing scrolls sideways", function()
    assert.same("true", measured(390, "document.documentElement.scrollWidth <= innerWidth"))
    assert.same("", measured(390, [[
      [...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > e.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(e).overflowX)).map((e) => e.tagName)]]))
  end)

  it("the flow has each table below its file, with letters as large as on a wide page", function()
    local flow = visible "svg.flow"
    assert.same("1", measured(390, flow))
    assert.same("1", measured(1400, flow))
    assert.same("true", measured(390, [[(() => {
      const boxes = [...document.querySelectorAll("svg.flow.narrow rect")].map((e) => e.getBoundingClientRect());
      const text = document.querySelector("svg.flow.narrow .name").getBoundingClientRect();
      return boxes.length === 5 && boxes.every((b, i) => i === 0 || b.top >= boxes[i - 1].bottom)
        && boxes.every((b) => b.right <= innerWidth) && text.height >= 12;
    })()]]))
    assert.same("item.csv 301 records|item_raw 301 rows as text|item 300 rows|by_month 12 rows|two 12 rows",
      measured(390, [[
      [...document.querySelectorAll("svg.flow.narrow g, svg.flow.narrow a")].map((e) => [...e.querySelectorAll("text")]
        .map((t) => t.textContent.split(" · ")[0]).join(" ")).join("|")]]))
  end)

  it("each cell says what it is, as the header is not seen", function()
    local before = [[getComputedStyle(document.querySelector('td[data-label="Rejected"]'), "::before").content]]
    assert.matches('Rejected', measured(390, before), 1, true)
    assert.same("none", measured(1400, before))
  end)

  it("charts are drawn anew and not made smaller", function()
    local narrow, all = visible "svg.chart.narrow", visible "svg.chart"
    local count = measured(390, narrow)
    assert.truthy(tonumber(count) > 0)
    assert.same(count, measured(390, all))
    assert.same("0", measured(1400, narrow))
    assert.same(count, measured(1400, all))
  end)
end)

describe("a picture", function()
  it("of series that would hide each other is one for each", function()
    local page = here:read "report.html"
    assert.matches('aria-label="items by month"', page, 1, true)
    assert.matches('aria-label="cents by month"', page, 1, true)
    assert.is_nil(page:find('aria-label="items, cents', 1, true))
  end)

  it("of values of which one is far away gives way to where most of them are", function()
    local page = here:read "report.html"
    local row = page:match '<th scope="row">seller</th>(.-)</tr>'
    assert.is_nil(row:find("<svg", 1, true), row)
    assert.matches('95 %% <span class="count">up to 2%d%d</span>', row)
    assert.matches('<th scope="row">id</th>.-<svg', page)
  end)

  it("of one run is none of the checks' history", function()
    assert.is_nil(here:read "report.html":find("This run", 1, true))
  end)
end)

it("lengths are whole, counts have separators, samples are words", function()
  local page = here:read "report.html"
  assert.matches("1 to 3 characters", (page:gsub('<span class="bound">(%d+)</span>', "%1")), 1, true)
  assert.matches("<code>[^<]*name odd, [^<]*</code>", page)
end)

it("on paper each part is whole, and no page is empty", function()
  local folder = pghost.folder()
  local _, err, code = pghost.shell(("timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir=%s/p "
    .. "--no-pdf-header-footer --print-to-pdf=%s/page.pdf file://%s/report.html"):format(folder, folder, here.folder))
  assert.same(0, code, err)
  local pdf = pghost.read(folder .. "/page.pdf")
  local pages = select(2, pdf:gsub("/Type%s*/Page[^s]", ""))
  assert.truthy(pages >= 2 and pages <= 7, pages)
  pghost.remove(folder)
end)

describe("a run that published nothing", function()
  it("is said once to have, and shows the columns as it loaded them", function()
    here:write("pipeline.lua", (script:gsub("run:check.-\n", 'run:check { check.holds("item", "price > 5") }\n', 1)))
    assert.same(4, (select(2, here:run "pipeline.lua")))
    here:pghost("report", "-o", "failed.html")
    local page = here:read "failed.html"
    assert.matches('<p class="sentence bad">Failed, nothing was published: 1 check failed: item: price &gt; 5</p>',
      page,
      1, true)
    assert.matches("Nothing of this run was published: the columns are as this run loaded them.", page, 1, true)
    assert.is_nil(page:find("no tables to look at", 1, true))
  end)
end)
