-- Owners and grants of a published relation, sequence or function, as statements for its replacement; and whether this
-- role may run all of them.

local errors = require "pghost.lib.errors"
local statements = require "pghost.publish.script"

local M = {}

-- Catalog, column of the owner and of the rights, per kind of object.
local relation = { catalog = "pg_class", owner = "relowner", acl = "relacl" }
local sources = {
  TABLE = relation,
  SEQUENCE = relation,
  ROUTINE = { catalog = "pg_proc", owner = "proowner", acl = "proacl" },
}

-- Who granted what: one row per grantor, grantee and grant option; columns' rights with their column.
local grants_query = [[
WITH entry AS (
  SELECT e.grantor, e.grantee, e.is_grantable, e.privilege_type AS privilege, 0 AS attnum, e.place
  FROM %s AS o, aclexplode(o.%s) WITH ORDINALITY AS e (grantor, grantee, privilege_type, is_grantable, place)
  WHERE o.oid = $1::oid
  UNION ALL
  SELECT e.grantor, e.grantee, e.is_grantable, format('%%s (%%I)', e.privilege_type, a.attname), a.attnum, e.place
  FROM pg_attribute AS a,
    aclexplode(a.attacl) WITH ORDINALITY AS e (grantor, grantee, privilege_type, is_grantable, place)
  WHERE a.attrelid = $1::oid AND $2::text <> 'ROUTINE' AND a.attnum > 0 AND NOT a.attisdropped
    AND ($3::oid IS NULL OR EXISTS (SELECT FROM pg_attribute AS n
      WHERE n.attrelid = $3::oid AND n.attname = a.attname AND NOT n.attisdropped))
)
SELECT quote_ident(pg_get_userbyid(grantor)) AS grantor,
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option, string_agg(privilege, ', ') AS privileges
FROM entry GROUP BY attnum, grantor, grantee, is_grantable ORDER BY attnum, min(place)]]

