-- Kinds of checks that measure one value of a table, an aggregate, and compare it with limits. All of one table are
-- measured in one scan.

local expressions = require "pghost.checks.expressions"

local function limits(check)
  local least, most = check.least, check.most
  if least == nil and most == nil then
    return "within its thresholds"
  elseif least ~= nil and most ~= nil then
    return ("between %s and %s"):format(least, most)
  end
  return ("at %s %s"):format(least ~= nil and "least" or "most", least ~= nil and least or most)
end

local bounds <const> = { { "least", "bound" }, { "most", "bound" } }

local function aggregate(name, sql, parameters)
  return {
    name = name, subject = "column", parameters = parameters or bounds, bounded = true,
    title = function(check)
      local what = check.fraction and ("%s(%s)"):format(name, check.fraction) or name
      return ("%s of %s is %s"):format(what, check.subject, limits(check))
    end,
    measure = function(c, check)
      return sql:format(check.fraction and expressions.literal(check.fraction) or c.column, c.column)
    end,
  }
end

---@type pghost.checks.Kind[]
return {
  {
    name = "row_count", subject = "table", parameters = { { "least", "count" }, { "most", "count" } }, bounded = true,
    measured_as = "rows", of_empty_tables = true,
    title = function(check)
      local least, most = check.least, check.most
      local range = not least and not most and "a number of"
        or least and most and ("%d to %d"):format(least, most) or least and ("at least %d"):format(least)
        or ("at most %d"):format(most)
      return ("%s has %s rows"):format(check.table, range)
    end,
    measure = function() return "pg_catalog.count(*)" end,
  },
  aggregate("sum", "pg_catalog.sum(%s)"),
  aggregate("avg", "pg_catalog.avg(%s)"),
  aggregate("min", "pg_catalog.min(%s)"),
  aggregate("max", "pg_catalog.max(%s)"),
  aggregate("avg_length", "pg_catalog.avg(pg_catalog.length(%s::pg_catalog.text))"),
  aggregate("stddev", "pg_catalog.stddev_samp(%s)"),
  aggregate("distinct_count", "pg_catalog.count(DISTINCT %s)", { { "least", "count" }, { "most", "count" } }),
  aggregate("quantile", "pg_catalog.percentile_cont(%s) WITHIN GROUP (ORDER BY %s)",
    { { "fraction", "fraction" }, { "least", "bound" }, { "most", "bound" } }),
  {
    name = "freshness", subject = "column", parameters = { { "age", "string" } }, of_empty_tables = true,
    title = function(check) return ("%s is at most %s old"):format(check.subject, check.age) end,
    measure = function(c) return ("pg_catalog.max(%s)"):format(c.column) end,
    breaks = function(_, check, value)
      return ("%s IS NULL OR %s"):format(value, expressions.compare(value .. "::timestamp", "<",
        ("(:as_of OPERATOR(pg_catalog.-) %s::pg_catalog.interval)"):format(expressions.literal(check.age))))
    end,
  },
}
