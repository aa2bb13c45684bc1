-- docs/sample-report.html, the report of the repository's sample that docs/REPORT.md shows: its structure is that of a
-- report of the sample made now. Its numbers of runs and its times are those of when it was made.

local browser = require "support.browser"
local pghost = require "support.pghost"
local projects = require "support.project"

-- Headings, ids and heads of tables in their order; figures and times are left out.
local function structure(page)
  local out = {}
  for tag, attributes, text in page:gmatch "<(%w+)([^>]*)>([^<]*)" do
    local id = attributes:match ' id="([^"]*)"'
    local head = tag == "h2" or tag == "h3" or tag == "th" and attributes:find('scope="col"', 1, true)
    if id or head then
      local words = head and text:gsub("%d[%d,.]*%a*", "N"):gsub("min N", ""):gsub(" runs?$", " runs") or ""
      out[#out + 1] = ("%s %s %s"):format(tag, id or "", words)
    end
  end
  return table.concat(out, "\n")
end

describe("docs/sample-report.html", function()
  local path = pghost.root .. "/docs/sample-report.html"

  it("is what the commands beside it give now (else: make it again, docs/REPORT.md)", function()
    local project = projects.new()
    pghost.shell(("cd %s && cp -r scripts sql data %s/ && rm -r %s/scripts/pghost"):format(pghost.quote(pghost.root),
      project.folder, project.folder))
    for _ = 1, 3 do
      local err, code = project:run "scripts/pipeline.lua"
      assert.equal(0, code, err)
    end
    project:pghost("report", "-o", "report.html")
    local page, committed = project:read "report.html", pghost.read(path)
    project:remove()
    assert.equal(structure(page), structure(committed))
    for _, part in ipairs { "<style>.*</style>", "<script>.*</script>", "<meta http%-equiv[^>]*>" } do
      assert.equal(page:match(part), committed:match(part))
    end
  end)

  it("opens from disk without a complaint", function()
    local page = browser.open(path)
    assert.same({}, page.console)
    assert.truthy(page.dom:find("</footer>", 1, true))
  end)
end)
