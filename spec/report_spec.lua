-- pghost report: the page, in a headless Chromium.

local browser = require "support.browser"
local fixture = require "support.fixture"
local project = require "support.project"

local here

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = "." })
  run:load("item", "item*.csv", r.table("item", { { "id", r.bigint():trim():required() }, { "name", r.text() } },
    { key = "id" }))
  %s
]]

local function run_pipeline(body, ...)
  here:write("pipeline.lua", script:format(body or "run:publish()"))
  return here:run("pipeline.lua", { ... })
end

-- The page of the last run, as it is in its file.
local function page_of(...)
  local out, err, code = here:pghost("report", "-o", "report.html", ...)
  assert.equal("", err)
  assert.equal(0, code)
  assert.matches("^run %d+ of '%a+': report.html\n$", out)
  return here:read "report.html"
end

local function open(options)
  return browser.open(here.folder .. "/report.html", options)
end

-- It renders, complains of nothing and has no barrier.
local function is_sound(options)
  local page = open(options)
  assert.same({}, page.console)
  assert.truthy(page.dom:find("</footer>", 1, true))
  local found, problem = browser.barriers(here.folder .. "/report.html", options)
  if not found then
    pending(problem)
  end
  assert.same({}, found)
  return page.dom
end

fixture.each(function(keep)
  here = keep(project.new { ["item.csv"] = "id,name\n1,a\n 2 ,b\nx,c\n1,d\n5,e,f\n" })
end)

