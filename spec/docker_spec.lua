-- docker-compose.yml, Dockerfile and .env.example, as far as they can be judged without a daemon:
-- what docker-compose itself makes of them, and one package list for Docker and bootstrap.

local cjson = require "cjson"
local file = require "pl.file"
local path = require "pl.path"
local pghost = require "support.pghost"
local sys = require "pghost.native.sys"
local shell = require("support.server").shell

local root = path.abspath(path.dirname(arg[0]) .. "/..")
local password = "not-in-the-repository-7391"

local as_json = "python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'"

-- Runs docker-compose config on a copy of the file with this .env beside it and nothing else in the
-- environment. Returns the parsed result, or nil and what docker-compose said.
local function compose(dotenv)
  local folder = shell("mktemp -d")
  file.write(folder .. "/docker-compose.yml", file.read(root .. "/docker-compose.yml"))
  file.write(folder .. "/.env", dotenv)
  local ok, out = pcall(shell, ("cd %s && env -i PATH='%s' HOME=%s docker-compose config"):format(
    folder, os.getenv("PATH"), folder))
  local config
  if ok then
    file.write(folder .. "/config.yml", out)
    config = cjson.decode(shell(as_json .. " < " .. folder .. "/config.yml"))
  end
  shell("rm -rf " .. folder)
  return config, out
end

local function example_with(name, value)
  return (file.read(root .. "/.env.example"):gsub(name .. "=[^\n]*", name .. "=" .. value))
end

describe("docker-compose.yml", function()
  local config

  setup(function()
    local dotenv = example_with("POSTGRES_PASSWORD", password)
    dotenv = dotenv:gsub("POSTGRES_USER=[^\n]*", "POSTGRES_USER=someone")
    dotenv = dotenv:gsub("POSTGRES_DB=[^\n]*", "POSTGRES_DB=desks")
    dotenv = dotenv:gsub("POSTGRES_PORT=[^\n]*", "POSTGRES_PORT=6000")
    local out
    config, out = compose(dotenv)
    assert(config, out)
  end)

  it("sets the database up from the variables of .env", function()
    assert.same({ POSTGRES_USER = "someone", POSTGRES_PASSWORD = password, POSTGRES_DB = "desks" },
      config.services.database.environment)
  end)

  it("gives pghost the same variables under libpq's names", function()
    assert.same({ PGHOST = "database", PGUSER = "someone", PGPASSWORD = password, PGDATABASE = "desks" },
      config.services.pghost.environment)
  end)

  it("asks the database for its health over TCP, and pghost waits for it", function()
    local test = table.concat(config.services.database.healthcheck.test, " ")
    assert.matches("pg_isready .*%-%-host 127%.0%.0%.1", test)
    assert.same({ condition = "service_healthy" }, config.services.pghost.depends_on.database)
  end)

  it("keeps the data in a named volume", function()
    local volume = config.services.database.volumes[1]
    local name, target = volume:match("^([%w_]+):(/[^:]+)")
    assert.equal("/var/lib/postgresql/data", target)
    assert.not_nil(config.volumes[name])
  end)

  it("runs the pipeline over ./data, which it cannot write", function()
    local service = config.services.pghost
    assert.same({ "scripts/pipeline.lua" }, service.command)
    assert.matches("/data:/pipeline/data:ro$", service.volumes[1])
    assert.matches("\nWORKDIR /pipeline\n", file.read(root .. "/Dockerfile"))
  end)

  it("lets this machine alone reach the database, where .env says", function()
    assert.matches("\nPOSTGRES_HOST=localhost\n", file.read(root .. "/.env.example"))
    assert.same({ "127.0.0.1:6000:5432/tcp" }, config.services.database.ports)
    assert.is_nil(config.services.pghost.ports)
  end)

  it("refuses to start without a password", function()
    local started, out = compose(file.read(root .. "/.env.example"))
    assert.is_nil(started)
    assert.matches("set POSTGRES_PASSWORD in %.env", out)
  end)

  it("has no password of its own, nor has .env.example", function()
    assert.matches("\nPOSTGRES_PASSWORD=\n", file.read(root .. "/.env.example"))
    for value in file.read(root .. "/docker-compose.yml"):gmatch("PASSWORD: ([^\n]+)") do
      assert.equal("${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in .env}", value)
    end
  end)
end)

describe(".env", function()
  it("is ignored by git and by docker", function()
    assert.matches("\n/?%.env\n", "\n" .. file.read(root .. "/.gitignore"))
    local patterns = file.read(root .. "/.dockerignore")
    assert.matches("\n%*\n", patterns)
    assert.is_nil(patterns:find("!.env", 1, true))
  end)
end)

