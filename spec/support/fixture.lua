-- What the tests of a `describe` or a file work with: made before them, and removed after them, in the reverse order.
--
--   fixture.each(function(keep)           -- anew for each test
--     folder = keep(pghost.folder())
--   end)

local busted = require "busted"
local pghost = require "support.pghost"

local M = {}

local function remove(thing)
  if type(thing) == "string" then
    pghost.remove(thing)
  else
    (thing.close or thing.remove)(thing)
  end
end

local function fixture(before, after, make)
  local kept
  before(function()
    kept = {}
    make(function(thing)
      kept[#kept + 1] = thing
      return thing
    end)
  end)
  after(function()
    for i = kept and #kept or 0, 1, -1 do
      remove(kept[i])
    end
  end)
end

--- For each test. `keep` takes and returns a folder of pghost.folder, or what has a method `remove` or `close`.
---@param make fun(keep: fun(thing: any): any)
function M.each(make)
  fixture(busted.before_each, busted.after_each, make)
end

--- Once for all tests of the `describe` or the file.
---@param make fun(keep: fun(thing: any): any)
function M.once(make)
  fixture(busted.setup, busted.teardown, make)
end

return M