-- Grants in an order in which each grantor already has what it gives.
local function in_order(grants, owner)
  local able, ordered, left = { [owner] = true }, {}, grants
  repeat
    local waiting = {}
    for _, grant in ipairs(left) do
      if able[grant.grantor] then
        ordered[#ordered + 1] = grant
        able[grant.grantee] = able[grant.grantee] or grant.option ~= ""
      else
        waiting[#waiting + 1] = grant
      end
    end
    local stuck = #waiting == #left
    left = waiting
  until stuck or #left == 0
  return ordered
end

-- Roles that default privileges may have granted rights on new objects.
local function default_grantees(conn)
  local names = { "PUBLIC" }
  local rows = conn:query([[
    SELECT DISTINCT quote_ident(pg_get_userbyid(e.grantee)) AS name
    FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS e WHERE e.grantee <> 0 ORDER BY 1]])
  for row in rows:rows() do
    names[#names + 1] = row.name
  end
  return table.concat(names, ", ")
end

local function add_grants(conn, list, kind, oid, name, owner, new)
  local source = sources[kind]
  local rows, grants = conn:query(grants_query:format(source.catalog, source.acl), oid, kind, new), {}
  for row in rows:rows() do
    grants[#grants + 1] = row
  end
  local me = conn:query("SELECT quote_ident(current_user) AS me")[1].me
  for _, grant in ipairs(in_order(grants, owner)) do
    local given = ("GRANT %s ON %s %s TO %s%s"):format(grant.privileges, kind, name, grant.grantee, grant.option)
    if grant.grantor == owner then
      list:add("grants", given)
    else
      list:add("grants", "SET LOCAL ROLE " .. grant.grantor)
      list:add("grants", given)
      list:add("grants", "SET LOCAL ROLE " .. me)
    end
  end
end

-- The new owner needs CREATE on the schema for this one statement and gets it for no longer: code of
-- its own may run later in the transaction.
local function add_owner(conn, list, kind, name, owner, schema)
  local lends = schema and conn:query([[
    SELECT NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
      AND NOT has_schema_privilege(r.oid, n.oid, 'CREATE') AS yes
    FROM pg_roles AS r, pg_namespace AS n WHERE quote_ident(r.rolname) = $1 AND n.nspname = $2]], owner, schema)[1].yes
  local quoted = lends and conn:quote_identifier(schema)
  if lends then
    list:add("owner", "GRANT CREATE ON SCHEMA %s TO %s", quoted, owner)
  end
  list:add("owner", "ALTER %s %s OWNER TO %s", kind, name, owner)
  if lends then
    list:add("owner", "REVOKE CREATE ON SCHEMA %s FROM %s", quoted, owner)
  end
end

--- The owner alone: what is then built on it (indexes, statistics, data) is run as that one.
---@param conn pghost.Connection
---@param oid string of the old relation
---@param name string quoted name of the new one
---@param schema string that the new one is in
---@return pghost.publish.Statements
function M.owner(conn, oid, name, schema)
  local list = statements.new()
  local row = conn:query([[
    SELECT quote_ident(pg_get_userbyid(relowner)) AS owner, pg_get_userbyid(relowner) = current_user AS mine
    FROM pg_class WHERE oid = $1::oid]], oid)[1]
  if not row.mine then
    add_owner(conn, list, "TABLE", name, row.owner, schema)
  end
  return list
end

--- Lets the owners of these relations look into the build schema, as REFRESH runs with their rights, and
--- those who granted something on them.
---@param conn pghost.Connection
---@param relations string oids as an array literal
---@param schema string
---@return pghost.publish.Statements give
---@return pghost.publish.Statements take
function M.lend_usage(conn, relations, schema)
  local give, take = statements.new(), statements.new()
  local rows = conn:query([[
    WITH acting AS (
      SELECT relowner AS oid FROM pg_class WHERE oid = ANY ($1::oid[])
      UNION SELECT e.grantor FROM pg_class AS c, aclexplode(c.relacl) AS e WHERE c.oid = ANY ($1::oid[])
      UNION SELECT e.grantor FROM pg_attribute AS a, aclexplode(a.attacl) AS e WHERE a.attrelid = ANY ($1::oid[])
    )
    SELECT quote_ident(r.rolname) AS role, quote_ident(n.nspname) AS schema
    FROM acting JOIN pg_roles AS r USING (oid), pg_namespace AS n
    WHERE n.nspname = $2 AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE') ORDER BY 1]], relations, schema)
  for row in rows:rows() do
    give:add("usage of the build schema", "GRANT USAGE ON SCHEMA %s TO %s", row.schema, row.role)
    take:add("usage of the build schema", "REVOKE USAGE ON SCHEMA %s FROM %s", row.schema, row.role)
  end
  return give, take
end

--- Owner and grants, columns' ones too.
---@param conn pghost.Connection
---@param kind "TABLE"|"SEQUENCE"|"ROUTINE" TABLE is right for views too
---@param oid string of the old one
---@param name string quoted name of the new one
---@param new? string oid of the new relation: grants on columns that it does not have are left out
---@param schema? string build schema that it is still in
---@return pghost.publish.Statements
function M.of(conn, kind, oid, name, new, schema)
  local source, list = sources[kind], statements.new()
  local object = conn:query(([[
    SELECT quote_ident(pg_get_userbyid(%s)) AS owner, %s IS NOT NULL AS explicit,
      pg_get_userbyid(%s) = current_user AS mine FROM %s WHERE oid = $1::oid]])
    :format(source.owner, source.acl, source.owner, source.catalog), oid)[1]
  if not object.mine and kind ~= "SEQUENCE" then -- a sequence goes with its table
    add_owner(conn, list, kind, name, object.owner, schema)
  end
  list:add("grants", "REVOKE ALL ON %s %s FROM %s, %s", kind, name, default_grantees(conn), object.owner)
  if not object.explicit then -- what the server means by no entry at all
    list:add("grants", "GRANT ALL ON %s %s TO %s%s", kind, name, object.owner, kind == "ROUTINE" and ", PUBLIC" or "")
  end
  add_grants(conn, list, kind, oid, name, object.owner, new)
  return list
end

--- Default privileges of the target schema, for a table that was not there before: it was made in
--- another schema and got that one's.
---@return pghost.publish.Statements
function M.defaults(conn, target, name)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT 'default privileges' AS what, format('GRANT %s ON TABLE %s TO %s%s',
      string_agg(e.privilege_type, ', '), $2::text,
      CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END,
      CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql
    FROM pg_default_acl AS d JOIN pg_namespace AS n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) AS e
    WHERE n.nspname = $1 AND d.defaclobjtype = 'r' AND pg_get_userbyid(d.defaclrole) = current_user
    GROUP BY e.grantee, e.is_grantable ORDER BY 2]], target, name)
  return list
end

-- One row per right that is missing, `oids` being tables, views and functions that will be replaced.
local missing_query = [[
WITH me AS (SELECT current_user::text AS name, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super),
object AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relowner AS owner, n.nspname AS schema, c.relacl AS acl
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[])
  UNION ALL
  SELECT p.oid, p.oid::regprocedure::text, p.proowner, n.nspname, p.proacl
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.oid = ANY ($2::oid[])
)
SELECT format('''%s'' belongs to ''%s'', and publishing replaces it: grant %I to %I', o.name,
  pg_get_userbyid(o.owner), pg_get_userbyid(o.owner), me.name) AS message
FROM object AS o, me WHERE NOT me.super AND NOT pg_has_role(o.owner, 'USAGE')
UNION ALL
SELECT format('''%I.%I'' has foreign keys to or policies on published tables and belongs to ''%s'': grant %I to %I',
  n.nspname, c.relname, pg_get_userbyid(c.relowner), pg_get_userbyid(c.relowner), me.name)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, me
WHERE c.oid = ANY ($3::oid[]) AND NOT me.super AND NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL
SELECT format('''%s'' may not create in schema ''%s'', where its ''%s'' is replaced: '
  'grant create, usage on schema %I to %I', pg_get_userbyid(o.owner), o.schema, o.name, o.schema,
  pg_get_userbyid(o.owner))
FROM object AS o, me WHERE NOT me.super AND NOT has_schema_privilege(o.owner, o.schema, 'CREATE')
UNION ALL
SELECT format('''%s'' may not create in schema ''%s'', where ''%s'' is replaced: '
  'grant create, usage on schema %I to %I', me.name, o.schema, o.name, o.schema, me.name)
FROM object AS o, me WHERE NOT has_schema_privilege(o.schema, 'CREATE')
UNION ALL
SELECT DISTINCT format('''%s'' has grants given by ''%s'': grant %I to %I', o.name, pg_get_userbyid(e.grantor),
  pg_get_userbyid(e.grantor), me.name)
FROM object AS o, me, aclexplode(o.acl) AS e
WHERE e.grantor <> o.owner AND NOT me.super AND NOT pg_has_role(e.grantor, 'MEMBER')
UNION ALL
SELECT DISTINCT format('publication ''%s'' has ''%s'' and belongs to ''%s'': grant %I to %I', p.pubname, o.name,
  pg_get_userbyid(p.pubowner), pg_get_userbyid(p.pubowner), me.name)
FROM object AS o, me, pg_publication_rel AS r, pg_publication AS p
WHERE r.prrelid = o.oid AND p.oid = r.prpubid AND NOT me.super AND NOT pg_has_role(p.pubowner, 'USAGE')
ORDER BY 1]]

--- Raises, naming all of them, when rights are missing that publishing needs.
---@param conn pghost.Connection
---@param relations string oids as an array literal: tables and views that will be replaced
---@param functions string oids as an array literal
---@param outside string oids as an array literal: tables that stay, with foreign keys or policies to make again
function M.check(conn, relations, functions, outside)
  local messages = {}
  for row in conn:query(missing_query, relations, functions, outside):rows() do
    messages[#messages + 1] = row.message
  end
  if #messages > 0 then
    errors.raise("cannot publish: " .. table.concat(messages, "; "), "42501")
  end
end

return M
