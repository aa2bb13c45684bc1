-- What a load is going to do: its files, their headers, the columns of its tables.
--
-- Whatever is missing stops here, before anything is loaded.

local auto_dialect = require "pghost.input.auto_dialect"
local adoption = require "pghost.publish.adoption"
local columns = require "pghost.load.columns"
local csv = require "pghost.native.csv"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local ledger = require "pghost.ledger"
local load_options = require "pghost.load.options"
local modes = require "pghost.modes"
local paths = require "pghost.lib.paths"
local rules_compiler = require "pghost.native.rules"

local M = {}

local most_columns = 1600 -- of a table of the server (MaxHeapAttributeNumber)
local own_columns = 3 -- of a raw table: _file_id, _line, _loaded_at
local longest_name = 59 -- bytes of a table's name: 63 that the server keeps, less "_raw"

---@class pghost.StageOptions: pghost.Dialect
---@field workers? integer threads that read and check, and connections per table (default: workers.lua)
---@field unlogged? boolean raw table without WAL: quicker, but empty after a crash, and not replicated
---@field max_rejects? integer|string records that may be rejected, or a share "P%" (budget.lua)
---@field budget? pghost.BudgetOptions
---@field on_error? "reject"|"stop" stop: the first rejected record ends the run
---@field allow_empty? boolean a file with a header and no record is fine
---@field dialect? "auto" each file is sniffed, and read with what is found where no option is given
---@field mode? "replace"|"append"|"merge"|"history" what becomes of the published table (modes/init.lua)
---@field missing? "keep"|"delete"|"mark"|"close" what becomes of keys that the files have no more; default keep
---@field changed? "error"|"load"|"skip"|"tail" a file that was loaded before with other content (ledger/)
---@field adopt? boolean may replace a table that pghost has not published
---@field force? boolean load content that is in the table already once more

---@class pghost.Plan
---@field name string clean table; the raw one is name_raw
---@field program? pghost.Program
---@field clean_columns? { name: string, type: string, required: boolean }[]
---@field raw_columns? string[]
---@field key? string[]
---@field files table[]
---@field skipped table[] files whose content is in the table already
---@field mode "replace"|"append"|"merge"|"history"
---@field missing "keep"|"delete"|"mark"|"close"
---@field first boolean there is no published table that this load adds to
---@field clean_table string what is built, in the build schema
---@field raw_table string
---@field frozen? boolean records were copied with FREEZE: any snapshot sees them
---@field options pghost.StageOptions

-- What the rules say: program, columns and key.
local function apply_rules(plan, rules)
  plan.program = rules_compiler.compile(rules)
  plan.clean_columns = plan.program:columns()
  plan.key = #rules.key > 0 and rules.key or nil
end

---@param plan pghost.Plan
---@param file table one of plan.files
---@return pghost.Source
function M.open_source(plan, file)
  local source = errors.check(csv.open(file.path, auto_dialect.apply(dialect.of_file(plan.options, file), file)))
  if file.skip_to then
    errors.check(source:skip_to(file.skip_to))
  end
  return source
end

local function report_renamed(run, plan, file, source)
  for _, text in ipairs(dialect.renamed(source)) do
    run.log:warn("columns", plan.name, ("%s: %s"):format(file.name, text))
  end
end

local function check_width(plan)
  local most = most_columns - own_columns
  if plan.targets.raw and #plan.raw_columns > most then
    errors.raise(("table '%s_raw' would have %d columns, more than the %d that there is room for"):format(plan.name,
      #plan.raw_columns, most), "data", { file = #plan.files == 1 and plan.files[1].name or nil })
  end
end

-- Opens every header before anything is loaded. What can be read only once stays open.
local function read_headers(run, plan, wanted)
  local unknown_lists = {}
  for i, file in ipairs(plan.files) do
    auto_dialect.sniff(plan.options, file, function(text, fields)
      run.log:info("dialect", plan.name, text, fields)
    end)
    local source = M.open_source(plan, file)
    file.header, file.line_end = source:columns(), source:line_end()
    local found = dialect.note_encoding(file, source)
    if found then
      run.log:info("encoding", plan.name, found, { encoding = file.encoding })
    end
    report_renamed(run, plan, file, source)
    if file.read_once then
      file.source = source
      run.read_once = run.read_once or file
    else
      source:close()
    end
    file.clean_map, unknown_lists[i] = columns.map(file.name, file.header, wanted)
    if plan.clean_columns and #unknown_lists[i] > 0 then
      run.log:warn("columns", plan.name, ("%s: only in the raw table: %s")
        :format(file.name, table.concat(unknown_lists[i], ", ")), { columns = unknown_lists[i] })
    end
  end
  plan.raw_columns = columns.union(wanted, unknown_lists)
  check_width(plan)
  for _, file in ipairs(plan.files) do
    file.raw_map = columns.raw_map(file.header, plan.raw_columns)
  end
end

-- The files of a plan. What the history knows them by does not depend on the current folder.
local function find_files(run, plan, spec)
  local found, again, passed = files.resolve(spec, run.settings.data)
  for _, one in ipairs(passed) do
    run.log:warn("files", plan.name, files.describe_passed(one))
  end
  for _, one in ipairs(again) do
    run.log:warn("files", plan.name, ("'%s' is the same file as '%s': it is read once"):format(one.path, one.same_as))
  end
  for _, file in ipairs(found) do
    file.path = paths.absolute(file.path)
  end
  return found
end

--- Makes the plan of a load: opens every header, compiles the rules, maps the columns.
---@param run pghost.Run
---@param name string
---@param spec? string|string[] files; nil: records come from the raw table
---@param rules? table
---@param options? pghost.StageOptions
---@param targets { raw?: boolean, clean?: boolean }
---@return pghost.Plan
function M.make(run, name, spec, rules, options, targets)
  if type(name) ~= "string" or name == "" or #name > longest_name then
    errors.raise(("table name of 1 to %d bytes expected, got '%s'"):format(longest_name, tostring(name)), "usage",
      { exit = 1 })
  end
  local step = spec == nil and "clean" or targets.clean and "load" or "stage"
  options = load_options.of(options, ("run:%s '%s'"):format(step, name))
  local plan = { name = name, options = options, files = {}, targets = targets, duplicates = 0 }
  if rules then
    apply_rules(plan, rules)
  end
  dialect.check(plan.options, 1)
  modes.choose(run, plan)
  if plan.first then
    adoption.check(run, { targets.clean and plan.clean_table or plan.raw_table,
      targets.raw and plan.raw_table or plan.clean_table }, plan.options.adopt)
  end
  if spec then
    plan.files = find_files(run, plan, spec)
    ledger.select(run, plan)
    read_headers(run, plan, columns.names(plan.clean_columns or {}))
  end
  return plan
end

return M
