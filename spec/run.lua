-- Runs the specs with busted inside the host: `build/pghost spec/run.lua [busted options] [spec/x_spec.lua ...]`.
-- Without files: all of spec/. So the specs see the very binary and bindings they test.
-- PGHOST_SPEC_TOTALS=FILE in the environment: writes how many passed and failed there.

-- luacheck: globals arg
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path

local has_file = false
for _, word in ipairs(arg) do
  has_file = has_file or word:find("_spec%.lua$") ~= nil
end
if not has_file then
  arg[#arg + 1] = here
end
table.insert(arg, 1, "--pattern=_spec%.lua$")
table.insert(arg, 1, "--helper=" .. here .. "/support/helpers.lua")

assert(load('require "busted.runner" { standalone = false }', "@" .. arg[0]))()
