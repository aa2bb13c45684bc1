-- The view of a published table as it will be: checks and analytics of the run read it by the table's name.
--
-- Where a publish uses its own time, the view has the start of the run.

local columns = require "pghost.catalog.columns"
local comparison = require "pghost.modes.comparison"
local conditions = require "pghost.modes.conditions"
local relations = require "pghost.catalog.relations"

local view = {}

-- The published part of the view has NULL for a raw column that only the new rows have.
function view.append(change)
  local new = {}
  for _, name in ipairs(change.new_columns or {}) do
    new[name] = true
  end
  local old = {}
  for i, column in ipairs(change.columns) do
    local quoted = relations.quote(column.name)
    old[i] = new[column.name] and "NULL::pg_catalog.text AS " .. quoted or quoted
  end
  return ("SELECT %s FROM %s UNION ALL SELECT %s FROM %s"):format(table.concat(old, ", "), change.published,
    columns.list(change.columns), change.new)
end

-- Which published rows stay, besides those with a key among the new ones.
function view.merge(change)
  local mark = change.marked
  local new = ("SELECT %s%s FROM %s"):format(columns.list(change.columns),
    mark and ", NULL::pg_catalog.timestamptz AS _deleted_at" or "", change.new)
  if change.missing == "delete" and not change.held then
    return new
  end
  local deleted = ""
  if mark then
    deleted = change.missing ~= "mark" and ", p._deleted_at" or (", CASE WHEN p._deleted_at IS NULL AND %s THEN %s "
      .. "ELSE p._deleted_at END"):format(conditions.missing(change), change.started)
  end
  return ("%s UNION ALL SELECT %s%s FROM %s AS p WHERE %s%s"):format(new, columns.list(change.columns, "p.%s"),
    deleted, change.published, conditions.not_new(change),
    change.missing == "delete" and (" AND NOT (%s)"):format(conditions.missing(change)) or "")
end

-- Whether the current row `p` of the published table ends with this run.
local function ends(change)
  local differs, parts = comparison.differs(change, "n", "p"), {}
  if differs then
    parts[1] = conditions.is_changed(change, differs)
  end
  if change.missing == "close" then
    parts[#parts + 1] = conditions.missing(change)
  end
  return #parts > 0 and table.concat(parts, " OR ") or "false"
end

function view.history(change)
  local differs = comparison.differs(change, "n", "p")
  return ([[SELECT %s, p._valid_from,
      CASE WHEN p._valid_to IS NULL AND (%s) THEN %s ELSE p._valid_to END AS _valid_to FROM %s AS p
    UNION ALL SELECT %s, %s, NULL FROM %s AS n WHERE %s]]):format(columns.list(change.columns, "p.%s"),
    ends(change), change.started, change.published, columns.list(change.columns, "n.%s"), change.started,
    change.new, conditions.not_published(change, differs and "NOT " .. differs))
end

--- The statement that creates the view.
---@param change pghost.modes.Change
---@return string
return function(change)
  return ("CREATE VIEW %s AS %s"):format(change.view, view[change.mode](change))
end
