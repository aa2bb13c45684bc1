-- The table pghost.work: what is left to load of a run that several processes share, and who has it.
--
-- An item is leased to one loader at a time, which may have several. Each lease is an attempt with a number and a
-- _file_id of its own; whatever a loader says later counts only while that attempt is the current one. Times are the
-- server's. Until an item is loaded, counts has its size alone.

local cjson = require "cjson"
local loads = require "pghost.share.shared_loads"
local recordable = require "pghost.run.recordable"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local M = {}

-- What one attempt takes at most: each costs as much as some thousand records, whatever it loads.
M.most_items, M.most_bytes = 64, 8 * 1024 * 1024

---@class pghost.share.Item
---@field place integer
---@field attempt integer
---@field file_id integer of the attempt
---@field plan table how the file is read
---@field counts? table once it is loaded
---@field bytes? integer
---@field records? integer

local function host_name()
  local file <close> = io.open("/proc/sys/kernel/hostname", "r")
  return file and file:read "l" or "?"
end

--- A name for this process that no other loader has.
---@param conn pghost.Connection
---@return string "host:1234:5f3a9c"
function M.owner(conn)
  local word = conn:query([[
    SELECT pg_catalog.left(pg_catalog.md5(pg_catalog.concat(pg_catalog.random(), pg_catalog.clock_timestamp())), 8)
      AS word]])[1].word
  return ("%s:%d:%s"):format(recordable.text(conn, host_name()), sys.pid(), word)
end

-- One loader takes an eighth of what is left at most, so that all are busy to the end.
local take_query <const> = ([[
  WITH next AS MATERIALIZED (
    SELECT place, pg_catalog.jsonb_extract_path_text(counts, 'size')::bigint AS size FROM pghost.work
    WHERE %s AND (state = 'open' OR state = 'leased' AND lease_until < pg_catalog.clock_timestamp())
      AND attempt < pg_catalog.array_length(file_ids, 1) AND NOT pg_catalog.jsonb_exists(refusals, $4::text)
    ORDER BY place LIMIT greatest(1, least($6::bigint, (
      SELECT pg_catalog.count(*) / 8 FROM pghost.work WHERE %s AND state = 'open'))) FOR UPDATE SKIP LOCKED
  ), numbered AS (
    SELECT place, pg_catalog.row_number() OVER (ORDER BY place) AS number,
      pg_catalog.sum(coalesce(size, $7::bigint + 1)) OVER (ORDER BY place) AS bytes
    FROM next
  )
  UPDATE pghost.work AS w
  SET state = 'leased', attempt = attempt + 1, owner = $4::text, taken_at = pg_catalog.statement_timestamp(),
    lease_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $5::double precision),
    bytes = 0, records = 0
  FROM numbered AS n
  WHERE run_id = $1 AND table_name = $2 AND step = $3 AND w.place = n.place
    AND (n.number = 1 OR n.bytes <= $7::bigint)
  RETURNING w.place, attempt, file_ids[attempt] AS file_id, %s]])
  :format(loads.of_load, loads.of_load, loads.plan_digits)

--- Takes the next items that nobody has: one, or several small ones, in the order of their places; none: there is
--- nothing to take now.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param owner string
---@param seconds number that the lease lasts
---@param most integer items
---@return pghost.share.Item[]
function M.take(conn, load, owner, seconds, most)
  local items = {}
  local taken = conn:query(take_query, load.run_id, load.table, load.step, owner, seconds, most, M.most_bytes)
  for row in taken:rows() do
    items[#items + 1] = { place = row.place, attempt = row.attempt, file_id = row.file_id,
      plan = loads.value_of(row.plan) }
  end
  table.sort(items, function(a, b)
    return a.place < b.place
  end)
  return items
end

-- Those of the items in $5, as n, that the loader $4 has.
local mine <const> = [[
  pg_catalog.jsonb_to_recordset($5::jsonb) AS n (place integer, attempt integer, counts jsonb, bytes bigint,
    records bigint)
  WHERE w.run_id = $1 AND w.table_name = $2 AND w.step = $3 AND w.owner = $4 AND w.state = 'leased'
    AND w.place = n.place AND w.attempt = n.attempt]]

-- The parameters of `mine`, and any others.
local function of(load, items, owner, ...)
  local list = {}
  for i, item in ipairs(items) do
    list[i] = { place = item.place, attempt = item.attempt, counts = item.counts, bytes = item.bytes,
      records = item.records }
  end
  return load.run_id, load.table, load.step, owner, cjson.encode(list), ...
end

--- Extends the leases of items that are loaded together; false: one is no longer ours.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param items pghost.share.Item[]
---@param owner string
---@param seconds number
---@param bytes integer of all, read so far: the first item has them
---@param records integer
---@return boolean
function M.extend(conn, load, items, owner, seconds, bytes, records)
  return conn:query([[
    UPDATE pghost.work AS w SET bytes = CASE WHEN w.place = $9 THEN $7::bigint ELSE 0 END,
      records = CASE WHEN w.place = $9 THEN $8::bigint ELSE 0 END,
      lease_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $6::double precision)
    FROM ]] .. mine,
    of(load, items, owner, seconds, bytes, records, items[1].place)).affected == #items
end

--- Whether all leases are ours, as seen from the transaction of a COPY.
---@param conn pghost.Connection
---@return boolean
function M.are_mine(conn, load, items, owner)
  return conn:query("SELECT pg_catalog.count(*) AS count FROM pghost.work AS w, " .. mine,
    of(load, items, owner))[1].count == #items
end

--- Records that items are loaded; false: a lease was lost, and nothing of them counts.
---@param conn pghost.Connection in the transaction that records their accounts; to be rolled back after false
---@param items pghost.share.Item[] with the counts, bytes and records of each
---@return boolean
function M.done(conn, load, items, owner)
  return conn:query([[
    UPDATE pghost.work AS w SET state = 'loaded', counts = n.counts, bytes = n.bytes, records = n.records,
      lease_until = NULL, loaded_at = pg_catalog.statement_timestamp()
    FROM ]] .. mine, of(load, items, owner))
    .affected == #items
end

--- Gives items back. Where nothing of them can have been committed the attempt does not count.
---@param conn pghost.Connection
---@param items pghost.share.Item[]
---@param reason? string why this loader cannot load them: it does not get them again
---@param unsure? boolean a COMMIT was sent, and its outcome is not known
function M.give_back(conn, load, items, owner, reason, unsure)
  local given = [[
    UPDATE pghost.work AS w SET state = 'open', owner = NULL, lease_until = NULL, taken_at = NULL,
      attempt = w.attempt - CASE WHEN $6::boolean THEN 0 ELSE 1 END,
      refusals = CASE WHEN $7::text IS NULL THEN refusals
        ELSE pg_catalog.jsonb_concat(refusals, pg_catalog.jsonb_build_object($4::text, $7::text)) END
    FROM ]] .. mine
    .. " RETURNING w.file_ids[n.attempt] AS file_id"
  reason = recordable.text(conn, reason)
  conn:transaction(function()
    local ids = {}
    for row in conn:query(given, of(load, items, owner, unsure or false, reason)):rows() do
      ids[#ids + 1] = row.file_id
    end
    if #ids > 0 and not unsure then -- the next attempt gets the same _file_id
      conn:query("DELETE FROM pghost.files WHERE file_id = ANY ($1::pg_catalog.int8[]) AND kept_at IS NULL",
        sql.array(ids))
    end
  end)
end

return M
