-- All kinds of checks, by name. A kind is one row of one of the tables combined here.

local M = { list = {}, by_name = {} }

---@class pghost.checks.Kind
---@field name string of the constructor: check.NAME(subject, parameters ..., options)
---@field subject "column"|"columns"|"table"|"name" what the first argument is; "columns": ("t.c") or ("t", {"a", "b"})
---@field parameters? string[][] name and type (argument_types.lua) of each further argument
---@field options? table<string, string> options of its own: their types (argument_types.lua)
---@field title fun(check: pghost.Check): string its name unless the options say otherwise
---@field violates? fun(c: pghost.checks.Context, check: pghost.Check): string condition on a row that breaks it
---@field measure? fun(c: pghost.checks.Context, check: pghost.Check): string one aggregate
---@field breaks? fun(c: pghost.checks.Context, check: pghost.Check, value: string): string condition on the measure
---@field measured_as? string the column of a sample; default "value"
---@field bounded? boolean it needs `least`, `most` or thresholds
---@field rows? fun(c: pghost.checks.Context, check: pghost.Check): string SELECT of what breaks it
---@field grouped? fun(c: pghost.checks.Context, check: pghost.Check): string, string equal ones of `rows` once, for
--- samples, and the name of the column with their number
---@field amount? fun(c: pghost.checks.Context, check: pghost.Check): string SELECT violations, total
---@field call? fun(c: pghost.checks.Context, check: pghost.Check): any, string?, table? what breaks it, severity, facts
---@field error_if? fun(check: pghost.Check): string its threshold unless the options say otherwise
---@field about_nulls? boolean an always-null column does not make it vacuous
---@field of_empty_tables? boolean neither does an empty table
---@field cheap? boolean not worth a scan of the table to say how many rows it has looked at
---@field needs_run? boolean it looks at what a run has read
---@field cannot_fail? fun(c: pghost.checks.Context, check: pghost.Check): string|false|nil why

for _, part in ipairs { "column_kinds", "measure_kinds", "query_kinds", "value_kinds", "drift_kinds" } do
  for _, kind in ipairs(require("pghost.checks." .. part)) do
    M.list[#M.list + 1], M.by_name[kind.name] = kind, kind
  end
end

return M
