-- on_success, on_failure, on_reject_budget and notify: told of the outcome, never part of it; docs/HOOKS.md's examples.

local cjson = require "cjson"
local lfs = require "lfs"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local pipeline = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local check = require "pghost.check"
local config = require "config"
local run <close> = pipeline.start("items", config)
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }, { key = "id" }))
run:check { check.holds("item", "id < 100"), check.holds("item", "id < 50", { severity = "warn" }) }
if run.settings.parameters.show then
  run:publish()
end
]]

-- Each hook appends its name and what it got, and then does something more.
local config = [[
local function hook(name)
  return function(outcome)
    local file <close> = assert(io.open("told", "a"))
    file:write(name, " ", outcome:json(), "\n")
    file:close()
    %s
  end
end
return { data = ".", schema = "shop", retries = 0, parameters = { show = true, list = { 1 } },
  on_success = hook "on_success", on_failure = hook "on_failure", on_reject_budget = hook "on_reject_budget", %s }
]]

local project

fixture.each(function(keep)
  project = keep(projects.new { ["pipeline.lua"] = pipeline, ["item.csv"] = "id\n1\nx\n60\n",
    ["config.lua"] = config:format("", "") })
end)

local function run(...)
  local err, code = project:run("pipeline.lua", { ... })
  return code, err
end

