-- A run: what a pipeline script does its work with (pipeline.start gives one).
--
-- It builds in a schema of its own and is recorded in the schema `pghost`. Leaving its scope
-- without publishing discards what was built; what was published before stays.

local again = require "pghost.run.retry"
local analyse = require "pghost.run.analytics"
local check = require "pghost.check"
local connection = require "pghost.connection"
local definition = require "pghost.run.definitions"
local distribute = require "pghost.distribute"
local ending = require "pghost.run.ending"
local errors = require "pghost.lib.errors"
local expectations = require "pghost.checks.expectations"
local given_rules = require "pghost.run.given_rules"
local history = require "pghost.run.history"
local hooks = require "pghost.run.hooks"
local kept = require "pghost.load.kept"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local over_budget = require "pghost.load.over_budget"
local project = require "pghost.run.project"
local publishing = require "pghost.publish.schedule"
local purge = require "pghost.run.history_purge"
local record = require "pghost.lib.record"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"
local stage = require "pghost.load.steps"
local sys = require "pghost.native.sys"
local totals = require "pghost.run.totals"

-- What a run has, by subject. Nothing else can be set.
local fields = {
  -- what it is: its name and settings, its number, its one timestamp, what analytics look back from
  name = true, settings = true, id = true, started = true, as_of = true, replay = true, resumed = true,
  -- where: the schema that is published into, the one that is built in
  target = true, build = true, builds_in_named = true,
  -- how: the control connection, others by purpose, the lock
  dsn = true, conn = true, connections = true, lock = true,
  -- what it says: log, answers, progress
  log = true, out = true, progress_options = true, clock = true,
  -- what it has built: tables that replace, changes of those that are added to; what of it is published
  tables = true, changes = true, exchanges = true, retentions = true, published = true, adopted = true, met = true,
  watched = true,
  -- whether the database is one of a cluster, and where built tables go in it (distribute/)
  cluster = true, placements = true,
  -- what it has counted
  totals = true, checks = true, warnings = true, failed_checks = true, rejected = true,
  -- checks that it was told of before it loads, and whether they have run
  expected = true, checked = true,
  -- how it ends: the file that there is no second attempt for, published, over
  read_once = true, finished = true, closed = true, hooks = true,
  -- of a helper alone (share/helping.lua)
  joined = true,
}

---@class pghost.Run
--- Errors: those of the server; nothing is published then.
---@field id integer
---@field name string of the pipeline
---@field settings table the config, with what the command line says put over it
---@field started string the one timestamp of the run, by the server's clock
---@field as_of string ISO timestamp that analytics look back from
---@field replay? pghost.Replay this run is one
---@field resumed boolean it continues what a killed run has built
---@field target string schema that is published into
---@field build string schema that is built in
---@field builds_in_named? boolean that is one of the user's
---@field dsn? string
---@field conn pghost.Connection the control connection
---@field connections table<string, pghost.Connection> further ones by purpose
---@field lock pghost.Lock
---@field log pghost.Log
---@field out file* where answers are printed
---@field progress_options? table
---@field clock number when it began
---@field tables string[] built tables that replace the published ones
---@field changes pghost.modes.Change[] what is added to published tables
---@field exchanges pghost.partitions.Exchange[] partitions that replace published ones
---@field retentions pghost.partitions.Retention[] what becomes of old partitions
---@field published string[] tables that are visible
---@field adopted? table
---@field met table<string, true> tables that were loaded in this process
---@field cluster? boolean the database has the extension citus
---@field placements table<string, pghost.distribute.Placement> by the name of the built table
---@field watched pghost.ledger.Watched[] what the ledger was read as
---@field totals pghost.Totals
---@field checks integer
---@field warnings integer checks of severity warn that failed
---@field failed_checks string[]
---@field expected? pghost.Check[] from run:expect
---@field checked? boolean they have run
---@field rejected table<string, { rejected: integer, records: integer, rules: table<string, integer> }> by table
---@field read_once? pghost.File there is no second attempt, since it can be read only once
---@field finished boolean its last transaction is committed
---@field closed boolean
---@field joined? boolean this is not a run but a helper of one (--join): it loads, and nothing else
---@field hooks? boolean false: those of the config are not called
local Run = { __name = "pghost.Run" }
Run.__newindex = record.only("run", setmetatable({}, { __index = function(_, name)
  return fields[name] or rawget(Run, name) -- a method may be put in the place of another
end }))

