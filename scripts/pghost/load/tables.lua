-- Filling the tables of a plan: creates raw and clean in the build schema, opens a load over their
-- connections and gives it files.

local account = require "pghost.load.accounts"
local budget = require "pghost.load.budget"
local columns = require "pghost.load.columns"
local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local feed = require "pghost.load.feed"
local file_records = require "pghost.load.file_records"
local log = require "pghost.lib.log"
local native_load = require "pghost.native.load"
local planning = require "pghost.load.plan"
local progress = require "pghost.lib.progress"
local workers = require "pghost.load.workers"

local M = {}

local function loaded_at(run, conn)
  return "_loaded_at timestamptz DEFAULT " .. conn:quote_literal(run.started)
end

local function create_raw(run, conn, plan, with_time)
  run:create_table(conn, plan.raw_table, ("%s, _file_id bigint, _line bigint%s")
    :format(columns.quoted(conn, plan.raw_columns, "%s text"), with_time and ", " .. loaded_at(run, conn) or ""),
    plan.options.unlogged)
end

-- Behind the load the column costs nothing: its value stands once, in the catalog, for all records so far.
local function add_loaded_at(run, conn, plan)
  conn:query(("ALTER TABLE %s ADD COLUMN %s"):format(run:qualified(plan.raw_table), loaded_at(run, conn)))
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

local function copy_statement(run, conn, table_name, names, position, options)
  return ("COPY %s (%s%s) FROM STDIN (%s)"):format(run:qualified(table_name),
    columns.quoted(conn, names), position and ", _file_id, _line" or "", options)
end

-- FREEZE: a table that is new in this transaction gets rows that are done with. Nobody's first look at them
-- writes all its pages once more, and index-only scans need no VACUUM before.
local function copy_options(format, fresh)
  return ("FORMAT %s%s"):format(format, fresh and ", FREEZE" or "")
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

local function open_load(run, plan, raw, clean, rejects, fresh)
  local format = clean and plan.program:needs_text() and "text" or "binary"
  return errors.check(native_load.open {
    program = clean and plan.program or nil,
    workers = plan.workers,
    raw = raw and {
      conn = natives(raw),
      copy = copy_statement(run, raw[1], plan.raw_table, plan.raw_columns, true, copy_options("binary", fresh)),
    },
    clean = clean and {
      conn = natives(clean),
      copy = copy_statement(run, clean[1], plan.clean_table, columns.names(plan.clean_columns), plan.position,
        copy_options(format, fresh)),
      position = plan.position,
      format = format,
    },
    rejects = budget.enforce(run, plan, { conn = rejects.native, copy = rejects_copy, run_id = run.id,
      table = plan.name }),
  })
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

--- Gives files to a load, with a bar of how far it is.
---@param run pghost.Run
---@param plan pghost.Plan
---@param load pghost.Load
---@param files table[]
function M.files(run, plan, load, files)
  file_records.begin(run, plan, files)
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
      return { file_id = file.id, rejects = file.rejects, expected_bytes = file.size,
        raw_map = file.raw_map, clean_map = plan.targets.clean and file.clean_map or nil }
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

local function create_tables(run, plan, raw_conn, clean_conn, fresh)
  if plan.targets.raw then
    create_raw(run, raw_conn, plan, not fresh)
  end
  if plan.targets.clean then
    create_clean(run, clean_conn, plan)
  end
end

--- Creates the tables and fills them; `feed_load` gives a group of files to a load. With one connection
--- a table is created in the transaction that fills it, which lets the server skip WAL where it may;
--- several must see it first. Rejects are committed by themselves: they stay when the run fails later.
---@param run pghost.Run
---@param plan pghost.Plan
---@param groups table[][] files of one commit each
---@param feed_load fun(load: pghost.Load, group: table[])
function M.fill(run, plan, groups, feed_load)
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
      -- New in this transaction, and no hook has made something else of it.
      local fresh <const> = not created and not run.settings.table_created
      if not created then
        create_tables(run, plan, raw and raw[1], clean and clean[1], fresh)
        created = true
        for _, conn in ipairs(all) do
          conn:write_early()
        end
      end
      plan.frozen = plan.frozen or fresh
      local load <close> = open_load(run, plan, raw, clean, run:connection "rejects", fresh)
      feed_load(load, group)
      account.add_totals(plan, check_table(plan, load:finish()))
      plan.cleaning = load:cleaning()
      if raw and fresh then
        add_loaded_at(run, raw[1], plan)
      end
    end)
    file_records.keep(run, plan, group)
  end
end

return M
