-- The throw-away database of a spec file: made when something first connects, dropped when the file is done.
--
-- It is one of the private server's, or of the server that --dsn names; never of DATABASE_URL or another source that
-- may point to data that matters. What a killed `pghost test` left is dropped by the next.

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"
local relations = require "pghost.catalog.relations"
local sys = require "pghost.native.sys"

local M = {}

local comment <const> = "throw-away database of pghost test"
local tries <const> = 3

local count, current, admin_dsn = 0, nil, nil

-- Where databases are made.
local function find_admin()
  if not admin_dsn then
    local given = host.options.dsn
    admin_dsn = given and given ~= "" and given or errors.check(require("pghost.native.server").ensure())
  end
  return admin_dsn
end

-- The same server, another database.
local function dsn_of(name)
  local base = find_admin()
  if base:find "^postgres%w*://" then
    return ("%s%sdbname=%s"):format(base, base:find("?", 1, true) and "&" or "?", name)
  end
  return ("%s dbname=%s"):format(base, name)
end

-- One whose process still lives is connected to it, and a database in use is not dropped.
local function drop_left(conn)
  local left = conn:query([[
    SELECT d.datname AS name FROM pg_catalog.pg_database AS d
    WHERE d.datname ~ '^pghost_test_[0-9]+_[0-9]+$' AND pg_catalog.shobj_description(d.oid, 'pg_database') = $1
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)]], comment)
  for row in left:rows() do
    pcall(conn.query, conn, "DROP DATABASE IF EXISTS " .. relations.quote(row.name))
  end
end

local function create(conn)
  count = count + 1
  local name = ("pghost_test_%d_%d"):format(sys.pid(), count)
  conn:query("CREATE DATABASE " .. name)
  conn:query(("COMMENT ON DATABASE %s IS '%s'"):format(name, comment))
  return name
end

-- Another pghost test may drop it before we are connected.
local function make()
  local conn <close> = connection.open { dsn = find_admin() }
  if count == 0 then
    drop_left(conn)
  end
  for n = 1, tries do
    local name = create(conn)
    local done, keeper = pcall(connection.open, { dsn = dsn_of(name) })
    if done then
      return { name = name, dsn = dsn_of(name), keeper = keeper }
    end
    conn:query("DROP DATABASE IF EXISTS " .. name)
    if n == tries then
      error(keeper, 0)
    end
  end
end

--- How to connect to the database of this spec file, which is made if it is not there.
---@return string conninfo
function M.dsn()
  current = current or make()
  return current.dsn
end

--- Whether something has connected to it.
---@return boolean
function M.is_made()
  return current ~= nil
end

--- A connection to it that stays open.
---@return pghost.Connection
function M.connection()
  M.dsn()
  if current.keeper:status() ~= "idle" and current.keeper:status() ~= "transaction" then
    current.keeper = connection.open { dsn = current.dsn } -- a spec has closed or broken it
  end
  return current.keeper
end

--- Drops it, whoever is still connected.
function M.drop()
  local gone = current
  current = nil
  if gone then
    local conn <close> = connection.open { dsn = find_admin() }
    gone.keeper:close()
    conn:query(("DROP DATABASE IF EXISTS %s WITH (FORCE)"):format(gone.name))
  end
end

return M
