-- Kinds of checks that hold each value of a column against the others of that column.

local expressions = require "pghost.checks.expressions"
local relations = require "pghost.catalog.relations"

local compare, literal = expressions.compare, expressions.literal

-- "PARTITION BY a, b ", or nothing.
local function partition(names)
  return names and ("PARTITION BY %s "):format(relations.list(names)) or ""
end

local function step_of(check)
  return type(check.step) == "string" and literal(check.step) .. "::pg_catalog.interval" or literal(check.step)
end

local function sequential(c, check)
  local after = ("previous OPERATOR(pg_catalog.+) %s"):format(step_of(check))
  local fits = compare(c.column, "=", ("(%s)"):format(after))
  if check.repeats then
    fits = ("%s OR %s"):format(fits, compare(c.column, "=", "previous"))
  end
  return ([[SELECT * FROM (SELECT t.*, pg_catalog.lag(%s) OVER (%sORDER BY %s) AS previous FROM %s AS t
    WHERE %s IS NOT NULL) AS t WHERE previous IS NOT NULL AND NOT (%s) ORDER BY %s]]):format(c.column,
    partition(check.by), c.column, c.source(check.table), c.column, fits, c.column)
end

-- Of equal values the deviation is 0, and none is far from the mean.
local function z_score(c, check)
  local value = c.column .. "::pg_catalog.float8"
  local window = partition(check.by)
  return ([[SELECT * FROM (SELECT t.*, (%s OPERATOR(pg_catalog.-) pg_catalog.avg(%s) OVER (%s))
      OPERATOR(pg_catalog./) nullif(pg_catalog.stddev_samp(%s) OVER (%s), 0) AS z_score FROM %s AS t) AS t
    WHERE %s ORDER BY pg_catalog.abs(z_score) DESC]]):format(value, value, window, value, window,
    c.source(check.table), compare("pg_catalog.abs(z_score)", ">", literal(check.most)))
end

---@type pghost.checks.Kind[]
return {
  {
    name = "sequential", subject = "column", parameters = { { "step", "step" } },
    options = { by = "columns", repeats = "boolean" },
    title = function(check)
      return ("%s goes up in steps of %s%s"):format(check.subject, check.step,
        check.by and " by " .. table.concat(check.by, ", ") or "")
    end,
    rows = sequential,
  },
  {
    name = "z_score", subject = "column", parameters = { { "most", "number" } }, options = { by = "columns" },
    title = function(check)
      return ("%s is within %s standard deviations of its mean%s"):format(check.subject, check.most,
        check.by and " by " .. table.concat(check.by, ", ") or "")
    end,
    rows = z_score,
  },
}
