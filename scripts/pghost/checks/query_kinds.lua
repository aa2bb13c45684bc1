-- Kinds of checks with a scan of their own: `rows` is a SELECT that returns what breaks the check, `amount` one that
-- returns the number of violations and the total they are a share of, if that is not the number of those rows.

local columns = require "pghost.catalog.columns"
local contract = require "pghost.checks.contract"
local distribute = require "pghost.distribute"
local expressions = require "pghost.checks.expressions"
local guarantees = require "pghost.checks.guarantees"
local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"

local compare, quote = expressions.compare, relations.quote

local function list(names)
  return table.concat(names, ", ")
end

-- "PARTITION BY a, b ", or nothing.
local function partition(names)
  return names and ("PARTITION BY %s "):format(relations.list(names)) or ""
end

local function references(c, check)
  local from = { relation = c.relation(check.table), column = check.columns[1], alias = "c" }
  local to = { relation = c.relation(check.parent), column = check.parent_column, alias = "p" }
  return ([[
    SELECT c.%s FROM %s AS c
    WHERE c.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)
    ORDER BY 1]]):format(quote(from.column), c.source(check.table), quote(from.column),
    distribute.searched(c.run, from, to), columns.equal(c.conn, to, from))
end

-- The name of a number of rows beside columns.
local function number_name(names)
  return lists.set(names).rows and "number_of_rows" or "rows"
end

local function unique(c, check)
  local names = relations.list(check.columns)
  return ("SELECT %s, pg_catalog.count(*) AS %s FROM %s AS t GROUP BY %s HAVING pg_catalog.count(*) > 1 ORDER BY %s")
    :format(names, number_name(check.columns), c.source(check.table), names, names)
end

local function duplicates(c, check)
  local names = relations.list(check.columns)
  return ([[SELECT %s FROM (SELECT %s, pg_catalog.row_number() OVER (PARTITION BY %s) AS pghost_n FROM %s AS t) AS t
    WHERE pghost_n > 1]]):format(names, names, names, c.source(check.table))
end

