---@meta pghost.prompt
-- Globals of the prompt, of `pghost -i SCRIPT` and of `pghost -e`: docs/PROMPT.md. Scripts do not have them.

---@class pghost.prompt.LastRun
---@field run_id integer
---@field pipeline string
---@field target_schema string
---@field state string "published", "failed", ... as `pghost runs` has it
---@field started string "2024-06-30 12:00:00 UTC"
---@field script? string path of its script
---@field replay_of? integer the run whose rejects it has replayed
---@field config string the settings, as JSON
---@overload fun(run_id: integer): pghost.prompt.LastRun

---@class pghost.prompt.Reject
---@field reject_id integer
---@field run_id integer
---@field table_name string
---@field file? string
---@field line? integer physical line that the record begins in, from 1
---@field column_name? string
---@field rule string
---@field reason string
---@field state "open"|"replayed"|"corrected"|"waived"
---@field note? string
---@field original? string original bytes

---@class pghost.prompt.Which
---@field run_id? integer default: the last run
---@field table? string
---@field file? string
---@field rule? string
---@field state? string default: "open"

---@class pghost.prompt.Rejects at most 10,000 of them are read
---@field [integer] pghost.prompt.Reject
---@field [string] pghost.prompt.Rejects those of a table
---@overload fun(which: pghost.prompt.Which): pghost.prompt.Rejects

---@class pghost.prompt.ProjectRules
---@field [string] pghost.Rules what rules/NAME.lua returns

--- The project's last run; `run(12)` another. Raises where there is none.
---@type pghost.prompt.LastRun
run = nil

--- The open rejects of the last run: `rejects[1]`, `#rejects`, `rejects.booking`, `rejects { rule = "type" }`.
---@type pghost.prompt.Rejects
rejects = nil

--- The rules of the project, each file read when it is asked for: `rules.booking`.
---@type pghost.prompt.ProjectRules
rules = nil

--- What each operation makes of each field of a record, and which rule refuses it: `try(rules.booking, "1,2024-01-01")`,
--- `try(rules.booking, { booking_id = "1" })`, `try(rejects[1])`.
---@type fun(rules: pghost.Rules|pghost.prompt.Reject, record?: string|table<string, string>): table
try = nil

--- Reads the rules again after they were edited, and counts how many open rejects of a run would pass now.
---@type fun(run_id?: integer): table
reload = nil

--- The connection, opened when it is first used.
---@type pghost.Connection
conn = nil