--- Whether a run has a field or a method of that name.
---@param name any
---@return boolean
---@package
function Run.declares(name)
  return fields[name] ~= nil or rawget(Run, name) ~= nil
end

--- A run that has not begun.
---@param name string
---@param settings table
---@param options { dsn?: string, log: pghost.Log, out: file*, replay?: pghost.Replay, hooks?: boolean }
---@return pghost.Run
---@package
function Run.new(name, settings, options)
  local quiet = options.log.quiet or options.log.format == "json"
  return setmetatable({
    name = name, settings = settings, target = settings.schema, replay = options.replay, resumed = false,
    dsn = options.dsn, connections = {}, log = options.log, out = options.out, clock = sys.clock(),
    progress_options = quiet and { enabled = false } or nil, tables = {}, changes = {}, exchanges = {}, retentions = {},
    published = {}, met = {}, placements = {}, watched = {}, totals = totals.new(), checks = 0, warnings = 0,
    failed_checks = {}, rejected = {}, finished = false, closed = false, hooks = options.hooks,
  }, Run)
end

--- Gives a run what the history knows it by.
---@param row { id: integer, started: string, as_of: string, build: string }
---@package
function Run:identify(row)
  self.id, self.started, self.as_of, self.build = row.id, row.started, row.as_of, row.build
end

--- A further connection to the same database for one kind of work ("raw", "clean", ...), opened
--- on first use and kept until the run ends.
---@param purpose string
---@return pghost.Connection
---@package
function Run:connection(purpose)
  self.connections[purpose] = self.connections[purpose] or connection.open({ dsn = self.dsn }):stay()
  return self.connections[purpose]
end

--- Ends the further connections; one that is asked for afterwards is a new one.
---@package
function Run:drop_connections()
  for purpose, conn in pairs(self.connections) do
    conn:close()
    self.connections[purpose] = nil
  end
end

--- The quoted name of a table in the build schema.
--- Example: conn:query("SELECT count(*) FROM " .. run:qualified("users"))
---@param name string
---@return string
function Run:qualified(name)
  return relations.quoted(self.build, name)
end

--- The quoted name of a table of this run, else of the published one; nil when there is neither.
--- Example: local name = run:find_table("users")
---@param name string
---@return string?
function Run:find_table(name)
  for _, schema in ipairs { self.build, self.target } do
    local found = relations.find(self.conn, relations.quoted(schema, name))
    if found then
      return found.qualified
    end
  end
end

--- Creates a table in the build schema. `config.table_created(conn, schema, name)` is called then:
--- the place to distribute it, set storage options and the like.
---@param conn pghost.Connection
---@param name string
---@param definitions string SQL, columns and constraints
---@param unlogged? boolean
---@package
function Run:create_table(conn, name, definitions, unlogged)
  conn:query(("CREATE %sTABLE %s (%s)"):format(unlogged and "UNLOGGED " or "", self:qualified(name), definitions))
  distribute.create(self, conn, name)
  if self.settings.table_created then
    self.settings.table_created(conn, self.build, name)
  end
end

