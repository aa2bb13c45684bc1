-- The private server, as whoever runs the specs and, when that is root, as an ordinary user too.

local pghost = require "support.pghost"

local is_root = (pghost.shell("id -u")) == "0\n"

-- Installed where every user can reach it: the build tree may be below a private folder.
local installed
local folders = {}

local function install()
  if not installed then
    installed = pghost.folder()
    local build = pghost.path:match("^(.*)/")
    local _, err, code = pghost.shell(("cmake --install %s --prefix %s && chmod -R a+rX %s")
      :format(build, installed, installed))
    assert(code == 0, err)
  end
  return installed .. "/bin/pghost"
end

local function suite(title, as)
  describe("the private server of " .. title, function()
    local folder, home, binary

    setup(function()
      binary = install()
      folder = pghost.folder()
      folders[#folders + 1] = folder
      home = folder .. "/home"
      pghost.write(folder .. "/use.lua", [[
        local server = require "pghost.native.server"
        local dsn, message, code = server.ensure()
        if not dsn then io.stderr:write(message, " ", code, "\n") os.exit(3) end
        local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
        local sql = arg[1] or "select 1"
        local psql = io.popen("psql -X -q -A -t -v ON_ERROR_STOP=1 " .. quote(dsn) .. " -c " .. quote(sql))
        io.stdout:write(psql:read("a")):flush()
        assert(psql:close())
        if arg[2] then require("pghost.native.sys").sleep(tonumber(arg[2])) end -- a signal ends it
      ]])
      pghost.shell(("mkdir %s && chmod 777 %s"):format(home, home))
    end)

    -- A shell command as the user, with the home and the server's folder of the spec.
    local function shell(command, variables)
      local env = ("env -u XDG_DATA_HOME -u XDG_RUNTIME_DIR HOME=%s PGHOST_SERVER_DIR=%s/server %s")
        :format(home, home, variables or "")
      return pghost.shell(("%s %s sh -c %s"):format(as, env, pghost.quote(command)))
    end

    local function run(words, variables)
      return shell(binary .. " " .. words, variables)
    end

    local function use(sql, variables)
      return run(("%s/use.lua %s"):format(folder, pghost.quote(sql or "select 1")), variables)
    end

    local function state(variables)
      return run("server status", variables):match("^state:  ([^\n]*)")
    end

    local function wait_for(wanted, variables)
      for _ = 1, 200 do
        if state(variables) == wanted then
          return
        end
        os.execute("sleep 0.05")
      end
      error(("the server is not %s but %s"):format(wanted, state(variables)))
    end

    -- A second server's folder with a copy of the cluster: quicker than creating one.
    local function copy_to(target)
      local from = home .. "/server"
      local _, err, code = pghost.shell(("mkdir -p %s && cp -a %s/data %s && chown --reference=%s %s && chmod 711 %s")
        :format(target, from, target, from, target, target))
      assert(code == 0, err)
    end

    teardown(function()
      run "server stop -f"
      pghost.remove(folder)
    end)

    it("leaves nothing half when its creation is killed", function()
      assert.equal("absent", state())
      shell(("%s %s/use.lua & sleep 0.3; kill -9 $!"):format(binary, folder))
      assert.equal("absent", state())
    end)

    it("is created once by five who come at the same time", function()
      local out, err, code = shell(([[
        for i in 1 2 3 4 5; do %s %s/use.lua "select 'got ' || $i" & done; wait]]):format(binary, folder))
      assert.equal(0, code)
      local lines = {}
      for line in out:gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      table.sort(lines)
      assert.same({ "got 1", "got 2", "got 3", "got 4", "got 5" }, lines)
      assert.equal(("pghost: creating private server in '%s/server'\n"):format(home), err)
    end)

    it("stops with the last of them and keeps its data", function()
      wait_for "stopped"
      assert.same({ "", "", 0 }, { use "create table kept as select 42 as x" })
      assert.same({ "42\n", "", 0 }, { use "select x from kept" })
      wait_for "stopped"
      assert.falsy(shell(("ls %s/server"):format(home)):find("data.new", 1, true))
    end)

    it("is what its user needs", function()
      local out = use [[select current_user, current_database(), pg_encoding_to_char(encoding), datcollate
        from pg_database where datname = current_database();
        select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name in
        ('fsync', 'synchronous_commit', 'wal_level', 'max_wal_senders', 'listen_addresses', 'TimeZone',
         'max_wal_size')]]
      assert.equal("pghost|pghost|UTF8|C.UTF-8\n" ..
        "TimeZone=UTC fsync=on listen_addresses= max_wal_senders=0 max_wal_size=4096 " ..
        "synchronous_commit=on wal_level=minimal\n", out)
    end)

    it("makes tables in public, also where an older pghost has made it", function()
      local data = home .. "/t.csv"
      pghost.write(data, "a\n1\n")
      local function load_into(name)
        local _, err, code = run(("load %s --into %s --create"):format(data, name))
        assert.same(("loaded 1 record from 1 file into public.%s in "):format(name), err:match("^(.- in )"))
        assert.equal(0, code, err)
      end
      load_into "runs"
      local older = {
        ["reset search_path"] = "public",
        ["set search_path = desk, \"$user\", public"] = "desk, public",
        ["in database pghost set search_path = \"$user\""] = "public",
      }
      for setting, path in pairs(older) do
        use("alter role pghost " .. setting)
        wait_for "stopped"
        assert.equal(path .. "\n", (use "show search_path"))
      end
      use "alter role pghost set search_path = public"
      wait_for "stopped"
      load_into "files"
      assert.equal("0\n", (use "select count(*) from pg_class where relnamespace = to_regnamespace('pghost')"))
      use "drop table public.runs, public.files"
    end)

    it("knows nothing of its user's environment", function()
      local secrets = "PGPASSWORD=geheim DATABASE_URL=geheim PGPORT=9"
      use("select 1", secrets)
      local out = use("create temp table environment (line text); copy environment from program 'env'; " ..
        "select line from environment", secrets)
      assert.truthy(out:find("PATH=", 1, true))
      assert.falsy(out:find("geheim", 1, true))
    end)

    it("stays as long as one of two users does", function()
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid"):format(binary, folder, home))
      wait_for "running"
      local before = use "select pg_postmaster_start_time()"
      assert.equal(before, (use "select pg_postmaster_start_time()"))
      assert.truthy(run("server status"):find("in use: yes", 1, true))
      -- kill -9 of the last one stops it, too
      shell(("kill -9 $(cat %s/pid)"):format(home))
      wait_for "stopped"
    end)

    it("is not looked for by those who come while it runs", function()
      run "server start"
      local out, err, code = use("select 2", "PGHOST_SERVER_BIN=/nonexistent")
      run "server stop"
      wait_for "stopped"
      assert.equal("", err)
      assert.equal("2\n", out)
      assert.equal(0, code)
      local _, problem, later = use("select 2", "PGHOST_SERVER_BIN=/nonexistent")
      assert.matches("no PostgreSQL server found", problem, 1, true)
      assert.equal(3, later)
    end)

    it("does not hold the output of who started it", function()
      local began = os.time()
      assert.equal("1\n", (shell(("echo $(%s server start >/dev/null; %s %s/use.lua)"):format(binary, binary, folder))))
      assert.truthy(os.time() - began < 30)
      assert.equal("stopped\n", (run "server stop"))
    end)

    it("is started, shown and stopped by hand", function()
      local out, err, code = run "server start"
      assert.same({ ("running in '%s/server' until `pghost server stop`\n"):format(home), "", 0 }, { out, err, code })
      use()
      os.execute "sleep 0.3"
      assert.equal("running, kept until `pghost server stop`", state())
      out, err, code = shell(('eval "$(%s server env)" && psql -X -A -t -c "select current_user"'):format(binary))
      assert.same({ "pghost\n", "", 0 }, { out, err, code })
      assert.same({ "stopped\n", "", 0 }, { run "server stop" })
      assert.same({ "not running\n", "", 0 }, { run "server stop" })
      out, err, code = run "server status"
      assert.matches(("^state:  stopped\nin use: no\nfolder: %s\ndata:   %s/data %%(PostgreSQL %%d+, %%d+ MB%%)\n" ..
        "log:    %s/data/server.log\nsocket: "):format(home .. "/server", home .. "/server", home .. "/server"), out)
      assert.same({ "", 3 }, { err, code })
      assert.equal("pghost: the private server is not running: pghost server start\n", select(2, run "server env"))
    end)

    it("lets its owner into every database, also where an older pghost has made it", function()
      use "create database another"
      wait_for "stopped"
      local rules = home .. "/server/data/pg_hba.conf"
      local new = pghost.read(rules)
      assert.matches("\nlocal all pghost peer map=pghost\n$", new)
      local function write(text)
        pghost.shell(("chown --reference=%s/server/data/PG_VERSION %s; cat >%s"):format(home, rules, rules), text)
      end
      write((new:gsub("local all", "local pghost")))
      assert.same({ "another\n", "", 0 }, { run "server psql -X -A -t -d another -c 'select current_database()'" })
      assert.equal(new, pghost.read(rules))
      wait_for "stopped"
      write(new .. "# mine\n")
      use()
      assert.equal(new .. "# mine\n", pghost.read(rules))
      write(new)
      use "drop database another"
    end)

    it("has psql, its log, and is restarted by hand", function()
      use()
      local out, err, code = run "server psql -X -A -t -c \"select current_user\" -c \"select 'it''s'\""
      assert.same({ "pghost\nit's\n", "", 0 }, { out, err, code })
      out, err, code = run("server psql -X -A -t -c 'select current_user'", "PGHOST=/nowhere PGUSER=x")
      assert.same({ "pghost\n", "", 0 }, { out, err, code })
      run "server start"
      -- psql's -q, --quiet and -v are not pghost's.
      out, err, code = run "server psql -X -q -v answer=42 --quiet -A -t -c 'create temp table a ()' -c 'select 42'"
      assert.same({ "42\n", "", 0 }, { out, err, code })
      local before = run "server psql -X -A -t -c 'select pg_postmaster_start_time()'"
      out, err, code = run "server restart"
      assert.same({ ("running in '%s/server' until `pghost server stop`\n"):format(home), "", 0 }, { out, err, code })
      assert.not_equal(before, (run "server psql -X -A -t -c 'select pg_postmaster_start_time()'"))
      assert.equal(1, (select(3, run "server psql -X -c nonsense")))
      out, err, code = run "server log -n 1000"
      assert.same({ "", 0 }, { err, code })
      assert.matches("syntax error at or near \"nonsense\"", out)
      assert.equal(2, select(2, (run "server log -n 2"):gsub("\n", "")))
      assert.equal("pghost: --lines: whole number from 1 expected, got '0' (see pghost server --help)\n",
        (select(2, run "server log -n 0")))
      assert.matches("^pghost: unknown option '%-x'", (select(2, run "server log -x")))
      run "server stop"
    end)

    it("is not restarted by hand under those who use it, unless forced", function()
      run "server start"
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid; sleep 0.5"):format(binary, folder, home))
      assert.same({ "pghost: the private server is in use: restart it when nobody uses it, or now with "
        .. "`pghost server restart -f`\n", 1 }, { select(2, run "server restart") })
      assert.equal("running, kept until `pghost server stop`", state())
      assert.equal(0, (select(3, run "server restart -f")))
      shell(("kill $(cat %s/pid)"):format(home))
      run "server stop"
    end)

    it("is not stopped by hand under those who use it, unless forced", function()
      run "server start"
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid; sleep 0.5"):format(binary, folder, home))
      assert.equal("in use: it stops with the last pghost that uses it (-f: now)\n", (run "server stop"))
      assert.equal("running", state())
      shell(("kill $(cat %s/pid)"):format(home))
      wait_for "stopped"
      run "server start"
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid; sleep 0.5"):format(binary, folder, home))
      assert.equal("stopped\n", (run "server stop -f"))
      assert.equal("stopped", state())
      shell(("kill $(cat %s/pid)"):format(home))
    end)

    it("serves who comes while it is stopping", function()
      for i = 1, 3 do
        assert.same({ i .. "\n", "", 0 }, { use("select " .. i) })
      end
    end)

    it("starts again after a crash", function()
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid"):format(binary, folder, home))
      wait_for "running"
      pghost.shell(("kill -9 $(head -n 1 %s/server/data/postmaster.pid)"):format(home))
      wait_for "stopped"
      assert.equal("42\n", (use "select x from kept"))
      shell(("kill $(cat %s/pid)"):format(home))
      wait_for "stopped"
    end)

    it("survives the terminal's Ctrl-C of one of its users", function()
      shell(("%s %s/use.lua 'select 1' 30 >/dev/null 2>&1 & echo $! > %s/pid"):format(binary, folder, home))
      wait_for "running"
      -- SIGINT to the whole process group of the user that started the server
      local out = pghost.shell(("ps -o pgid= -p $(cat %s/pid)"):format(home))
      local monitor = pghost.shell("ps -eo pgid=,args= | grep '[p]rivate server monitor' | awk '{print $1}'")
      assert.truthy(#monitor > 0)
      assert.falsy(monitor:find("%f[%d]" .. out:match("%d+") .. "%f[%D]"))
      shell(("kill $(cat %s/pid)"):format(home))
      wait_for "stopped"
    end)

    it("lets no other user in", function()
      if not is_root then
        pending "needs root to become another user"
        return
      end
      run "server start"
      local socket = run("server status"):match("socket: ([^\n]*)")
      local intruders = { "daemon" }
      if as ~= "" then
        intruders[2] = "postgres"
      end
      for _, name in ipairs(intruders) do
        local out, err, code = pghost.shell(("cd / && setpriv --reuid=%s --regid=nogroup --clear-groups " ..
          "psql -X -h %s -U pghost -d pghost -c 'select 1'"):format(name, socket))
        assert.equal("", out)
        assert.truthy(err:find("Permission denied", 1, true))
        assert.equal(2, code)
      end
      -- even if the folder were open: peer authentication
      pghost.shell(("chmod 755 %s/server %s && chmod 777 %s/.s.PGSQL.5432"):format(home, socket, socket))
      local _, err, code = pghost.shell(("cd / && setpriv --reuid=daemon --regid=nogroup --clear-groups " ..
        "psql -X -h %s -U pghost -d pghost -c 'select 1'"):format(socket))
      assert.truthy(err:find("Peer authentication failed", 1, true))
      assert.equal(2, code)
      _, err = shell(('eval "$(%s server env)" && psql -X -U postgres -c "select 1"'):format(binary))
      assert.truthy(err:find("no pg_hba.conf entry", 1, true))
      pghost.shell(("chmod 700 %s"):format(socket))
      run "server stop"
    end)

    it("is not another user's in its place", function()
      if not is_root then
        pending "needs root to become another user"
        return
      end
      run "server start"
      pghost.write(folder .. "/dsn.lua", 'print((require("pghost.native.server").ensure()))')
      local dsn = run(folder .. "/dsn.lua"):match "^[^\n]*"
      local socket = run("server status"):match "socket: ([^\n]*)" .. "/.s.PGSQL.5432"
      pghost.write(folder .. "/other.py", ([[
import os, socket
server = socket.socket(socket.AF_UNIX)
server.settimeout(20)
server.bind("%s.new")
server.listen()
os.rename("%s.new", "%s")
print(server.accept()[0].recv(9999))]]):format(socket, socket, socket))
      pghost.shell(("mv %s %s.real && (python3 %s/other.py >/dev/null 2>&1 &) && while ! [ -S %s ]; do sleep 0.05; done"
        .. " && chmod 777 %s"):format(socket, socket, folder, socket, socket))
      local owner = as == "" and "postgres" or as:match "reuid=(%w+)"
      local _, err, code = shell(("psql -X -c 'select 1' %s"):format(pghost.quote(dsn)))
      assert.equal(2, code)
      assert.matches(('requirepeer specifies "%s", but actual peer user name is "root"'):format(owner), err, 1, true)
      pghost.shell(("mv %s.real %s"):format(socket, socket))
      assert.equal("1\n", (use()))
      run "server stop"
    end)

    it("shows its files to its owner alone, and listens on no network", function()
      run "server start"
      local open = pghost.shell(("find %s/server -mindepth 1 ! -type s -perm /077"):format(home))
      assert.equal("", open) -- its sockets are in a folder that only the owner can enter
      assert.equal("700", (pghost.shell(("stat -c %%a %s/server/data"):format(home)):gsub("%s", "")))
      local listening = pghost.shell(([[
        for fd in $(ls -d /proc/$(head -1 %s/server/data/postmaster.pid)/fd/*); do readlink $fd; done |
          sed -n 's/^socket:.\([0-9]*\).$/\1/p' | while read inode; do
            awk -v inode=$inode '$10 == inode { print FILENAME, $2 }' /proc/net/tcp /proc/net/tcp6 /proc/net/udp
          done]]):format(home))
      assert.equal("", listening)
      run "server stop"
    end)

    it("refuses a folder of another user", function()
      if not is_root then
        pending "needs root to make one"
        return
      end
      pghost.shell(("cd %s && mkdir foreign && chown daemon foreign && chmod 700 foreign"):format(home))
      local out, err, code = use("select 1", "PGHOST_SERVER_DIR=" .. home .. "/foreign")
      assert.equal("", out)
      assert.equal(3, code)
      assert.truthy(err:find("foreign' is not a folder that only you can write to", 1, true), err)
    end)

    it("finds a shorter place for its socket when its folder's name is too long", function()
      local long = ("%s/%s"):format(home, ("x"):rep(100))
      copy_to(long)
      local variables = "PGHOST_SERVER_DIR=" .. long
      assert.equal("1\n", (use("select 1", variables)))
      local socket = run("server status", variables):match("socket: ([^\n]*)")
      assert.truthy(#socket < 80)
      assert.truthy(pghost.shell("ls -ld " .. socket):find("^drwx%-%-%-%-%-%-"))
      wait_for("stopped", variables)
      assert.equal("1\n", (use("select 1", variables)))
      wait_for("stopped", variables)
      -- a folder in /tmp may be cleaned away
      pghost.shell("rm -r " .. socket)
      assert.equal("1\n", (use("select 1", variables)))
      wait_for("stopped", variables)
      pghost.shell("rm -r " .. run("server status", variables):match("socket: ([^\n]*)"))
    end)

    it("lives with what is in its folder's name, a comma too, and refuses line ends", function()
      for _, name in ipairs { "a,b", ",", "b\\\\s", "50%41", "@at", "host=x port=1", " a ", "\xff", "a;b?c" } do
        copy_to(pghost.quote(home .. "/in/" .. name:gsub("\\\\", "\\")))
        local variables = ([["PGHOST_SERVER_DIR=%s/in/%s"]]):format(home, name)
        assert.equal("1\n", (shell(("timeout 60 %s %s/use.lua"):format(binary, folder), variables)), name)
        wait_for("stopped", variables)
        local socket = run("server status", variables):match("socket: (/tmp[^\n]*)")
        local elsewhere = socket and not socket:find(home, 1, true) and " " .. socket or ""
        pghost.shell("rm -rf " .. home .. "/in/*" .. elsewhere)
      end
      local _, err, code = use("select 1", "'PGHOST_SERVER_DIR=" .. home .. "/a\nb'")
      assert.matches("a control character is in the folder's name, set PGHOST_SERVER_DIR to another", err, nil, true)
      assert.equal(3, code)
    end)

    it("lives with blanks and quotes in its folder's name", function()
      copy_to(pghost.quote(home .. "/it's \"a\" $folder"))
      local variables = [["PGHOST_SERVER_DIR=]] .. home .. [[/it's \"a\" \$folder"]]
      assert.equal("1\n", (use("select 1", variables)))
      local out = shell(('eval "$(%s server env)"; echo "$PGHOST"'):format(binary), variables)
      assert.equal(home .. "/it's \"a\" $folder/run\n", out)
      wait_for("stopped", variables)
    end)

    it("says what is missing", function()
      local _, err, code = use("select 1", "PGHOST_SERVER_BIN=/nonexistent PGHOST_SERVER_DIR=" .. home .. "/none")
      assert.equal("no PostgreSQL server found: install postgresql, or set DATABASE_URL 08001\n", err)
      assert.equal(3, code)
      local command = "cd %s && mkdir -p old/data && echo 9 > old/data/PG_VERSION" ..
        " && chown --reference=server old old/data"
      pghost.shell(command:format(home))
      _, err = use("select 1", "PGHOST_SERVER_DIR=" .. home .. "/old")
      assert.equal(("the private server in '%s/old' was made by PostgreSQL 9, which is not installed: install it, " ..
        "or move that folder away to start a new one 08001\n"):format(home), err)
    end)

    it("says why it could not be created, and leaves nothing behind", function()
      local bin = folder .. "/bin"
      pghost.shell("mkdir -p " .. bin)
      for _, name in ipairs { "postgres", "pg_ctl", "initdb" } do
        pghost.write(bin .. "/" .. name, [[#!/bin/sh
          echo 'creating subdirectories ... ok'
          echo 'FATAL:  could not write to file "pg_wal/xlogtemp.1": No space left on device' >&2
          echo 'initdb: removing data directory' >&2
          exit 1
          ]])
      end
      pghost.shell("chmod -R a+rx " .. bin)
      local variables = ("PGHOST_SERVER_BIN=%s PGHOST_SERVER_DIR=%s/full"):format(bin, home)
      local _, err, code = use("select 1", variables)
      assert.equal(("pghost: creating private server in '%s/full'\n" ..
        "could not create the private server in '%s/full': " ..
        'could not write to file "pg_wal/xlogtemp.1": No space left on device 08001\n'):format(home, home), err)
      assert.equal(3, code)
      assert.equal("absent", state(variables))
      assert.falsy(pghost.shell("ls " .. home .. "/full"):find("data", 1, true))
    end)

    it("refuses a folder that others can write to", function()
      pghost.shell(("cd %s && mkdir -p open && chown --reference=server open && chmod 777 open"):format(home))
      local _, err = use("select 1", "PGHOST_SERVER_DIR=" .. home .. "/open")
      assert.equal(("'%s/open' is not a folder that only you can write to: set PGHOST_SERVER_DIR to one for the " ..
        "private server 08001\n"):format(home), err)
    end)

    it("is in the user's data folder unless told otherwise", function()
      if as == "" and is_root then
        assert.equal("/var/lib/pghost/server", run("server status", "PGHOST_SERVER_DIR="):match("folder: ([^\n]*)"))
        return
      end
      assert.equal(home .. "/.local/share/pghost/server",
        run("server status", "PGHOST_SERVER_DIR="):match("folder: ([^\n]*)"))
      assert.equal("/x/pghost/server",
        run("server status", "PGHOST_SERVER_DIR= XDG_DATA_HOME=/x"):match("folder: ([^\n]*)"))
    end)

    it("says when the server's user cannot reach its folder", function()
      if not (as == "" and is_root) then
        return -- an ordinary user's server runs as that user
      end
      pghost.shell(("mkdir -p %s/closed && chmod 700 %s/closed"):format(home, home))
      local _, err = use("select 1", ("PGHOST_SERVER_DIR=%s/closed/server"):format(home))
      assert.equal(("user 'postgres' cannot reach '%s/closed/server': set PGHOST_SERVER_DIR to a folder " ..
        "below ones that everybody can enter 08001\n"):format(home), err)
    end)
  end)
end

suite(is_root and "root" or "an ordinary user", "")
if is_root then
  suite("an ordinary user", "cd / && setpriv --reuid=nobody --regid=nogroup --clear-groups")
end

describe("the private server's specs", function()
  it("leave nothing behind", function()
    local processes = pghost.shell("ps -eo args=")
    for _, folder in ipairs(folders) do
      assert.falsy(processes:find("postgres -D " .. folder, 1, true))
    end
    if installed then
      pghost.remove(installed)
    end
  end)
end)
