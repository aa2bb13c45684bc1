-- The table pghost.work: what is left to load of a run that several processes share, and who has it.
--
-- An item is leased to one loader at a time. Each lease is an attempt with a number and a _file_id of its own; whatever
-- a loader says later counts only while that attempt is the current one. Times are the server's.

local cjson = require "cjson"
local hex = require "pghost.lib.hex"
local recordable = require "pghost.run.recordable"
local sys = require "pghost.native.sys"

local M = {}

-- Loaders that may lose one item, one after the other, before the run fails: then it is the item that kills them.
M.most_attempts = 10

---@class pghost.share.Load which load of which run
---@field run_id integer
---@field table string
---@field step "load"|"stage"

---@class pghost.share.Item
---@field place integer
---@field attempt integer
---@field file_id integer of the attempt
---@field plan table how the file is read

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

local function bytes_of(value)
  return hex.encode(cjson.encode(value))
end

-- JSON has one kind of number.
local function whole_numbers(value)
  if type(value) == "table" then
    for key, inner in pairs(value) do
      value[key] = whole_numbers(inner)
    end
    return value
  end
  return math.type(value) == "float" and math.tointeger(value) or value
end

--- What JSON of the history says, with whole numbers as such.
---@param text string
---@return table
function M.decode(text)
  return whole_numbers(cjson.decode(text))
end

local function value_of(digits)
  return M.decode((digits:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)))
end

local plan_digits <const> = "pg_catalog.encode(plan, 'hex') AS plan"

-- The columns of a key: $1, $2, $3.
local of_load <const> = "run_id = $1 AND table_name = $2 AND step = $3"

local function key(load)
  return load.run_id, load.table, load.step
end

-- The holder ---------------------------------------------------------------------------------------------

-- Ids of all attempts at all files: those of a file that comes first are less, whoever loads it.
local put_query <const> = [[
  WITH ids AS MATERIALIZED (
    SELECT pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('pghost.files', 'file_id')::regclass) AS id
    FROM pg_catalog.generate_series(1, $5::integer * $6::integer)
  ), numbered AS (
    SELECT id, (pg_catalog.row_number() OVER (ORDER BY id) - 1) / $6::integer + 1 AS place FROM ids
  ), grouped AS (
    SELECT place, pg_catalog.array_agg(id ORDER BY id) AS ids FROM numbered GROUP BY place
  )
  INSERT INTO pghost.work (run_id, table_name, step, place, file, plan, file_ids)
  SELECT $1::bigint, $2::text, $3::text, f.place, f.file, pg_catalog.decode(f.plan, 'hex'), g.ids
  FROM pg_catalog.jsonb_to_recordset($4::jsonb) AS f (place integer, file text, plan text)
  JOIN grouped AS g ON g.place = f.place]]

