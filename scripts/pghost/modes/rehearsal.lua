-- Which new rows the published table refuses although no query of ours can tell (uncertain.lua): by an exclusion, an
-- index on an expression, a trigger that raises. The change is made and rolled back; if the server refuses it, it is
-- made with half of the rows, then with the other half, and so on, in the order of the files. What passes stays until
-- the end, so of rows that exclude each other the first stays. It costs as much as publishing once, and some statements
-- for each refused row.

local description = require "pghost.modes.description"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local moment = require "pghost.modes.moment"
local refused = require "pghost.modes.refused"
local reject_rules = require "pghost.load.reject_rules"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"
local statements = require "pghost.modes.statements"
local uncertain = require "pghost.modes.uncertain"
local written = require "pghost.modes.written"

local M = {}

-- With more, the table is not the one for these files: publishing fails, as with none allowed.
local most_refused <const> = 10000

local longest_text <const> = 400 -- bytes of a message, and of its detail

-- Classes of SQLSTATE that are about statements: those of a trigger.
local left_to_publish = { ["0A"] = true, ["25"] = true, ["2F"] = true, ["34"] = true, ["42"] = true }

local most_tries <const> = 3 -- if concurrent writers make a deadlock

local rolled_back = {} -- raised to end the transaction

-- Whether publishing tells an error, with file and line if it is about a row.
local function is_left(problem)
  return refused.is_of_row(problem) or errors.is(problem) and left_to_publish[tostring(problem.code):sub(1, 2)] or false
end

local function is_aborted(problem)
  return errors.is(problem) and (problem.code == "40P01" or problem.code == "40001")
end

-- Cuts text after a whole character.
local function cut(text)
  if #text <= longest_text then
    return text
  end
  local last = longest_text
  while last > 0 and text:byte(last + 1) & 0xC0 == 0x80 do
    last = last - 1
  end
  return text:sub(1, last)
end

-- The server's message and detail in one line, as a load by itself tells them (careful.c).
local function reason_of(problem)
  local text = problem.message
  local detail = text:match "\n  detail: ([^\n]*)"
  text = text:gsub("\n  %l+: .*$", ""):gsub("\n", "\\n")
  return cut(text) .. (detail and ": " .. cut(detail) or "")
end

-- Makes a change with rows `first` + 1 to `last`.
local function apply(state, first, last)
  local part = ("(SELECT * FROM %s WHERE _pghost_number OPERATOR(pg_catalog.>) %d "
    .. "AND _pghost_number OPERATOR(pg_catalog.<=) %d)"):format(state.numbered, first, last)
  local some = setmetatable({ new = part }, { __index = state.change })
  for _, statement in ipairs(statements.publish(some, state.at)) do
    if statement.counts == "added" or statement.counts == "changed" then
      state.conn:query(statement.sql)
    end
  end
end

-- Collects the rows that are refused; false: there are too many.
local function search(state, first, last)
  local good, problem = pcall(state.conn.transaction, state.conn, function()
    apply(state, first, last)
  end)
  if good then
    return true
  elseif not refused.is_of_row(problem) then
    error(problem, 0)
  elseif last - first == 1 then
    table.insert(state.found, { number = last, rule = reject_rules.of_code(problem.code), reason = reason_of(problem) })
    return #state.found <= most_refused
  end
  local middle = (first + last) // 2
  return search(state, first, middle) and search(state, middle, last)
end

-- The rows by number, in their order; returns how many.
local function number_rows(state)
  local conn = state.conn
  conn:query(("CREATE TABLE %s AS SELECT n.*, pg_catalog.row_number() OVER (ORDER BY %s) AS _pghost_number "
    .. "FROM %s AS n"):format(state.numbered, state.order, state.change.new))
  conn:query(("ALTER TABLE %s ADD PRIMARY KEY (_pghost_number)"):format(state.numbered))
  conn:query(("ANALYZE %s (_pghost_number)"):format(state.numbered)) -- by which they are searched
  return conn:query(("SELECT pg_catalog.count(*) AS records FROM %s"):format(state.numbered))[1].records
end

local function add_positions(state)
  for _, one in ipairs(state.found) do
    local row = state.conn:query(("SELECT _pghost_file AS file, _pghost_line AS line FROM %s "
      .. "WHERE _pghost_number OPERATOR(pg_catalog.=) $1"):format(state.numbered), one.number)[1]
    one.file_id, one.line = row.file, row.line
  end
end

-- What is published before this change: what triggers and keys look at.
local function apply_earlier(run, list, at)
  for _, change in ipairs(list) do
    if #(change.parts or {}) + #(change.nullable or {}) > 0 then
      return false
    end
    for _, statement in ipairs(statements.publish(change, at)) do
      run.conn:query(statement.sql)
    end
  end
  return true
