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
    local source = read(folder .. "/" .. path)
    write(folder .. "/" .. path, apply(source, diff:gsub("^.-\n", "")))
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
    server.shell(("cd %s && cp -r CMakeLists.txt bindings host scripts sql %s"):format(root, folder))
    files = add_all(folder)
    server.shell(("cd %s && cmake -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 >/dev/null && "
      .. "cmake --build build 2>&1"):format(folder))
  end)

  teardown(function()
    server.shell("rm -rf " .. folder)
  end)

  it("is one file each", function()
    assert.same({ "bindings/rules/type_number.c", "bindings/rules/rule_checks.c", "bindings/rules/rule_ops.c",
      "bindings/lua/csv_options.c", "scripts/pghost/checks/column_kinds.lua" }, files)
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

  it("is a kind of check of tables", function()
    assert.equal("t.x is even\tholds\nt.x is even within 1%\n"
      .. "check.even 't.x': unknown option 'wher': did you mean 'where'?",
      (run(folder, [[
        local check = require "pghost.check"
        print(check.even("t.x").name .. "\t" .. check.holds("t", "true").kind)
        print(check.even("t.x", { name = "t.x is even within 1%", error_if = "> 1%" }).name)
        local _, problem = pcall(check.even, "t.x", { wher = "true" })
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
end)