-- What hooks were told: a list of { name, outcome, text }.
local function told()
  local list = {}
  local file <close> = io.open(project.folder .. "/told")
  for line in file and file:lines() or function() end do
    local name, text = line:match "^(%S+) (.*)$"
    list[#list + 1] = { name, cjson.decode(text), text }
  end
  return list
end

describe("a hook", function()
  it("is told of a run that has published", function()
    assert.equal(0, (run()))
    local list = told()
    assert.equal(1, #list)
    local name, outcome, text = table.unpack(list[1])
    assert.is_number(outcome.seconds)
    assert.equal(project:ask "select to_char(started_at, 'YYYY-MM-DD HH24:MI:SS') from pghost.runs",
      outcome.started:match "^[^.]*")
    outcome.seconds, outcome.started = nil, nil
    assert.same({ "on_success", { pipeline = "items", schema = "shop", state = "published", run = 1, records = 3,
      rejected = 1, rejects = { item = { records = 3, rejected = 1, rules = { type = 1 } } },
      tables = { "item", "item_raw" }, checks = 4, warnings = 1, failed_checks = {}, exit = 0 } }, { name, outcome })
    assert.matches('^{"pipeline":"items","schema":"shop","state":"published","run":1,"started":"[^"]*",'
      .. '"seconds":[%d.e-]+,'
      .. '"records":3,"rejected":1,"rejects":{"item":{"records":3,"rejected":1,"rules":{"type":1}}},'
      .. '"tables":%["item","item_raw"%],"checks":4,"warnings":1,"failed_checks":%[%],"exit":0}$', text)
  end)

  it("is told of one that has failed, and why", function()
    project:write("item.csv", "id\n1\n100\n")
    local code, err = run()
    assert.same({ 4, 1 }, { code, #told() })
    local name, outcome = table.unpack(told()[1])
    assert.same({ "on_failure", "failed", "check", 4, { "item: id < 100" }, {}, 1 }, { name, outcome.state,
      outcome.code, outcome.exit, outcome.failed_checks, outcome.tables, outcome.run })
    assert.matches("hook     on_failure           done  (", err, 1, true)
    assert.equal("failed", project:ask "select state from pghost.runs")
  end)

  it("is told of too many rejects first", function()
    assert.equal(4, (run("--max-rejects", "0")))
    local list = told()
    assert.same({ "on_reject_budget", "on_failure", "budget", "budget" }, { list[1][1], list[2][1], list[1][2].code,
      list[2][2].code })
    assert.equal(list[1][3]:gsub('"seconds":[^,]*', ""), (list[2][3]:gsub('"seconds":[^,]*', "")))
  end)

  it("is told where the database cannot be reached", function()
    local _, _, code = pghost.run({ "--dsn", "host=/nowhere", "pipeline.lua" }, { cd = project.folder })
    local name, outcome = table.unpack(told()[1])
    assert.same({ 3, "on_failure", "failed", 3 }, { code, name, outcome.state, outcome.exit })
    assert.is_nil(outcome.run)
    assert.matches("could not connect", outcome.error)
  end)

  it("is told of a signal", function()
    project:write("pipeline.lua", (pipeline:gsub("run:check", "os.execute 'kill -TERM $PPID'; run:check", 1)))
    assert.equal(143, (run()))
    assert.same({ "on_failure", "interrupted", 143 }, { told()[1][1], told()[1][2].state, told()[1][2].exit })
  end)

  it("is not called for a dry run, nor for a script that publishes nothing", function()
    assert.equal(0, (run("--dry-run")))
    assert.equal(0, (run("--show", "no")))
    assert.same({}, told())
  end)

  it("is not called for an attempt that is retried", function()
    project:write("pipeline.lua", (pipeline:gsub("run:check", [[
if require("pghost.native.host").attempt == 1 then
  run:query "SELECT pg_terminate_backend(pg_backend_pid())"
end
run:check]], 1)))
    assert.equal(0, (run("--retries", "1")))
    local list = told()
    assert.same({ 1, "on_success", 2 }, { #list, list[1][1], list[1][2].run })
  end)

  it("comes when the lock is free and the tables are there", function()
    project:write("config.lua", config:format([[
      local conn <close> = require("pghost.connection").open()
      assert(conn:query("SELECT count(*) AS n FROM shop.item")[1].n == 2)
      if outcome.run == 1 then
        local command = ("%s --dsn '%s' pipeline.lua --force yes 2>/dev/null"):format(os.getenv "PGHOST_PATH",
          os.getenv "DSN")
        assert(os.execute(command))
      end]], ""))
    local _, err, code = pghost.run({ "--dsn", project.dsn, "pipeline.lua" }, { cd = project.folder,
      env = ("PGHOST_PATH=%s DSN=%s"):format(pghost.path, pghost.quote(project.dsn)) })
    assert.same({ 0, 2 }, { code, #told() }, err)
    assert.matches("hook     on_success           done", err)
  end)

  for what, code in pairs {
    ["raises"] = 'error "no network"', ["raises a table"] = "error { 1 }", ["exits with 0"] = "os.exit(0)",
    ["exits with 7"] = "os.exit(7, true)", ["is no code at all"] = "nothing.there()",
    ["writes into a pipe that nobody reads"] =
      'local pipe = io.popen("exit 3", "w"); for _ = 1, 99 do pipe:write(("x"):rep(9999)) end; assert(pipe:close())',
    ["overflows the stack"] = "local function f() return f() + 1 end; f()",
  } do
    it(("that %s changes nothing"):format(what), function()
      project:write("config.lua", config:format(code, ""))
      local got, err = run()
      assert.equal(0, got, err)
      assert.matches("hook     on_success           warn: failed; the run is not affected: ", err, 1, true)
      assert.equal("published", project:ask "select state from pghost.runs")
      project:write("item.csv", "id\n100\n")
      assert.equal(4, (run()))
      assert.equal(2, #told())
    end)
  end

  it("must be a function", function()
    project:write("config.lua", config:format("", "on_success = 5"))
    local code, err = run()
    assert.same({ 2, "pghost: on_success: a function expected, got '5'\n" }, { code, err })
  end)
end)

-- The blocks of Lua of the page, in their order.
local function examples()
  local list = {}
  for block in pghost.read(pghost.root .. "/docs/HOOKS.md"):gmatch "```lua\n(.-)```" do
    list[#list + 1] = block
  end
  return list
end

-- An example as the config: its settings, and ours.
local function use_example(i)
  project:write("config.lua", ("local config = (function()\n%s\nend)()\nconfig.data, config.schema = '.', 'shop'\n"
    .. "config.parameters = { show = true }\nreturn config\n"):format(examples()[i]))
end

describe("the example", function()
  it("of a file appends a line", function()
    use_example(1)
    assert.equal(0, (run()))
    assert.equal(4, (run("--max-rejects", "0", "--force", "yes")))
    local states = {}
    for line in project:read("runs.jsonl"):gmatch "[^\n]+" do
      states[#states + 1] = cjson.decode(line).state
    end
    assert.same({ "published", "failed" }, states)
  end)

  it("of a webhook posts it, and says when it cannot", function()
    use_example(2)
    project:write("server.py", [[
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("posted", "wb").write(self.headers["Content-Type"].encode() + b"\n" + body)
        self.send_response(204 if self.path == "/good" else 500)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
__import__("os").rename("port.new", "port")
server.handle_request()
server.handle_request()
]])
    pghost.shell(("cd %s && { timeout 60 python3 server.py >/dev/null 2>&1 </dev/null & }; "
      .. "until [ -s port ]; do sleep 0.05; done"):format(project.folder))
    local function post(path)
      return select(2, pghost.run({ "--dsn", project.dsn, "pipeline.lua", "--force", "yes" }, { cd = project.folder,
        env = ("WEBHOOK_URL=http://127.0.0.1:%s/%s"):format(project:read "port", path) }))
    end
    assert.matches("on_success           done", post "good")
    local kind, body = project:read("posted"):match "^(.-)\n(.*)$"
    assert.same({ "application/json", "published" }, { kind, cjson.decode(body).state })
    assert.matches("on_success           warn: failed; .*the webhook failed", post "bad")
  end)

  it("of a mail sends one", function()
    use_example(3)
    lfs.mkdir(project.folder .. "/bin")
    pghost.shell(("chmod +x %s"):format(project:write("bin/sendmail", '#!/bin/sh\n{ echo "$@"; cat; } >mail\n')))
    local _, err, code = pghost.run({ "--dsn", project.dsn, "pipeline.lua", "--max-rejects", "0" }, {
      cd = project.folder, env = ("PATH=%s/bin:$PATH"):format(project.folder) })
    assert.equal(4, code)
    assert.matches("on_reject_budget     done", err)
    assert.matches("^%-t\nTo: data@example.org\nSubject: items: too many rejects\n\nitems: run 1 failed: ",
      project:read "mail")
  end)
end)

describe("notify", function()
  -- What psql hears while pghost runs.
  local function hear(channel, ...)
    local words = { pghost.quote(pghost.path), "--dsn", pghost.quote(project.dsn), "pipeline.lua", ... }
    local out = pghost.shell(("cd %s && psql -X -A -t -d %s 2>&1"):format(project.folder, pghost.quote(project.dsn)),
      ('LISTEN "%s";\n\\! %s >/dev/null 2>&1\nSELECT 1;\n'):format(channel, table.concat(words, " ")))
    local list = {}
    for payload in out:gmatch 'payload "(.-)" received' do
      list[#list + 1] = payload
    end
    return list
  end

  it("comes with what is published, once", function()
    assert.same({ '{"pipeline":"items","run":1,"schema":"shop","tables":["item","item_raw"]}' },
      hear("It's a channel", "--notify", [["It's a channel"]]))
    assert.same({ '{"pipeline":"items","run":2,"schema":"shop","tables":["item","item_raw"]}' },
      hear("c", "--notify", "c", "--force", "yes"))
  end)

  it("does not come with what is not published", function()
    assert.same({}, hear("c", "--notify", "c", "--dry-run"))
    assert.same({}, hear("c", "--notify", "c", "--show", "no"))
    assert.same({}, hear("c", "--notify", "c", "--max-rejects", "0"))
    assert.same({}, hear("c"))
  end)

  it("has a channel of at most 63 bytes", function()
    local code, err = run("--notify", ("x"):rep(64))
    assert.same({ 2, ("pghost: notify: a channel of up to 63 bytes expected, got '%s'\n"):format(("x"):rep(64)) },
      { code, err })
  end)
end)
