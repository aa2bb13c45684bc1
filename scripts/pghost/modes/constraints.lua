-- The constraints of a published table as conditions on new rows: which rows it is certain to refuse. Whatever is not
-- certain (a CHECK that is not valid yet, an expression in an index, rows that a trigger changes) is left to the
-- server, when it is published.
--
-- Read and used with a search_path of pg_catalog alone, so that the server writes every other name with its schema.

local cjson = require "cjson"
local columns = require "pghost.catalog.columns"
local lists = require "pghost.lib.lists"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"

local M = {}

local longest_value = 200 -- characters of a value shown in a reason

---@class pghost.modes.Constraint
---@field rule "required"|"check"|"unique"|"foreign_key" as rejects have it
---@field where string condition on the new row n
---@field why string SQL text of the reason, for a reader
---@field columns string[] of the new rows
---@field of_itself? boolean a foreign key to the table itself: what it refuses may take other rows with it

local constraints_query = qualified [[
  SELECT k.conname::pg_catalog.text AS name, k.contype::pg_catalog.text AS kind,
    pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS expression,
    k.confrelid::pg_catalog.int8 AS parent, k.confrelid = k.conrelid AS of_itself, k.confmatchtype = 's' AS simple,
    COALESCE(n.nspname, '')::pg_catalog.text AS parent_schema, COALESCE(c.relname, '')::pg_catalog.text AS parent_name,
    COALESCE(c.relrowsecurity, false) AS hidden,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)::pg_catalog.text
      FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (number, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)::pg_catalog.text
      FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (number, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number) AS parent_columns,
    (SELECT pg_catalog.json_agg(pg_catalog.concat('OPERATOR(', pg_catalog.quote_ident(s.nspname), '.', o.oprname, ')')
        ORDER BY u.place)::pg_catalog.text
      FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY AS u (number, place)
      JOIN pg_catalog.pg_operator AS o ON o.oid = u.number
      JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace) AS operators
  FROM pg_catalog.pg_constraint AS k LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.conrelid = $1::pg_catalog.regclass AND k.contype IN ('c', 'f') AND k.convalidated
  ORDER BY k.contype, k.conname]]

-- Of plain columns, each compared by the default of its type and its own collation, and no NULLs that are equal.
local unique_query = qualified [[
  SELECT c.relname::pg_catalog.text AS name, i.indisprimary AS is_primary,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)::pg_catalog.text
      FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS u (number, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
      WHERE u.place <= i.indnkeyatts) AS columns
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
  WHERE i.indrelid = $1::pg_catalog.regclass AND i.indisunique AND i.indisvalid AND i.indislive
    AND i.indexprs IS NULL AND i.indpred IS NULL
    AND pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid), 'NULLS NOT DISTINCT') = 0
    AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.unnest(i.indclass) AS u (class) JOIN pg_catalog.pg_opclass AS o ON o.oid = u.class
      WHERE NOT o.opcdefault)
    AND NOT EXISTS (
      SELECT 1 FROM ROWS FROM (pg_catalog.unnest(i.indkey), pg_catalog.unnest(i.indcollation)) AS u (number, under)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
      WHERE a.attcollation <> u.under)
  ORDER BY c.relname]]

-- BEFORE triggers and rules may change the row.
local changed_query = qualified [[
  SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_trigger AS t
    WHERE (t.tgrelid = $1::pg_catalog.regclass::pg_catalog.oid OR t.tgrelid IN (
        SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass)))
      AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 67 > 1
  ) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = $1::pg_catalog.regclass::pg_catalog.oid
  ) AS changed]]

local function all_known(names, known)
  for _, name in ipairs(names) do
    if not known[name] then
      return false
    end
  end
  return #names > 0
end

local function value_of(name)
  local quoted = relations.quote(name)
  return ("CASE WHEN n.%s IS NULL THEN 'NULL' ELSE pg_catalog.concat('''', pg_catalog.left(n.%s::pg_catalog.text, %d), "
    .. "'''') END"):format(quoted, quoted, longest_value)
end

-- The values of columns for a reader: that of a column whose name comes before the reason; else n = '-4', v = 'b'.
local function shown(names)
  if #names == 1 then
    return value_of(names[1])
  end
  local parts = lists.map(names, function(name)
    return ("pg_catalog.concat('%s = ', %s)"):format((name:gsub("'", "''")), value_of(name))
  end)
  return ("pg_catalog.concat_ws(', ', %s)"):format(table.concat(parts, ", "))
end

local function why(names, after)
  return ("pg_catalog.concat(%s, %s)"):format(shown(names), after)
end

local function not_null(list, request)
  for _, column in ipairs(request.columns) do
    local there = request.published_columns[column.name]
    if there and there.not_null and not column.not_null then
      list[#list + 1] = { rule = "required", columns = { column.name }, why = "'is required by the published table'",
        where = ("n.%s IS NULL"):format(relations.quote(column.name)) }
    end
  end
