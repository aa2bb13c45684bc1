-- `pghost load` in a folder and a database of its own.

local assert = require "luassert"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local M = {}

--- In front of each test a new folder and a new database.
function M.each()
  fixture.each(function(keep)
    M.folder = keep(pghost.folder())
    M.dsn = server.get():database()
  end)
end

function M.write(name, text)
  return pghost.write(M.folder .. "/" .. name, text)
end

function M.psql(sql)
  local out, err, code = pghost.psql(M.dsn, sql)
  if code ~= 0 then
    error(err, 2)
  end
  return (out:gsub("\n$", ""))
end

--- stderr and exit code of `pghost load` in the folder.
function M.load(words, options)
  options = options or {}
  local all = { "--dsn", options.dsn or M.dsn, "load" }
  table.move(words, 1, #words, #all + 1, all)
  local out, err, code = pghost.run(all, { cd = M.folder, stdin = options.stdin, env = options.env })
  assert.equal("", out)
  return err, code
end

function M.must_load(words, options)
  local err, code = M.load(words, options)
  assert.equal(0, code, err)
  return err
end

function M.must_fail(expected_code, message, words, options)
  local err, code = M.load(words, options)
  assert.equal(expected_code, code, err)
  local last = err:match("pghost: ([^\n]*)")
  assert.equal(message, last, err)
  return err
end

return M