end

-- Rows that are missing from the files may have what new ones bring.
local function remove_missing(state)
  for _, statement in ipairs(statements.publish(state.change, state.at)) do
    if statement.counts == "removed" then
      state.conn:query(statement.sql)
    end
  end
end

-- A constraint trigger that waits for the COMMIT may look at tables that are loaded later.
local function check_at_once(state, is_last)
  local names = is_last and { "ALL" } or uncertain.deferrable(state.conn, state.change)
  if #names > 0 then
    state.conn:query(("SET CONSTRAINTS %s IMMEDIATE"):format(table.concat(names, ", ")))
  end
end

local function waiting(run)
  local published = lists.set(run.published)
  return lists.filter(run.changes, function(change)
    return not published[change.name]
  end)
end

local function rehearse(run, state, is_last)
  local conn, earlier = run.conn, waiting(run)
  local all = { table.unpack(earlier) }
  all[#all + 1] = state.change
  written.lock(conn, all)
  state.at = moment.read(conn, all)
  if not apply_earlier(run, earlier, state.at) then
    return
  end
  local last = number_rows(state)
  check_at_once(state, is_last)
  remove_missing(state)
  if last == 0 or not search(state, 0, last) then
    state.found = {}
  end
  add_positions(state)
end

---@class pghost.modes.Refusal
---@field file_id integer
---@field line integer
---@field rule string as rejects have it
---@field reason string

---@class pghost.modes.RehearsalOptions
---@field always? boolean also if the table has certain constraints alone: the new rows were not held against them
---@field change? pghost.modes.Change default: of the plan
---@field order? string SQL of the order of the new rows n

local function attempt(run, plan, options)
  local conn = run.conn
  local state = { conn = conn, found = {}, numbered = run:qualified "pghost_rehearsed",
    order = options.order or "n._pghost_file, n._pghost_line" }
  local _, problem = pcall(conn.transaction, conn, function()
    conn:query "SET LOCAL search_path TO DEFAULT" -- as in the transaction that publishes
    state.change = options.change or description.of_new_rows(run, plan)
    local pending, is_last = uncertain.pending(run, state.change)
    if not pending and #(state.change.parts or {}) + #(state.change.nullable or {}) == 0 then
      rehearse(run, state, is_last)
    end
    error(rolled_back, 0)
  end)
  return state.found, problem
end

--- The new rows that the server refuses; nothing is changed.
---@param run pghost.Run in a transaction
---@param plan pghost.Plan whose new rows have their positions
---@param options? pghost.modes.RehearsalOptions
---@return pghost.modes.Refusal[]
function M.refused(run, plan, options)
  options = options or {}
  if run.cluster
    or not options.always and not uncertain.found(run.conn, plan, relations.quoted(run.target, plan.name)) then
    return {}
  end
  for tries = 1, most_tries do
    local found, problem = attempt(run, plan, options)
    if problem == rolled_back then
      return found
    elseif is_left(problem) then
      return {}
    elseif tries == most_tries or not is_aborted(problem) then
      error(problem, 0)
    end
  end
end

--- Deletes refused rows from the new ones.
---@param conn pghost.Connection
---@param new string quoted name
---@param list pghost.modes.Refusal[]
function M.remove(conn, new, list)
  if #list == 0 then
    return
  end
  local files, lines = {}, {}
  for i, one in ipairs(list) do
    files[i], lines[i] = tostring(one.file_id), tostring(one.line)
  end
  conn:query(("DELETE FROM %s AS t WHERE (t._pghost_file, t._pghost_line) IN (SELECT u.file, u.line FROM ROWS FROM ("
    .. "pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.int8[])) AS u (file, line))")
    :format(new), sql.array(files), sql.array(lines))
end

--- Moves the rows that the server refuses from the new ones to the rejects.
---@param run pghost.Run in a transaction
---@param plan pghost.Plan
---@param unsure boolean
---@return table<integer, integer> rejected by file id
---@return integer total
function M.settle(run, plan, unsure)
  local counts, list = {}, M.refused(run, plan, { always = unsure })
  for _, one in ipairs(list) do
    run.conn:query([[
      INSERT INTO pghost.rejects (run_id, table_name, file_id, line, rule, reason) VALUES ($1, $2, $3, $4, $5, $6)]],
      run.id, plan.name, one.file_id, one.line, one.rule, one.reason)
    counts[one.file_id] = (counts[one.file_id] or 0) + 1
  end
  M.remove(run.conn, run:qualified(plan.clean_table), list)
  return counts, #list
end

return M
