-- Databases of a Citus cluster for specs. PGHOST_SPEC_CITUS is a connection string of its coordinator, as a superuser;
-- Debian does not have Citus, so without it these specs say that they are skipped.

local busted = require "busted"
local connection = require "pghost.connection"

local M = {}

--- The cluster's coordinator, nil: there is none.
M.dsn = os.getenv "PGHOST_SPEC_CITUS"
M.dsn = M.dsn ~= "" and M.dsn or nil

--- busted's `describe`, or a pending test that says what it misses.
---@param name string
---@param fn function
function M.describe(name, fn)
  if M.dsn then
    busted.describe(name, fn)
  else
    busted.pending(name .. " (PGHOST_SPEC_CITUS names no cluster)")
  end
end

-- Later words of a connection string stand.
local function at(node, database)
  return ("%s host=%s port=%d dbname=%s"):format(M.dsn, node.nodename, node.nodeport, database)
end

local count = 0

local function nodes_of(conn)
  local list = {}
  for row in conn:query([[SELECT nodename, nodeport::int8 AS nodeport, groupid = 0 AS coordinates FROM pg_dist_node
      WHERE noderole = 'primary' ORDER BY groupid]]):rows() do
    list[#list + 1] = row
  end
  return list
end

---@class support.CitusDatabase
---@field dsn string of the coordinator
---@field workers string[] connection strings of the workers
---@field name string
local Database = {}
Database.__index = Database

--- A new database on every node, with the extension, as one cluster.
---@return support.CitusDatabase
function M.database()
  count = count + 1
  local self = setmetatable({ name = ("pghost_spec_%d_%d"):format(os.time(), count), workers = {} }, Database)
  local main <close> = connection.open { dsn = M.dsn }
  self.nodes = nodes_of(main)
  for _, node in ipairs(self.nodes) do
    local conn <close> = connection.open { dsn = at(node, "postgres") }
    conn:query("CREATE DATABASE " .. self.name)
    local inside <close> = connection.open { dsn = at(node, self.name) }
    inside:query("CREATE EXTENSION citus")
    if node.coordinates then
      self.dsn = at(node, self.name)
    else
      table.insert(self.workers, at(node, self.name))
    end
  end
  local conn <close> = connection.open { dsn = self.dsn }
  for _, node in ipairs(self.nodes) do
    conn:query(node.coordinates and "SELECT citus_set_coordinator_host($1, $2::int8::int4)"
      or "SELECT citus_add_node($1, $2::int8::int4)", node.nodename, node.nodeport)
  end
  return self
end

function Database:remove()
  for i = #self.nodes, 1, -1 do
    local conn <close> = connection.open { dsn = at(self.nodes[i], "postgres") }
    conn:query("DROP DATABASE " .. self.name .. " WITH (FORCE)")
  end
end

Database.__close = Database.remove

return M
