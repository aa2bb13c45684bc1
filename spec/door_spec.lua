-- README.md as a door: short, with a link to every page, and the log that it shows is that of the sample.
-- Its commands are executed by docs_commands_spec.lua.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

-- Without times and what is cut off; blanks as one.
local function shape(line)
  return (line:gsub("%(%d+%.%d+ s%)", "(N s)"):gsub("%s+", " "):gsub("^%s+", ""))
end

describe("the README", function()
  local page = pghost.read(pghost.root .. "/README.md")
  local project, folder

  fixture.once(function(keep)
    project = keep(projects.new())
    folder = project.folder
    pghost.shell(("cp -r %s/data %s/scripts %s/sql %s"):format(pghost.root, pghost.root, pghost.root, folder))
  end)

  it("has at most 150 lines", function()
    assert.is_true(select(2, page:gsub("\n", "\n")) <= 150)
  end)

  it("links to what is there, and to every page of docs/", function()
    local linked = {}
    for path in page:gmatch("%]%(([^)#:]+)[^)]*%)") do
      assert(io.open(pghost.root .. "/" .. path), path):close()
      linked[path] = true
    end
    for path in pghost.shell(("cd %s && ls docs/*.md"):format(pghost.root)):gmatch("%S+") do
      assert.is_true(linked[path], path .. " is not linked")
    end
  end)

  it("shows the sample's log as it is", function()
    local _, log = pghost.run({ "--dsn", project.dsn, "scripts/pipeline.lua" }, { cd = folder })
    local lines, count = {}, 0
    for line in log:gmatch("[^\n]+") do
      lines[#lines + 1] = shape(line)
    end
    for line in page:match("Its log, shortened.-```\n(.-)```"):gmatch("[^\n]+") do
      local wanted, found = shape(line:match("^(.-), %.%.%.") or line), false
      for _, got in ipairs(lines) do
        found = found or got:sub(1, #wanted) == wanted
      end
      assert.is_true(found, line .. "\nis not in\n" .. log)
      count = count + 1
    end
    assert.is_true(count >= 8)
  end)

  it("shows the sample's pipeline as it is", function()
    local script = pghost.read(pghost.root .. "/scripts/pipeline.lua"):gsub(" *%-%-[^\n]*", "")
    local shown = page:match("%-%- scripts/pipeline.lua\n(.-)```")
    assert.truthy(script:find(shown, 1, true), shown)
  end)

  it("shows rules that clean as the text beside them says", function()
    local r, test = require "pghost.rules", require "pghost.test"
    local shown = page:match("%-%- scripts/rules/booking.lua[^\n]*\n(.-)```")
    local rules = assert(load(shown, "=README.md", "t", { r = r }))()
    local good = { booking_id = " 12 ", created_at = ' "2024-03-01 10:00:00"', status = " Held ",
      booking_start_time = "2024-03-02 10:00:00", booking_end_time = "2024-03-02 11:00:00" }
    test.passes(rules, good, { booking_id = 12, created_at = "2024-03-01 10:00:00", status = "held" })
    good.created_at, good.booking_end_time = "NULL", "2024-03-01 11:00:00"
    test.refuses(rules, good, { rule = "compare" })
  end)
end)
