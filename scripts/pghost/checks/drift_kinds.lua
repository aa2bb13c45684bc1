-- Kinds of checks that compare what a run loaded with what the last published runs loaded: by their profiles
-- (pghost.profiles), files and rejects.

local drift = require "pghost.checks.drift"

local options <const> = { runs = "count", learn = "count" }

local of_profiles <const> = [[
  SELECT run_id, (%s)::pg_catalog.float8 AS value, records AS total FROM pghost.profiles
  WHERE run_id = ANY ($1::pg_catalog.text::pg_catalog.int8[]) AND table_name = $2 AND column_name = $3]]

local of_files <const> = [[
  SELECT run_id, pg_catalog.sum(loaded)::pg_catalog.float8 AS value,
    pg_catalog.sum(records)::pg_catalog.int8 AS total
  FROM pghost.files
  WHERE run_id = ANY ($1::pg_catalog.text::pg_catalog.int8[]) AND table_name = $2 AND state <> 'skipped'
  GROUP BY run_id]]

local of_rejects <const> = [[
  SELECT f.run_id, coalesce((
      SELECT pg_catalog.count(*) FROM pghost.rejects AS j
      WHERE j.run_id = f.run_id AND j.table_name = $2 AND ($3::pg_catalog.text IS NULL OR j.rule = $3)
    )::pg_catalog.float8 / nullif(pg_catalog.sum(f.records), 0), 0) AS value,
    pg_catalog.sum(f.records)::pg_catalog.int8 AS total
  FROM pghost.files AS f
  WHERE f.run_id = ANY ($1::pg_catalog.text::pg_catalog.int8[]) AND f.table_name = $2 AND f.state <> 'skipped'
  GROUP BY f.run_id]]

local function title(what, check)
  return ("%s stays within %s of the runs before"):format(what, check.tolerance.text)
end

local function of_column(name, what, expression)
  return {
    name = name, subject = "column", parameters = { { "tolerance", "tolerance" } }, options = options,
    of_empty_tables = true, needs_run = true,
    title = function(check) return title(what:format(check.subject), check) end,
    call = function(c, check)
      return drift.compare(c, check, of_profiles:format(expression), check.columns[1])
    end,
  }
end

---@type pghost.checks.Kind[]
return {
  {
    name = "row_count_drift", subject = "table", parameters = { { "tolerance", "tolerance" } }, options = options,
    of_empty_tables = true, needs_run = true,
    title = function(check) return title("number of records loaded into " .. check.table, check) end,
    call = function(c, check) return drift.compare(c, check, of_files) end,
  },
  of_column("missing_share_drift", "missing share of %s", "nulls::pg_catalog.float8 / nullif(records, 0)"),
  of_column("distinct_count_drift", "number of different %s", "distinct_values"),
  of_column("avg_drift", "mean of %s", "mean"),
  {
    name = "quantile_drift", subject = "column", options = options, of_empty_tables = true, needs_run = true,
    parameters = { { "fraction", "profiled_fraction" }, { "tolerance", "tolerance" } },
    title = function(check) return title(("quantile(%s) of %s"):format(check.fraction, check.subject), check) end,
    call = function(c, check)
      return drift.compare(c, check, of_profiles:format(
        [[SELECT (q OPERATOR(pg_catalog.->>) 'number')::pg_catalog.float8 FROM pg_catalog.jsonb_array_elements(
            details OPERATOR(pg_catalog.->) 'quantiles') AS q
          WHERE (q OPERATOR(pg_catalog.->>) 'share')::pg_catalog.float8 = $4::pg_catalog.float8]]),
        check.columns[1], check.fraction)
    end,
  },
  {
    name = "reject_share_drift", subject = "table", options = { runs = "count", learn = "count", rule = "string" },
    parameters = { { "tolerance", "tolerance" } }, of_empty_tables = true, needs_run = true,
    title = function(check)
      return title(("share of %s rejected%s"):format(check.table, check.rule and " by " .. check.rule or ""), check)
    end,
    call = function(c, check) return drift.compare(c, check, of_rejects, check.rule) end,
  },
  {
    name = "values_drift", subject = "column", of_empty_tables = true, needs_run = true,
    options = { runs = "count", learn = "count", new = "change", vanished = "change" },
    title = function(check) return ("%s has the values of the runs before"):format(check.subject) end,
    call = drift.values,
  },
}