describe("pghost report", function()
  it("says the outcome first, and where each record went", function()
    assert.equal(0, (select(2, run_pipeline())))
    local page = page_of()
    assert.truthy(page:find("Published: 2 of 5 records are in 1 table; 3 (60 %) were left out, each with its reason.",
      1,
      true))
    assert.truthy(page:find("adds up", 1, true))
    assert.truthy(page:find("item.csv:4", 1, true))
    assert.truthy(page:find("<pre>5,e,f</pre>", 1, true))
    local dom = is_sound()
    assert.truthy(dom:find('<button type="button">', 1, true)) -- the script has run
  end)

  it("has no barrier in the dark and on a phone either", function()
    run_pipeline()
    page_of()
    is_sound { dark = true, width = 390 }
  end)

  it("loads nothing: its policy allows its own style and script, by their hashes", function()
    run_pipeline()
    local page = page_of()
    assert.truthy(page:find("content=\"default%-src 'none'; style%-src 'sha256%-[%w+/=]+'; "
      .. "script%-src 'sha256%-[%w+/=]+'; base%-uri 'none'; form%-action 'none'\""))
    assert.falsy(page:find "%shref=\"[^#]")
    assert.falsy(page:find "%ssrc=")
    assert.falsy(page:find "%sstyle=")
    assert.falsy(page:find "%son%w+=")
  end)

  it("draws answers by their shape, with what the server says they read", function()
    here:pghost("-e", "require('lfs').mkdir('sql')")
    here:write("sql/by_name.sql", "-- How many of each name?\nSELECT name, count(*) AS n FROM item AS i GROUP BY name")
    here:write("sql/by_day.sql", "SELECT '2024-01-01'::date + id::int AS day, id FROM (SELECT id FROM item) AS x")
    here:write("sql/none.sql", "-- chart: none\nSELECT name, id FROM item")
    here:write("sql/wrong.sql", "-- chart: bar nme id\nSELECT name, id FROM item")
    assert.equal(0, (select(2, run_pipeline 'run:analyse "sql" run:publish()')))
    local page = page_of()
    local function article(name)
      return page:match('<article class="answer" id="answer%-' .. name .. '">(.-)</article>')
    end
    assert.truthy(article("by_name"):find('<ul class="bars">', 1, true))
    assert.truthy(article("by_name"):find("How many of each name?", 1, true))
    assert.truthy(article("by_name"):find("<strong>item</strong>: name</li>", 1, true), article "by_name")
    assert.truthy(article("by_day"):find('class="line s1"', 1, true))
    assert.truthy(article("by_day"):find("2024-01-02", 1, true))
    assert.falsy(article("none"):find('<svg', 1, true))
    assert.truthy(article("wrong"):find("chart: no column &#39;nme&#39;: did you mean &#39;name&#39;?", 1, true))
    is_sound()
  end)

  it("does nothing of what names and values say", function()
    local evil = [[<script>document.title="owned"</script><img src=x onerror="document.title='owned'">]]
    here:write("item'<script>.csv", 'id,name\n7,"' .. evil:gsub('"', '""') .. '"\n8,]]>\n9,a\u{202e}b\n10,'
      .. ("z"):rep(10240) .. "\n11,\\0\n\"<b>\",'\"\n\xff,x\n")
    here:pghost("-e", "require('lfs').mkdir('sql')")
    here:write("sql/answer.sql",
      "-- <script>document.title='owned'</script>\nSELECT name AS \"<img src=x>\", count(*) AS n\n"
      .. "FROM item GROUP BY 1")
    local err, code = run_pipeline([[
      run:check { check.holds("item", "id < 0 OR '<script>' = '\"'", { severity = "warn" }) }
      run:analyse "sql"
      run:publish()]])
    assert.equal(0, code, err)
    local page = page_of()
    assert.falsy(page:find("<img", 1, true))
    assert.falsy(page:find("\u{202e}", 1, true))
    assert.truthy(page:find("a\\u{202e}b", 1, true))
    assert.equal(1, (select(2, page:gsub("<script", ""))))
    assert.truthy(#page < 200000)
    local dom = is_sound()
    assert.falsy(dom:find("<title>owned", 1, true))
  end)

  it("stays small with many rejects", function()
    local lines = { "id,name" }
    for i = 1, 200000 do
      lines[i + 1] = "x" .. i .. ",n"
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n1,a\n")
    run_pipeline()
    local page = page_of()
    assert.truthy(page:find("1 of 200,001 records are in 1 table; 200,000 (&gt; 99.9 %) were left out", 1, true))
    assert.truthy(#page < 100000, #page)
    is_sound()
  end)

  it("shows 400 checks, those that failed first", function()
    local code = select(2, run_pipeline [[
      local list = {}
      for i = 1, 400 do
        list[i] = { name = "check " .. i, severity = "warn", sql = "SELECT 1 WHERE " .. tostring(i % 100 == 0) }
      end
      run:check(list)
      run:publish()]])
    assert.equal(0, code)
    local page = page_of()
    assert.truthy(page:find("Checks: 398 of 402 passed", 1, true))
    assert.truthy(page:find("check 100", 1, true) < page:find(">check 1<", 1, true))
    assert.truthy(#page < 300000, #page)
    is_sound()
  end)

  it("shows 200 columns", function()
    local names, values, rules = {}, {}, {}
    for i = 1, 200 do
      names[i], values[i] = "c" .. i, ("%d"):format(i)
      rules[i] = ('{ "c%d", r.%s() }'):format(i, i % 2 == 0 and "integer" or "text")
    end
    here:write("wide.csv", table.concat(names, ",") .. "\n" .. (table.concat(values, ",") .. "\n"):rep(50))
    local err, code = run_pipeline(('run:load("wide", "wide.csv", r.table("wide", { %s })) run:publish()')
      :format(table.concat(rules, ", ")))
    assert.equal(0, code, err)
    local page = page_of()
    assert.truthy(page:find('<th scope="row">c200</th>', 1, true))
    assert.truthy(#page < 300000, #page)
    is_sound()
  end)

  it("tells of runs that published nothing", function()
    here:write("item.csv", "id,name\n1,a\n")
    assert.equal(4, (select(2, run_pipeline 'run:check { check.holds("item", "id > 1") } run:publish()')))
    assert.truthy(page_of():find("Failed, nothing was published: 1 check failed", 1, true))
    is_sound()
    run_pipeline(nil, "--dry-run")
    local page = page_of()
    assert.truthy(page:find("Dry run: all 1 record would be in 1 table; nothing was published, as asked.", 1, true))
    assert.truthy(page:find("No record was rejected", 1, true))
    is_sound()
    run_pipeline "require('pghost.native.sys').sleep(0.1) os.exit(9, false)"
    assert.truthy(page_of():find("Killed before its end, nothing was published.", 1, true))
    is_sound()
  end)
end)
