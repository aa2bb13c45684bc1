-- The last run, for the commands that take it if none is named: in a project it is the project's own.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local project

local function new_pipeline(name, lines)
  pghost.shell(("mkdir -p '%s/%s/sub'"):format(project.folder, name))
  project:write(name .. "/a.csv", "id,n\n" .. lines)
  project:write(name .. "/pipeline.lua", ([[
local r = require "pghost.rules"
local run <close> = require("pghost.pipeline").start(%q, { data = ".", schema = %q })
run:load("a", "a.csv", r.table("a", { { "id", r.bigint() }, { "n", r.bigint() } }))
run:check { require("pghost.check").row_count("a", 1) }
run:publish()
]]):format(name, name))
end

local function pghost_in(folder, ...)
  return pghost.run({ "--dsn", project.dsn, ... }, { cd = project.folder .. folder })
end

fixture.once(function(keep)
  project = keep(projects.new())
  new_pipeline("first", "1,x\n2,2\n")
  new_pipeline("second", "1,1\n2,y\n3,z\n")
  for _, name in ipairs { "first", "second" } do
    local _, log, code = pghost_in("/" .. name, "pipeline.lua")
    assert.same(0, code, log)
  end
  new_pipeline("third", "1,1\n")
  pghost.shell(("ln -s first '%s/link'"):format(project.folder))
end)

it("is the project's in its folder, below it, and by a link to it", function()
  for _, folder in ipairs { "/first", "/first/sub", "/link" } do
    local out, err = pghost_in(folder, "rejects")
    assert.matches("run 1 of 'first'", out, 1, true)
    assert.same("", err)
    assert.same("run 1 of 'first': " .. project.folder .. "/r.html\n",
      (pghost_in(folder, "report", "-o", project.folder .. "/r.html")))
    assert.matches("run 1 of 'first'", (pghost_in(folder, "checks")), 1, true)
  end
  assert.matches("run 2 of 'second'", (pghost_in("/second", "rejects")), 1, true)
end)

it("is the last of all outside of a project, and of a pipeline that is named", function()
  assert.matches("run 2 of 'second'", (pghost_in("", "rejects")), 1, true)
  local out = pghost_in("/first", "report", "--pipeline", "second", "-o", project.folder .. "/r.html")
  assert.matches("run 2 of 'second'", out, 1, true)
end)

it("is none in a project that has not run, and that is said", function()
  local message = ("no runs yet of '%s/third/pipeline.lua' in this database: run it, or give the number of a run "
    .. "(pghost runs)"):format(project.folder)
  for _, command in ipairs { "rejects", "report", "replay" } do
    local _, err = pghost_in("/third", command)
    assert.matches(message, err, 1, true)
  end
end)
