-- "How to add" in CONTRIBUTING.md: its diffs go into a copy of the sources, which is built and used.

local server = require "support.server"

local root = arg[0]:gsub("[^/]*$", "") .. "../"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

-- Puts `text` before or after the line, of which there must be one; "-": in its place.
local function insert(source, line, text, where)
  local found, rest = source:find("\n" .. line .. "\n", 1, true)
  assert(found, "no line '" .. line .. "'")
  assert(not source:find("\n" .. line .. "\n", rest, true), "several lines '" .. line .. "'")
  line = line .. "\n"
  local replacement = where == "before" and text .. line or where == "after" and line .. text or text
  return source:sub(1, found) .. replacement .. source:sub(rest + 1)
end

-- One diff: `<<< line` and the lines to come before it; ` line` and those after it; `-line`, replaced.
local function apply(source, diff)
  local anchor, where, added = nil, nil, {}
  local function flush()
    if anchor and (#added > 0 or where == "-") then
      source = insert(source, anchor, table.concat(added), where)
    end
    added = {}
  end
  for line in diff:gmatch("([^\n]*)\n") do
    local sign, text = line:sub(1, 1), line:sub(2)
    if sign == "+" then
      added[#added + 1] = text .. "\n"
    elseif sign == "<" or sign == " " or sign == "-" then
      flush()
      anchor = sign == "<" and line:sub(5) or text
      where = sign == "<" and "before" or sign == " " and "after" or "-"
    end
  end
  flush()
  return source
end

local function add_all(folder)
  local files = {}
  for diff in read(root .. "CONTRIBUTING.md"):gmatch("```diff\n(.-)```") do
    local path = diff:match("^%-%-%- (%S+)\n")
    local changes = diff:gsub("^.-\n", "")
    local there = io.open(folder .. "/" .. path, "rb")
    local source = there and there:read("a")
    write(folder .. "/" .. path, source and apply(source, changes) or changes:gsub("%+([^\n]*\n)", "%1"))
    if there then
      there:close()
    end
    files[#files + 1] = path
  end
  return files
end

-- The answer of a chunk in the new binary.
local function run(folder, chunk)
  write(folder .. "/chunk.lua", chunk)
  return server.shell(("cd %s && build/pghost chunk.lua 2>&1"):format(folder))
end

describe("what is added as CONTRIBUTING.md says", function()
  local folder, files

  setup(function()
    folder = server.shell("mktemp -d")
    server.shell(("cd %s && cp -r CMakeLists.txt bindings data host scripts sql %s"):format(root, folder))
    server.shell(("mkdir %s/spec && cd %s/spec && cp -r c support run.lua type_spec.lua %s/spec"):format(folder, root,
      folder))
    files = add_all(folder)
    server.shell(("cd %s && cmake -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 >/dev/null && "
      .. "cmake --build build 2>&1"):format(folder))
  end)

  teardown(function()
    server.shell("rm -rf " .. folder)
  end)

  it("is one file each; of a type also its spec and annotation, of a check of tables a line of the user's", function()
    assert.same({ "bindings/rules/type_number.c", "spec/support/types/number.lua", "scripts/pghost/rules.lua",
      "bindings/rules/rule_checks.c", "bindings/rules/rule_ops.c",
      "bindings/lua/csv_options.c", "scripts/pghost/checks/column_kinds.lua", "scripts/checks.lua",
      "scripts/pghost/run/settings.lua", "scripts/pghost/command/count.lua" }, files)
  end)

  it("is a type, a check and an operation", function()
    assert.equal("4000000000 oid\nout of range for oid '5000000000'\nnot in ASCII: 'ä'\nx  oid  strip_zeros  ascii",
      run(folder, [[
        local r = require "pghost.rules"
        local rules = r.table("t", { { "x", r.oid():strip_zeros():ascii() } })
        print(rules:try({ x = "0004000000000" }).x .. " " .. rules:columns()[1].type)
        print(select(2, rules:try { x = "5000000000" }).reason)
        print(select(2, r.table("t", { { "x", r.text():ascii() } }):try { x = "ä" }).reason)
        print((rules:describe():match("\n([^\n]*)$"):gsub("   *", "  ")))]]))
  end)

  it("is a type that its row in the specs compares with the server's", function()
    local told = server.shell(("cd %s && PGHOST_SPEC_SOCKET=%s build/pghost spec/run.lua --output=TAP "
      .. "--filter='type oid is' spec/type_spec.lua 2>&1 || true"):format(folder, server.get().socket))
    assert.equal("ok 1 - a type oid is the server's", told:match("ok 1 [^\n]*"), told)
  end)

  it("is a kind of check of tables", function()
    assert.equal("t.x is positive\tholds\nt.x is positive within 1%\n"
      .. "check.positive 't.x': unknown option 'wher': did you mean 'where'?",
      (run(folder, [[
        local check = require "pghost.check"
        print(check.positive("t.x").name .. "\t" .. check.holds("t", "true").kind)
        print(check.positive("t.x", { name = "t.x is positive within 1%", error_if = "> 1%" }).name)
        local _, problem = pcall(check.positive, "t.x", { wher = "true" })
        print(problem.message)]]):gsub("chunk.lua:%d+: ", "")))
  end)

  it("is an option of the dialect, on the command line too", function()
    assert.equal("1 2", run(folder, [[
      local csv = require "pghost.native.csv"
      for _, record in csv.open_string("a\tb\n1\t2\n", { tab = true }):records() do
        print(record.a .. " " .. record.b)
      end]]))
    local help = server.shell(("cd %s && build/pghost help dialect"):format(folder))
    assert.matches("%-%-tab%s+Tabs between fields%.", help)
  end)

  it("is a check of tables, a setting and a command", function()
    local dsn = server.get():database()
    local function pghost(words)
      return server.shell(("cd %s && { DATABASE_URL='%s' build/pghost %s 2>&1 || true; }"):format(folder, dsn, words))
    end
    local log = pghost "scripts/pipeline.lua --season spring"
    assert.matches("\ncheck +booking.booking_id is positive +ok", log)
    assert.equal("19491", pghost "count booking")
    assert.matches("spring", pghost [[query "SELECT config->>'season' AS season FROM pghost.runs"]])
    assert.matches("config: unknown setting 'seson': did you mean 'season'",
      run(folder, 'print(select(2, pcall(require("pghost.pipeline").start, "t", { seson = "spring" })))'))
    assert.matches("unknown option '%-%-seaso': did you mean '%-%-season'",
      pghost "scripts/pipeline.lua --seaso x")
    assert.matches("%-%-season <TEXT> +season that the run is for", pghost "scripts/pipeline.lua --help")
    assert.matches("\n +count +Counts the rows of a table", pghost "--help")
    assert.matches("Usage: pghost count", pghost "count --help")
  end)
end)