--- Makes a load known, with all it has to load.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param shared? { fingerprint: string, plan: table } nil: there is nothing to share of it
---@param items { file: string, plan: table }[]
function M.put(conn, load, shared, items)
  local list = {}
  for i, item in ipairs(items) do
    list[i] = { place = i, file = recordable.text(conn, item.file), plan = bytes_of(item.plan) }
  end
  conn:transaction(function()
    conn:query(([[
      INSERT INTO pghost.shared_loads AS s (run_id, table_name, step, state, fingerprint, plan)
      VALUES ($1, $2, $3, $4, $5, pg_catalog.decode($6::text, 'hex'))
      ON CONFLICT (run_id, table_name, step) DO UPDATE SET state = excluded.state]]), load.run_id, load.table,
      load.step, shared and "open" or "closed", shared and shared.fingerprint, shared and bytes_of(shared.plan))
    if #list > 0 then
      conn:query(put_query, load.run_id, load.table, load.step, cjson.encode(list), #list, M.most_attempts)
    end
  end)
end

--- Forgets a load: what it has built is discarded.
---@param conn pghost.Connection
---@param run_id integer
---@param name string of the clean table
function M.forget(conn, run_id, name)
  conn:query("DELETE FROM pghost.shared_loads WHERE run_id = $1 AND table_name = $2", run_id, name)
end

--- The files of a load that is known, by their place; empty: it is not.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return table[] plans
function M.plans(conn, load)
  local plans = {}
  for row in conn:query(("SELECT %s FROM pghost.work WHERE %s ORDER BY place"):format(plan_digits, of_load),
    key(load)):rows() do
    plans[#plans + 1] = value_of(row.plan)
  end
  return plans
end

--- Nothing is left to load: other loaders go on to the next load.
---@param conn pghost.Connection
---@param load pghost.share.Load
function M.close(conn, load)
  conn:query("UPDATE pghost.shared_loads SET state = 'closed' WHERE " .. of_load, key(load))
end

--- How far a load is.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return { open: integer, leased: integer, loaded: integer, attempts: integer, spent?: string, owners?: string }
--- progress; spent is the name of a file that has been lost too often
function M.progress(conn, load)
  return conn:query(([[
    SELECT pg_catalog.count(*) FILTER (WHERE state = 'open') AS open,
      pg_catalog.count(*) FILTER (WHERE state = 'leased') AS leased,
      pg_catalog.count(*) FILTER (WHERE state = 'loaded') AS loaded,
      coalesce(pg_catalog.max(attempt), 0) AS attempts,
      pg_catalog.min(file) FILTER (WHERE state <> 'loaded' AND attempt >= pg_catalog.array_length(file_ids, 1)
        AND (state = 'open' OR lease_until < pg_catalog.clock_timestamp())) AS spent,
      pg_catalog.string_agg(DISTINCT owner, ', ' ORDER BY owner) FILTER (WHERE state = 'leased') AS owners
    FROM pghost.work WHERE %s]]):format(of_load), key(load))[1]
end

--- What was loaded, in the order of the files.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return { place: integer, file_id: integer, owner: string, counts: table }[]
function M.loaded(conn, load)
  local list = {}
  for row in conn:query(([[
    SELECT place, file_ids[attempt] AS file_id, owner, counts::text AS counts FROM pghost.work
    WHERE %s AND state = 'loaded' ORDER BY place]]):format(of_load), key(load)):rows() do
    list[#list + 1] = { place = row.place, file_id = row.file_id, owner = row.owner, counts = M.decode(row.counts) }
  end
  return list
end

--- The first file that two attempts have read to its end with different contents.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return string? name
function M.read_differently(conn, load)
  local row = conn:query(([[
    SELECT w.file FROM pghost.work AS w
    JOIN pghost.files AS f ON f.run_id = w.run_id AND f.file_id = ANY (w.file_ids)
    WHERE w.%s AND f.sha256 IS NOT NULL
    GROUP BY w.place, w.file HAVING pg_catalog.count(DISTINCT f.sha256) > 1
    ORDER BY w.place LIMIT 1]]):format((of_load:gsub(" AND ", " AND w."))), key(load))[1]
  return row and row.file
end

--- Forgets which contents attempts have read that do not count.
---@param conn pghost.Connection
---@param load pghost.share.Load
function M.forget_hashes(conn, load)
  conn:query("UPDATE pghost.files SET sha256 = NULL WHERE run_id = $1 AND table_name = $2 AND kept_at IS NULL",
    load.run_id, load.table)
end

-- Every loader -------------------------------------------------------------------------------------------

--- A load as its holder has made it known.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return { state: string, fingerprint?: string, plan?: table }?
function M.find(conn, load)
  local row = conn:query(("SELECT state, fingerprint, %s FROM pghost.shared_loads WHERE %s"):format(plan_digits,
    of_load), key(load))[1]
  return row and { state = row.state, fingerprint = row.fingerprint, plan = row.plan and value_of(row.plan) }
end

local take_query <const> = ([[
  WITH next AS MATERIALIZED (
    SELECT place FROM pghost.work
    WHERE %s AND (state = 'open' OR state = 'leased' AND lease_until < pg_catalog.clock_timestamp())
      AND attempt < pg_catalog.array_length(file_ids, 1) AND NOT pg_catalog.jsonb_exists(refusals, $4::text)
    ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED
  )
  UPDATE pghost.work AS w
  SET state = 'leased', attempt = attempt + 1, owner = $4::text, taken_at = pg_catalog.clock_timestamp(),
    lease_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $5::double precision),
    bytes = 0, records = 0
  FROM next WHERE run_id = $1 AND table_name = $2 AND step = $3 AND w.place = next.place
  RETURNING w.place, attempt, file_ids[attempt] AS file_id, %s]]):format(of_load, plan_digits)

--- Takes the next item that nobody has; nil: there is none now.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param owner string
---@param seconds number that the lease lasts
---@return pghost.share.Item?
function M.take(conn, load, owner, seconds)
  local row = conn:query(take_query, load.run_id, load.table, load.step, owner, seconds)[1]
  return row and { place = row.place, attempt = row.attempt, file_id = row.file_id, plan = value_of(row.plan) }
end

local mine <const> = of_load .. " AND place = $4 AND attempt = $5 AND owner = $6 AND state = 'leased'"

--- Extends a lease; false: it is no longer ours.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param item pghost.share.Item
---@param owner string
---@param seconds number
---@param bytes integer read so far
---@param records integer
---@return boolean
function M.extend(conn, load, item, owner, seconds, bytes, records)
  return conn:query(([[
    UPDATE pghost.work SET bytes = $8, records = $9,
      lease_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $7::double precision)
    WHERE %s]]):format(mine), load.run_id, load.table, load.step, item.place, item.attempt, owner, seconds, bytes,
    records).affected == 1
end

--- Whether a lease is ours, as seen from the transaction of a COPY.
---@param conn pghost.Connection
---@return boolean
function M.is_mine(conn, load, item, owner)
  return #conn:query("SELECT 1 AS found FROM pghost.work WHERE " .. mine, load.run_id, load.table, load.step,
    item.place, item.attempt, owner) == 1