--- Remembers that a table is ready to be published.
---@package
function Run:built(name)
  self.tables[#self.tables + 1] = name
end

--- Remembers what a load has made ready to be published.
---@param made pghost.modes.Built
---@package
function Run:add_built(made)
  table.move(made.tables, 1, #made.tables, #self.tables + 1, self.tables)
  table.move(made.changes, 1, #made.changes, #self.changes + 1, self.changes)
end

--- Runs fn(conn) in a transaction of the control connection that sees the build schema first, then
--- the target: SQL is written with plain table names. One that the server aborts (deadlock) is
--- retried: fn is called again.
--- Example: run:transaction(function(conn) conn:query("UPDATE users SET city = initcap(city)") end)
--- Errors: those of fn, with the transaction rolled back.
---@param fn fun(conn: pghost.Connection)
function Run:transaction(fn)
  return again.transaction(self, function()
    self.conn:query("SELECT pg_catalog.set_config('search_path', $1, true)",
      relations.list { self.build, self.target })
    return fn(self.conn)
  end)
end

--- The named parameters of the run's SQL: as_of, run_started and the simple ones of the setting `parameters`.
--- Example: local moment = run:parameters().as_of
---@return table<string, pghost.sql.Parameter>
function Run:parameters()
  local parameters = {}
  for name, value in pairs(self.settings.parameters) do
    local kind = type(value)
    if (kind == "string" or kind == "number" or kind == "boolean") then
      parameters[name] = sql.parameter(value)
    end
  end
  parameters.as_of = sql.parameter(self.as_of, "timestamp")
  parameters.run_started = sql.parameter(self.started, "timestamptz")
  return parameters
end

--- A statement with the run's parameters: to bind, and on Citus as constants, since a parameter does not reach the
--- nodes that a join is repartitioned over.
---@param statement pghost.sql.Statement
---@return string text
---@return table values packed
---@return integer[] places for statement:locate
---@package
function Run:bind(statement)
  if not self.cluster then
    return statement:bind(self:parameters())
  end
  local text, places = statement:inline(self:parameters())
  return text, { n = 0 }, places
end

--- Runs one statement with named parameters over the run's tables.
--- Example: local rows = run:query("SELECT count(*) AS n FROM users WHERE created_at < :as_of")
--- Errors: a parameter that there is not, and what the server refuses, with the position in the SQL.
---@param text string
---@return pghost.Result
function Run:query(text)
  local bound, values = self:bind(sql.parse(text))
  return self:transaction(function(conn)
    return conn:query(bound, table.unpack(values, 1, values.n))
  end)
end

--- Runs fn as a recorded and logged step; it returns its counts and a text for the log (nil: no line).
---@package
function Run:step(kind, name, fn)
  local started = sys.clock()
  local id = history.begin_step(self.conn, self.id, kind, name)
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      pcall(history.end_step, self.conn, id, sys.clock() - started, nil, tostring(problem))
    end
  end })
  local counts, text = fn()
  local seconds = sys.clock() - started
  history.end_step(self.conn, id, seconds, counts)
  if text then
    self.log:info(kind, name, text, lists.merged({ seconds = seconds }, counts))
  end
  self.totals:add(kind, name, counts, seconds)
end

--- Counts a check that was run.
---@package
function Run:count_check(one, violations)
  self.checks = self.checks + 1
  if violations == 0 then
    return
  elseif one.severity == "error" then
    self.failed_checks[#self.failed_checks + 1] = one.name
  else
    self.warnings = self.warnings + 1
  end
end

--- Files into name_raw (verbatim) and name (typed, cleaned, checked), in one pass.
--- Example: run:load("users", "users*.csv", require "rules.users", { delimiter = ";" })
--- Errors: files that are missing, not clear, or whose header does not fit; code "budget" (exit code 4) for too many
--- rejects.
---@param name string
---@param files string|string[] path, glob, folder or "-"; relative ones are below the setting `data`
---@param rules table from pghost.rules
---@param options? pghost.LoadOptions
function Run:load(name, files, rules, options)
  given_rules.check("load", name, rules)
  local steps = self.replay or stage
  definition.remember_rules(self, name, rules)
  steps.load(self, name, files, rules, options)
end

--- Files into name_raw alone; with rules their columns come first and must all be there.
--- Example: run:stage("users", "users.csv")
--- Errors: as for run:load.
---@param name string
---@param files string|string[]
---@param rules? table
---@param options? pghost.LoadOptions
function Run:stage(name, files, rules, options)
  if rules ~= nil then
    given_rules.check("stage", name, rules)
  end
  local steps = self.replay or stage
  steps.stage(self, name, files, rules, options)
end

--- Runs rules over name_raw into name: the same result as load, without reading the files.
--- Example: run:clean("users", require "rules.users")
--- Errors: no raw table of that name in this run or published; code "budget" (exit code 4) for too many rejects.
---@param name string
---@param rules table
---@param options? pghost.LoadOptions
function Run:clean(name, rules, options)
  given_rules.check("clean", name, rules)
  local steps = self.replay or stage
  definition.remember_rules(self, name, rules)
  steps.clean(self, name, rules, options)
end

--- Tells the run of its checks before it loads: a table or column that is not there, and a broken contract
--- (check.columns), then end the run before a record is read. They run at run:check(), at the latest before publishing.
--- Example: run:expect(require "checks")
--- Errors: a table that neither the project's Lua files load, stage, clean or analyse nor the database has (where those
--- name their tables as literals and create none by SQL; otherwise run:check finds it), a column that a load does not
--- give, each with the nearest name; code "check" (exit code 4) where a contract is to
--- stop.
---@param list pghost.Check[]
function Run:expect(list)
  self.expected = expectations.of(self, list)
end

--- Runs checks; raises code "check" (exit code 4) after all of them when one of severity error failed.
--- Example: run:check(require "checks")
--- Errors: code "check" (exit code 4) where one of severity error failed; a table or column that is not there, with the
--- nearest name; what the server refuses, with the name of the check.
---@param list? pghost.Check[] default: those of run:expect
function Run:check(list)
  if list == nil then
    list, self.checked = self.expected, true
  end
  if type(list) ~= "table" then
    errors.raise("run:check: list of checks expected, got " .. type(list), "usage", { exit = 1 })
  end
  self:step("check", self.target, function()
    check.run(self, list)
    return { checks = self.checks, warnings = self.warnings }
  end)
  publishing.checked(self)
end

--- Runs every .sql file of a folder; each answer becomes a table named after its file.
--- Example: run:analyse("sql/analytics")
--- Errors: a folder without SQL; what the server refuses, with file and line.
---@param folder string relative ones are below the project's folder
function Run:analyse(folder)
  self:step("analyse", self.target, function()
    kept.forget_others(self)
    return analyse.run(self, project.path(folder))
  end)
end

--- Makes every table of the run visible in the target schema, in one transaction; with the setting
--- `publish = "per_table"` one after the other; with `dry_run` not at all, and says what would change.
--- Example: run:publish()
--- Errors: tables that pghost has not published (setting adopt), locks that are not to be had in time (lock_wait);
--- nothing has changed then.
function Run:publish()
  if self.expected and not self.checked then
    self:check()
  end
  check.raise_failed(self)
  over_budget.check_all(self)
  publishing.finish(self)
  local unwritten = again.release_output(self)
  if unwritten then -- the host ends with that; what became of the tables is said here
    self.log:warn("output", self.name, ("run %d %s, but its answers could not be written: %s"):format(self.id,
      self.settings.dry_run and "is done" or "has published", unwritten))
  end
  if not self.settings.dry_run then
    ending.say(self, "info", "published", ("run %d"):format(self.id))
    if self.settings.keep_history ~= "" then
      purge.after(self)
    end
  end
  if self.settings.on_success and not self.settings.dry_run then
    self.lock:release() -- the next run need not wait for a hook
    hooks.succeeded(self)
  end
end

-- Releases the run's server resources, after the history is written.
local function end_session(self, problem)
  if not self.conn then
    return
  end
  self:drop_connections() -- first, so that they hold no lock on what is discarded
  if self.id and not self.finished then
    pcall(ending.abandon, self, problem) -- what this cannot do any more, the next run does
  end
  if self.lock then
    self.lock:release()
  end
  if self.id then
    if self.settings.report ~= "" or self.settings.metrics ~= "" or self.settings.openlineage ~= "" then
      require("pghost.report").after(self) -- 18 modules, which a run without a report need not read
    end
  end
  self.conn:close()
end

--- Ends the run. What was not published is discarded; a second call does nothing.
--- Example: run:close()
---@param problem? any the error that ends it
function Run:close(problem)
  if self.closed then
    return
  end
  self.closed = true
  again.mark(self, problem)
  again.release_output(self, problem)
  end_session(self, problem)
  if problem ~= nil and not self.finished and not (errors.is(problem) and problem.retry) then
    hooks.failed(self, problem)
  end
end

Run.__close = Run.close

known_keys.strict_class("a run has", Run, fields)

return Run
