-- bootstrap, over sources of a single stub: what it does with a build tree that was made elsewhere.

local fixture = require "support.fixture"
local pghost = require "support.pghost"

local stub = [[
cmake_minimum_required(VERSION 3.25)
project(stub NONE)
file(WRITE ${PROJECT_BINARY_DIR}/sources ${PROJECT_SOURCE_DIR})
add_custom_target(stub ALL COMMAND ${CMAKE_COMMAND} -E copy ${PROJECT_BINARY_DIR}/sources ${PROJECT_BINARY_DIR}/made)
]]

describe("bootstrap", function()
  local folder

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    pghost.shell(("mkdir %s/one && cd %s && cp bootstrap packages.txt CMakePresets.json %s/one"):format(folder,
      pghost.root, folder))
    pghost.write(folder .. "/one/CMakeLists.txt", stub)
  end)

  it("configures a build tree again that was moved with its sources", function()
    local _, err, code = pghost.shell(folder .. "/one/bootstrap build")
    assert.equal(0, code, err)
    assert.is_nil(err:find("have moved", 1, true))
    pghost.shell(("mv %s/one '%s/two and more'"):format(folder, folder))
    _, err, code = pghost.shell(("'%s/two and more/bootstrap' build"):format(folder))
    assert.equal(0, code, err)
    assert.matches("bootstrap: the sources have moved since 'build' was made: configuring it again\n", err)
    assert.equal(folder .. "/two and more", pghost.read(folder .. "/two and more/build/made"))
    _, err, code = pghost.shell(("'%s/two and more/bootstrap' build"):format(folder))
    assert.equal(0, code, err)
    assert.is_nil(err:find("have moved", 1, true))
  end)
end)
