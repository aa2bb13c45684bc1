-- The options that pghost init suggests for an unclear file are tried on it: those that read it best, with what they
-- reject. What each file holds is counted here by its lines, and by the run of the project that the command makes.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"
local shell = require "pghost.lib.shell"

local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

-- Records whose line is no remark, with a remark after every third.
local function records(count, shape, remark)
  local list = {}
  for i = 1, count do
    list[#list + 1] = shape:format(i, i, i)
    list[#list + 1] = i % 3 == 0 and remark or nil
  end
  return table.concat(list, "\n") .. "\n"
end

local remarks = "# made by us\n# version 2\n#\n"

-- Name, text, the options suggested first, what is said beside them, the rows that they load.
local files = {
  { "above and within", remarks .. "id,name,amount,more\n" .. records(20, "%d,n%d,%d.5", "# so far"),
    "--skip 3 --header 1 --too-few pad --comment '#'", nil, 20 },
  { "below the header", "id,name,amount,more\n" .. remarks .. records(20, "%d,n%d,%d.5", "# so far"),
    "--skip 0 --header 1 --too-few pad --comment '#'", nil, 20 },
  { "of another sign", "id,name,amount,more\n" .. remarks:gsub("#", "--") .. records(20, "%d,n%d,%d.5", "-- so far"),
    "--skip 0 --header 1 --too-few pad --comment=--", nil, 20 },
  { "and a record cannot be read", "id,name,amount,more\n" .. remarks .. records(20, "%d,n%d,%d.5", "# so far")
    .. "21,x,1.5,1,2,3\n", "--skip 0 --header 1 --too-few pad --comment '#'", "1 of 21 records rejected", 20 },
  { "no remarks: records begin with the sign", "id,name,amount,more\n" .. remarks .. records(20, "#%d,n%d,%d.5"),
    "--skip 0 --header 1 --too-few pad", nil, 23 },
  { "none, records that end early", "a,b,c,d,e,f,g\n" .. ("1,x,2.5,4\n2,y,3.5,4,5\n3,z,4.5,4,5,6\n"):rep(20),
    "--delimiter , --skip 0 --header 1 --too-few pad", nil, 60 },
}

-- Options and remark of the command that makes the project.
local function suggested(out)
  local command = out:match "options for the first file:\n  pghost init ([^\n]*)"
  local plain, beside = command:match "^(.-)   # (.*)$"
  return plain or command, beside or ""
end

describe("the suggested command, where remarks are", function()
  for _, file in ipairs(files) do
    local name, text, options, beside, rows = table.unpack(file, 1, 5)
    it(name, function()
      project:write("a.csv", text)
      local out = project:init("a.csv", "--into", "p")
      local command, said = suggested(out)
      assert.matches(("a.csv %s --into p"):format(options), command, 1, true)
      assert.equal(beside, said:match "%d+ of %d+ records rejected")
      local _, problem, code = project:pghost("init", table.unpack(shell.split(command)))
      assert.same({ "", 0 }, { problem, code }, command)
      local _, log, run_code = project:pghost("p/pipeline.lua")
      assert.same(0, run_code, log)
      assert.equal(tostring(rows), project:ask "select count(*) from p.a")
      local rejected = beside and beside:match "^%d+" or nil
      assert.equal(rejected, log:match "loaded, (%d+) rejected")
      assert.equal(rejected == nil, log:find(" 0 warnings", 1, true) ~= nil, log)
    end)
  end

  it("is none that reads a remark as the header", function()
    project:write("a.csv", remarks .. "ann,1,2.5,x\n" .. records(20, "n%d,%d,%d.5", "# so far"))
    local command, said = suggested((project:init("a.csv", "--into", "p")))
    assert.matches("a.csv --skip 4 --no-header --comment '#' --into p", command, 1, true)
    assert.equal("", said)
  end)
end)

describe("words of a command", function()
  it("are those that the shell sees", function()
    local line = "--delimiter $'\\x1f' --quote '' --comment '#' --escape '\\' a\\ b 'it'\\''s' x,y"
    local seen = pghost.shell("bash -c " .. pghost.quote(("printf '%%s\\n' %s"):format(line)))
    assert.equal(seen, table.concat(shell.split(line), "\n") .. "\n")
    for _, word in ipairs { "a b", "it's", "#", "\\", "", "x" } do
      assert.same({ word }, shell.split(shell.word(word)))
      assert.same({ word }, shell.split(shell.quote(word)))
    end
  end)
end)
