---@meta pghost.native.rules
-- luacheck: ignore 212 241

-- Rule tables compiled to programs. Write rule tables with pghost.rules; this is what it stands on.

local M = {}

---@class pghost.native.Program compiled rules; holds memory alone, shared by the loads that use it
local Program = {}

--- Compiles a rule table (plain data, see pghost.rules): `name`, the columns as a list of
--- { name=, type=, format=, operations=, checks=, failure= }, and `row`, a list of row rules.
--- Raises, with the position of the caller, what does not make sense:
--- "rules 'booking': column 'status': not the name of a type: 'a b'".
---@param rules pghost.Rules|table
---@return pghost.native.Program
function M.compile(rules) end

--- The columns in order. `type` is the SQL name: "numeric(10,2)", "timestamp".
---@return { name: string, type: string, required: boolean }[]
function Program:columns() end

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
---@return any[]? record
---@return pghost.native.Change[]|pghost.native.Failure detail
function Program:try(values) end

return M