end

local function literal(conn, text, ...)
  return conn:quote_literal(text:format(...))
end

local function check(conn, _, row, names)
  return { rule = "check", columns = names,
    where = ("(SELECT %s FROM (SELECT n.*) AS n) IS FALSE"):format(row.expression),
    why = why(names, literal(conn, " breaks the CHECK '%s' of the published table", row.name)) }
end

local function foreign_key(conn, request, row, names)
  local parents, list = cjson.decode(row.parent_columns), request.parent(row)
  local operators = cjson.decode(row.operators)
  if row.hidden or not row.simple or not list then
    return nil
  end
  local parts = lists.map(names, function(name)
    return ("n.%s IS NOT NULL"):format(relations.quote(name))
  end)
  for _, from in ipairs(list) do
    local same = {}
    for i, name in ipairs(names) do
      same[i] = ("p.%s %s n.%s"):format(relations.quote(parents[i]), operators[i], relations.quote(name))
    end
    parts[#parts + 1] = ("NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)"):format(from, table.concat(same, " AND "))
  end
  return { rule = "foreign_key", columns = names, of_itself = row.of_itself, where = table.concat(parts, " AND "),
    why = why(names, literal(conn, " is not in '%s' (foreign key '%s')", row.parent_name, row.name)) }
end

-- Whether an index is on the columns of the key: no two new rows have one of these, and none that is published is left
-- in what is appended (load/primary_key.lua).
local function is_of_key(names, key)
  local in_key = lists.set(key)
  for _, name in ipairs(names) do
    if not in_key[name] then
      return false
    end
  end
  return #names == #key
end

-- Modes that never update a row.
local keeps_keys = { append = true, partitions = true }

-- Against rows that stay in the published table whatever this run brings, and against earlier new rows.
local function unique(list, conn, request, row)
  local names, key = cjson.decode(row.columns), request.key or {}
  if not all_known(names, request.by_name) or (request.mode == "history" and #key > 0)
    or row.is_primary and not keeps_keys[request.mode] or is_of_key(names, key) and keeps_keys[request.mode] then
    return
  end
  local compared = columns.key(conn, request.new, names)
  local same = columns.same_key(compared, "p", "n")
  local text = literal(conn, " is there already (unique '%s')", row.name)
  if request.mode == "append" then
    list[#list + 1] = { rule = "unique", columns = names, why = why(names, text),
      where = ("EXISTS (SELECT 1 FROM %s AS p WHERE %s)"):format(request.published, same) }
  elseif request.missing == "keep" and request.mode ~= "partitions" then -- whose partitions keep no other record
    local keys = columns.key(conn, request.new, key)
    list[#list + 1] = { rule = "unique", columns = names, why = why(names, text), where =
      ("EXISTS (SELECT 1 FROM %s AS p WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS o WHERE %s))"):format(
        request.published, same, request.new, columns.same_key(keys, "o", "p")) }
  end
  local earlier = ("(p._file_id, p._line) OPERATOR(pg_catalog.<) (n._file_id, n._line)")
  list[#list + 1] = { rule = "unique", columns = names, why = why(names,
    literal(conn, " is in an earlier record (unique '%s')", row.name)),
    where = ("EXISTS (SELECT 1 FROM %s AS p WHERE %s AND %s)"):format(request.new, same, earlier) }
end

---@class pghost.modes.ConstraintRequest
---@field new string quoted name of the new rows, which have _file_id and _line
---@field published string
---@field mode string
---@field missing string
---@field key? string[]
---@field parent fun(row: table): string[]? the tables that a foreign key is looked up in; nil: that is not known yet
---@field columns? pghost.catalog.Column[] of the new rows
---@field by_name? table<string, pghost.catalog.Column>
---@field published_columns? table<string, pghost.catalog.Column>

--- What the published table is certain to refuse of the new rows, in the order to look at it.
---@param conn pghost.Connection with the search_path pg_catalog
---@param request pghost.modes.ConstraintRequest
---@return pghost.modes.Constraint[]
function M.read(conn, request)
  local list = {}
  if conn:query(changed_query, request.published)[1].changed then
    return list
  end
  request.columns, request.by_name = columns.read(conn, request.new)
  request.published_columns = select(2, columns.read(conn, request.published))
  not_null(list, request)
  local foreign = {}
  for row in conn:query(constraints_query, request.published):rows() do
    local names = cjson.decode(row.columns or "[]")
    if all_known(names, request.by_name) then
      table.insert(row.kind == "c" and list or foreign,
        (row.kind == "c" and check or foreign_key)(conn, request, row, names))
    end
  end
  for row in conn:query(unique_query, request.published):rows() do
    unique(list, conn, request, row)
  end
  return table.move(foreign, 1, #foreign, #list + 1, list)
end

return M
