-- The counts that bootstrap and .ci/run add up: what spec/support/totals.lua writes for suites that
-- pass, fail, do not load, or do not get to their end.

local file = require "pl.file"
local path = require "pl.path"
local shell = require("support.server").shell
local sys = require "pghost.native.sys"

local pghost = shell("readlink /proc/" .. sys.pid() .. "/exe")
local run = path.abspath(arg[0])

-- Runs a spec of this text in a process of its own. Returns whether it exited with 0, and the line
-- it left in the totals file (nil: none).
local function outcome(text)
  local folder = shell("mktemp -d")
  file.write(folder .. "/some_spec.lua", text)
  local ok = pcall(shell, ("cd %s && PGHOST_SPEC_TOTALS=totals %s %s some_spec.lua"):format(folder, pghost, run))
  local totals = file.read(folder .. "/totals")
  shell("rm -rf " .. folder)
  return ok, totals
end

local function assert_outcome(expected_ok, expected_totals, text)
  local ok, totals = outcome(text)
  assert.equal(expected_ok, ok)
  assert.equal(expected_totals, totals)
end

describe("totals", function()
  it("counts what passed", function()
    assert_outcome(true, "2 0 0\n", [[it("a", function() end) it("b", function() end)]])
  end)

  it("counts failures and errors", function()
    assert_outcome(false, "1 2 0\n", [[
      it("a", function() end)
      it("b", function() assert.equal(1, 2) end)
      it("c", function() local nothing; return nothing.field end)
    ]])
  end)

  it("counts what is pending apart", function()
    assert_outcome(true, "1 0 1\n", [[it("a", function() end) pending("b")]])
  end)

  it("counts a failed setup", function()
    assert_outcome(false, "0 1 0\n", [[
      describe("x", function()
        setup(function() error("no") end)
        it("a", function() end)
      end)
    ]])
  end)

  it("counts a file that does not load", function()
    assert_outcome(false, "0 1 0\n", "this is not Lua")
  end)

  it("leaves no counts of a suite that was cut off", function()
    assert_outcome(true, nil, [[it("a", function() os.exit(0) end)]])
  end)
end)
