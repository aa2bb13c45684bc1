-- What runs built into published tables, to distinguish it from what users added: a NOT NULL, a key or a default that
-- an earlier run built goes when the rules no longer ask for it; one that a user added stays.
--
-- Kept in pghost.published. Without that schema everything counts as added by users.

local M = {}

local facts_query = [[
SELECT c.relpersistence::text AS logging,
  (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')
    AS primary_key,
  ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    AND attnotnull ORDER BY attname)::text AS not_null,
  ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    AND atthasdef ORDER BY attname)::text AS defaults
FROM pg_class AS c WHERE c.oid = $1::oid]]

---@class pghost.publish.AsBuilt
---@field logging string
---@field primary_key? string
---@field not_null table<string, boolean>
---@field defaults table<string, boolean>

--- What the built table is before anything is carried over to it.
---@param conn pghost.Connection
---@param new string oid
function M.facts(conn, new)
  return conn:query(facts_query, new)[1]
end

local function is_kept(conn)
  return conn:query("SELECT to_regclass('pghost.published') IS NOT NULL AS kept")[1].kept
end

local function set_of(conn, names)
  local set = {}
  for row in conn:query("SELECT unnest($1::text[]) AS name", names):rows() do
    set[row.name] = true
  end
  return set
end

--- What the published table was when it was built.
---@param conn pghost.Connection
---@param target string
---@param subject pghost.publish.Subject
---@return pghost.publish.AsBuilt
function M.read(conn, target, subject)
  local row = is_kept(conn) and conn:query([[
    SELECT logging, primary_key, not_null::text AS not_null, defaults::text AS defaults
    FROM pghost.published WHERE schema_name = $1 AND table_name = $2 AND relation = $3::oid]],
    target, subject.name, subject.oid)[1]
  if not row then
    return { not_null = {}, defaults = {} }
  end
  return {
    logging = row.logging,
    primary_key = row.primary_key,
    not_null = set_of(conn, row.not_null),
    defaults = set_of(conn, row.defaults),
  }
end

--- Remembers what the new tables were built as.
---@param conn pghost.Connection
---@param target string
---@param subjects pghost.publish.Subject[]
function M.write(conn, target, subjects)
  if not is_kept(conn) then
    return
  end
  for _, subject in ipairs(subjects) do
    local facts = subject.facts
    local _ = not subject.part_of and conn:query([[
      INSERT INTO pghost.published (schema_name, table_name, relation, logging, primary_key, not_null, defaults,
        history)
      VALUES ($1, $2, $3::oid, $4, $5, $6::text[], $7::text[], 'pghost.published'::regclass::oid)
      ON CONFLICT (schema_name, table_name) DO UPDATE SET relation = excluded.relation, logging = excluded.logging,
        primary_key = excluded.primary_key, not_null = excluded.not_null, defaults = excluded.defaults,
        history = excluded.history]],
      target, subject.name, subject.new, facts.logging, facts.primary_key, facts.not_null, facts.defaults)
  end
end

return M
