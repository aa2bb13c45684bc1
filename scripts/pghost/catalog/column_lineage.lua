-- Which columns of tables each column of a view is computed from, and which determine its rows.
--
-- Read from the query as the server has parsed and resolved it (the tree of the view's rule, pg_rewrite.ev_action), so
-- names, `*`, USING, subqueries, CTEs, set operations and shadowed names mean what they mean to the server. Without
-- names, which need a connection: run/lineage.lua. Not for which tables a view depends on: that is pg_depend.

local node_tree = require "pghost.lib.node_tree"

local M = {}

---@class pghost.Lineage
---@field column? string of the view; nil: it decides which rows there are
---@field relation integer oid
---@field attribute integer number of the column; 0: the whole row
---@field how "identity"|"transformation"|"aggregation"|"filter"|"join"|"group_by"|"sort"|"window"

-- RTEKind, src/include/nodes/parsenodes.h; the same numbers since version 10.
local kinds <const> = { ["0"] = "relation", ["1"] = "subquery", ["2"] = "join", ["6"] = "cte", ["9"] = "group" }

local rank <const> = { identity = 1, transformation = 2, aggregation = 3 }

local function further(one, other)
  return rank[one] >= rank[other] and one or other
end

-- Reader of one view: what is known about queries, by node, and the rows found.
local Reader = {}
Reader.__index = Reader

local function scope_of(query, parent)
  return { query = query, parent = parent }
end

local function up(scope, levels)
  for _ = 1, math.tointeger(tonumber(levels)) or 0 do
    scope = scope.parent
  end
  return scope
end

local function cte_of(scope, entry)
  local at = up(scope, entry.ctelevelsup)
  for _, cte in ipairs(at.query.cteList or {}) do
    if cte.ctename == entry.ctename then
      return scope_of(cte.ctequery, at)
    end
  end
end

-- The query that an entry of FROM stands for; nil: it is not a query.
local function query_of(scope, entry)
  local kind = kinds[entry.rtekind]
  return kind == "subquery" and entry.subquery and scope_of(entry.subquery, scope) or kind == "cte"
    and cte_of(scope, entry) or nil
end

-- The queries that a set operation combines.
local function leaves(scope, node, list)
  if node.node == "RANGETBLREF" then
    list[#list + 1] = query_of(scope, scope.query.rtable[math.tointeger(tonumber(node.rtindex))])
  else
    leaves(scope, node.larg, list)
    leaves(scope, node.rarg, list)
  end
  return list
end

local function add(found, relation, attribute, how)
  found[#found + 1] = { relation = relation, attribute = attribute, how = how }
end

local function add_all(found, others, how)
  for _, one in ipairs(others) do
    add(found, one.relation, one.attribute, further(one.how, how))
  end
end

function Reader:var(scope, node, how, found)
  scope = up(scope, node.varlevelsup)
  local entry, number = scope.query.rtable[tonumber(node.varno)], math.tointeger(tonumber(node.varattno))
  local kind = kinds[entry.rtekind]
  local inner = query_of(scope, entry)
  if kind == "relation" then
    if number >= 0 then
      add(found, math.tointeger(tonumber(entry.relid)), number, how)
    end
  elseif inner then
    for place = number == 0 and 1 or number, number == 0 and #inner.query.targetList or number do
      add_all(found, self:column(inner, place), how)
    end
  elseif kind == "join" then
    self:walk(scope, entry.joinaliasvars[number], how, found)
  elseif kind == "group" then
    self:walk(scope, entry.groupexprs[number], how, found)
  else -- functions, VALUES: what their arguments are computed from
    self:walk(scope, { entry.functions, entry.tablefunc, entry.values_lists }, "transformation", found)
  end
end

-- What a subquery in an expression returns, and what determines its rows.
function Reader:sublink(scope, node, how, found)
  local inner = scope_of(node.subselect, scope)
  self:walk(scope, node.testexpr, "transformation", found)
  for place in ipairs(node.subselect.targetList) do
    add_all(found, self:column(inner, place), further(how, "transformation"))
  end
  self:add_rows(inner)
end

--- Adds what an expression is computed from.
function Reader:walk(scope, node, how, found)
  if type(node) ~= "table" then
    return
  elseif node.node == "VAR" then
    return self:var(scope, node, how, found)
  elseif node.node == "SUBLINK" then
    return self:sublink(scope, node, how, found)
  elseif node.node == "AGGREF" or node.node == "WINDOWFUNC" then
    how = "aggregation"
  elseif node.node and node.node ~= "RELABELTYPE" and node.node ~= "TARGETENTRY" then
    how = further(how, "transformation")
  end
  for _, value in pairs(node) do
    self:walk(scope, value, how, found)
  end
end

--- What a column of a query is computed from.
function Reader:column(scope, place)
  local query = scope.query
  local known = self.columns[query] or {}
  self.columns[query] = known
  if known[place] then
    return known[place]
  end
  local found = {}
  known[place] = found -- a query that reads itself ends here
  if query.setOperations then
    for _, leaf in ipairs(leaves(scope, query.setOperations, {})) do
      add_all(found, self:column(leaf, place), "identity")
    end
  else
    local target = query.targetList[place]
    self:walk(scope, target and target.expr, "identity", found)
  end
  return found
end

function Reader:add(scope, node, how)
  local found = {}
  self:walk(scope, node, "identity", found)
  for _, one in ipairs(found) do
    add(self.rows, one.relation, one.attribute, how)
  end
end

-- Expressions of the target list that a clause names: SORTGROUPCLAUSE.
function Reader:add_clause(scope, clauses, how)
  for _, clause in ipairs(clauses or {}) do
    for _, target in ipairs(scope.query.targetList) do
      if target.ressortgroupref == clause.tleSortGroupRef then
        self:add(scope, target.expr, how)
      end
    end
  end
end

function Reader:add_from(scope, node)
  if type(node) ~= "table" then
    return
  elseif node.node == "RANGETBLREF" then
    local inner = query_of(scope, scope.query.rtable[tonumber(node.rtindex)])
    return inner and self:add_rows(inner)
  elseif node.node == "FROMEXPR" or node.node == "JOINEXPR" then
    self:add(scope, node.quals, node.node == "JOINEXPR" and "join" or "filter")
    self:add_from(scope, node.fromlist)
    self:add_from(scope, node.larg)
    self:add_from(scope, node.rarg)
  else
    for _, one in ipairs(node) do
      self:add_from(scope, one)
    end
  end
end

--- Adds what decides on the rows of a query: its conditions, groups and order.
function Reader:add_rows(scope)
  local query = scope.query
  if self.seen[query] then
    return
  end
  self.seen[query] = true
  self:add_from(scope, query.jointree)
  self:add_clause(scope, query.groupClause, "group_by")
  self:add_clause(scope, query.distinctClause, "group_by")
  self:add_clause(scope, query.sortClause, "sort")
  self:add(scope, query.havingQual, "filter")
  for _, window in ipairs(query.windowClause or {}) do
    self:add_clause(scope, window.partitionClause, "window")
    self:add_clause(scope, window.orderClause, "window")
  end
  for _, leaf in ipairs(query.setOperations and leaves(scope, query.setOperations, {}) or {}) do
    self:add_rows(leaf)
  end
end

-- Each source once: a column with the strongest change made to it.
local function distinct(list, column, out)
  local place = {}
  for _, one in ipairs(list) do
    local key = ("%d.%d.%s"):format(one.relation, one.attribute, column and "" or one.how)
    if not place[key] then
      out[#out + 1] = { column = column, relation = one.relation, attribute = one.attribute, how = one.how }
      place[key] = out[#out]
    elseif column then
      place[key].how = further(place[key].how, one.how)
    end
  end
end

--- The lineage of the query that a rule's tree holds.
---@param text string pg_rewrite.ev_action
---@return pghost.Lineage[]
function M.of(text)
  local reader = setmetatable({ columns = {}, seen = {}, rows = {} }, Reader)
  local scope = scope_of(node_tree.parse(text)[1])
  local out = {}
  for place, target in ipairs(scope.query.targetList) do
    if target.resjunk == "false" then
      distinct(reader:column(scope, place), target.resname, out)
    end
  end
  reader:add_rows(scope)
  distinct(reader.rows, nil, out)
  return out
end

return M
