-- Streams into distributed tables go over all nodes of a cluster in turn, so that the coordinator does not route every
-- record. A node that cannot be used has its streams over the coordinator.
--
-- A node is used as the same user over the same options, and only if it says that it is the node and has the table.

local connection = require "pghost.connection"
local relations = require "pghost.catalog.relations"

local M = {}

-- The coordinator is the first. An address of this machine means the one that the client runs on, so it is used only if
-- the coordinator was reached there.
local nodes_query <const> = [[
  SELECT n.nodename, n.nodeport::pg_catalog.int8 AS port, n.groupid::pg_catalog.int8 AS "group",
    pg_catalog.current_database()::pg_catalog.text AS database
  FROM pg_catalog.pg_dist_node AS n
  WHERE n.noderole = 'primary' AND n.isactive AND n.hasmetadata AND n.metadatasynced AND n.groupid > 0
    AND (n.nodename !~ '^(localhost|127\.|::1$)' OR pg_catalog.inet_server_addr() IS NULL
      OR pg_catalog.host(pg_catalog.inet_server_addr()) ~ '^(127\.|::1$)')
  ORDER BY n.groupid]]

local check_query <const> = [[
  SELECT (SELECT groupid FROM pg_catalog.pg_dist_local_group)::pg_catalog.int8 AS "group",
    EXISTS (SELECT 1 FROM pg_catalog.pg_dist_partition AS p
      WHERE p.logicalrelid::pg_catalog.oid = pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid) AS has_table]]

--- The nodes beside the coordinator that clients may fill tables over.
---@param conn pghost.Connection to the coordinator
---@return { nodename: string, port: integer, group: integer, database: string }[]
function M.list(conn)
  local list = {}
  for row in conn:query(nodes_query):rows() do
    list[#list + 1] = { nodename = row.nodename, port = row.port, group = row.group, database = row.database }
  end
  return list
end

-- A connection to a node that has the table; nil and why not.
local function try(run, node, quoted)
  local good, conn = pcall(connection.open_at, { dsn = run.dsn }, { host = node.nodename, port = node.port,
    database = node.database })
  if not good then
    return nil, tostring(conn)
  end
  local asked, row = pcall(function()
    return conn:stay():query(check_query, quoted)[1]
  end)
  if asked and row.group == node.group and row.has_table then
    return conn
  end
  conn:close()
  return nil, asked and "it is not the node that the coordinator names, or lacks the table" or tostring(row)
end

--- The connections of the streams into a table, the first over the coordinator.
---@param run pghost.Run
---@param built string table in the build schema, distributed
---@param kind string of the streams
---@param count integer
---@return pghost.Connection[]
function M.connections(run, built, kind, count)
  local nodes, list = count > 1 and M.list(run.conn) or {}, {}
  local unusable = {}
  for i = 1, count do
    local node, purpose = nodes[(i - 1) % (#nodes + 1)], kind .. i
    if node and not run.connections[purpose] and not unusable[node] then
      local conn, problem = try(run, node, relations.quoted(run.build, built))
      run.connections[purpose], unusable[node] = conn, problem
      if problem then
        run.log:info("distribute", built, ("node '%s' port %d is not used for streams: %s"):format(node.nodename,
          node.port, problem))
      end
    end
    list[i] = run:connection(purpose)
  end
  return list
end

return M