describe("Dockerfile", function()
  local dockerfile = file.read(root .. "/Dockerfile"):gsub("\\\n", " ")

  it("installs the sections of packages.txt and nothing else", function()
    local sources = {}
    for arguments in dockerfile:gmatch("install %-y %-%-no%-install%-recommends([^&\n]*)") do
      sources[#sources + 1] = arguments:match("^%s*(.-)%s*$")
    end
    assert.same({ "$(./bootstrap packages build)", "" }, sources)
    assert.matches("%./bootstrap packages run > /run%-packages", dockerfile)
    assert.matches("xargs %-a /run%-packages apt%-get install", dockerfile)
  end)

  it("copies only what .dockerignore lets through, and all of that", function()
    local allowed, copied = {}, {}
    for name in file.read(root .. "/.dockerignore"):gmatch("\n!([^\n]+)") do
      allowed[name] = true
    end
    for words in dockerfile:gmatch("\nCOPY ([^\n]+)") do
      if not words:find("^%-%-from") then
        local names = {}
        for name in words:gmatch("%S+") do
          names[#names + 1] = name
        end
        for i = 1, #names - 1 do
          copied[names[i]] = true
        end
      end
    end
    assert.same(allowed, copied)
  end)

  it("copies enough for CMake to build and install pghost from", function()
    local folder = shell("mktemp -d")
    for name in file.read(root .. "/.dockerignore"):gmatch("\n!([^\n]+)") do
      shell(("cp -r %s/%s %s"):format(root, name, folder))
    end
    local ok, out = pcall(shell, ("cd %s && cmake --preset release"):format(folder))
    local installed = 0
    for name in file.read(root .. "/CMakeLists.txt"):gmatch("install%(DIRECTORY (%S+)") do
      installed = installed + 1
      assert.is_true(path.isdir(folder .. "/" .. name), name)
    end
    shell("rm -rf " .. folder)
    assert(ok, out)
    assert.is_true(installed > 0)
  end)

  it("runs pghost as an ordinary user", function()
    local last_stage = dockerfile:match(".*\nFROM (.*)")
    assert.matches("useradd [^\n]*pghost", last_stage)
    assert.matches("\nUSER pghost\n", last_stage)
  end)

  it("has a health check that says whether the database answers", function()
    local command = dockerfile:match("\nHEALTHCHECK [^\n]- CMD ([^\n]+)")
    local function check(dsn)
      local _, err, code = pghost.shell(("export DATABASE_URL=%s PATH=%s:$PATH; %s"):format(pghost.quote(dsn),
        pghost.path:match("^(.*)/"), command))
      return code, err
    end
    assert.same({ 0, "" }, { check(require("support.server").get():database()) })
    assert.same({ 1, "" }, { (check("host=/nonexistent")), "" })
  end)
end)

describe("packages.txt", function()
  local function packages(sections)
    local names = {}
    for name in shell(root .. "/bootstrap packages " .. sections):gmatch("%S+") do
      names[#names + 1] = name
    end
    return names
  end

  it("has every section, and a wrong one is refused", function()
    for _, section in ipairs { "build", "run", "server", "test" } do
      assert.is_true(#packages(section) > 0, section)
    end
    assert.has_error(function()
      packages("nonsense")
    end)
  end)

  it("brings the libraries that pghost is linked with", function()
    local binary = shell("readlink /proc/" .. sys.pid() .. "/exe")
    local folder = binary:gsub("pghost$", "")
    local objects = folder .. "pghost_native.so " .. folder .. "pghost_database.so " .. folder
      .. "pghost_archive.so " .. folder .. "pghost_remote.so"
    local both = binary .. " " .. objects
    local found = shell("LD_LIBRARY_PATH=" .. folder .. " ldd " .. both)
    local run = "\n" .. table.concat(packages("run"), "\n") .. "\n"
    local expected = 0
    for name in shell("readelf -d " .. both):gmatch("NEEDED[^\n]*%[([^\n]+)%]") do
      local pattern = name:gsub("%p", "%%%0")
      local tail = found:match("=> %S+(/%S+/" .. pattern .. ") ") or found:match("%s(/%S+/" .. pattern .. ") ")
      local owner = shell(("dpkg-query -S '*%s' | head -n 1 | cut -d: -f1"):format(tail))
      if not name:find("^pghost_") and owner ~= "libc6" and not owner:find("^lib%l*san%d+$") then
        expected = expected + 1
        assert.is_truthy(run:find("\n" .. owner .. "\n", 1, true), name .. " is in " .. owner)
      end
    end
    assert.is_true(expected > 0)
  end)
end)
