-- Histories of earlier versions: the schema `pghost` as it was after some of its migrations, and what runs left in it.

local lfs = require "lfs"
local pghost = require "support.pghost"

local M = {}

local folder <const> = pghost.root .. "/sql/metadata"

---@return string[] names of files, in their order
function M.migrations()
  local list = {}
  for name in lfs.dir(folder) do
    list[#list + 1] = name:match "^%d+_.*%.sql$"
  end
  table.sort(list)
  return list
end

--- The schema as it was when `count` migrations existed.
---@param conn pghost.Conn
---@param count integer
function M.make(conn, count)
  conn:exec [[CREATE SCHEMA pghost; CREATE TABLE pghost.migrations (version integer PRIMARY KEY, name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
    COMMENT ON SCHEMA pghost IS 'History of pghost runs: what was loaded, refused, checked and published';
    COMMENT ON TABLE pghost.migrations IS 'Versions of this schema that have been applied';
    COMMENT ON COLUMN pghost.migrations.version IS 'Number of the version, rising';
    COMMENT ON COLUMN pghost.migrations.name IS 'What the version is about';
    COMMENT ON COLUMN pghost.migrations.applied_at IS 'When it was applied, by the server''s clock']]
  for i, name in ipairs(M.migrations()) do
    if i > count then
      break
    end
    conn:exec(pghost.read(folder .. "/" .. name))
    conn:query("INSERT INTO pghost.migrations (version, name) VALUES ($1, $2)",
      math.tointeger(tonumber(name:match "%d+")), name:match "_(.*)%.sql")
  end
end

-- Of each table in both schemas: the columns that both have.
local common <const> = [[
  SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
    string_agg('t.' || quote_ident(a.attname) || '::text', ', ' ORDER BY a.attnum) AS texts
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_class AS o ON o.relname = c.relname AND o.relnamespace = '%s'::regnamespace
    JOIN pg_attribute AS b ON b.attrelid = o.oid AND b.attname = a.attname AND NOT b.attisdropped
  WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations'
  GROUP BY c.relname ORDER BY c.relname]]

-- Row for row: an older version may have refused what a newer one writes, as a state that it did not know.
local copy <const> = [[
  DO $$
  DECLARE here tid;
  BEGIN
    FOR here IN SELECT ctid FROM %s.%s LOOP
      BEGIN
        INSERT INTO pghost.%s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s.%s AS t WHERE ctid = here;
      EXCEPTION WHEN check_violation OR not_null_violation THEN NULL;
      END;
    END LOOP;
  END $$]]

local counters <const> = [[
  SELECT setval(pg_get_serial_sequence('pghost.' || c.relname, a.attname), 1000)
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attidentity <> ''
  WHERE c.relnamespace = 'pghost'::regnamespace]]

--- Copies what the schema `from` has into the tables and columns that exist; keeps a copy in `old`, as text.
---@param conn pghost.Conn
---@param from string
---@return table<string, integer> how many rows, by table
function M.fill(conn, from)
  local counts = {}
  conn:exec "DROP SCHEMA IF EXISTS old CASCADE; CREATE SCHEMA old; SET session_replication_role = replica"
  for row in conn:query(common:format(from)):rows() do
    local name <const> = row.relname
    conn:exec(copy:format(from, name, name, row.columns, row.columns, from, name))
    conn:exec(("CREATE TABLE old.%s AS SELECT %s FROM pghost.%s AS t"):format(name, row.texts, name))
    counts[name] = conn:query("SELECT count(*) FROM old." .. name)[1][1]
  end
  conn:exec "RESET session_replication_role"
  conn:query(counters)
  return counts
end

--- What the history has no longer of what M.fill kept: how many rows, by table, for the columns that are still there.
---@param conn pghost.Conn
---@return table<string, integer>
function M.lost(conn)
  local lost = {}
  for row in conn:query(common:format "old"):rows() do
    local rest = ("SELECT %s FROM old.%s AS t EXCEPT ALL SELECT %s FROM pghost.%s AS t"):format(row.columns,
      row.relname, row.texts, row.relname)
    local count = conn:query("SELECT count(*) FROM (" .. rest .. ") AS l")[1][1]
    lost[row.relname] = count > 0 and count or nil
  end
  return lost
end

return M
