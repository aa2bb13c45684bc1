-- Every command of README.md and docs/ is executed, in a project prepared for its page, and must end with 0; what is
-- not executed has its reason here. Options that the text names belong to their command. The tutorial has its own spec,
-- which compares what is printed.

local pghost = require "support.pghost"
local projects = require "support.project"

-- Why a command is not executed.
local reasons = {
  ["./bootstrap "] = "installs packages; the suite itself is run by it",
  ["docker-compose "] = "needs Docker; docker_spec.lua looks at its files",
  ["pghost worker "] = "waits for a run of others; sharing_spec.lua",
  ["bench/run"] = "takes most of an hour",
  ["apt-get "] = "changes the machine; .ci/clean_root does it in a root of its own",
  ["cmake "] = "package_spec.lua builds and installs",
  ["(cd build && cpack)"] = "package_spec.lua makes the package",
}

-- What stands for something in a command.
local stands_for = {
  ["README.md"] = { FILE = "~/more.csv", ["build/pghost init %-%-add"] = "cd ~/sales && ~/build/pghost init --add" },
  ["docs/INIT.md"] = { DIR = "csv", FOLDER = "other", FILE = "~/more.csv", ["a.csv b.csv"] = "csv/a.csv csv/b.csv" },
  ["docs/PIPELINE.md"] = { DIR = "data", ["%[OPTION%.%.%.%]"] = "" },
  ["docs/reference/commands.md"] = { ["pipeline%.lua"] = "scripts/pipeline.lua" },
  ["docs/REPORT.md"] = { ["/var/lib/node_exporter/"] = "" },
}

local bookings = [[
  CREATE TABLE %s (booking_id bigint PRIMARY KEY, status text)]]

local function correct(project)
  project:write("bad.csv", (project:read("bad.csv"):gsub("\nx,", "\n5001,")))
end

-- What is done before a command, by its page and a pattern of it.
local before = {
  ["docs/LOAD.md"] = { ["fix bad%.csv"] = correct },
  ["docs/reference/commands.md"] = {
    ["adopt public"] = function(project)
      project.conn:exec "CREATE TABLE customer (id bigint)"
    end,
    ["fix booking"] = function()
      return "pghost rejects 12 --csv booking_rejects.csv"
    end,
    ["load orders"] = function(project)
      project.conn:exec "CREATE TABLE orders (id bigint, city text, ordered date)"
    end,
    ["> rules/"] = function()
      return "mkdir rules"
    end,
    ["test spec/"] = function(project)
      os.execute("mkdir " .. project.folder .. "/spec")
      project:write("spec/booking_spec.lua", 'it("31/02", function() end)\n')
    end,
  },
  ["docs/INIT.md"] = { ["init DIR   "] = function()
    return "mkdir first && cd first && cp -r ../csv ."
  end, ["init a%.csv"] = function()
    return "mkdir second && cd second && cp -r ../csv ."
  end, ["%-%-add"] = function()
    return "cd first"
  end },
}

