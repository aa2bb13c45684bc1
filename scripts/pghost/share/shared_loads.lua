-- The loads of a run that several processes share (pghost.shared_loads), as the holder makes them known, and how far
-- each is. work.lua is about who has which file.

local cjson = require "cjson"
local hex = require "pghost.lib.hex"
local recordable = require "pghost.run.recordable"

local M = {}

-- Loaders that may lose one item, one after the other, before the run fails: then it is the item that kills them.
M.most_attempts = 10

---@class pghost.share.Load which load of which run
---@field run_id integer
---@field table string
---@field step "load"|"stage"

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

-- What JSON of the history says, with whole numbers as such.
local function decode(text)
  return whole_numbers(cjson.decode(text))
end

--- A value of a column that holds JSON as bytes, from its hexadecimal digits.
---@param digits string
---@return table
function M.value_of(digits)
  return decode((digits:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)))
end

-- Of a row with a plan: what value_of takes.
M.plan_digits = "pg_catalog.encode(plan, 'hex') AS plan"

-- The columns of a key: $1, $2, $3.
M.of_load = "run_id = $1 AND table_name = $2 AND step = $3"

local plan_digits <const>, of_load <const> = M.plan_digits, M.of_load

local function key(load)
  return load.run_id, load.table, load.step
end

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
  INSERT INTO pghost.work (run_id, table_name, step, place, file, plan, file_ids, counts)
  SELECT $1::bigint, $2::text, $3::text, f.place, f.file, pg_catalog.decode(f.plan, 'hex'), g.ids,
    pg_catalog.jsonb_build_object('size', f.size)
  FROM pg_catalog.jsonb_to_recordset($4::jsonb) AS f (place integer, file text, plan text, size bigint)
  JOIN grouped AS g ON g.place = f.place]]

--- Makes a load known, with all it has to load.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@param shared? { fingerprint: string, plan: table } nil: there is nothing to share of it
---@param items { file: string, plan: table }[]
function M.put(conn, load, shared, items)
  local list = {}
  for i, item in ipairs(items) do
    list[i] = { place = i, file = recordable.text(conn, item.file), plan = bytes_of(item.plan),
      size = item.plan.size }
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
    plans[#plans + 1] = M.value_of(row.plan)
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
    list[#list + 1] = { place = row.place, file_id = row.file_id, owner = row.owner, counts = decode(row.counts) }
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

--- A load as its holder has made it known.
---@param conn pghost.Connection
---@param load pghost.share.Load
---@return { state: string, fingerprint?: string, plan?: table }?
function M.find(conn, load)
  local row = conn:query(("SELECT state, fingerprint, %s FROM pghost.shared_loads WHERE %s"):format(plan_digits,
    of_load), key(load))[1]
  return row and { state = row.state, fingerprint = row.fingerprint, plan = row.plan and M.value_of(row.plan) }
end

return M
