-- Profiles of what a load added: made by the engine, kept in pghost.profiles.

local cjson = require "cjson"
local native = require "pghost.native.profile"
local native_rules = require "pghost.native.rules"
local recordable = require "pghost.run.recordable"

local M = {}

local frequent <const> = 20 -- values kept of a column that has too many to count each
local least_seen <const> = 10 -- how often one of a sample must have been seen to say how frequent it is

---@class pghost.load.Profiles
---@field clean? pghost.Profile of the records that pass
---@field raw? pghost.Profile of readable records as text: of a raw table alone, or of the columns that no rule takes

-- By plan, since profiles are added up only within one program.
local raw_programs = setmetatable({}, { __mode = "k" })

local function raw_program(plan)
  local known = raw_programs[plan]
  if known == nil then
    local list = { name = plan.raw_table, key = {}, row = {} }
    for i = (plan.targets.clean and #plan.clean_columns or 0) + 1, #plan.raw_columns do
      list[#list + 1] = { name = plan.raw_columns[i], type = "text", operations = {}, checks = {} }
    end
    known = #list > 0 and native_rules.compile(list)
    raw_programs[plan] = known
  end
  return known
end

--- Profiles for one attempt to load a batch; nil: none is wanted.
---@param run pghost.Run
---@param plan pghost.Plan
---@param program? pghost.native.Program of the records that pass
---@return pghost.load.Profiles?
function M.new(run, plan, program)
  if not run.settings.profile then
    return nil
  end
  local raw = plan.targets.raw and not plan.raw_source and raw_program(plan)
  return { clean = plan.targets.clean and native.new(program) or nil, raw = raw and native.new(raw) or nil }
end

--- What is said of a column besides its row's own fields.
---@param column pghost.ProfileColumn
---@return table
function M.details(column)
  local values = {}
  for i, one in ipairs(column.values) do
    if column.exact and #column.values == column.distinct
      or #values < frequent and (column.exact or one.count >= least_seen) then
      values[i] = one
    end
  end
  return { values = #values > 0 and values or nil, all_values = #values == column.distinct or nil,
    looked_at = column.looked_at, quantiles = column.quantiles, histogram = column.histogram, length = column.length,
    not_finite = column.not_finite }
end

-- cjson writes 14 digits; a double needs 17.
local function exact_text(number)
  return number and ("%.17g"):format(number)
end

local function row_of(column, place, counts)
  return { column_name = column.name, place = place, type = column.type, records = counts.rows,
    left_out = counts.left_out, nulls = column.nulls, distinct_values = column.distinct,
    distinct_exact = column.distinct_exact, least = column.min, greatest = column.max, mean = exact_text(column.mean),
    stddev = exact_text(column.stddev), exact = column.exact, details = M.details(column) }
end

--- Records the profile of a table, unless there was no memory for it.
---@param conn pghost.Connection
---@param run_id integer
---@param table_name string
---@param profile? pghost.Profile
function M.store(conn, run_id, table_name, profile)
  local counts = profile and profile:counts()
  if not profile or not counts then
    return
  end
  local rows = {}
  for i, column in ipairs(profile:columns()) do
    rows[i] = row_of(column, i, counts)
  end
  local text = recordable.value(conn, rows)
  conn:query([[
    INSERT INTO pghost.profiles (run_id, table_name, column_name, place, type, records, left_out, nulls,
      distinct_values, distinct_exact, least, greatest, mean, stddev, exact, details)
    SELECT $1, $2, p.column_name, p.place, p.type, p.records, p.left_out, p.nulls, p.distinct_values,
      p.distinct_exact, p.least, p.greatest, p.mean, p.stddev, p.exact, p.details
    FROM pg_catalog.jsonb_to_recordset($3::pg_catalog.jsonb) AS p (column_name text, place integer, type text,
      records bigint, left_out bigint, nulls bigint, distinct_values bigint, distinct_exact boolean, least text,
      greatest text, mean double precision, stddev double precision, exact boolean, details jsonb)
    ON CONFLICT (run_id, table_name, column_name) DO UPDATE SET place = excluded.place, type = excluded.type,
      records = excluded.records, left_out = excluded.left_out, nulls = excluded.nulls,
      distinct_values = excluded.distinct_values, distinct_exact = excluded.distinct_exact, least = excluded.least,
      greatest = excluded.greatest, mean = excluded.mean, stddev = excluded.stddev, exact = excluded.exact,
      details = excluded.details]], run_id, table_name, cjson.encode(text))
end

--- Removes what is known of a load's columns, in parts or as a whole.
---@param conn pghost.Connection
---@param run_id integer
---@param plan { name: string, raw_table: string }
function M.forget(conn, run_id, plan)
  for _, kind in ipairs { "profiles", "profile_parts" } do
    conn:query(("DELETE FROM pghost.%s WHERE run_id = $1 AND table_name IN ($2, $3)"):format(kind), run_id, plan.name,
      plan.raw_table)
  end
end

--- Records the profiles of a load's tables.
---@param run pghost.Run
---@param plan pghost.Plan
---@param profiles? pghost.load.Profiles of the whole load
function M.save(run, plan, profiles)
  M.store(run.conn, run.id, plan.name, profiles and profiles.clean)
  M.store(run.conn, run.id, plan.raw_table, profiles and profiles.raw)
end

return M
