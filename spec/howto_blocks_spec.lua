-- Blocks of docs/howto/ that tutorial_spec.lua does not execute: commands with addresses or sizes of their reader
-- (console), steps of a service (yaml), single lines of a pipeline (lua). Here they get files and a database of ours.

local executed_page = require "support.executed_page"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local elsewhere = {
  ["docs/howto/docker.md"] = "howto_addresses_spec.lua runs its blocks without Docker",
  ["docs/howto/urls.md"] = "howto_addresses_spec.lua runs it, with a server",
}

-- What stands for the reader's own, plain text.
local stands_for = {
  ["host=db.example.org dbname=sales user=loader"] = "$DATABASE_URL",
  ["'$DATABASE_URL"] = '"$DATABASE_URL', ["ca.crt' pipeline"] = 'ca.crt" pipeline',
  ["PGHOST=db.example.org PGDATABASE=sales PGUSER=loader"] = "PGAPPNAME=howto",
  ["apt-get install -y ./pghost.deb postgresql"] = "true",
}

local function replaced(text)
  for _ = 1, 2 do
    for from, to in pairs(stands_for) do
      local at, stop = text:find(from, 1, true)
      text = at and text:sub(1, at - 1) .. to .. text:sub(stop + 1) or text
    end
  end
  return text
end

local project

local function shell(command)
  return pghost.shell(("cd %s && export HOME=%s DATABASE_URL=%s PATH=%s:$PATH\n%s"):format(project.folder,
    project.folder, pghost.quote(project.dsn), pghost.path:match("^(.*)/"), command))
end

local function assert_works(command)
  local out, err, code = shell("set -e\n" .. replaced(command))
  assert.same(0, code, command .. "\n" .. out .. err)
end

fixture.each(function(keep)
  project = keep(projects.new())
  pghost.shell(("mkdir -p %s/csv/2026-03"):format(project.folder))
  local bookings = { "booking_id,user_id,created_at" }
  for i = 1, 40 do
    bookings[#bookings + 1] = ("%d,%d,2026-03-%02d 10:00:00"):format(i, i % 5 + 1, i % 28 + 1)
  end
  for _, name in ipairs { "csv/booking.csv", "csv/2026-03/booking.csv", "big.csv" } do
    project:write(name, table.concat(bookings, "\n") .. "\n")
  end
  project:write("csv/users.csv", "user_id,name\n1,Ann\n2,Bob\n3,Cem\n4,Dee\n5,Eve\n")
  assert_works("gzip -k big.csv && pghost init csv")
end)

local execute = { console = assert_works }

function execute.yaml(text)
  local count = 0
  for command in text:gmatch("%- run: ([^\n]+)") do
    assert_works(command)
    count = count + 1
  end
  assert.is_true(count > 0)
end

-- In the place of the loads of a project: what lint finds wrong with them would be wrong in the page.
function execute.lua(text)
  local script = project:read "pipeline.lua"
  local first, last = script:find("run:load%(.*\n(run:check)")
  last = last - #"run:check"
  project:write("pipeline.lua", script:sub(1, first - 1) .. text .. script:sub(last + 1))
  assert_works "pghost lint --offline"
  script = project:read("pipeline.lua"):gsub("mode = ", "mdoe = "):gsub("distribute = ", "distibute = ")
  project:write("pipeline.lua", script)
  assert.same(1, (select(3, shell "pghost lint --offline")))
end

for name in pghost.shell(("cd %s && ls docs/howto/[a-z]*.md"):format(pghost.quote(pghost.root))):gmatch "%S+" do
  for i, block in ipairs(elsewhere[name] and {} or executed_page.blocks(name)) do
    local is_file = block.before:match("`[%w_./-]+`:$")
    if block.kind ~= "" and block.kind ~= "sh" and not is_file then
      it(("block %d of %s, %s, works"):format(i, name, block.kind), function()
        execute[block.kind](block.text)
      end)
    end
  end
end