local function blocks_of(page)
  local list, block, comment = {}, nil, nil
  for line in (page .. "\n"):gmatch("([^\n]*)\n") do
    if line:find("^```") then
      if not block and not comment then
        block = (line == "```sh" or line == "```console" or line == "```bash") and {} or nil
        comment = not block or nil
      else
        list[#list + 1], block, comment = block, nil, nil
      end
    elseif block and line:find("%S") then
      block[#block + 1] = line
    end
  end
  return list
end

local function reason_for(command)
  for start, reason in pairs(reasons) do
    if command:sub(1, #start) == start then
      return reason
    end
  end
end

-- Pages that are executed elsewhere, and why not here.
local elsewhere = {
  ["docs/TUTORIAL.md"] = "tutorial_spec.lua compares what is printed, too",
  ["docs/INSTALL.md"] = "installs packages and removes them; the clean root of CI does so",
}

local function all_pages()
  local list, pipe = {}, io.popen(("cd %s && ls README.md docs/*.md docs/*/*.md"):format(pghost.quote(pghost.root)))
  for name in pipe:lines() do
    list[#list + 1] = name
  end
  pipe:close()
  return list
end

-- Those of docs/howto are executed by tutorial_spec.lua.
local function pages()
  local list = {}
  for _, name in ipairs(all_pages()) do
    list[#list + 1] = not name:find "^docs/howto/" and name or nil
  end
  return list
end

-- Run 12 of the sample, files of several kinds, tables to load into.
local function prepared()
  local project = projects.new { ["question.sql"] = "SELECT count(*) FROM booking WHERE created_at < :as_of" }
  pghost.shell(("cd %s && cp -r scripts sql data .env.example %s/ && cd %s && rm -r scripts/pghost && ln -s %s build")
    :format(pghost.quote(pghost.root), project.folder, project.folder, pghost.quote(pghost.path:match("^(.*)/"))))
  project:pghost("-e", 'require("pghost.run.schema").migrate(require("pghost.connection").open())')
  project.conn:exec("ALTER TABLE pghost.runs ALTER run_id RESTART WITH 12")
  local err, code = project:run("scripts/pipeline.lua")
  assert(code == 0, err)
  local records = {}
  for i = 1, 1000 do
    records[i] = ("%d,done\n"):format(i)
  end
  local text = "booking_id,status\n" .. table.concat(records)
  project:write("new.csv", (text:gsub("\n", "\nx,done\n", 1)))
  project:write("bookings_1.csv", text)
  pghost.shell(("cd %s && gzip -k bookings_1.csv && mv bookings_1.csv.gz big.csv.gz && mkdir csv && touch .profile")
    :format(project.folder))
  for _, name in ipairs { "orders.csv", "export.csv", "csv/a.csv", "csv/b.csv" } do
    project:write(name, "id,city,ordered\n1,Oslo,2024-03-01\n2,Rome,2024-03-02\n3,Bern,2024-03-05\n")
  end
  return project
end

describe("commands of the documentation", function()
  local executed = 0

  for _, page in ipairs(pages()) do
    local blocks = not elsewhere[page] and blocks_of(pghost.read(pghost.root .. "/" .. page)) or {}
    for number, block in ipairs(blocks) do
      it(("in block %d of %s work"):format(number, page), function()
        local project = prepared()
        if page == "docs/LOAD.md" then
          project.conn:exec("DROP TABLE booking CASCADE; CREATE SCHEMA desk;" .. bookings:format "booking" .. ";"
            .. bookings:format "desk.booking")
        end
        for _, command in ipairs(block) do
          if not reason_for(command) then
            local text = command
            for word, what in pairs(stands_for[page] or {}) do
              text = text:gsub(word:find("^%u+$") and "%f[%w]" .. word .. "%f[%W]" or word, (what:gsub("%%", "%%%%")))
            end
            local first = {}
            for pattern, fn in pairs(before[page] or {}) do
              first[#first + 1] = command:find(pattern) and fn(project) or nil
            end
            if text:find("init %-%-add") then
              project:write("more.csv", "id,name\n1,a\n2,b\n")
            end
            local out, err, code = pghost.shell(
              ("export HOME=%s DATABASE_URL=%s PATH=%s/build:$PATH\ncd ~\n%s\n%s"):format(
                project.folder, pghost.quote(project.dsn), project.folder, first[1] or "", text))
            assert.equal(0, code, ("%s\n%s%s"):format(text, out, err))
            executed = executed + 1
          end
        end
        project:remove()
      end)
    end
  end

  it("were found", function()
    assert.is_true(executed >= 30, tostring(executed))
  end)

  it("have the options that the text says", function()
    local helps, missing, seen = {}, {}, 0
    for _, page in ipairs(all_pages()) do
      for command, rest in pghost.read(pghost.root .. "/" .. page):gmatch("pghost (%l+)([^\n`|]*)") do
        helps[command] = helps[command] or pghost.run { command, "--help" }
        for option in helps[command]:find("Usage", 1, true) and (rest:match("^[^#]*"):gmatch "%-%-%l[%w-]+") or
          function() end do
          seen = seen + 1
          if not helps[command]:find(option, 1, true) then
            missing[#missing + 1] = ("%s: pghost %s %s"):format(page, command, option)
          end
        end
      end
    end
    assert.same({}, missing)
    assert.is_true(seen > 30)
  end)
end)
