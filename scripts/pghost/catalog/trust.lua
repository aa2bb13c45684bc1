-- Who may do what: whether what is in a schema can be trusted with the rights of the role that runs.
--
-- Trusted are the role itself, superusers, roles it is a member of and, unless it is a superuser itself, the owner of
-- the database. All of them could do the same without our help.

local M = {}

-- pg_has_role says of a superuser that it is a member of every role: only its grants count.
local condition = [[(EXISTS (
    SELECT 1 FROM pg_catalog.pg_roles AS trusted WHERE trusted.oid = %role
      AND (trusted.rolsuper OR trusted.rolname = current_user)) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user AND NOT me.rolsuper
      AND (pg_catalog.pg_has_role(%role, 'MEMBER') OR EXISTS (
        SELECT 1 FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database() AND d.datdba = %role))) OR EXISTS (
    WITH RECURSIVE granted (role) AS (
      SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS me ON me.oid = m.member
      WHERE me.rolname = current_user
      UNION SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN granted AS g ON g.role = m.member
    ) SELECT 1 FROM granted WHERE granted.role = %role))]]

--- An SQL condition: whether a role (an expression of type oid) is trusted.
---@param role string SQL
---@return string
function M.trusted(role)
  return (condition:gsub("%%role", (role:gsub("%%", "%%%%"))))
end

-- A superuser is trusted, and the role itself: the part of the condition above that the server plans in no time.
local sure = [[EXISTS (
    SELECT 1 FROM pg_catalog.pg_roles AS trusted WHERE trusted.oid OPERATOR(pg_catalog.=) %role
      AND (trusted.rolsuper OR trusted.rolname OPERATOR(pg_catalog.=) current_user))]]

--- An SQL condition that is met only by roles that M.trusted() meets too, and by nearly all of those there are.
---@param role string SQL
---@return string
function M.surely_trusted(role)
  return (sure:gsub("%%role", (role:gsub("%%", "%%%%"))))
end

-- Anything else that belongs to a role runs with that role's rights, or not at all: tables have no code but in these.
local others_query <const> = [[
  WITH trusted AS MATERIALIZED (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper OR rolname OPERATOR(pg_catalog.=) current_user)
  SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_proc
      WHERE (proowner OPERATOR(pg_catalog.=) ANY (SELECT oid FROM trusted)) IS NOT TRUE)
    OR EXISTS (
      SELECT 1 FROM pg_catalog.pg_type
      WHERE typtype OPERATOR(pg_catalog.=) 'd'
        AND (typowner OPERATOR(pg_catalog.=) ANY (SELECT oid FROM trusted)) IS NOT TRUE)
    OR EXISTS (
      SELECT 1 FROM pg_catalog.pg_class
      WHERE (relkind OPERATOR(pg_catalog.=) 'v' OR relrowsecurity)
        AND (relowner OPERATOR(pg_catalog.=) ANY (SELECT oid FROM trusted)) IS NOT TRUE) AS found]]

--- Whether a role other than this one and superusers owns a function, domain, view or table with policies, anywhere in
--- the database: if not, no definition can lead to code that is not trusted, and nobody needs to follow any.
---@param conn pghost.Connection
---@return boolean
function M.others_have_code(conn)
  return conn:query(others_query)[1].found
end

---@class pghost.catalog.Stranger
---@field what string "schema", "table", "trigger" or "function"
---@field name string quoted where SQL needs it
---@field role string who could do something there; "public": everybody
---@field how string "owner", or the privilege: "CREATE", "TRIGGER"

-- Grants to a role that cannot log in and has no members still count: members can be added.
local strangers_query <const> = [[
  WITH schema AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = $1::pg_catalog.name
  ), relation AS (
    SELECT c.oid, c.relname, c.relowner, c.relacl, c.relkind
    FROM pg_catalog.pg_class AS c JOIN schema AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  ), may AS (
    SELECT 1 AS rank, 'schema' AS what, pg_catalog.quote_ident(s.nspname::pg_catalog.text) AS name, s.nspowner AS role,
      'owner' AS how FROM schema AS s
    UNION ALL
    SELECT 2, 'schema', pg_catalog.quote_ident(s.nspname::pg_catalog.text), a.grantee, a.privilege_type
    FROM schema AS s, LATERAL pg_catalog.aclexplode(s.nspacl) AS a WHERE a.privilege_type = 'CREATE'
    UNION ALL
    SELECT 3, 'table', pg_catalog.quote_ident(r.relname::pg_catalog.text), r.relowner, 'owner' FROM relation AS r
    UNION ALL
    SELECT 4, 'table', pg_catalog.quote_ident(r.relname::pg_catalog.text), a.grantee, a.privilege_type
    FROM relation AS r, LATERAL pg_catalog.aclexplode(r.relacl) AS a WHERE a.privilege_type = 'TRIGGER'
    UNION ALL
    SELECT 5, 'trigger', pg_catalog.quote_ident(t.tgname::pg_catalog.text), p.proowner, 'owner'
    FROM relation AS r JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid
      JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal
  )
  SELECT m.what, m.name, m.how,
    CASE WHEN m.role = 0::pg_catalog.oid THEN 'public' ELSE pg_catalog.pg_get_userbyid(m.role)::pg_catalog.text END
      AS role
  FROM may AS m WHERE m.role = 0::pg_catalog.oid OR NOT %s
  ORDER BY m.rank, m.name, m.role LIMIT 1]]

--- The first way in which somebody who is not trusted could have code of theirs run by whoever uses the
--- tables of a schema: owns it or one of them, may create in it, or may give a table a trigger.
---@param conn pghost.Connection
---@param schema string
---@return pghost.catalog.Stranger? stranger nil: there is none, or no such schema
function M.stranger(conn, schema)
  local row = conn:query(strangers_query:format(M.surely_trusted "m.role"), schema)[1]
    and conn:query(strangers_query:format(M.trusted "m.role"), schema)[1]
  return row and { what = row.what, name = row.name, role = row.role, how = row.how }
end

return M
