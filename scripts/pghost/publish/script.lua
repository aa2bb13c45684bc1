-- Lists of SQL statements that carry something over to a built table, each with a word on what it
-- does for the message when it fails.

local errors = require "pghost.lib.errors"

local M = {}

---@class pghost.publish.Statement
---@field sql string
---@field what string "index 'users_email'", for messages

---@class pghost.publish.Statements
---@field [integer] pghost.publish.Statement
local Statements = {}
Statements.__index = Statements

---@return pghost.publish.Statements
function M.new()
  return setmetatable({}, Statements)
end

---@param what string
---@param sql string
---@param ... any for string.format
function Statements:add(what, sql, ...)
  self[#self + 1] = { what = what, sql = select("#", ...) > 0 and sql:format(...) or sql }
end

--- Adds one statement per row of a query whose columns are `what` and `sql`; rows without sql are left out.
function Statements:add_rows(conn, query, ...)
  for row in conn:query(query, ...):rows() do
    if row.sql then
      self[#self + 1] = { what = row.what, sql = row.sql }
    end
  end
end

function Statements:append(others)
  table.move(others, 1, #others, #self + 1, self)
end

local kept_codes = { ["55P03"] = true, ["40P01"] = true, ["interrupted"] = true }

--- Raises a problem of the server again, saying what it stopped.
function M.raise(problem, subject, what)
  if not errors.is(problem) or kept_codes[problem.code] or problem.exit == 3 then
    error(problem, 0)
  end
  errors.raise(("cannot publish '%s': %s: %s"):format(subject, what, problem.message), problem.code)
end

--- Runs them one by one; a failure says which one it was.
---@param conn pghost.Connection
---@param subject string the table, for messages
function Statements:run(conn, subject)
  for _, statement in ipairs(self) do
    local ok, problem = pcall(conn.query, conn, statement.sql)
    if not ok then
      M.raise(problem, subject, statement.what)
    end
  end
end

--- All of them as one script, for one round trip.
---@return string
function Statements:script()
  local texts = {}
  for i, statement in ipairs(self) do
    texts[i] = statement.sql
  end
  return table.concat(texts, ";\n")
end

return M
