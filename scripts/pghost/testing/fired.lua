-- How often each rule fired: over recorded runs, and over single records that are tried.

local M = {}

---@class pghost.testing.Fired
---@field counts table<string, table<string, integer>> by table, then "column\0rule" ("" for no column)
---@field compared table<string, table<string, integer>> rejects of `compare` by table, then "left\0right"
---@field pairs table<string, { left: string, right: string }[]> comparisons by table
---@field checks table<string, integer> violations of checks of tables by name
local Fired = {}
Fired.__index = Fired

---@param tables pghost.Rules[] whose comparisons are to be told from each other
---@return pghost.testing.Fired
function M.new(tables)
  local pairs_of = {}
  for _, rules in ipairs(tables) do
    pairs_of[rules.name] = {}
    for _, rule in ipairs(rules.row) do
      table.insert(pairs_of[rules.name], rule.rule == "compare" and { left = rule.left, right = rule.right } or nil)
    end
  end
  return setmetatable({ counts = {}, compared = {}, checks = {}, pairs = pairs_of }, Fired)
end

local function add(map, table_name, key, count)
  map[table_name] = map[table_name] or {}
  map[table_name][key] = (map[table_name][key] or 0) + count
end

--- Counts a rule of a table.
function Fired:add(table_name, column, rule, count)
  add(self.counts, table_name, (column or "") .. "\0" .. rule, count)
end

-- Where the second column begins in "start 'x' is after stop 'y'"; nil: it is about other columns.
local function place_of(reason, pair)
  if reason:sub(1, #pair.left + 2) ~= pair.left .. " '" then
    return nil
  end
  local last, from = nil, #pair.left
  while from do
    from = reason:find((" %s '"):format(pair.right), from + 1, true)
    last = from or last
  end
  return last
end

--- Counts a reject of one of the comparisons of a table, by its reason.
function Fired:add_compare(table_name, reason, count)
  local found, place
  for _, pair in ipairs(self.pairs[table_name] or {}) do
    local at = place_of(reason, pair)
    if at and (not place or at > place) then -- what stands before it may be in the value
      found, place = pair, at
    end
  end
  if found then
    add(self.compared, table_name, found.left .. "\0" .. found.right, count)
  end
end

--- Counts what rules made of one record.
---@param rules pghost.Rules
---@param record? table nil: it did not pass
---@param detail table
function Fired:add_try(rules, record, detail)
  if record then
    for _, change in ipairs(detail) do
      self:add(rules.name, change.column, change.rule, 1)
    end
  elseif detail.rule == "compare" then
    self:add_compare(rules.name, detail.reason, 1)
  else
    self:add(rules.name, detail.column, detail.rule, 1)
  end
end

local queries <const> = {
  cleaning = [[SELECT table_name, column_name, rule, pg_catalog.sum(cells)::int8 AS n FROM pghost.cleaning
    WHERE $1::int8 IS NULL OR run_id = $1 GROUP BY 1, 2, 3]],
  rejects = [[SELECT table_name, column_name, rule, pg_catalog.count(*) AS n FROM pghost.rejects
    WHERE rule <> 'compare' AND ($1::int8 IS NULL OR run_id = $1) GROUP BY 1, 2, 3]],
  compared = [[SELECT table_name, reason FROM pghost.rejects
    WHERE rule = 'compare' AND ($1::int8 IS NULL OR run_id = $1)]],
  filtered = [[SELECT table_name, pg_catalog.sum(filtered)::int8 AS n FROM pghost.files
    WHERE $1::int8 IS NULL OR run_id = $1 GROUP BY 1]],
  checks = [[SELECT name, pg_catalog.sum(violations)::int8 AS n FROM pghost.checks
    WHERE $1::int8 IS NULL OR run_id = $1 GROUP BY 1]],
}

--- Adds what is recorded in a database.
---@param conn pghost.Connection
---@param run_id? integer nil: all runs
---@param rules_of fun(table_name: string): string? the name of the rules that a table was loaded by; nil: of none
function Fired:add_recorded(conn, run_id, rules_of)
  for _, kind in ipairs { "cleaning", "rejects" } do
    for row in conn:query(queries[kind], run_id):rows() do
      local name = rules_of(row.table_name)
      if name and row.n > 0 then
        self:add(name, row.column_name, row.rule, row.n)
      end
    end
  end
  for row in conn:stream(queries.compared, run_id) do
    local name = rules_of(row.table_name)
    if name then
      self:add_compare(name, row.reason, 1)
    end
  end
  for row in conn:query(queries.filtered, run_id):rows() do
    local name = rules_of(row.table_name)
    if name and row.n and row.n > 0 then
      self:add(name, nil, "filter", row.n)
    end
  end
  for row in conn:query(queries.checks, run_id):rows() do
    self.checks[row.name] = (self.checks[row.name] or 0) + (row.n or 0)
  end
end

--- How often a rule of a table has done something, in whatever way (rejected, set to null, warned).
---@param table_name string
---@param column? string
---@param rule string
---@return integer
function Fired:count(table_name, column, rule)
  local counts, sum = self.counts[table_name] or {}, 0
  local key = (column or "") .. "\0" .. rule
  for _, suffix in ipairs { "", " (null)", " (default)", " (warn)" } do
    sum = sum + (counts[key .. suffix] or 0)
  end
  return sum
end

---@param table_name string
---@param left string
---@param right string
---@return integer
function Fired:compared_count(table_name, left, right)
  return (self.compared[table_name] or {})[left .. "\0" .. right] or 0
end

return M