-- Equal rows once, with their number, the most frequent first; and the name of that number.
local function most_frequent(query, names)
  local listed, number = relations.list(names), number_name(names)
  return ("SELECT %s, pg_catalog.count(*) AS %s FROM (%s) AS r GROUP BY %s ORDER BY %d DESC, %s"):format(listed, number,
    query, listed, #names + 1, listed), number
end

-- Two counts beside each other.
local function both_counts(c, check)
  return ([[SELECT t.n AS %s, o.n AS %s FROM (SELECT pg_catalog.count(*) AS n FROM %s AS t) AS t,
    (SELECT pg_catalog.count(*) AS n FROM %s) AS o]]):format(quote(check.table), quote(check.other),
    c.source(check.table), c.relation(check.other))
end

local function source_counts(c, check)
  return ([[SELECT t.n AS "table", o.n AS source FROM (SELECT pg_catalog.count(*) AS n FROM %s AS t) AS t,
    (SELECT pg_catalog.sum(records)::pg_catalog.int8 AS n FROM pghost.files
     WHERE run_id = %d AND table_name = %s AND state <> 'skipped') AS o]]):format(c.source(check.table), c.run.id or 0,
    expressions.literal(check.table) .. "::pg_catalog.text")
end

local function differing(counts, left, right)
  return ("SELECT * FROM (%s) AS n WHERE n.%s <> n.%s"):format(counts, quote(left), quote(right))
end

local function difference(counts, left, right)
  return ([[SELECT pg_catalog.abs(n.%s OPERATOR(pg_catalog.-) n.%s) AS violations, n.%s AS total FROM (%s) AS n]])
    :format(quote(left), quote(right), quote(right), counts)
end

local function reconcile(c, check)
  local by = check.by and relations.list(check.by) .. ", " or ""
  local group = check.by and " GROUP BY " .. relations.list(check.by) or ""
  local same = check.tolerance and compare(
    "pg_catalog.abs(pg_catalog.max(l) OPERATOR(pg_catalog.-) pg_catalog.max(r))", "<=",
    expressions.literal(check.tolerance)) or compare("pg_catalog.max(l)", "=", "pg_catalog.max(r)")
  return ([[SELECT %spg_catalog.max(l) AS %s, pg_catalog.max(r) AS %s FROM (
    SELECT %s(%s) AS l, NULL AS r FROM %s AS t%s UNION ALL SELECT %sNULL, (%s) FROM %s AS t%s) AS sides%s
    HAVING NOT coalesce(%s, pg_catalog.max(l) IS NULL AND pg_catalog.max(r) IS NULL)]]):format(by,
    quote(check.table .. ": " .. check.expression), quote(check.other .. ": " .. check.other_expression .. " "), by,
    check.expression, c.source(check.table), group, by, check.other_expression, c.relation(check.other), group, group,
    same)
end

local function same_rows(c, check)
  local names = relations.list(check.columns)
  local function only(left, right, name)
    return ("SELECT %s AS only_in, * FROM (SELECT %s FROM %s AS t EXCEPT ALL SELECT %s FROM %s AS t) AS d"):format(
      expressions.literal(name) .. "::pg_catalog.text", names, left, names, right)
  end
  return ("(%s) UNION ALL (%s)"):format(only(c.source(check.table), c.relation(check.other), check.table),
    only(c.relation(check.other), c.source(check.table), check.other))
end

local function monotonic(c, check)
  local broken = (check.decreasing and ">" or "<") .. (check.strict and "=" or "")
  return ([[SELECT * FROM (SELECT t.*, pg_catalog.lag(%s) OVER (%sORDER BY %s) AS previous FROM %s AS t
    WHERE %s IS NOT NULL) AS t WHERE %s]]):format(c.column, partition(check.by), relations.list(check.order),
    c.source(check.table), c.column, compare(c.column, broken, "previous"))
end

local function overlaps(c, check)
  return ([[SELECT * FROM (SELECT t.*, pg_catalog.max(%s) OVER (%sORDER BY %s, %s
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_end FROM %s AS t) AS t WHERE %s]]):format(
    quote(check["until"]), partition(check.by), c.column, quote(check["until"]), c.source(check.table),
    compare(c.column, "<", "previous_end"))
end

---@type pghost.checks.Kind[]
return {
  {
    name = "references", subject = "column", parameters = { { "parent", "other_column" } },
    title = function(check) return ("%s references %s"):format(check.subject, check.parent) end,
    rows = references,
    grouped = function(c, check) return most_frequent(references(c, check), check.columns) end,
  },
  {
    name = "unique", subject = "columns",
    title = function(check) return ("%s is unique by %s"):format(check.table, list(check.columns)) end,
    rows = unique,
    cannot_fail = guarantees.unique,
  },
  {
    name = "duplicate_share", subject = "columns", parameters = { { "most", "share" } },
    title = function(check)
      return ("%s has at most %s duplicates by %s"):format(check.table, check.most, list(check.columns))
    end,
    rows = duplicates,
    grouped = function(c, check) return most_frequent(duplicates(c, check), check.columns) end,
    cannot_fail = guarantees.unique,
    error_if = function(check) return "> " .. check.most end,
  },
  {
    name = "not_empty", subject = "table", of_empty_tables = true, cheap = true,
    title = function(check) return check.table .. " is not empty" end,
    rows = function(c, check)
      return ("SELECT 'no rows' AS problem WHERE NOT EXISTS (SELECT 1 FROM %s AS t LIMIT 1)")
        :format(c.source(check.table)) -- without the limit Citus brings all of the table to the coordinator
    end,
  },
  {
    name = "same_row_count", subject = "table", parameters = { { "other", "table" } }, of_empty_tables = true,
    title = function(check) return ("%s has as many rows as %s"):format(check.table, check.other) end,
    rows = function(c, check) return differing(both_counts(c, check), check.table, check.other) end,
    amount = function(c, check) return difference(both_counts(c, check), check.table, check.other) end,
  },
  {
    name = "matches_source", subject = "table", of_empty_tables = true, needs_run = true,
    title = function(check) return check.table .. " has as many rows as its files have records" end,
    rows = function(c, check) return differing(source_counts(c, check), "table", "source") end,
    amount = function(c, check) return difference(source_counts(c, check), "table", "source") end,
  },
  {
    name = "reconcile", subject = "table", of_empty_tables = true,
    parameters = { { "expression", "sql" }, { "other", "table" }, { "other_expression", "sql" } },
    options = { by = "columns", tolerance = "number" },
    title = function(check)
      return ("%s of %s equals %s of %s%s"):format(check.expression, check.table, check.other_expression, check.other,
        check.by and " by " .. list(check.by) or "")
    end,
    rows = reconcile,
  },
  {
    name = "same_rows", subject = "table", parameters = { { "other", "table" }, { "columns", "columns" } },
    of_empty_tables = true,
    title = function(check)
      return ("%s and %s have the same %s"):format(check.table, check.other, list(check.columns))
    end,
    rows = same_rows,
  },
  {
    name = "monotonic", subject = "column", parameters = { { "order", "columns" } },
    options = { strict = "boolean", decreasing = "boolean", by = "columns" },
    title = function(check)
      local way = check.strict and "strictly " .. (check.decreasing and "falls" or "rises")
        or "never " .. (check.decreasing and "rises" or "falls")
      return ("%s %s by %s"):format(check.subject, way, list(check.order))
    end,
    rows = monotonic,
  },
  {
    name = "no_overlap", subject = "column", parameters = { { "until", "same_table" } }, options = { by = "columns" },
    title = function(check)
      return ("%s to %s does not overlap%s"):format(check.subject, check["until"],
        check.by and " by " .. list(check.by) or "")
    end,
    rows = overlaps,
  },
  {
    name = "sql", subject = "name", parameters = { { "text", "statement" } },
    title = function(check) return check.subject end,
    rows = function(c, check)
      return type(check.text) == "function" and check.text(c.conn) or check.text
    end,
  },
  {
    name = "lua", subject = "name", parameters = { { "call", "function" } },
    title = function(check) return check.subject end,
    call = function(c, check) return check.call(c.run) end,
  },
  {
    name = "columns", subject = "table", parameters = { { "expected", "columns_and_types" } }, of_empty_tables = true,
    options = { new = "change", missing = "change", retyped = "change" },
    title = function(check) return check.table .. " has the columns of its contract" end,
    call = contract.compare,
  },
}
