-- The plan of a load into one table that exists, or is created to match the files: which files, their headers matched
-- with its columns, the program of each COPY.
--
-- Whatever does not fit stops here, before anything is loaded.

local errors = require "pghost.lib.errors"
local printable = require("pghost.input.printable").printable
local column_list = require "pghost.load.column_list"
local column_types = require "pghost.load.column_types"
local columns = require "pghost.catalog.columns"
local dialects = require "pghost.input.dialect"
local header = require "pghost.load.header"
local inputs = require "pghost.load.inputs"
local known_header = require "pghost.input.known_header"
local log = require "pghost.lib.log"
local new_columns = require "pghost.load.new_columns"
local plans = require "pghost.load.plan"
local rejects_file = require "pghost.rejects.file"
local rejects_parts = require "pghost.rejects.parts"
local relation = require "pghost.load.relation"
local tables = require "pghost.load.tables"

local M = {}

-- Files --------------------------------------------------------------------------------------------------

-- The whole path; that of a zip and its member, whose name files.lua has made fit for messages.
local function message_name(file)
  if file.path == "-" then
    return "standard input"
  end
  return printable(file.path:match("^.*/") or "") .. file.name
end

-- Tolerant loads keep extra fields if there is a column for them.
local function too_many(target, options, rules)
  local there = rules and rules:columns() or (target.relation and target.relation.columns)
  local extra = not there
  for _, column in ipairs(there or {}) do
    extra = extra or column.name == "_extra"
  end
  return options.too_many or (options.tolerant and (extra and "extra" or "cut")) or nil
end

-- A table with the columns of a rejects file takes it unchanged; so does one created to match it.
local function takes_rejects_file(target)
  return not target.relation or rejects_file.is_header(columns.names(target.relation.columns))
end

