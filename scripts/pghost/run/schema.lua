-- The schema `pghost` that keeps the history of runs: created and migrated on first use.
--
-- Migrations are sql/metadata/NNN_name.sql beside the library, applied in order, each once, in one
-- transaction under an advisory lock. Not for reading the history: that is plain SQL.

local errors = require "pghost.lib.errors"
local paths = require "pghost.lib.paths"
local trust = require "pghost.catalog.trust"
local whole_file = require "pghost.lib.whole_file"

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
      SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = 'pghost' AND c.relname = 'migrations'
    ) AS present]])[1].present
  if not present then
    return 0, 0
  end
  local row = conn:query([[
    SELECT coalesce(pg_catalog.max(version), 0) AS version, pg_catalog.count(*) AS applied FROM pghost.migrations]])[1]
  return row.version, row.applied
end

local function create(conn)
  conn:exec [[
    CREATE SCHEMA IF NOT EXISTS pghost;
    CREATE TABLE IF NOT EXISTS pghost.migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
    );
    COMMENT ON SCHEMA pghost IS 'History of pghost runs: what was loaded, refused, checked and published';
    COMMENT ON TABLE pghost.migrations IS 'Versions of this schema that have been applied';
    COMMENT ON COLUMN pghost.migrations.version IS 'Number of the version, rising';
    COMMENT ON COLUMN pghost.migrations.name IS 'What the version is about';
    COMMENT ON COLUMN pghost.migrations.applied_at IS 'When it was applied, by the server''s clock';
  ]]
end

-- The files are written with plain names of the server: only its own names are found while they run.
local function apply(conn, list)
  conn:transaction(function()
    conn:query("SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)")
    conn:query("SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)", lock_key)
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
        conn:exec(whole_file.read(migration.path))
        conn:query("INSERT INTO pghost.migrations (version, name) VALUES ($1, $2)", migration.version, migration.name)
      end
    end
  end)
end

local grants = "usage on schema pghost, and select, insert, update, delete on all tables in it"

-- Reports a missing right before anything fails because of it: to create the schema, or to write to one that another
-- role created.
local function check_rights(conn)
  local row = conn:query([[
    SELECT current_user::text AS role, pg_catalog.current_database()::text AS database,
      (SELECT pg_catalog.has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = 'pghost')
        AS may_use,
      (SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT')
       FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname = 'pghost' AND c.relname = 'migrations') AS may_read,
      pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create]])[1]
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
    SELECT pg_catalog.string_agg(c.relname::text, ', ' ORDER BY c.relname) AS names
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pghost' AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations' AND NOT (
      pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
      AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
      AND pg_catalog.has_table_privilege(c.oid, 'DELETE'))]])[1].names
  if missing then
    errors.raise(("'%s' may not write to tables of schema 'pghost' (%s): grant it %s"):format(role, missing, grants),
      "42501")
  end
end

-- Only the owner of the tables can migrate them.
local function check_owner(conn, role, version, newest)
  local owner = conn:query([[
    SELECT pg_catalog.pg_get_userbyid(c.relowner)::text AS name
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pghost' AND c.relname = 'runs' AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')]])[1]
  if owner then
    errors.raise(("schema 'pghost' is at version %d and this pghost needs %d, but it belongs to '%s': run pghost once "
      .. "as '%s', then grant '%s' %s"):format(version, newest, owner.name, owner.name, role, grants), "42501")
  end
end

local path_query = [[
  SELECT found.name::text AS first, pg_catalog.quote_ident(found.name::text) AS quoted, current_user::text AS role
  FROM ROWS FROM (pg_catalog.unnest(pg_catalog.current_schemas(true))) WITH ORDINALITY AS found (name, place)
  WHERE NOT pg_catalog.starts_with(found.name::text, 'pg_temp_')
  ORDER BY found.place LIMIT 1]]

local remedies = {
  CREATE = "revoke create on schema pghost from %s",
  TRIGGER = "revoke trigger on pghost.%s from %s",
}

local function remedy(found)
  if found.how == "CREATE" then
    return remedies.CREATE:format(found.role)
  elseif found.how == "TRIGGER" then
    return remedies.TRIGGER:format(found.name, found.role)
  elseif found.what == "trigger" then
    return ("drop trigger %s"):format(found.name)
  end
  return "rename or drop it, or have a superuser, the database's owner or a role that you are a member of own it"
end

--- Raises when somebody who is not trusted could have code of theirs run by who writes or reads the history:
--- a schema `pghost` or a table in it is theirs, they may create in it, or a trigger is theirs. And when the
--- search_path has other schemas before the server's own names.
---@param conn pghost.Connection
function M.check_trust(conn)
  local found = trust.stranger(conn, "pghost")
  if found then
    local how = found.how == "owner" and ("belongs to '%s'"):format(found.role)
      or ("gives '%s' the right %s"):format(found.role, found.how:lower())
    errors.raise(("schema 'pghost' is not safe to use: %s %s %s, who could run code with your rights; %s")
      :format(found.what, found.name, how, remedy(found)), "42501")
  end
  local path = conn:query(path_query)[1]
  if path and path.first ~= "pg_catalog" then
    errors.raise(("the search_path of '%s' has schema %s before pg_catalog, so what is in it takes the place of the "
      .. "server's own functions and types: leave pg_catalog out of search_path, or put it first")
      :format(path.role, path.quoted), "42501")
  end
end

--- Raises where nothing can be written: before the work, rather than in the middle of it.
---@param conn pghost.Connection
function M.require_writable(conn)
  local row = conn:query([[
    SELECT pg_catalog.pg_is_in_recovery() AS standby,
      pg_catalog.current_setting('transaction_read_only') = 'on' AS read_only,
      current_user::text AS role, pg_catalog.current_database()::text AS database]])[1]
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
  M.check_trust(conn)
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