end

--- Records that an item is loaded; false: the lease was lost, and what was loaded does not count.
---@param conn pghost.Connection in the transaction that records its accounts
---@param counts table
---@return boolean
function M.done(conn, load, item, owner, counts)
  return conn:query(([[
    UPDATE pghost.work SET state = 'loaded', counts = $7::jsonb, bytes = $8, records = $9, lease_until = NULL,
      loaded_at = pg_catalog.clock_timestamp()
    WHERE %s]]):format(mine), load.run_id, load.table, load.step, item.place, item.attempt, owner,
    cjson.encode(counts), counts.totals.bytes, counts.totals.records).affected == 1
end

--- Gives an item back. Where nothing of it can have been committed the attempt does not count.
---@param conn pghost.Connection
---@param reason? string why this loader cannot load it: it does not get it again
---@param unsure? boolean a COMMIT was sent, and its outcome is not known
function M.give_back(conn, load, item, owner, reason, unsure)
  local given = ([[
    UPDATE pghost.work SET state = 'open', owner = NULL, lease_until = NULL, taken_at = NULL,
      attempt = attempt - CASE WHEN $7::boolean THEN 0 ELSE 1 END,
      refusals = CASE WHEN $8::text IS NULL THEN refusals
        ELSE pg_catalog.jsonb_concat(refusals, pg_catalog.jsonb_build_object($6::text, $8::text)) END
    WHERE %s]]):format(mine)
  reason = recordable.text(conn, reason)
  conn:transaction(function()
    local is_ours = conn:query(given, load.run_id, load.table, load.step, item.place, item.attempt, owner,
      unsure or false, reason).affected == 1
    if is_ours and not unsure then -- the next attempt gets the same _file_id
      conn:query("DELETE FROM pghost.files WHERE file_id = $1 AND kept_at IS NULL", item.file_id)
    end
  end)
end

return M
