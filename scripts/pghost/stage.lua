-- Files into tables of the build schema: run:load, run:stage and run:clean.
--
-- Plans first (planning.lua), then loads raw and clean side by side, then makes the key (keys.lua),
-- and last proves that nothing was lost (account.lua).

local account = require "pghost.account"
local budget = require "pghost.budget"
local columns = require "pghost.columns"
local connection = require "pghost.connection"
local errors = require "pghost.errors"
local feed = require "pghost.feed"
local keys = require "pghost.keys"
local ledger = require "pghost.ledger"
local log = require "pghost.log"
local modes = require "pghost.modes"
local native_load = require "pghost.native.load"
local originals = require "pghost.originals"
local planning = require "pghost.planning"
local progress = require "pghost.progress"
local raw_table = require "pghost.raw_table"
local resume = require "pghost.resume"
local workers = require "pghost.workers"

local M = {}

local function create_raw(run, conn, plan)
  run:create_table(conn, plan.raw_table, ("%s, _file_id bigint, _line bigint, _loaded_at timestamptz DEFAULT %s")
    :format(columns.quoted(conn, plan.raw_columns, "%s text"), conn:quote_literal(run.started)), plan.options.unlogged)
end

local function create_clean(run, conn, plan)
  local definitions = {}
  for i, column in ipairs(plan.clean_columns) do
    definitions[i] = ("%s %s%s"):format(conn:quote_identifier(column.name), column.type,
      column.required and " NOT NULL" or "")
  end
  if plan.position then
    definitions[#definitions + 1] = "_file_id bigint, _line bigint"
  end
  run:create_table(conn, plan.clean_table, table.concat(definitions, ", "))
end

local function copy_statement(run, conn, table_name, names, position, format)
  return ("COPY %s (%s%s) FROM STDIN (FORMAT %s)"):format(run:qualified(table_name),
    columns.quoted(conn, names), position and ", _file_id, _line" or "", format)
end

local rejects_copy = [[COPY pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name,
  rule, reason, original) FROM STDIN (FORMAT binary)]]

local function natives(connections)
  local list = {}
  for i, conn in ipairs(connections) do
    list[i] = conn.native
  end
  return list
end

local function open_load(run, plan, raw, clean, rejects)
  local format = clean and plan.program:needs_text() and "text" or "binary"
  return errors.check(native_load.open {
    program = clean and plan.program or nil,
    workers = plan.workers,
    raw = raw and {
      conn = natives(raw),
      copy = copy_statement(run, raw[1], plan.raw_table, plan.raw_columns, true, "binary"),
    },
    clean = clean and {
      conn = natives(clean),
      copy = copy_statement(run, clean[1], plan.clean_table, columns.names(plan.clean_columns), plan.position, format),
      position = plan.position,
      format = format,
    },
    rejects = budget.enforce(run, plan, { conn = rejects.native, copy = rejects_copy, run_id = run.id,
      table = plan.name }),
  })
end

local function check_clean(run, plan, counts, message, code)
  if code == "budget" then
    budget.raise_stopped(run, plan, message)
  end
  errors.check(counts, message, code)
end

local function check_table(plan, totals, message, code)
  if not totals then
    errors.raise(("could not load table '%s': %s"):format(plan.name, message), code)
  end
  return totals
end

local function same_header(a, b)
  return table.concat(a, "\0") == table.concat(b, "\0")
end

local function keep_counts(plan, file, counts)
  file.counts = counts
  if counts.records == 0 and not plan.options.allow_empty then
    errors.raise("no record below the header: leave the file out, or load it with allow_empty", "data",
      { file = file.name })
  end
end

