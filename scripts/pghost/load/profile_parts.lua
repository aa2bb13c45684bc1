-- Profiles of the parts of a load that several processes do, one after the other (resume) or at the same time (share):
-- each commit leaves what it has found, the last one merges all of it.

local connection = require "pghost.native.conn"
local lists = require "pghost.lib.lists"
local profiles = require "pghost.load.profiles"
local sql = require "pghost.lib.sql"

local M = {}

local keep_query <const> = [[
  INSERT INTO pghost.profile_parts (run_id, table_name, first_file, file_ids, state)
  SELECT $1::pg_catalog.int8, $2::pg_catalog.text,
    (SELECT pg_catalog.min(i.id) FROM pg_catalog.unnest(f.ids) AS i (id)), f.ids, $4::pg_catalog.bytea
  FROM (SELECT $3::pg_catalog.int8[] AS ids) AS f]]

-- The names that the profiles of a load are stored under, by kind.
local function names_of(plan)
  return { clean = plan.name, raw = plan.raw_table }
end

--- Records what a commit has found in its files.
---@param conn pghost.Connection in the transaction that records what the commit has brought
---@param run_id integer
---@param plan pghost.Plan
---@param found? pghost.load.Profiles
---@param ids integer[] of its files
function M.keep(conn, run_id, plan, found, ids)
  local names = names_of(plan)
  for _, kind in ipairs(lists.sorted_keys(found or {})) do
    local state = found[kind]:state()
    if state then -- without one the whole has no profile
      conn:query(keep_query, run_id, names[kind], sql.array(ids), connection.bytea(state))
    end
  end
end

-- Whether the parts are of these files, and of each once.
local function covers(parts, ids)
  local left, count = lists.set(ids), 0
  for part in parts:rows() do
    if not left[part.file_id] then
      return false
    end
    left[part.file_id], count = nil, count + 1
  end
  return count == #ids
end

local files_query <const> = [[
  SELECT i.id AS file_id FROM pghost.profile_parts AS p CROSS JOIN LATERAL pg_catalog.unnest(p.file_ids) AS i (id)
  WHERE p.run_id = $1 AND p.table_name = $2]]

local next_query <const> = [[
  SELECT first_file, state FROM pghost.profile_parts
  WHERE run_id = $1 AND table_name = $2 AND first_file > $3 ORDER BY first_file LIMIT 1]]

-- Merges all parts of a table, one at a time: each may have megabytes.
local function merge(conn, run_id, name, into)
  local last = conn:query(next_query, run_id, name, 0)[1]
  while last do
    if not into:add_state(last.state) then
      return false
    end
    last = conn:query(next_query, run_id, name, last.first_file)[1]
  end
  return true
end

--- What all parts of a load have found; nil if any of them left nothing.
---@param run pghost.Run
---@param plan pghost.Plan
---@param ids integer[] of all files
---@return pghost.load.Profiles?
function M.whole(run, plan, ids)
  local whole, names = profiles.new(run, plan, plan.program), names_of(plan)
  for kind, profile in pairs(whole or {}) do
    if not covers(run.conn:query(files_query, run.id, names[kind]), ids)
      or not merge(run.conn, run.id, names[kind], profile) then
      return nil
    end
  end
  return whole
end

return M
