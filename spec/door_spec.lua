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
    local out, log = pghost.run({ "--dsn", project.dsn, "scripts/pipeline.lua" }, { cd = folder })
    local lines, count, last = {}, 0, 0
    for line in log:gmatch("[^\n]+") do
      lines[#lines + 1] = shape(line)
    end
    for line in page:match("Its log, shortened.-```\n(.-)```"):gmatch("[^\n]+") do
      local start, rest = line:match "^(.-), %.%.%.(.*)$"
      local wanted, ending, found = shape(start or line), shape(rest or ""), nil
      for i, got in ipairs(lines) do
        local is_it = start and got:sub(1, #wanted) == wanted and got:sub(-#ending - 1):find(ending, 1, true)
        found = found or (is_it or got == wanted) and i or nil
      end
      assert.is_true((found or 0) > last, line .. "\nis not in (or not after the line before it)\n" .. log)
      count, last = count + 1, found
      assert.is_nil(out:find(line:sub(1, 30), 1, true)) -- results alone go there
    end
    assert.is_true(count >= 8)
    assert.matches("monthly_headcount", out, 1, true)
  end)

  -- A command of the page, with what its reader has in the place of names, in a home folder of ours.
  local function command(start, given)
    local line = page:match("\n(build/pghost " .. start:gsub("%p", "%%%0") .. "[^\n]*)\n")
    assert(line, start .. " is not in README.md")
    line = line:gsub(" *#.*", ""):gsub("^build/pghost", pghost.quote(pghost.path)):gsub("FILE", "~/more.csv")
    local out, err, code = pghost.shell(("export HOME=%s DATABASE_URL=%s\ncd %s\n%s"):format(folder,
      pghost.quote(project.dsn), given or "~", line))
    assert.same(0, code, line .. "\n" .. out .. err)
    return out, err
  end

  it("has commands for one's own files that do what is said beside them", function()
    pghost.shell(("mkdir -p %s/csv"):format(folder))
    local text = "id,city,ordered\n1,Oslo,2024-03-01\n2,Rome,2024-03-02\n3,Bern,2024-03-05\n"
    for _, name in ipairs { "csv/shop.csv", "orders.csv", "more.csv" } do
      project:write(name, text)
    end
    command "init ~/csv"
    for path in page:match("\n| file | defines |\n(.-)\n\n"):gmatch "\n| `([^`]+)`" do
      local listed = pghost.shell(("ls %s/sales/%s"):format(folder, path))
      assert.matches("%S", listed, path)
    end
    assert.matches("%S", pghost.shell(("ls %s/sales/spec/*_spec.lua"):format(folder))) -- "a spec"
    command "~/sales/pipeline.lua"
    assert.equal("3", project:ask "SELECT count(*) FROM sales.shop")
    command("init --add", "~/sales")
    command "~/sales/pipeline.lua"
    assert.equal("3", project:ask "SELECT count(*) FROM sales.more")
    assert.matches("\n ordered | date ", (command "sniff"), 1, true)
    command "load orders.csv"
    assert.equal("3|date", project:ask "SELECT count(*), min(pg_typeof(ordered)::text) FROM orders")
  end)

  it("has commands for what a run has left that do what is said beside them", function()
    local _, log = pghost.run({ "--dsn", project.dsn, "scripts/pipeline.lua" }, { cd = folder })
    local run = log:match "run (%d+)"
    assert.matches("\n *" .. run .. " | bookings +| public +| published ", (command "runs"))
    command "report"
    assert.matches("<html", pghost.read(folder .. "/report.html"), 1, true)
    local rejects = command "rejects"
    local count, column, rule = page:match "reject +users +warn: (%d+) ([%w_]+) %((%l+)%)"
    assert.matches(("\n users +| %s +| %s +| open +| +%%d+ +| +%s\n"):format(column, rule, count), rejects) -- what
    assert.matches("users.csv:494: stray quote", rejects, 1, true) -- why
    local expected = project:ask(([[SELECT count(*) FROM pghost.rejects WHERE run_id = %s AND rule = 'type'
      AND column_name = 'created_at' AND reason LIKE '%%2024-03_'
      AND file_id IN (SELECT file_id FROM pghost.files WHERE path LIKE '%%users.csv')]]):format(run))
    assert.is_true(tonumber(expected) > 0)
    local rules, edits = project:read("scripts/rules/users.lua"):gsub("clean%(r.timestamp%(%)%)",
      "%0:null_if({ \"2024-03\" })")
    assert.equal(1, edits)
    project:write("scripts/rules/users.lua", rules)
    assert.matches("replay +users +64 rejects again: " .. expected .. " loaded", (select(2, command "replay")))
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