local function report_parts(target, file, parts)
  local order, counts = {}, {}
  for _, part in ipairs(parts) do
    order[#order + 1] = not counts[part.name] and part.name or nil
    counts[part.name] = (counts[part.name] or 0) + part.count
  end
  for _, name in ipairs(order) do
    target.say("info", "files", ("%s holds %s of '%s'"):format(file.name, log.counted(counts[name], "rejected record"),
      name))
  end
end

-- The records of a fix are chosen by the history.
local function parts_of(target, options, file, dialect)
  if options.fixes then
    return options.fixes:parts(target.conn, target.relation)
  end
  local parts = not takes_rejects_file(target) and rejects_parts.of_file(file, dialect)
  if parts then
    report_parts(target, file, parts)
  end
  return parts
end

local function file_of(target, file, part, rules)
  return { path = file.path, name = file.name, records = part, contents = part.contents,
    encoding = "utf-8", reading = dialects.of(rejects_parts.reading(part), part.standard and { any_header = true }
      or { any_header = true, too_many = too_many(target, part.dialect, rules) }) }
end

-- Each file, or what its records stand for where it is one of rejects.
local function expand(target, options, found, rules)
  local list, dialect = {}, dialects.of(options)
  for _, file in ipairs(found) do
    file.name = message_name(file)
    local parts = parts_of(target, options, file, dialect)
    if not parts then
      list[#list + 1] = file
    end
    for _, part in ipairs(parts or {}) do
      list[#list + 1] = file_of(target, file, part, rules)
    end
  end
  return list
end

local function look_at(target, files, options, more, goal)
  for _, file in ipairs(files) do
    inputs.look(file, options, more, target.say, goal)
    if file.source then
      table.insert(target.held, file.source)
      target.read_once = target.read_once or file
    end
  end
end

-- A table to make ----------------------------------------------------------------------------------------

local untranslatable = "22P05" -- SQLSTATE

-- Creates it; a name with a character that the database does not have is one of the header, or of the rules.
local function create_table(target, file, wanted)
  local created, problem = pcall(target.conn.query, target.conn, ("CREATE TABLE %s (%s)"):format(target.into.quoted,
    tables.clean(wanted)))
  if not created and errors.is(problem) and problem.code == untranslatable then
    errors.raise(("a column's name cannot be stored in this database: %s: name the columns (--columns)"):format(
      problem.message), untranslatable, { file = file.name })
  elseif not created then
    error(problem, 0)
  end
end

local function create(target, files, options, rules)
  local wanted = rules and rules:columns() or new_columns.of_files(target, files, options)
  header.check_width(target.into.name, #wanted, 0, files)
  relation.check_creation(target.conn, target.into.schema)
  create_table(target, files[1], wanted)
  target.relation = relation.find(target.conn, target.into)
  local readings = {}
  for _, column in ipairs(wanted) do
    readings[column.name] = column.reading
  end
  return readings
end

-- COPYs --------------------------------------------------------------------------------------------------

-- What all files share when there are rules: the rules' columns.
local function batches_by_rules(target, files, rules, options)
  local program, as_text = column_types.program_of_rules(target.relation, rules, options.null_text)
  for _, file in ipairs(files) do
    local rest
    file.clean_map, rest = header.match(file.name, file.header, rules, file.headerless)
    if #rest > 0 then
      target.say("info", "columns", ("%s: not loaded, since no rule names it: %s"):format(file.name,
        table.concat(header.shown_at(file.header, rest), ", ")))
    end
  end
  return { { files = files, program = program, as_text = as_text, names = columns.names(rules) } }
end

-- Below this many bytes a field the length before it and the call for it cost the server more than its escapes.
local short_field <const> = 6

-- How the columns of a file, and of all with the same header, go into the table.
local function match_table(target, file, by_header)
  local in_order, written = file.headerless and not file.header_names, file.header_names or file.header
  local key = (in_order and "in order" or "") .. new_columns.key(file, written)
  if not by_header[key] then
    local given, map = header.match_table(file.name, written, target.relation, in_order)
    local list = columns.names(given)
    by_header[key] = { given = given, map = map, names = list, key = table.concat(list, "\0") }
  end
  return by_header[key]
end

-- Files one after the other that give the same columns share a COPY.
local function batches_by_header(target, files, options, readings)
  local batches, utc, by_header, last = {}, column_types.zone_of(target.conn), {}, nil
  for _, file in ipairs(files) do
    if options.columns and not file.records then
      file.header_names = column_list.names(file, options.columns, target.relation)
    end
    local matched, batch = match_table(target, file, by_header), batches[#batches]
    file.clean_map = matched.map
    if matched.key ~= last then
      last, batch = matched.key, { names = matched.names, files = {} }
      local reading = { null_text = options.null_text, utc = utc, readings = readings }
      batch.program, batch.as_text = column_types.program(matched.given, reading)
      batch.short = file.field_bytes < short_field and column_types.are_text(matched.given, reading)
      batches[#batches + 1] = batch
    end
    batch.files[#batch.files + 1] = file
  end
  return batches
end

local function frozen(batches)
  local all, made = {}, {}
  for i, batch in ipairs(batches) do
    for k, file in ipairs(batch.files) do
      batch.files[k] = plans.file(file)
      all[#all + 1] = batch.files[k]
    end
    made[i] = plans.batch(batch)
  end
  return all, made
end

-- Without a header: how many fields a record must have, where the table says so.
local function columns_by_order(target, options, rules)
  local headerless = options.header == false or options.header == 0
  if not headerless or rules or not target.relation then
    return nil
  elseif options.columns then
    return #options.columns
  end
  local count, extra = 0, too_many(target, options, rules) == "extra"
  for _, column in ipairs(target.relation.columns) do
    count = count + ((column.generated or extra and column.name == "_extra") and 0 or 1)
  end
  return count > 0 and count or nil
end

local function plan_of(target, files, rules, options)
  local batches = rules and batches_by_rules(target, files, rules, options)
    or batches_by_header(target, files, options, target.readings)
  local all, made = frozen(batches)
  return plans.make { name = target.relation.name, options = options, targets = { clean = true }, files = all,
    skipped = {}, batches = made, rules = rules, workers = options.workers, mode = "append", missing = "keep",
    first = false, forced = true, position = false, complete = false }
end

--- The plan of files into one table; one that is to be created is made.
---@param target pghost.load.IntoTable
---@param spec string|string[] files
---@param rules? pghost.Rules
---@param options pghost.load.TableOptions
---@return pghost.Plan
function M.make(target, spec, rules, options)
  local more = { any_header = true, too_many = too_many(target, options, rules),
    columns = columns_by_order(target, options, rules) }
  local files = expand(target, options, inputs.find(spec, nil, target.say), rules)
  local columns_there = rules and rules:columns() or (target.relation and target.relation.columns) or {}
  look_at(target, files, options, more, known_header.goal(columns_there, target.relation == nil))
  target.readings = options.create and create(target, files, options, rules) or {}
  return plan_of(target, files, rules, options)
end

--- The plan of corrected records, into the table that exists by now.
---@param target pghost.load.IntoTable
---@param parts pghost.rejects.Part[]
---@param rules? pghost.Rules
---@param options pghost.load.TableOptions
---@return pghost.Plan
function M.of_records(target, parts, rules, options)
  local files = {}
  for i, part in ipairs(parts) do
    files[i] = file_of(target, { path = "corrected", name = part.name }, part, rules)
  end
  look_at(target, files, options, {})
  return plan_of(target, files, rules, options)
end

return M
