-- Views, materialized views and functions that depend on published tables.
--
-- Where possible, they are made in the build schema over the built tables before anything is locked (a materialized
-- view with its data), and only moved in the short transaction. What cannot (its name is taken there, it uses a
-- function that has to be recreated, ...) is made then.

local columns = require "pghost.publish.attributes"
local behaviour = require "pghost.publish.behaviour"
local errors = require "pghost.lib.errors"
local indexes = require "pghost.publish.indexes"
local names = require "pghost.publish.renaming"
local rights = require "pghost.publish.rights"
local statistics = require "pghost.load.statistics"
local statements = require "pghost.publish.script"

local M = {}

local words = { v = "VIEW", m = "MATERIALIZED VIEW", f = "ROUTINE" }

local view_query = [[
SELECT c.oid, c.relkind::text AS kind, format('%I.%I', n.nspname, c.relname) AS qualified,
  quote_ident(n.nspname) AS schema,
  c.relname::text AS name, rtrim(pg_get_viewdef(c.oid), ';') AS definition,
  c.relkind = 'm' AND c.relispopulated AS populated,
  pg_get_userbyid(c.relowner)::text AS owner,
  format('%I.%I', $2::text, c.relname) AS built,
  coalesce((SELECT format(' USING %I', amname) FROM pg_am WHERE oid = c.relam), '')
    || coalesce((SELECT ' WITH (' || string_agg(format('%s = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)),
      ', ') || ')' FROM unnest(c.reloptions) AS o), '')
    || coalesce((SELECT format(' TABLESPACE %I', spcname) FROM pg_tablespace WHERE oid = c.reltablespace), '')
    AS settings,
  EXISTS (SELECT FROM pg_class AS b JOIN pg_namespace AS bn ON bn.oid = b.relnamespace
    WHERE bn.nspname = $2::text AND b.relname = c.relname) AS taken
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1::oid]]

local function read_view(conn, object, build)
  local row, view = conn:query(view_query, object.oid, build)[1], {}
  for _, name in ipairs { "oid", "kind", "qualified", "schema", "name", "definition", "populated", "owner", "built",
    "settings", "taken" } do
    view[name] = row[name]
  end
  view.build = build
  return view
end

local function read_function(conn, object)
  local row = conn:query([[
    SELECT oid::regprocedure::text AS qualified, pg_get_functiondef(oid) AS definition,
      quote_literal(obj_description(oid, 'pg_proc')) AS comment
    FROM pg_proc WHERE oid = $1::oid]], object.oid)[1]
  return {
    oid = object.oid,
    kind = "f",
    qualified = row.qualified,
    definition = row.definition,
    comment = row.comment,
  }
end

-- Never with data: that would run another user's query with our rights. REFRESH runs it as the owner.
local function creation(view, place, definition)
  local text = ("CREATE %s %s%s AS %s"):format(words[view.kind], place, view.settings, definition)
  return text .. (view.kind == "m" and " WITH NO DATA" or "")
end

-- Statements that work in either schema.
local function attributes(conn, view, place, schema, statistics_schema)
  local list = columns.columns(conn, view, place, view.new)
  if view.kind == "m" then
    list:append(indexes.indexes(conn, view, place, schema, view.new))
    list:append(indexes.statistics(conn, view, place, statistics_schema))
  end
  list:append(columns.comment(conn, view, place, view.new))
  return list
end

local depends_on_old = [[
SELECT FROM pg_depend AS d JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
JOIN unnest($2::text[], $3::oid[]) AS old (class, oid) ON d.refclassid = old.class::regclass AND d.refobjid = old.oid
WHERE w.ev_class = $1::oid LIMIT 1]]

-- Error codes of a view that can still be made later: no such function, relation, cast, ...
local later = { ["42883"] = true, ["42P01"] = true, ["42846"] = true, ["42804"] = true, ["42809"] = true,
  ["42725"] = true, ["42704"] = true }

local not_early = {} -- leaves the savepoint

-- Runs the query as the owner, in a security-restricted operation.
local function fill(conn, view)
  local list = statements.new()
  list:add("policies", "SET LOCAL row_security = on") -- those of the owner
  list:add(("its owner '%s' cannot fill it"):format(view.owner), "REFRESH MATERIALIZED VIEW %s", view.built)
  list:add("policies", "SET LOCAL row_security = off")
  list:run(conn, view.qualified)
  statistics.analyse(conn, view.built)
end

local function make_early(conn, view, replacements, found, quoted_build)
  conn:query(creation(view, view.built, names.replace(view.definition, replacements)))
  view.new = conn:query("SELECT $1::regclass::oid AS oid", view.built)[1].oid
  if conn:query(depends_on_old, view.new, found.reached.classes, found.reached.oids)[1] then
    error(not_early, 0)
  end
  rights.of(conn, "TABLE", view.oid, view.built, view.new, view.build):run(conn, view.qualified)
  attributes(conn, view, view.built, quoted_build, quoted_build):run(conn, view.qualified)
  if view.populated and not view.refresh then
    fill(conn, view)
  end
end

local function try_early(conn, view, replacements, found, quoted_build)
  local ok, problem = pcall(conn.transaction, conn, function()
    make_early(conn, view, replacements, found, quoted_build)
  end)
  if ok then
    replacements[view.qualified] = view.built
    view.early = true
    return
  end
  view.new = nil
  if problem ~= not_early and not (errors.is(problem) and later[problem.code]) then
    statements.raise(problem, view.qualified, "it cannot be recreated over the new tables")
  end
end

--- Reads them, and makes those in the build schema that can be made there. Must run inside a
--- transaction.
---@param conn pghost.Connection
---@param found pghost.publish.Dependents
---@param build string
---@param replacements table<string, string> names of built tables by those of published ones
---@param row_security boolean a table has policies: materialized views are filled by their owners, when all is there
---@return table[] views in an order to make them
function M.prepare(conn, found, build, replacements, row_security)
  local list, known = {}, setmetatable({}, { __index = replacements })
  local quoted_build = conn:query("SELECT quote_ident($1) AS name", build)[1].name
  for i, object in ipairs(found.objects) do
    if object.kind == "f" then
      list[i] = read_function(conn, object)
    else
      local view = read_view(conn, object, build)
      view.refresh = view.populated and row_security
      if not view.taken then
        try_early(conn, view, known, found, quoted_build)
      end
      list[i] = view
    end
  end
  return list
end

--- Drops all of them, the last first.
---@return pghost.publish.Statements
function M.drop(views)
  local list = statements.new()
  for i = #views, 1, -1 do
    list:add(("%s '%s'"):format(words[views[i].kind]:lower(), views[i].qualified), "DROP %s %s", words[views[i].kind],
      views[i].qualified)
  end
  return list
end

local function place_function(conn, list, object)
  local what = ("function '%s'"):format(object.qualified)
  list:add(what, (object.definition:gsub("%s+$", "")))
  if object.comment then
    list:add(what, "COMMENT ON ROUTINE %s IS %s", object.qualified, object.comment)
  end
  list:append(rights.of(conn, "ROUTINE", object.oid, object.qualified))
end

local function place_view(conn, list, view, quoted_build)
  local what = ("%s '%s'"):format(words[view.kind]:lower(), view.qualified)
  if view.early then
    list:add(what, "ALTER %s %s SET SCHEMA %s", words[view.kind], view.built, view.schema)
  else
    view.refresh = view.populated
    list:add(what, (creation(view, view.qualified, view.definition)))
    list:append(rights.of(conn, "TABLE", view.oid, view.qualified))
    list:append(attributes(conn, view, view.qualified, view.schema, nil))
  end
  if view.kind == "m" then
    list:append(indexes.place_statistics(conn, view, view.early and quoted_build or nil))
  end
  list:append(behaviour.triggers(conn, view.oid, view.qualified))
end

--- Puts all of them in their places, the new tables being in theirs.
---@return pghost.publish.Statements
function M.place(conn, views, quoted_build)
  local list = statements.new()
  for _, view in ipairs(views) do
    if view.kind == "f" then
      place_function(conn, list, view)
    else
      place_view(conn, list, view, quoted_build)
    end
  end
  return list
end

--- Fills those that could not be filled before: policies or functions had to be there first.
---@return pghost.publish.Statements
function M.refresh(views)
  local list = statements.new()
  for _, view in ipairs(views) do
    if view.refresh then
      list:add("policies", "SET LOCAL row_security = on")
      list:add(("materialized view '%s', which its owner '%s' cannot fill"):format(view.qualified, view.owner),
        "REFRESH MATERIALIZED VIEW %s", view.qualified)
    end
  end
  return list
end

return M
