-- The example pipeline as a process of its own over what goes wrong outside of it: one line that names
-- the thing, the exit code, nothing published, and no word of the password anywhere.

local pghost = require "support.pghost"
local server = require "support.server"

local shell = server.shell
local password <const> = "geheim-4711"
local own, admin, database, folder, dsn

local function copy_data()
  shell(("rm -rf %s/data && cp -r %s/data %s/data"):format(folder, pghost.root, folder))
end

local function url(options)
  return ("postgresql://%s:%s@/%s?host=%s"):format(options.user or "loader", options.password or password,
    options.database or database, options.socket or own.socket)
end

-- Asks as the administrator, who needs no password.
local function ask(sql)
  return shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -c \"%s\""):format(dsn, sql))
end

local function run(options)
  options = options or {}
  local words = { options.script or pghost.root .. "/scripts/pipeline.lua", "--data", folder .. "/data" }
  table.move(options.words or {}, 1, #(options.words or {}), #words + 1, words)
  return pghost.run(words, { env = "DATABASE_URL=" .. pghost.quote(options.url or url(options)) })
end

local function published()
  return ask "SELECT (SELECT count(*) FROM booking), (SELECT count(*) FROM users), (SELECT count(*) FROM company)"
end

-- Everything the server keeps of runs, as text.
local function history()
  return shell(("pg_dump -a -n pghost -d '%s'"):format(dsn))
end

-- The run ends with `code` and one line in which `text` stands; what was published before stays.
local function refused(code, text, options)
  local before = published()
  local out, err, exit = run(options)
  assert.equal(code, exit, err)
  local last = err:match("([^\n]*)\n$")
  assert.truthy(last:find("^pghost: "), err)
  assert.truthy(last:find(text, 1, true), last)
  assert.not_matches("stack traceback", err, 1, true)
  assert.not_matches(password, out .. err, 1, true)
  assert.equal(before, published())
  assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  return err
end

describe("the example pipeline", function()
  setup(function()
    folder = pghost.folder()
    copy_data()
    own = server.start()
    admin, database = own:database()
    dsn = admin
    own:psql(("create role loader login password '%s'; create role guest login password '%s'")
      :format(password, password))
    own:psql(("grant create on database %s to loader"):format(database))
    ask "GRANT CREATE ON SCHEMA public TO loader"
    local hba = assert(io.open(own.folder .. "/data/pg_hba.conf", "w"))
    hba:write("local all postgres trust\nlocal all all scram-sha-256\n")
    hba:close()
    own:psql "select pg_reload_conf()"
    local _, err, code = run()
    assert(code == 0, err)
  end)

  teardown(function()
    own:stop()
    pghost.remove(folder)
  end)

  before_each(copy_data)

  it("shows no password in its output, in ps, or in its history", function()
    local environment = pghost.write(folder .. "/environment", "export DATABASE_URL=" .. pghost.quote(url {}) .. "\n")
    local command = "cd %s; . %s; %s --log-format json %s/scripts/pipeline.lua --data data & "
      .. "while kill -0 $! 2>/dev/null; do ps -ef ww; sleep 0.1; done; wait $!"
    local out, err, code = pghost.shell(command:format(pghost.quote(folder), environment, pghost.quote(pghost.path),
      pghost.quote(pghost.root)))
    assert.equal(0, code, err)
    assert.truthy(out:find("pipeline.lua", 1, true), "ps has seen it")
    assert.not_matches(password, out .. err .. history(), 1, true)
  end)

  it("stops at a missing file", function()
    os.remove(folder .. "/data/company.csv")
    refused(1, "no such file '" .. folder .. "/data/company.csv'")
  end)

  it("stops at an empty file", function()
    pghost.write(folder .. "/data/users.csv", "")
    refused(1, "users.csv' is empty")
  end)

  it("stops at a file with a header alone", function()
    pghost.write(folder .. "/data/users.csv", "rn,created_at,company_id,status,demo_user\n")
    refused(1, "users.csv: no record below the header")
  end)

  it("stops at a folder without a match", function()
    shell(("rm %s/data/booking*.csv"):format(folder))
    refused(1, "no file matches '" .. folder .. "/data/booking*.csv'")
  end)

  it("stops at a folder that is not there", function()
    shell(("rm -r %s/data"):format(folder))
    refused(1, folder .. "/data")
  end)

  it("stops at a binary file", function()
    pghost.write(folder .. "/data/users.csv", "\127ELF\2\1\1\0\0\0\0\0")
    refused(1, "users.csv' looks like a binary file")
  end)

  it("stops at a missing column", function()
    pghost.write(folder .. "/data/company.csv", "company_id,name\n1,x\n")
    refused(1, "company.csv: no column 'company_name' (has: company_id, name)"
      .. '; in the rules, from = "..." gives another name')
  end)

  it("says that the server is down", function()
    refused(3, "could not connect to server on socket", { socket = "/nonexistent" })
  end)

  it("says that the password is wrong, and not which", function()
    local err = refused(3, "password authentication failed for user", { password = "falsch-0815" })
    assert.not_matches("falsch", err, 1, true)
  end)

  it("says which rights are missing", function()
    refused(1, "schema pghost belongs to 'loader', who could run code with your rights", { user = "guest" })
    local empty, name = own:database()
    local _, err, code = run { user = "guest", database = name }
    assert.equal(1, code)
    assert.truthy(err:find("'guest' may not create schemas in database '" .. name .. "': grant", 1, true), err)
    assert.equal("", shell(("psql -XAt -d '%s' -c \"select nspname from pg_namespace where nspname = 'pghost'\"")
      :format(empty)))
  end)

  it("says that a script has a syntax error", function()
    local script = pghost.write(folder .. "/broken.lua", "local x = = 1\n")
    refused(1, "broken.lua:1: unexpected symbol near '='", { script = script })
  end)

  it("says that an option is wrong", function()
    local _, err, code = run { words = { "--as-of", "yesterday" } }
    assert.equal(2, code)
    assert.truthy(err:find("as_of: a timestamp YYYY-MM-DD HH:MM:SS expected, got 'yesterday'", 1, true), err)
  end)

  it("says that the server's disk is full", function()
    if shell "id -u" ~= "0" then
      pending("only root can mount a small file system")
    end
    local mount = own.folder .. "/full"
    shell(("mkdir %s && mount -t tmpfs -o size=24m tmpfs %s && chown postgres %s"):format(mount, mount, mount))
    local _ <close> = setmetatable({}, { __close = function()
      shell("rm -f " .. mount .. "/filler")
      own:psql "drop database if exists tight; drop tablespace if exists full_disk"
      shell("umount " .. mount)
    end })
    own:psql(("create tablespace full_disk location '%s'"):format(mount))
    own:psql "create database tight owner loader tablespace full_disk"
    local before = published()
    shell(("dd if=/dev/zero of=%s/filler bs=1M status=none 2>/dev/null; truncate -s -2M %s/filler")
      :format(mount, mount))
    local _, err, code = run { database = "tight" }
    assert.equal(1, code, err)
    assert.truthy(err:find("No space left on device", 1, true) or err:find "wrote only %d+ of %d+ bytes", err)
    assert.not_matches(password, err, 1, true)
    assert.equal(before, published())
  end)
end)
