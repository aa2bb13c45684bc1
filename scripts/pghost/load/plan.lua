-- What a load will do, decided before anything is loaded and not changed afterwards. What a load finds out is its
-- result (result.lua).
--
-- The plan of tables in the build schema is made by build_plan.lua, that of one table by table_plan.lua.

local record = require "pghost.lib.record"

local M = {}

---@class pghost.LoadOptions: pghost.Dialect
---@field workers? integer threads that read and check, and connections per table (default: workers.lua)
---@field unlogged? boolean raw table without WAL: quicker, but empty after a crash, and not replicated
---@field max_rejects? integer|string records that may be rejected, or a share "P%" (budget.lua)
---@field budget? pghost.BudgetOptions
---@field on_error? "reject"|"stop" stop: the first rejected record ends the run
---@field allow_empty? boolean accept a file with a header and no records
---@field dialect? "auto" each file is sniffed, and read with what is found where no option is given
---@field mode? "replace"|"append"|"merge"|"history"|"partitions" what becomes of the published table (modes/init.lua)
---@field missing? "keep"|"delete"|"mark"|"close" what becomes of keys that the files have no more; default keep
---@field changed? "error"|"load"|"skip"|"tail" a file that was loaded before with other content (ledger/)
---@field adopt? boolean may replace a table that pghost has not published
---@field partition? table how the clean table is partitioned (partitions/declaration.lua)
---@field force? boolean load content that is in the table already once more
---@field distribute? string the column that the table is distributed by, "reference" or "local" (distribute/)
---@field allow_dropped? boolean triggers and rules of the published table may store other rows than those sent

---@class pghost.PlannedFile: pghost.File
---@field header string[]
---@field headerless boolean
---@field field_bytes? number on average, by its first lines
---@field reading pghost.csv.Options what it is opened with
---@field source? pghost.Source of what can be read only once, open
---@field records? pghost.rejects.Part the records of a rejects file that stand for this file
---@field dialect? table what sniffing found (auto_dialect.lua)
---@field found? table all that sniffing found
---@field header_names? string[] names of the header in a table that is made after it
---@field clean_map? integer[] per column of the program its position in the file
---@field raw_map? (integer|false)[] per column of the raw table
---@field sha256? string of what the ledger has looked at
---@field content_size? integer
---@field known? table the newest entry of the ledger with this content
---@field same_as? integer of a file that is left out: the recorded file
---@field same_file? table the same of a file of this load
---@field skip_to? integer byte that a grown file is read from
M.file = record.kind("planned file", {
  path = "string", name = "string", size = "integer?", read_once = "string?", member = "string?", contents = "string?",
  url = "string?", version = "string?",
  encoding = "string?", line_end = "string?", header = "table?", headerless = "boolean?", field_bytes = "number?",
  reading = "table?", source = "any?",
  records = "table?", dialect = "table?", found = "table?", header_names = "table?", clean_map = "table?",
  raw_map = "table?", sha256 = "string?", content_size = "integer?", known = "any?", same_as = "integer?",
  same_file = "table?", skip_to = "integer?",
})

---@class pghost.Batch files of one COPY
---@field files pghost.PlannedFile[]
---@field program? pghost.native.Program
---@field names? string[] columns of the clean table that they give
---@field as_text? boolean some column can only be sent as text
---@field short? boolean all are text and short: COPY takes less time as text
M.batch = record.kind("batch", { files = "table", program = "any?", names = "table?", as_text = "boolean?",
  short = "boolean?" })

---@class pghost.Plan
---@field name string of the clean table; the raw one is name_raw
---@field options pghost.LoadOptions
---@field targets { raw?: boolean, clean?: boolean }
---@field files pghost.PlannedFile[] that are in the table afterwards
---@field skipped pghost.PlannedFile[] whose content is in the published table already
---@field batches pghost.Batch[] what is to be read, in the order of the files
---@field rules? pghost.Rules
---@field program? pghost.native.Program
---@field key? string[]
---@field workers? integer
---@field clean_columns? { name: string, type: string, required: boolean }[]
---@field raw_columns? string[]
---@field mode string what becomes of the published table: "replace"|"append"|"merge"|"history"|"partitions"
---@field missing string "keep"|"delete"|"mark"|"close"
---@field first boolean there is no published table that this load adds to
---@field forced boolean the ledger is not asked
---@field since? integer the run whose table the ledger was read for
---@field clean_table? string what is built, in the build schema
---@field raw_table? string
---@field raw_source? string quoted name of the raw table that records come from, in the place of files
---@field position boolean the clean table has _file_id and _line while it is built
---@field kept? pghost.load.Kept what a killed run has built of it
---@field complete boolean that is all of it
---@field partition? pghost.partitions.Declared
M.make = record.kind("plan", {
  name = "string", options = "table", targets = "table", files = "table", skipped = "table", batches = "table",
  rules = "table?", program = "any?", key = "table?", workers = "integer?", clean_columns = "table?",
  raw_columns = "table?", mode = "string", missing = "string", first = "boolean", forced = "boolean",
  since = "integer?", clean_table = "string?", raw_table = "string?", raw_source = "string?", position = "boolean",
  kept = "table?", complete = "boolean", partition = "table?",
})

return M
