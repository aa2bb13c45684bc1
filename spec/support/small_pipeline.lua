-- A small pipeline for specs of runs from start to end: a folder, one database for a whole file, and the table `item`.

local assert = require "luassert"
local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local M = {}

local shell = server.shell

M.rules = r.table("item", {
  { "id", r.bigint():trim():required() },
  { "name", r.text():trim() },
  { "price", r.numeric(10, 2) },
}, { key = "id" })

M.good = 'id,name,price\n1,one,1.5\n2,"two\nlines",\n 3 ,three,x\n1,again,2\n'

--- What a query gives, unaligned as psql -At prints it.
function M.ask(sql)
  return shown.text(M.db, sql)
end

function M.write(name, text)
  local file <close> = assert(io.open(M.folder .. "/" .. name, "wb"))
  file:write(text)
end

local function empty_database()
  M.database = M.database or server.get():database()
  M.dsn = M.database
  M.db = M.db or connection.open { dsn = M.dsn }
  for row in M.db:query("SELECT nspname FROM pg_namespace "
    .. "WHERE nspname !~ '^(pg_|information_schema|pghost$)'"):rows() do
    M.db:query(("DROP SCHEMA %s CASCADE"):format(M.db:quote_identifier(row.nspname)))
  end
  M.db:query "CREATE SCHEMA public"
  if M.ask "SELECT to_regclass('pghost.runs')" ~= "" then
    M.db:query "TRUNCATE pghost.runs, pghost.rejects RESTART IDENTITY CASCADE"
  end
end

--- Before each test: a new folder with item.csv, and the database as if new.
---@return string folder, string dsn, pghost.Connection
function M.make_folder()
  M.folder = shell "mktemp -d /tmp/pghost_pipeline.XXXXXX"
  empty_database()
  M.write("item.csv", M.good)
  return M.folder, M.dsn, M.db
end

function M.remove_folder()
  shell("rm -rf " .. M.folder)
end

--- Runs fn(run) in a pipeline of its own; returns the log, and the error object if there was one.
function M.with_run(fn, config, arguments)
  local out = shown.sink()
  config = config or {}
  config.data = M.folder
  local _, problem = pcall(function()
    local run <close> = pipeline.start("spec", config, {
      arguments = arguments or {}, dsn = M.dsn, log = { out = out, format = "text", quiet = false }, out = shown.sink(),
    })
    fn(run)
  end)
  return out.text, problem
end

function M.must_run(fn, config, arguments)
  local log, problem = M.with_run(fn, config, arguments)
  assert.is_nil(problem, tostring(problem))
  return log
end

function M.load_and_publish(run)
  run:load("item", "item*.csv", M.rules)
  run:publish()
end

--- Nothing of a run is left but its history.
function M.assert_clean_end()
  assert.equal("0", M.ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  assert.equal("0", M.ask "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
  assert.equal("0", M.ask "SELECT count(*) FROM pghost.runs WHERE state = 'running'")
end

function M.last_state()
  return M.ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1"
end

return M
