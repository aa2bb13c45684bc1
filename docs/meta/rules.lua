---@meta pghost.native.rules
-- luacheck: ignore 212 241

-- Rule tables compiled to programs. Write rule tables with pghost.rules; this is what it stands on.

local M = {}

-- For rules written in Lua (pghost.rules.value): what operations and types do, for one value.

--- White space (ASCII) off both ends.
---@param text? string
---@return string? # nil for nil
function M.trim(text) end

--- One pair of double quotes around the text off.
---@param text? string
---@return string? # nil for nil
function M.unquote(text) end

--- Nil where the value is one of those after it (raw equality).
---@param value any
---@param ... any
---@return any
function M.null_if(value, ...) end

--- As a boolean column reads it: true false t f yes no 1 0 in any case.
---@param text? string|boolean a boolean comes back as it is
---@return boolean? # nil where it is none
function M.boolean(text) end

--- A date as ISO 8601, "2024-02-29".
---@param text? string
---@param format? string words as to_timestamp has them, "DD/MM/YYYY"; none: ISO 8601
---@return string? # nil where it is not a date
function M.date(text, format) end

---@class pghost.native.RuleKind
---@field name string
---@field constants string[] names in the rule table: "value", "max?" (may be missing), "values*" (a list)

--- The operations and the checks there are, in their order.
---@return pghost.native.RuleKind[]
function M.operations() end
---@return pghost.native.RuleKind[]
function M.checks() end

--- The types that have a name: what each is told besides, the length where none is given (0: any).
---@return { name: string, parameter: "none"|"length"|"precision"|"format", length: integer, number: boolean }[]
function M.types() end

---@class pghost.native.Program compiled rules; holds memory alone, shared by the loads that use it
local Program = {}

--- Compiles a rule table (plain data, see pghost.rules): `name`, the columns as a list of
--- { name=, type=, format=, labels=, domain=, operations=, checks=, failure= }, `row`, a list of row
--- rules, and `on_error`, "reject" or "stop". `type` is an SQL name; one that is not known here is a
--- type of the server's. `labels` make it an enum, `domain` names a domain over it.
--- Raises, with the position of the caller, what does not make sense:
--- "rules 'booking': column 'status': not the name of a type: 'a b'".
---@param rules pghost.Rules|table
---@return pghost.native.Program
function M.compile(rules) end

--- The columns in order. `type` is the SQL name: "numeric(10,2)", "timestamp".
---@return { name: string, type: string, required: boolean }[]
function Program:columns() end

--- Whether a column is of a type that only the server knows: the clean stream must be text then.
---@return boolean
function Program:needs_text() end

---@class pghost.native.Record a record inside of a rule with `record = true`: record.name and record[1] are typed values
local Record = {}

--- The values by column name, to keep: the record is good only while the rule runs.
---@return table<string, any>
function Record:copy() end

---@class pghost.native.Change
---@field column string
---@field rule string "trim", "trim 2" (the second of the column), "set", "type (null)", "range (warn)"
---@field before? string nil: null
---@field after? string nil: null

---@class pghost.native.Failure
---@field column? string nil: the record as a whole
---@field rule string
---@field reason string

--- Runs one record, in column order; nil is null. A number or boolean is taken as its text.
--- The record comes back as a list with `n`: integers for smallint, integer and bigint, floats for
--- real and double precision, booleans, the cleaned text for the other types, nil for null.
--- `detail` is then the list of what cleaning changed; samples are cut and escaped for one line.
--- Otherwise it tells the first rule that was broken ("type", "required", "one_of", "range",
--- "length", "matches", "compare", "check", "lua", "filter", "encoding", "memory").
---@param values (string|number|boolean|nil)[]
---@param iso? boolean dates and times as they are stored, in ISO 8601 (a timestamptz in UTC), and not the cleaned text
---@return any[]? record
---@return pghost.native.Change[]|pghost.native.Failure detail
function Program:try(values, iso) end

return M
