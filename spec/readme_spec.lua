-- README.md: a door. Each of its commands is executed, and the log that it shows is that of the sample.

local pghost = require "support.pghost"
local projects = require "support.project"

local function sh_lines(page)
  local list = {}
  for block in page:gmatch("```sh\n(.-)```") do
    for line in block:gmatch("[^\n]+") do
      list[#list + 1] = line:gsub("%s+#.*$", "")
    end
  end
  return list
end

-- Without times and what is cut off; blanks as one.
local function shape(line)
  return (line:gsub("%(%d+%.%d+ s%)", "(N s)"):gsub("%s+", " "):gsub("^%s+", ""))
end

describe("the README", function()
  local page = pghost.read(pghost.root .. "/README.md")
  local project, folder

  setup(function()
    project = projects.new()
    folder = project.folder
    pghost.shell(("cp -r %s/data %s/scripts %s/sql %s && mkdir %s/build %s/csv && ln -s %s %s/build/pghost"):format(
      pghost.root, pghost.root, pghost.root, folder, folder, folder, pghost.quote(pghost.path), folder))
    for _, path in ipairs { "csv/orders.csv", "orders.csv", "more.csv" } do
      project:write(path, "order_id,amount\n1,2.50\n2,3.50\n3,9.99\n")
    end
  end)

  teardown(function()
    project:remove()
  end)

  -- In the clone, but what says "in the project's folder".
  local function execute(line)
    local place = line:find("--add", 1, true) and folder .. "/sales" or folder
    local command = line:gsub("^build/", folder .. "/build/"):gsub("~/", folder .. "/"):gsub("FILE", "../more.csv")
    return pghost.shell(("export DATABASE_URL=%s\ncd %s && %s"):format(pghost.quote(project.dsn), place, command))
  end

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
    local _, log = execute "build/pghost scripts/pipeline.lua"
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

  for _, line in ipairs(sh_lines(page)) do
    if line:find("^build/") then
      it("has a command that works: " .. line, function()
        local _, err, code = execute(line)
        assert.equal(0, code, err)
      end)
    else
      it("has a command for the clone that is there: " .. line, function()
        local mode = line:match("^%./bootstrap (%w+)$")
        assert.truthy(mode and pghost.read(pghost.root .. "/bootstrap"):find(mode, 1, true), line)
      end)
    end
  end
end)
