-- stdin, stdout and stderr that are closed or full: nothing goes where it does not belong, and no result
-- is lost with exit code 0.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local project = require "support.project"

describe("a closed stream", function()
  local folder

  fixture.each(function(keep)
    folder = keep(pghost.folder())
  end)

  it("is never a file's descriptor: output to stdout is an error, to stderr is dropped", function()
    local open = [[local f = io.open("%s/new", "w") io.stderr:write("log") print("result") f:write("data") f:close()]]
    local chunk = pghost.quote(open:format(folder))
    local lost = "pghost: could not write the output: bad file descriptor (all else succeeded)\n"
    for closed, expected in pairs { ["2>&-"] = { "result\n", "", 0 }, ["<&-"] = { "result\n", "log", 0 },
      [">&-"] = { "", "log" .. lost, 1 }, ["<&- >&- 2>&-"] = { "", "", 1 } } do
      assert.same(expected, { pghost.shell(("%s -e %s %s"):format(pghost.quote(pghost.path), chunk, closed)) })
      assert.equal("data", pghost.read(folder .. "/new"))
    end
  end)

  it("is no error when nothing was to be written", function()
    assert.same({ "", "", 0 }, { pghost.shell(pghost.quote(pghost.path) .. " -e 'x = 1' <&- >&- 2>&-") })
  end)

  it("is not read as a script", function()
    local _, err, code = pghost.shell(pghost.quote(pghost.path) .. " <&-")
    assert.equal(1, code)
    assert.matches("cannot read stdin", err, nil, true)
  end)
end)

describe("a pipeline", function()
  local p

  fixture.each(function(keep)
    p = keep(project.new { ["p.lua"] = [[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("streams", { max_rejects = "" })
      run:load("t", "t.csv", r.table("t", { { "k", r.integer():required() } }, { key = "k" }))
      run:analyse("sql")
      run:publish()]] })
    os.execute("mkdir " .. p.folder .. "/data " .. p.folder .. "/sql")
    p:write("data/t.csv", "k\n1\n2\n")
    p:write("sql/answer.sql", "select count(*) as n from t")
  end)

  local function run(redirected)
    return pghost.shell(("cd %s && %s --dsn '%s' p.lua %s"):format(p.folder, pghost.path, p.dsn, redirected))
  end

  it("writes no log into the socket of the server", function()
    for _, closed in ipairs { "2>&-", "<&- 2>&-", "<&- >/dev/null 2>&-", "2>/dev/full" } do
      local _, err, code = run(closed)
      assert.same({ "", 0 }, { err, code })
      assert.equal("published", p:ask "select state from pghost.runs order by run_id desc limit 1")
    end
    assert.equal("2", p:ask "select count(*) from t")
  end)

  it("whose answers cannot be written says that, and that the rest was done", function()
    for _, where in ipairs { ">/dev/full", ">&-" } do
      local _, err, code = run(where)
      assert.equal(1, code)
      assert.matches("pghost: could not write [^\n]*output[^\n]* %(all else succeeded%)\n$", err)
      assert.equal("published", p:ask "select state from pghost.runs order by run_id desc limit 1")
    end
  end)
end)

-- As a network file system or a quota does: the failure comes with the close, not with the write.
describe("an output that fails when it is closed", function()
  local folder

  setup(function()
    folder = pghost.folder()
  end)

  teardown(function()
    pghost.remove(folder)
  end)

  local function run(words, out)
    local options = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" -- LeakSanitizer traces, too
    return pghost.shell(("cd %s && ASAN_OPTIONS=%s strace -f -qq -o trace -P %s/out -e trace=close "
      .. "-e inject=close:error=EIO %s %s >%s")
      :format(folder, pghost.quote(options), folder, pghost.path, words, out))
  end

  it("is an error for standard output", function()
    local _, err, code = run("-e 'print(1)'", "out")
    assert.equal(1, code)
    assert.matches("pghost: could not write the output: input/output error %(all else succeeded%)\n$", err)
    assert.equal("1\n", pghost.read(folder .. "/out"))
  end)

  it("is an error for a file that is written to directly", function()
    local dsn = server.get():database()
    local _, err, code = run(("--dsn %s export 'SELECT 1' -o /proc/self/fd/3"):format(pghost.quote(dsn)),
      "/dev/null 3>out")
    assert.equal(1, code, err)
    assert.matches("pghost: could not write '/proc/self/fd/3': input/output error", err)
  end)
end)
