-- Kinds of checks that look at one row at a time: `violates` is the condition on a row that breaks the check.
-- All of one table are counted in one scan.

local expressions = require "pghost.checks.expressions"
local guarantees = require "pghost.checks.guarantees"

local function limits(check, unit)
  local least, most = check.least, check.most
  local inside = check.exclusive and " (exclusive)" or ""
  unit = unit or ""
  if least ~= nil and most ~= nil then
    return ("between %s and %s%s%s"):format(least, most, unit, inside)
  end
  return ("at %s %s%s%s"):format(least ~= nil and "least" or "most", least ~= nil and least or most, unit, inside)
end

local function listed(values)
  local list = {}
  for i = 1, math.min(#values, 5) do
    list[i] = tostring(values[i])
  end
  return table.concat(list, ", ") .. (#values > 5 and (" and %d more"):format(#values - 5) or "")
end

local bounds <const> = { { "least", "bound" }, { "most", "bound" } }

---@type pghost.checks.Kind[]
return {
  {
    name = "not_null", subject = "column", about_nulls = true,
    title = function(check) return check.subject .. " is never null" end,
    violates = function(c) return c.column .. " IS NULL" end,
    cannot_fail = function(c, check)
      return c.columns[check.columns[1]].not_null and "the column is NOT NULL in the table"
    end,
  },
  {
    name = "missing_share", subject = "column", about_nulls = true, parameters = { { "most", "share" } },
    title = function(check) return ("%s is missing in at most %s"):format(check.subject, check.most) end,
    violates = function(c) return c.column .. " IS NULL" end,
    error_if = function(check) return "> " .. check.most end,
  },
  {
    name = "not_blank", subject = "column",
    title = function(check) return check.subject .. " is never blank" end,
    violates = function(c) return expressions.compare(c.column .. "::pg_catalog.text", "!~", "'[^[:space:]]'") end,
  },
  {
    name = "accepted_values", subject = "column", parameters = { { "values", "values" } },
    title = function(check) return ("%s is one of %s"):format(check.subject, listed(check.values)) end,
    violates = function(c, check)
      local column, array = expressions.among(c.column, c.types[1], check.values)
      return ("%s OPERATOR(pg_catalog.<>) ALL (%s)"):format(column, array)
    end,
    cannot_fail = guarantees.accepted_values,
  },
  {
    name = "rejected_values", subject = "column", parameters = { { "values", "values" } },
    title = function(check) return ("%s is none of %s"):format(check.subject, listed(check.values)) end,
    violates = function(c, check)
      local column, array = expressions.among(c.column, c.types[1], check.values)
      return ("%s OPERATOR(pg_catalog.=) ANY (%s)"):format(column, array)
    end,
  },
  {
    name = "range", subject = "column", parameters = bounds, options = { exclusive = "boolean" },
    title = function(check) return ("%s is %s"):format(check.subject, limits(check)) end,
    violates = function(c, check) return expressions.outside(c.column, check.least, check.most, check.exclusive) end,
  },
  {
    name = "length", subject = "column", parameters = { { "least", "count" }, { "most", "count" } },
    title = function(check) return ("%s has %s"):format(check.subject, limits(check, " characters")) end,
    violates = function(c, check)
      return expressions.outside(("pg_catalog.length(%s::pg_catalog.text)"):format(c.column), check.least, check.most)
    end,
  },
  {
    name = "pattern", subject = "column", parameters = { { "pattern", "string" } },
    title = function(check) return ("%s matches '%s'"):format(check.subject, check.pattern) end,
    violates = function(c, check)
      return expressions.compare(c.column .. "::pg_catalog.text", "!~", expressions.literal(check.pattern))
    end,
  },
  {
    name = "not_pattern", subject = "column", parameters = { { "pattern", "string" } },
    title = function(check) return ("%s does not match '%s'"):format(check.subject, check.pattern) end,
    violates = function(c, check)
      return expressions.compare(c.column .. "::pg_catalog.text", "~", expressions.literal(check.pattern))
    end,
  },
  {
    name = "compare", subject = "column", parameters = { { "operator", "operator" }, { "other", "same_table" } },
    title = function(check) return ("%s %s %s"):format(check.subject, check.operator, check.other) end,
    violates = function(c, check)
      return ("NOT (%s)"):format(expressions.compare(c.column, check.operator, c.quote(check.other)))
    end,
  },
  {
    name = "holds", subject = "table", parameters = { { "condition", "sql" } },
    title = function(check) return ("%s: %s"):format(check.table, check.condition) end,
    violates = function(_, check) return ("NOT (%s\n)"):format(check.condition) end,
  },
}
