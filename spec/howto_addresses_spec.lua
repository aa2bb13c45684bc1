-- docs/howto/urls.md and docs/howto/docker.md: their blocks, with the addresses and folders of a reader. URLs lead to a
-- server of ours; where a container would be, the image's entry point runs in the folders that would be mounted. That
-- buildah's commands build this Dockerfile is not tried here, but that they name what it and the compose file name is.

local cjson = require "cjson"
local executed_page = require "support.executed_page"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"
local shell = require "pghost.lib.shell"
local web_server = require "support.web"

local function bookings(count)
  local lines = { "booking_id,user_id,created_at" }
  for i = 1, count do
    lines[#lines + 1] = ("%d,%d,2026-03-%02d 10:00:00"):format(i, i % 5 + 1, i % 28 + 1)
  end
  return table.concat(lines, "\n") .. "\n"
end

local users = { "user_id,name\n1,Ann\n2,Bob\n3,Cem\n", "user_id,name\n4,Dee\n5,Eve\n" }

local project

-- A project as its reader has it: in `sales`, of the CSV files in `csv`.
fixture.each(function(keep)
  project = keep(projects.new())
  pghost.shell(("mkdir %s/csv"):format(project.folder))
  project:write("csv/booking.csv", bookings(40))
  project:write("csv/users.csv", users[1] .. users[2]:match "\n(.*)")
  local _, err, code = project:init("csv", "--into", "sales")
  assert.same({ "", 0 }, { err, code })
end)

local function block(page, kind, which)
  local found = {}
  for _, one in ipairs(executed_page.blocks(page)) do
    found[#found + 1] = one.kind == kind and one.text or nil
  end
  assert(#found > 0, page)
  return found[which or 1], #found
end

-- Commands of a block, with continued lines joined.
local function commands_of(text)
  local list = {}
  for line in text:gsub("\\\n%s*", ""):gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

describe("docs/howto/urls.md", function()
  local web

  fixture.each(function(keep)
    web = web_server.start()
    keep { close = function() web:stop() end }
    web:write("2026/booking.csv", bookings(300))
    pghost.shell(("gzip %s/2026/booking.csv"):format(web.folder))
    for i, text in ipairs(users) do
      web:write(("lake/export/users-%d.csv"):format(i), text)
    end
    web:write("lake/export/others.csv", "user_id,name\n9,Zoe\n")
  end)

  local function run(...)
    local _, err, code = pghost.run({ "--dsn", project.dsn, ... }, { cd = project.folder .. "/sales", env = web.env })
    assert.equal(0, code, err)
    return err
  end

  it("has loads that a pipeline runs with, from a web server and from a store", function()
    local text, count = block("docs/howto/urls.md", "lua")
    assert.equal(1, count)
    local here, replaced = text:gsub("https://data%.example%.org", web.base .. "/-")
    assert.equal(1, replaced)
    local script = project:read "sales/pipeline.lua"
    local first, last = script:find "run:load%(.*\nrun:check"
    project:write("sales/pipeline.lua", script:sub(1, first - 1) .. here .. script:sub(last - #"run:check" + 1))
    local log = run "pipeline.lua"
    assert.equal("300|1,2,3,4,5", project:ask [[SELECT (SELECT count(*) FROM sales.booking),
      (SELECT string_agg(user_id::text, ',' ORDER BY user_id) FROM sales.users)]])
    assert.matches("300 records in 1 file: 300 loaded", log, 1, true)
    assert.matches("5 records in 2 files: 5 loaded", log, 1, true)
  end)

  it("has commands that take URLs, too", function()
    run "pipeline.lua"
    local exported = pghost.read(pghost.root .. "/docs/howto/urls.md"):match "`pghost (export [^`]*)`"
    local words = shell.split((exported:gsub("booking", "sales.booking", 1)))
    run(table.unpack(words))
    local url = words[#words]
    assert.matches("^s3://lake/.*%.zst$", url)
    run("load", url, "--into", "again", "--create")
    assert.equal("0|40", project:ask [[SELECT (SELECT count(*) FROM (TABLE again EXCEPT ALL
      SELECT booking_id::text, user_id::text, created_at::text FROM sales.booking) AS x), count(*) FROM again]])
    run("sniff", web.base .. "/-/2026/booking.csv.gz")
    run("profile", web.base .. "/-/2026/booking.csv.gz")
  end)
end)

describe("docs/howto/docker.md", function()
  local dockerfile = pghost.read(pghost.root .. "/Dockerfile"):gsub("\\\n", " ")
  local compose = cjson.decode((pghost.shell(("python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load("
    .. "sys.stdin)))' <%s/docker-compose.yml"):format(pghost.quote(pghost.root)))))
  local entry = cjson.decode(dockerfile:match "\nENTRYPOINT ([^\n]*)")

  -- Options of `docker run` and `buildah run` as they are here, and what follows the image.
  local function parse(words, i, is_image)
    local said = { mounts = {}, env = {}, plain = {} }
    while not is_image(words[i]) do
      local option, value = words[i], words[i + 1]
      i = i + 1
      if option == "-v" then
        local from, to, mode = value:match "^([^:]*):([^:]*):?(.*)$"
        said.mounts[to], said.plain.mode, i = from, mode, i + 1
      elseif option == "-e" then
        said.env[value:match "^[^=]*"], i = value:match "=(.*)$", i + 1
      elseif option == "--env-file" or option == "--isolation" or option == "--network" then
        said.plain[option], i = value, i + 1
      else
        said.plain[option] = true
      end
    end
    return said, words[i], table.move(words, i + 1, #words, 1, {})
  end

  it("runs a project that is mounted, as the entry point of the image does", function()
    local build, run = table.unpack(commands_of((block("docs/howto/docker.md", "console"))))
    local image = build:match "^docker build %-t (%S+) %.$"
    local words = shell.split(run)
    assert.same({ "docker", "run" }, { words[1], words[2] })
    local said, named, arguments = parse(words, 3, function(word) return word == image end)
    assert.same({ image, ".env", true, "ro" }, { named, said.plain["--env-file"], said.plain["--rm"], said.plain.mode })
    local work = dockerfile:match ".*\nWORKDIR (%S+)"
    local folder = said.mounts[work]:gsub("^~", project.folder)
    for to, from in pairs(said.mounts) do
      for i, word in ipairs(arguments) do
        arguments[i] = word == to and from:gsub("^~", project.folder) or word
      end
    end
    local before = pghost.shell("find " .. folder)
    local line = ("cd %s && env -i PATH=%s:$PATH HOME=/nonexistent DATABASE_URL=%s %s"):format(folder,
      pghost.path:match "^(.*)/", pghost.quote(project.dsn), table.concat(entry, " "))
    for _, word in ipairs(arguments) do
      line = line .. " " .. pghost.quote(word)
    end
    local _, log, code = pghost.shell(line)
    assert.same(0, code, log)
    assert.equal("40|5", project:ask "SELECT (SELECT count(*) FROM sales.booking), count(*) FROM sales.users")
    assert.equal(before, pghost.shell("find " .. folder)) -- it is mounted read-only
  end)

  it("names to buildah what the Dockerfile and the compose file name", function()
    local text, count = block("docs/howto/docker.md", "console", 2)
    assert.equal(2, count)
    assert.same({ "", 0 }, { select(2, pghost.shell("bash -n <<'END'\n" .. text .. "END")) })
    local commands = commands_of(text)
    local archive, base = commands[1]:match "bookworm (%S+)$", commands[4]:match "docker.io/library/(%S+)$"
    assert.matches("add \"$base\" " .. archive .. " /", commands[3], 1, true)
    for from in dockerfile:gmatch "FROM (%S+)" do
      assert.equal(base, from)
    end
    local image = commands[5]:match "^buildah bud %-%-format docker .*%-t (%S+) %.$" -- docker: with the health check
    assert.matches("localhost/" .. image .. ")", commands[6], 1, true)
    local said, _, words = parse(shell.split((commands[7]:gsub('"', ""))), 3, function(word) return word == "$run" end)
    local service = compose.services.pghost
    assert.same({ "--", entry[1], table.unpack(service.command) }, words)
    for name in pairs(service.environment) do
      assert.truthy(said.env[name], name)
    end
    local from, to = service.volumes[1]:match "^%.(.-):(.-):ro$"
    assert.equal("$PWD" .. from, said.mounts[to])
    assert.equal("ro", said.plain.mode)
  end)
end)
