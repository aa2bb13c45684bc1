-- The schema `pghost` that keeps the history of runs: created and migrated on first use.
--
-- Migrations are sql/metadata/NNN_name.sql beside the library, applied in order, each once, in one
-- transaction under an advisory lock. Not for reading the history: that is plain SQL.

local errors = require "pghost.lib.errors"
local paths = require "pghost.lib.paths"

local M = {}

-- Key of the advisory lock that migrations are applied under: "pghost" in ASCII.
local lock_key = 0x7067686f7374

local function folder()
  local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
  return here .. "/../../../sql/metadata"
end

local function migrations()
  local list = {}
  for _, path in ipairs(paths.list(folder(), "sql")) do
    local version, name = path:match("(%d+)_([^/]*)%.sql$")
    list[#list + 1] = { version = math.tointeger(tonumber(version)), name = name, path = path }
  end
  return list
end

-- The newest version that was applied to the database, and how many were; 0 when there is nothing yet.
-- Asks the catalog's tables: to_regclass may answer from a cache that does not know yet what another run
-- has just created.
local function current_version(conn)
  local present = conn:query([[
    SELECT EXISTS (
      SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = 'pghost' AND c.relname = 'migrations'
    ) AS present]])[1].present
  if not present then
    return 0, 0
  end
  local row = conn:query("SELECT coalesce(max(version), 0) AS version, count(*) AS applied FROM pghost.migrations")[1]
  return row.version, row.applied
end

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read("a")
end

local function create(conn)
  conn:exec [[
    CREATE SCHEMA IF NOT EXISTS pghost;
    CREATE TABLE IF NOT EXISTS pghost.migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON SCHEMA pghost IS 'History of pghost runs: what was loaded, refused, checked and published';
    COMMENT ON TABLE pghost.migrations IS 'Versions of this schema that have been applied';
    COMMENT ON COLUMN pghost.migrations.version IS 'Number of the version, rising';
    COMMENT ON COLUMN pghost.migrations.name IS 'What the version is about';
    COMMENT ON COLUMN pghost.migrations.applied_at IS 'When it was applied, by the server''s clock';
  ]]
end

local function apply(conn, list)
  conn:transaction(function()
    conn:query("SELECT pg_advisory_xact_lock($1::bigint)", lock_key)
    local version = current_version(conn) -- again: another run may have been faster
    if version == 0 then
      create(conn)
    end
    local applied = {}
    for row in conn:query("SELECT version FROM pghost.migrations"):rows() do
      applied[row.version] = true
    end
    for _, migration in ipairs(list) do
      if not applied[migration.version] then
        conn:exec(read(migration.path))
        conn:query("INSERT INTO pghost.migrations (version, name) VALUES ($1, $2)", migration.version, migration.name)
      end
    end
  end)
end

local grants = "usage on schema pghost, and select, insert, update, delete on all tables in it"

-- Says which right is missing before anything fails for it: to make the schema, or to write to one
-- that another role made.
local function check_rights(conn)
  local row = conn:query([[
    SELECT current_user::text AS role, current_database()::text AS database,
      (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'pghost') AS may_use,
      (SELECT has_table_privilege(c.oid, 'SELECT') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname = 'pghost' AND c.relname = 'migrations') AS may_read,
      has_database_privilege(current_database(), 'CREATE') AS may_create]])[1]
  if row.may_use == false then
    errors.raise(("'%s' may not use schema 'pghost' in database '%s': grant it usage on the schema, and select, insert,"
      .. " update and delete on its tables"):format(row.role, row.database), "42501")
  elseif row.may_use == nil and not row.may_create then
    errors.raise(("'%s' may not create schemas in database '%s': grant create on database to it, or have the history "
      .. "made by a role that may, and grant %s"):format(row.role, row.database, grants), "42501")
  elseif row.may_read == false then
    errors.raise(("'%s' may not read table pghost.migrations: grant it %s"):format(row.role, grants), "42501")
  end
  return row
end

-- A role that did not make the history's tables needs to be granted their use.
local function check_tables(conn, role)
  local missing = conn:query([[
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS names
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pghost' AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations' AND NOT (
      has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
      AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))]])[1].names
  if missing then
    errors.raise(("'%s' may not write to tables of schema 'pghost' (%s): grant it %s"):format(role, missing, grants),
      "42501")
  end
end

-- Only who owns the tables can bring them to a new version.
local function check_owner(conn, role, version, newest)
  local owner = conn:query([[
    SELECT pg_get_userbyid(c.relowner)::text AS name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pghost' AND c.relname = 'runs' AND NOT pg_has_role(c.relowner, 'USAGE')]])[1]
  if owner then
    errors.raise(("schema 'pghost' is at version %d and this pghost needs %d, but it belongs to '%s': run pghost once "
      .. "as '%s', then grant '%s' %s"):format(version, newest, owner.name, owner.name, role, grants), "42501")
  end
end

--- Raises where nothing can be written: before the work, rather than in the middle of it.
---@param conn pghost.Connection
function M.require_writable(conn)
  local row = conn:query([[
    SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
      current_user::text AS role, current_database()::text AS database]])[1]
  if row.standby then
    errors.raise("the server is read-only: it is a standby: connect to the primary (with several hosts in --dsn, "
      .. "target_session_attrs=read-write finds it)", "25006", { exit = 3, standby = true })
  elseif row.read_only then
    errors.raise(("the server is read-only for '%s' in database '%s': default_transaction_read_only is on")
      :format(row.role, row.database), "25006", { exit = 3 })
  end
end

--- Brings the schema `pghost` to this version. Raises when the database has a newer one, or when
--- the role may not create or use it.
---@param conn pghost.Connection
function M.migrate(conn)
  local role = check_rights(conn).role
  local list = migrations()
  local newest = list[#list].version
  local version, applied = current_version(conn)
  if version > newest then
    errors.raise(("schema 'pghost' is at version %d, this pghost knows up to %d: use a newer pghost")
      :format(version, newest), "usage", { exit = 1 })
  elseif applied < #list then
    check_owner(conn, role, version, newest)
    apply(conn, list)
  else
    check_tables(conn, role)
  end
end

return M