local function label(plan, files)
  return plan.name .. " " .. (#files == 1 and files[1].name or log.counted(#files, "file"))
end

local function load_files(run, plan, load, files)
  account.begin_files(run, plan, files)
  local bar <close> = progress.new(label(plan, files), feed.size(files), run.progress_options)
  feed.run(load, files, {
    open = function(file)
      return file.source or planning.open_source(plan, file)
    end,
    stopped = function(message)
      budget.raise_stopped(run, plan, message)
    end,
    options = function(file, source)
      if not same_header(file.header, source:columns()) then
        errors.raise("the header changed while the run was on", "data", { file = file.name })
      end
      return { file_id = file.id, reject_limit = file.reject_limit, raw_map = file.raw_map,
        clean_map = plan.targets.clean and file.clean_map or nil }
    end,
    done = function(file, counts)
      keep_counts(plan, file, counts)
    end,
    progress = function(records, bytes)
      bar:update(records, bytes)
    end,
  })
end

local function connections_for(run, purpose, count)
  local list = {}
  for i = 1, count do
    list[i] = run:connection(purpose .. i)
  end
  return list
end

local function create_tables(run, plan, raw_conn, clean_conn)
  if plan.targets.raw then
    create_raw(run, raw_conn, plan)
  end
  if plan.targets.clean then
    create_clean(run, clean_conn, plan)
  end
end

-- Creates the tables and fills them; `feed_load` gives a group of files to a load. With one connection
-- a table is created in the transaction that fills it, which lets the server skip WAL where it may;
-- several must see it first. Rejects are committed by themselves: they stay when the run fails later.
local function fill(run, plan, groups, feed_load)
  local targets = plan.targets
  plan.workers = workers.choose(plan.options.workers or run.settings.workers, plan.files,
    (targets.raw and 1 or 0) + (targets.clean and 1 or 0))
  local raw = targets.raw and connections_for(run, "raw", plan.workers)
  local clean = targets.clean and connections_for(run, "clean", plan.workers)
  local created = plan.built
  if plan.workers > 1 and not created then
    create_tables(run, plan, run.conn, run.conn)
    created = true
  end
  local all = table.move(clean or {}, 1, #(clean or {}), #(raw or {}) + 1, { table.unpack(raw or {}) })
  for _, group in ipairs(groups) do
    connection.transaction_of_all(all, function()
      if not created then
        create_tables(run, plan, raw and raw[1], clean and clean[1])
        created = true
        for _, conn in ipairs(all) do
          conn:write_early()
        end
      end
      local load <close> = open_load(run, plan, raw, clean, run:connection "rejects")
      feed_load(load, group)
      account.add_totals(plan, check_table(plan, load:finish()))
      plan.cleaning = load:cleaning()
    end)
    account.keep(run, plan, group)
  end
end

local function make_key(run, plan)
  if not plan.key then
    if plan.position then
      run.conn:query(("ALTER TABLE %s DROP COLUMN _file_id, DROP COLUMN _line"):format(run:qualified(plan.clean_table)))
    end
    return
  end
  run:transaction(function(conn)
    plan.duplicates_by_file, plan.duplicates, plan.left_by_file = keys.apply(conn, run, plan,
      plan.raw_source ~= nil)
  end)
end

local function summary(plan, counts)
  local parts = {}
  for _, word in ipairs { "loaded", "rejected", "filtered", "duplicates" } do
    if word == "loaded" or (counts[word] or 0) > 0 then
      parts[#parts + 1] = ("%s %s"):format(log.count(counts[word]),
        counts[word] == 1 and word == "duplicates" and "duplicate" or word)
    end
  end
  local from = #plan.files > 0 and " in " .. log.counted(#plan.files, "file") or ""
  return ("%s%s: %s"):format(log.counted(counts.records, "record"), from, table.concat(parts, ", "))
end

-- Raw tables are looked up and counted, not joined: a tenth of the usual sample costs a tenth of the time.
local function analyse_raw(run, plan)
  run.conn:transaction(function(conn)
    conn:query("SET LOCAL default_statistics_target = 10")
    conn:query("ANALYZE " .. run:qualified(plan.raw_table))
  end)
end

local function finish(run, plan)
  local targets = plan.targets
  if targets.clean and not plan.complete then
    make_key(run, plan)
    run.conn:query("ANALYZE " .. run:qualified(plan.clean_table))
  end
  if targets.raw and plan.first and not plan.complete then
    analyse_raw(run, plan)
  end
  modes.built(run, plan)
  local counts = account.settle(run, plan)
  account.report_repairs(run, plan)
  originals.fill(run, plan.name, plan.options)
  return counts, summary(plan, counts)
end

-- All files were left out: the published table stays as it is.
local function finish_nothing(run, plan)
  ledger.save_skipped(run, plan)
  return { records = 0, loaded = 0, rejected = 0, filtered = 0, duplicates = 0, bytes = 0, files = 0,
    skipped = #plan.skipped }, "nothing new"
end

local function stage(run, kind, name, spec, rules, options, targets)
  local plan
  run:step(kind, name, function()
    plan = planning.make(run, name, spec, rules, options, targets)
    if #plan.files == 0 then
      return finish_nothing(run, plan)
    end
    resume.apply(run, plan, rules)
    plan.position = plan.key ~= nil or plan.resumable
    if #plan.to_load > 0 then
      fill(run, plan, resume.groups(run, plan), function(load, group)
        load_files(run, plan, load, group)
      end)
    end
    ledger.check(run, plan)
    ledger.save_skipped(run, plan)
    return finish(run, plan)
  end)
  if plan.totals then
    account.report_rejects(run, name)
    budget.check(run, plan)
  end
  account.check_not_empty(run, targets.clean and name or name .. "_raw")
end

--- Files into name_raw and, through the rules, into name, in one pass.
---@param run pghost.Run
---@param name string
---@param spec string|string[]
---@param rules table
---@param options? pghost.StageOptions
function M.load(run, name, spec, rules, options)
  stage(run, "load", name, spec, rules, options, { raw = true, clean = true })
end

--- Files into name_raw alone. With rules their columns come first, and must all be there.
---@param rules? table
function M.stage(run, name, spec, rules, options)
  stage(run, "stage", name, spec, rules, options, { raw = true })
end

--- Runs rules over name_raw, which may be of this run or published by an earlier one.
function M.clean(run, name, rules, options)
  local targets, plan = { clean = true }, nil
  run:step("clean", name, function()
    plan = planning.make(run, name, nil, rules, options, targets)
    plan.raw_source = raw_table.find(run, plan)
    plan.position = plan.key ~= nil
    fill(run, plan, { {} }, function(load)
      check_clean(run, plan, raw_table.feed(run, load, name, plan.raw_source, columns.names(plan.clean_columns)))
    end)
    return finish(run, plan)
  end)
  account.report_rejects(run, name)
  budget.check(run, plan)
  account.check_not_empty(run, name)
end

return M
